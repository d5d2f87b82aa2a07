//! The lease on real files: performs the effects of the machines in [`modeld_spec::lease`], decides nothing.

mod epochs;
pub mod files;
mod locks;
mod residency;
pub mod store;
