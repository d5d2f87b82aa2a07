//! How a command ended, as its exit code and its error say it.

use std::io;

use super::table::thousands;
use crate::search::Memory;

/// How a command that ran ended. The exit codes are part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// 0: everything is as it should be.
    AsExpected,
    /// 1: a promise fell, a count is not the pinned one, a mutant survived, something never happened.
    Fell,
    /// 3: a search was not complete, and says nothing.
    Incomplete,
}

impl Outcome {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Outcome::AsExpected => 0,
            Outcome::Fell => 1,
            Outcome::Incomplete => 3,
        }
    }
}

/// A command that could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A name that does not exist.
    #[error("there is no {kind} {name:?}\n\nhint: {hint}")]
    Unknown {
        /// Of what.
        kind: &'static str,
        /// The name.
        name: String,
        /// Where to find the right one.
        hint: &'static str,
    },
    /// A search that can't fit the memory.
    #[error(
        "{what} has {} states, which take {wanted} of memory, and {given} may be taken\n\nhint: `--memory` gives it more",
        thousands(*states)
    )]
    Memory {
        /// The configuration.
        what: String,
        /// Its distinct states.
        states: usize,
        /// What they take at the least.
        wanted: Memory,
        /// What may be taken.
        given: Memory,
    },
    /// A file or an address that can't be had.
    #[error("{what}: {cause}")]
    Io {
        /// What was wanted.
        what: String,
        /// What the system said.
        cause: io::Error,
    },
    /// A file that is no schedule of this model.
    #[error("{file}: {cause}")]
    Schedule {
        /// The file.
        file: String,
        /// What is wrong with it.
        cause: crate::schedule::Malformed,
    },
    /// A file that is not what `check --json` prints.
    #[error("{file}: not what `check --json` prints: {cause}")]
    Measured {
        /// The file.
        file: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The output could not be written.
    #[error("could not write the output: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    /// The exit code: 2, the command line or what it names; 3 where a search would not have been complete.
    pub fn code(&self) -> u8 {
        match self {
            Failure::Memory { .. } => Outcome::Incomplete.code(),
            Failure::Unknown { .. }
            | Failure::Io { .. }
            | Failure::Schedule { .. }
            | Failure::Measured { .. }
            | Failure::Output(_) => 2,
        }
    }

    /// Whether whoever read the output has seen enough.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
