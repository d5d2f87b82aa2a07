//! What comes from outside beside the flags: a prompt through a pipe, and files. All of it is bounded.

use std::fs::File;
use std::io::{self, IsTerminal, Read, stdin};
use std::path::Path;

use super::exit::Exit;
use super::failure::Failure;

/// The prompt that was given, or else what comes through a pipe. `command` is the one to be shown in the remedy.
///
/// # Errors
/// What is wrong with it: missing, empty, too long, no text.
pub(super) fn prompt(given: Option<&str>, command: &str) -> Result<String, Failure> {
    let prompt = match given {
        Some(prompt) => prompt.to_owned(),
        None => piped(command)?,
    };
    match prompt.is_empty() {
        true => Err(Failure::text(Exit::Usage, "the prompt is empty", None)),
        false => Ok(prompt),
    }
}

/// The text of a file that was named on the command line, at most `bytes_max` long.
///
/// # Errors
/// What is wrong with it.
pub(super) fn file(path: &Path, bytes_max: u64) -> Result<String, Failure> {
    let name = path.display();
    let opened = File::open(path).and_then(|file| read(file, bytes_max));
    let bytes = opened.map_err(|error| {
        let hint = "pass the path of a file that you can read".to_owned();
        Failure::text(Exit::Usage, format!("{name} can't be read: {error}"), Some(hint))
    })?;
    let bytes = bytes
        .ok_or_else(|| Failure::text(Exit::Usage, format!("{name} has more than {bytes_max} bytes"), None))?;
    String::from_utf8(bytes)
        .map_err(|_| Failure::text(Exit::Usage, format!("{name} is not valid UTF-8"), None))
}

fn piped(command: &str) -> Result<String, Failure> {
    if stdin().is_terminal() {
        let hint =
            format!("pass it as the second argument, or through a pipe: `modeld {command} MODEL < FILE`");
        return Err(Failure::text(Exit::Usage, "there is no prompt", Some(hint)));
    }
    let bytes = read(stdin().lock(), PROMPT_BYTES_MAX)?.ok_or_else(|| {
        Failure::text(Exit::Usage, format!("the prompt has more than {PROMPT_BYTES_MAX} bytes"), None)
    })?;
    String::from_utf8(bytes).map_err(|_| Failure::text(Exit::Usage, "the prompt is not valid UTF-8", None))
}

/// All that comes, if that is at most `bytes_max`.
fn read(source: impl Read, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    source.take(bytes_max + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= bytes_max).then_some(bytes))
}

/// What the wire takes in one message, less its frame.
const PROMPT_BYTES_MAX: u64 = 4 << 20;
