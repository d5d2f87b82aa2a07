//! The models, one a chapter of the specification.

pub mod fence;
pub mod lease;
pub mod slot;
