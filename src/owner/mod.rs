//! Ownership of a data root: at most one process has it, and it stops in time.

pub mod gate;
