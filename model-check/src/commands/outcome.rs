//! How a command ended, as its exit code and its error say it.

use std::io;

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
    /// The output could not be written.
    #[error("could not write the output: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    /// The exit code: 2, the command line or what it names.
    pub const CODE: u8 = 2;

    /// Whether whoever read the output has seen enough.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
