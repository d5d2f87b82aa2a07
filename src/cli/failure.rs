//! A failure as a person reads it: what failed, why, and what to do about it.

use std::error::Error as StdError;
use std::fmt;

use modeld_spec::error::Error;
use modeld_spec::follow::GivenUp;
use modeld_spec::time::TtlOutOfRange;
use serde_json::{Value, json};

use super::exit::Exit;
use crate::conn::ConnError;
use crate::daemon::StartError;
use crate::data_root::DataRootError;
use crate::owner::JoinError;
use crate::probe::ProbeError;

/// Why a command failed.
#[derive(Debug)]
pub(super) struct Failure {
    exit: Exit,
    /// The stable name of the failure, where it has one.
    token: Option<&'static str>,
    /// What failed, and behind it the causes, the nearest first.
    messages: Vec<String>,
    hint: Option<String>,
}

impl Failure {
    pub(super) fn new(exit: Exit, error: &(dyn StdError + 'static), hint: Option<String>) -> Self {
        let mut messages: Vec<String> = Vec::new();
        let mut next = Some(error);
        while let Some(error) = next {
            let message = error.to_string();
            // An error that passes its source's text on is said once.
            if messages.last() != Some(&message) {
                messages.push(message);
            }
            next = error.source();
        }
        Failure { exit, token: None, messages, hint }
    }

    pub(super) fn text(exit: Exit, message: impl Into<String>, hint: Option<String>) -> Self {
        Failure { exit, token: None, messages: vec![message.into()], hint }
    }

    /// Whoever read the output is gone: there is nobody to tell, and nothing has failed.
    pub(super) fn nobody_reads() -> Self {
        Failure { exit: Exit::Done, token: None, messages: Vec::new(), hint: None }
    }

    /// Whether there is nothing to tell.
    pub(super) fn is_quiet(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    /// The failure for scripts: the last line that a command with `--json` prints.
    pub(super) fn json(&self) -> Value {
        json!({"error": {
            "token": self.token,
            "message": self.messages.join(": "),
            "hint": self.hint,
            "exit_code": self.exit.code(),
        }})
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.messages.join(": "))?;
        match &self.hint {
            Some(hint) => write!(f, "\n\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure { token: Some(error.token()), ..Failure::new(Exit::of(&error), &error, error.hint()) }
    }
}

impl From<DataRootError> for Failure {
    fn from(error: DataRootError) -> Self {
        Failure::new(Exit::DataRoot, &error, Some(error.hint()))
    }
}

impl From<JoinError> for Failure {
    fn from(error: JoinError) -> Self {
        let exit = match &error {
            JoinError::DataRoot(_) | JoinError::Lease(_) | JoinError::EpochsExhausted(_) => Exit::DataRoot,
            JoinError::LatchBusy(_) => Exit::Unknown,
            JoinError::RenewInterval(_) => Exit::Usage,
            JoinError::System { .. } | JoinError::Breach(_) | JoinError::EndpointTooLong => Exit::Failed,
        };
        Failure::new(exit, &error, error.hint())
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Join(error) => error.into(),
            StartError::Listen(error) => {
                let hint = "see that the data root's disk has room, or pass another one with --data-root";
                Failure::new(Exit::DataRoot, &error, Some(hint.to_owned()))
            }
            StartError::Snapshots(_) => {
                let hint =
                    "see that `snapshots` in the data root is a directory of yours and its disk has room";
                Failure::new(Exit::DataRoot, &error, Some(hint.to_owned()))
            }
            StartError::Died(_) => Failure::new(Exit::Failed, &error, None),
        }
    }
}

impl From<ConnError> for Failure {
    fn from(error: ConnError) -> Self {
        let hint = error.hint();
        let (exit, token) = match error.answered() {
            Some(answered) => (Exit::of(answered), Some(answered.token())),
            None => (exit_of(&error), None),
        };
        Failure { token, ..Failure::new(exit, &error, hint) }
    }
}

fn exit_of(error: &ConnError) -> Exit {
    match error {
        ConnError::GivenUp { last: Some(last), .. }
            if last.answered().is_some_and(|last| !last.is_owner_change()) =>
        {
            last.answered().map_or(Exit::Failed, Exit::of)
        }
        ConnError::NoOwner(_) | ConnError::GivenUp { why: GivenUp::NoOwner(_), .. } => Exit::NotRunning,
        ConnError::Probe(_) => Exit::Unknown,
        ConnError::Unreachable { .. } | ConnError::SomebodyElse { .. } => Exit::Unknown,
        _ => Exit::Failed,
    }
}

impl From<ProbeError> for Failure {
    fn from(error: ProbeError) -> Self {
        Failure::new(Exit::Unknown, &error, None)
    }
}

impl From<TtlOutOfRange> for Failure {
    fn from(error: TtlOutOfRange) -> Self {
        Failure::new(Exit::Usage, &error, None)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Failure::new(Exit::Failed, &error, None)
    }
}
