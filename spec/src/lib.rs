//! The protocol of `modeld`, as code without effects.
//!
//! Every decision about ownership and sessions is made here, by machines that consume what was observed and
//! name the next effect ([`step::Machine`]). The model checker, the simulation and the daemon perform the same
//! machines; none of them decides anything twice.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod daemon;
pub mod error;
pub mod fence;
pub mod follow;
pub mod holder;
pub mod ids;
pub mod lease;
pub mod probe;
pub mod session;
pub mod slot;
pub mod step;
pub mod time;
