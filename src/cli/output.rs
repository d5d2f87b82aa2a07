//! Standard output: lines for people or for scripts, and an end without noise when nobody reads any more.

use std::io::{self, ErrorKind, Write, stdout};

use serde::Serialize;

use super::failure::Failure;

/// Prints a value as one line of JSON.
pub(super) fn json_line(value: &impl Serialize) -> Result<(), Failure> {
    let mut line = serde_json::to_string(value).map_err(io::Error::from)?;
    line.push('\n');
    text(&line)
}

/// Prints text as it is, at once.
pub(super) fn text(text: &str) -> Result<(), Failure> {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // `modeld … | head` has seen enough: that is no failure of ours.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        written => Ok(written?),
    }
}

/// What a model wrote, safe for a terminal: control characters other than line ends and tabs are shown, not obeyed.
pub(super) fn harmless(text: &str) -> String {
    let shown =
        |c: char| if c.is_control() && c != '\n' && c != '\t' { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().map(shown).collect()
}
