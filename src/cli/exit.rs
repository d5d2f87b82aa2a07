//! The exit codes: part of the contract with scripts.

use std::process::ExitCode;

use modeld_spec::error::{Class, Error};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It did what it was asked to; for `status`: the owner serves.
    Done,
    /// It failed for a reason that has no code of its own.
    Failed,
    /// The command line is wrong, or an argument is out of range.
    Usage,
    /// Nobody owns the data root (as LSB asks of `status`).
    NotRunning,
    /// It can't be told who owns, or the owner does not answer (as LSB asks of `status`).
    Unknown,
    /// Somebody else owns the data root.
    OwnedByOther,
    /// The lease was lost: another owner, or a renewal that came too late.
    LeaseLost,
    /// The model or the backend failed.
    Model,
    /// The prompt does not fit into the context.
    Overflow,
    /// The data root can't be used.
    DataRoot,
    /// Ended by SIGINT or SIGTERM before it was done.
    Interrupted,
}

impl Exit {
    /// Every code and what it means, for the README and for `modeld --help`.
    pub const TABLE: &'static [(Exit, &'static str)] = &[
        (Exit::Done, "done; for `status`: the owner serves"),
        (Exit::Failed, "failed; for `status`: the owner is dead or stopped, its remains are there"),
        (Exit::Usage, "the command line is wrong, or an argument is out of range"),
        (Exit::NotRunning, "nobody owns the data root"),
        (Exit::Unknown, "it can't be told who owns, or the owner does not answer"),
        (Exit::OwnedByOther, "somebody else owns the data root"),
        (Exit::LeaseLost, "the lease was lost"),
        (Exit::Model, "the model or the backend failed"),
        (Exit::Overflow, "the prompt does not fit into the context"),
        (Exit::DataRoot, "the data root can't be used"),
        (Exit::Interrupted, "ended by SIGINT or SIGTERM before it was done"),
    ];

    /// The code.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::NotRunning => 3,
            Exit::Unknown => 4,
            Exit::OwnedByOther => 5,
            Exit::LeaseLost => 6,
            Exit::Model => 7,
            Exit::Overflow => 8,
            Exit::DataRoot => 9,
            Exit::Interrupted => 130,
        }
    }

    /// The code for a failure that the owner reported.
    pub(super) fn of(error: &Error) -> Exit {
        match error.class() {
            Class::Refused | Class::Internal => Exit::Failed,
            Class::Fenced => Exit::LeaseLost,
            Class::Overflow => Exit::Overflow,
            Class::Backend => Exit::Model,
            Class::Misuse => match error {
                Error::ModelNotFound { .. } => Exit::Model,
                _ => Exit::Usage,
            },
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_every_code() {
        let readme = include_str!("../../README.md");
        for (exit, meaning) in Exit::TABLE {
            let row = format!("| {} | {meaning} |", exit.code());
            assert!(readme.contains(&row), "the README lacks: {row}");
        }
    }
}
