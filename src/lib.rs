//! `modeld`: a per-user model daemon. One process owns the resident models of a data root under a lease;
//! everyone else finds it, talks to it, or waits to take over.
//!
//! The protocol is in [`modeld_spec`]; this crate performs it on real files, clocks and models.

pub mod conn;
pub mod data_root;
pub mod engine;
#[cfg(test)]
mod harness;
pub mod lease;
pub mod os;
pub mod owner;
pub mod probe;
mod sync;
pub mod transport;
