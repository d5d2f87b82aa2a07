//! Which operation of a session may begin: one at a time, explain and close always.
//!
//! A cancelled operation that has not ended yet is ended first, with the after-state that a cancel has: the tape
//! is what is in the KV cache. So a caller who drops an operation and begins another is never told that it is busy.

use core::fmt;

use serde::{Deserialize, Serialize};

/// An operation of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Makes a text the beginning of the tape.
    EnsurePrefix,
    /// Puts a text behind the end of the tape.
    PrefillSuffix,
    /// Generates.
    Decode,
    /// Writes the tape and its cache to disk.
    Snapshot,
    /// Puts what was written to disk in the place of the tape and its cache.
    Restore,
    /// Reports; changes nothing.
    Explain,
    /// Ends the session.
    Close,
}

/// What the session is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activity {
    /// Nothing.
    Idle,
    /// An operation that its caller waits for.
    Running(Operation),
    /// An operation that nobody waits for any more.
    Cancelled(Operation),
    /// Nothing, for good: its KV state is unknown.
    Fatal,
}

/// What to do with an operation that wants to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum Admission {
    /// Begin it.
    Begin,
    /// End the running operation, then begin it.
    EndFirst,
    /// Refuse it: this one runs.
    Busy(Operation),
    /// Refuse it: the session failed.
    Fatal,
}

impl Activity {
    /// The operation under way, a cancelled one included.
    pub fn operation(self) -> Option<Operation> {
        match self {
            Activity::Running(operation) | Activity::Cancelled(operation) => Some(operation),
            Activity::Idle | Activity::Fatal => None,
        }
    }

    /// Whether it generates.
    pub fn is_decode(self) -> bool {
        matches!(self, Activity::Running(Operation::Decode) | Activity::Cancelled(Operation::Decode))
    }

    /// Whether `wanted` may begin.
    pub fn admits(self, wanted: Operation) -> Admission {
        match (self, wanted) {
            (Activity::Cancelled(_), _) | (Activity::Running(_), Operation::Close) => Admission::EndFirst,
            (_, Operation::Explain | Operation::Close) | (Activity::Idle, _) => Admission::Begin,
            (Activity::Running(operation), _) => Admission::Busy(operation),
            (Activity::Fatal, _) => Admission::Fatal,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operation::EnsurePrefix => "ensure_prefix",
            Operation::PrefillSuffix => "prefill_suffix",
            Operation::Decode => "decode",
            Operation::Snapshot => "snapshot",
            Operation::Restore => "restore",
            Operation::Explain => "explain",
            Operation::Close => "close",
        })
    }
}
