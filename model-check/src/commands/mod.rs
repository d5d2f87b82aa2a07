//! What the binary offers, one command a file.

pub mod check;
pub mod explain;
pub mod explore;
pub mod list;
pub mod mutants;
pub mod outcome;
pub mod specimens;

pub use outcome::{Failure, Outcome};
