//! The demo as a person reads it: what happens, as it happens, and the figures at the end.

use std::io::Write;
use std::time::Duration;

use super::Report;

/// Where the demo tells its story, if anywhere.
pub(super) struct Account<'a> {
    out: Option<Box<dyn Write + 'a>>,
}

impl<'a> Account<'a> {
    /// Tells it to a person.
    pub(super) fn told(out: impl Write + 'a) -> Account<'a> {
        Account { out: Some(Box::new(out)) }
    }

    /// Tells nothing: a script reads the report.
    pub(super) fn silent() -> Account<'a> {
        Account { out: None }
    }

    /// A process is there.
    pub(super) fn process(&mut self, name: &str, pid: u32, what: &str) {
        self.write(&format!("{name:9} pid {pid}, {what}\n"));
    }

    /// The client begins.
    pub(super) fn question(&mut self, model: &str, prompt: &str) {
        self.write(&format!("client    asks {model}: \"{prompt}\"\n\n"));
    }

    /// A piece of the answer. A model may say anything, so nothing of it reaches the terminal as a command.
    pub(super) fn text(&mut self, text: &str) {
        let shown =
            |c: char| if c.is_control() && c != '\n' && c != '\t' { char::REPLACEMENT_CHARACTER } else { c };
        self.write(&text.chars().map(shown).collect::<String>());
    }

    /// The owner is dead.
    pub(super) fn killed(&mut self, pid: u32, pieces: u64) {
        self.write(&format!("\n\n--- after {pieces} pieces of text: kill -9 {pid}, the owner ---\n"));
    }

    /// Somebody else owns.
    pub(super) fn taken_over(&mut self, pid: u32, epoch: u64, after: Duration) {
        let after = milliseconds(after);
        self.write(&format!(
            "\n--- {after} ms later: pid {pid}, the standby, is the owner, epoch {epoch} ---\n\n"
        ));
    }

    /// It is over, and went well.
    pub(super) fn end(&mut self, report: &Report) {
        let epochs: Vec<String> = report.epochs.iter().map(u64::to_string).collect();
        self.write(&format!(
            "\n\n\
             epochs    {}\n\
             takeover  {} ms from the kill to the new owner\n\
             client    {} ms between the last text of the old owner and the first of the new\n\
             answer    {} tokens, ended by {}; of the prompt {} tokens were resident, {} were read\n\
             checked   no item of an old epoch, none missing, none twice\n",
            epochs.join(", "),
            report.takeover_ms,
            report.client_gap_ms,
            report.tokens,
            report.finish_reason,
            report.reused,
            report.prefilled,
        ));
    }

    /// Anything else worth a line.
    pub(super) fn note(&mut self, line: &str) {
        self.write(&format!("{line}\n"));
    }

    fn write(&mut self, text: &str) {
        if let Some(out) = &mut self.out {
            // Who watched may have gone; the demo still ends properly.
            _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        }
    }
}

/// With one decimal: finer than what a reading by another process can tell.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_escape_sequence_reaches_the_terminal() {
        let mut out = Vec::new();
        Account::told(&mut out).text("a\x1b[2Jb\r\n");
        assert_eq!(String::from_utf8(out).unwrap(), "a\u{FFFD}[2Jb\u{FFFD}\n");
    }

    #[test]
    fn a_script_is_told_nothing() {
        Account::silent().note("x");
        assert!(Account::silent().out.is_none());
    }

    #[test]
    fn times_have_one_decimal() {
        assert_eq!(milliseconds(Duration::from_micros(12_345)), 12.3);
    }
}
