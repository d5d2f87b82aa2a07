//! Standard output and standard error: lines for people or for scripts, and an end without noise when nobody reads
//! any more.

use std::io::{self, ErrorKind, Write, stderr, stdout};
use std::time::Duration;

use serde::Serialize;

use super::failure::Failure;

/// Prints a value as one line of JSON.
///
/// # Errors
/// As [`text`].
pub(super) fn json_line(value: &impl Serialize) -> Result<(), Failure> {
    let mut line = serde_json::to_string(value).map_err(io::Error::from)?;
    line.push('\n');
    text(&line)
}

/// Prints text as it is, at once.
///
/// # Errors
/// A [quiet](Failure::nobody_reads) failure when the reader is gone: `modeld run … | head` has seen enough.
pub(super) fn text(text: &str) -> Result<(), Failure> {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::nobody_reads()),
        written => Ok(written?),
    }
}

/// A remark for people, beside what scripts read. That nobody reads it is no failure.
pub(super) fn note(text: &str) {
    let _ = writeln!(stderr(), "modeld: {text}");
}

/// A length of time in milliseconds, to a tenth.
pub(super) fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}

/// What a model wrote, safe for a terminal: control characters other than line ends and tabs are shown, not obeyed.
pub(super) fn harmless(text: &str) -> String {
    let shown =
        |c: char| if c.is_control() && c != '\n' && c != '\t' { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_can_not_command_the_terminal() {
        assert_eq!(harmless("a\x1b[2Jb\tc\r\n"), "a\u{FFFD}[2Jb\tc\u{FFFD}\n");
    }
}
