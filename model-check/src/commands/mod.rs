//! What the binary offers, one command a file.

mod account;
pub mod check;
pub mod explain;
pub mod explore;
pub mod list;
pub mod liveness;
pub mod mutants;
pub mod outcome;
mod pool;
mod progress;
pub mod report;
pub mod specimens;
mod table;

pub use outcome::{Failure, Outcome};

/// What is said of a name that nothing has.
fn unknown(kind: &'static str, name: &str) -> Failure {
    Failure::Unknown { kind, name: name.to_string(), hint: "`model-check list` names them" }
}
