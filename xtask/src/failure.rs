//! How a command ends when it does not succeed: one message, at most one hint, one exit code.

use std::fmt;
use std::process::ExitCode;

/// Shorthand for what every command returns.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// Why a command ended, for the person who ran it.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    hint: Option<String>,
    kind: Kind,
}

/// Sorts failures by exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Something was tried and did not work: 1.
    Failed,
    /// As `Failed`, and what there is to say has been said: 1.
    Told,
    /// The machine lacks something that the command can't install: 2, as for unknown flags.
    Missing,
    /// Somebody pressed Ctrl-C or asked for the end: 130.
    Interrupted,
}

impl Failure {
    /// What was tried and did not work.
    pub(crate) fn new(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), hint: None, kind: Kind::Failed }
    }

    /// A failure of which the command's own output has told everything.
    pub(crate) fn told() -> Failure {
        Failure { kind: Kind::Told, ..Failure::new("failed, as told above") }
    }

    /// What the machine lacks.
    pub(crate) fn missing(message: impl Into<String>) -> Failure {
        Failure { kind: Kind::Missing, ..Failure::new(message) }
    }

    /// Ended by the person who started it.
    pub(crate) fn interrupted() -> Failure {
        Failure { kind: Kind::Interrupted, ..Failure::new("interrupted") }
    }

    /// Adds what to do about it.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Failure {
        Failure { hint: Some(hint.into()), ..self }
    }

    /// What sort of failure it is.
    #[cfg(test)]
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Prints it to standard error and says how the process should exit.
    pub(crate) fn report(&self) -> ExitCode {
        if self.kind != Kind::Told {
            eprintln!("{self}");
        }
        ExitCode::from(match self.kind {
            Kind::Failed | Kind::Told => 1,
            Kind::Missing => 2,
            Kind::Interrupted => 130,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

/// Says what was being done when an operation failed.
pub(crate) trait OrFail<T> {
    /// Turns an error into a failure whose message begins with what `doing` says.
    fn or_fail(self, doing: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: fmt::Display> OrFail<T> for std::result::Result<T, E> {
    fn or_fail(self, doing: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Failure::new(format!("{}: {error}", doing())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_stands_apart_from_the_message() {
        let failure = Failure::new("no compiler").hint("install one");
        assert_eq!(failure.to_string(), "error: no compiler\n\nhint: install one");
    }

    #[test]
    fn what_was_being_done_comes_first() {
        let failed: std::result::Result<(), &str> = Err("permission denied");
        let failure = failed.or_fail(|| "could not write a.gguf".to_string()).unwrap_err();
        assert_eq!(failure.to_string(), "error: could not write a.gguf: permission denied");
        assert_eq!(failure.kind(), Kind::Failed);
    }
}
