//! What the demo relies on of modeld's command line: arguments, events, the last line. All of it is here.
//!
//! `serve --json` prints one event a line. `run --json` prints one event a line and ends with the outcome, a line
//! without `event`. Fields and events that this file does not name are ignored, so that modeld may say more.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

use crate::failure::{OrFail, Result};
use crate::workspace;

/// The word that names the model of this repository.
pub(super) const DEMO_MODEL: &str = "demo";

/// `modeld serve`: as owner, or as standby for one.
pub(super) fn serve(modeld: &Path, data_root: &Path, standby: bool) -> Result<Command> {
    let mut command = workspace::command(modeld)?;
    command.args(["serve", "--json", "--ttl", TTL, "--data-root"]).arg(data_root);
    if standby {
        command.arg("--standby");
    }
    Ok(command)
}

/// `modeld run`: greedy, so that the answer does not depend on which owner says which part of it.
pub(super) fn run(modeld: &Path, data_root: &Path, question: &Question<'_>) -> Result<Command> {
    let mut command = workspace::command(modeld)?;
    command.args(["run", "--json", "--temperature", "0", "--data-root"]).arg(data_root);
    command.args(["--max-tokens", &question.tokens.to_string(), "--", question.model, question.prompt]);
    Ok(command)
}

/// What the client asks.
pub(super) struct Question<'a> {
    /// A path, or [`DEMO_MODEL`].
    pub(super) model: &'a str,
    /// The prompt.
    pub(super) prompt: &'a str,
    /// The answer has at most this many tokens.
    pub(super) tokens: u32,
}

/// A line of `serve --json`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Served {
    /// It owns the data root and serves.
    Owner { epoch: u64, pid: u32 },
    /// It waits for the owner's end.
    Standby,
    #[serde(other)]
    Other,
}

/// A line of `run --json`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said {
    Event(Event),
    /// The last line.
    Outcome(Outcome),
}

/// A line of `run --json` but the last.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event {
    /// A session is open.
    Open { epoch: u64 },
    /// The next piece of the answer.
    Text { epoch: u64, text: String, index: u64 },
    /// The client goes on with another owner.
    OwnerChanged { from_epoch: u64, to_epoch: u64 },
    #[serde(other)]
    Other,
}

/// How the answer ended.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(super) struct Outcome {
    /// The whole answer.
    pub(super) text: String,
    pub(super) tokens: u64,
    #[serde(default)]
    pub(super) reused: u64,
    #[serde(default)]
    pub(super) prefilled: u64,
    pub(super) finish_reason: String,
    /// What the client itself counted and refused.
    pub(super) stale_items: u64,
}

impl Served {
    pub(super) fn parse(line: &str) -> Result<Served> {
        serde_json::from_str(line).or_fail(|| not_understood("serve", line))
    }
}

impl Said {
    pub(super) fn parse(line: &str) -> Result<Said> {
        let value: Value = serde_json::from_str(line).or_fail(|| not_understood("run", line))?;
        if value.get("event").is_some() {
            Event::deserialize(value).map(Said::Event).or_fail(|| not_understood("run", line))
        } else {
            Outcome::deserialize(value).map(Said::Outcome).or_fail(|| not_understood("run", line))
        }
    }
}

fn not_understood(command: &str, line: &str) -> String {
    let shown: String = line.chars().take(SHOWN).collect();
    format!("`modeld {command} --json` printed what the demo does not understand: {shown}")
}

/// Far beyond the length of the demo: a takeover that is seen has not come from the lease's expiry.
const TTL: &str = "30s";
/// Characters of an odd line that a message quotes.
const SHOWN: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_serve_are_understood() {
        let owner = r#"{"event":"owner","epoch":3,"instance":"i","endpoint":"unix:/s","pid":7,"boot_ns":1}"#;
        assert_eq!(Served::parse(owner).unwrap(), Served::Owner { epoch: 3, pid: 7 });
        let standby = r#"{"event":"standby","holder":{"pid":7,"epoch":3}}"#;
        assert_eq!(Served::parse(standby).unwrap(), Served::Standby);
        assert_eq!(Served::parse(r#"{"event":"lost","reason":"x"}"#).unwrap(), Served::Other);
    }

    #[test]
    fn events_and_outcome_of_run_are_understood() {
        let text = r#"{"event":"text","epoch":1,"text":" a","index":4}"#;
        let expected = Event::Text { epoch: 1, text: " a".into(), index: 4 };
        assert_eq!(Said::parse(text).unwrap(), Said::Event(expected));
        let changed = r#"{"event":"owner_changed","from_epoch":1,"to_epoch":2,"gap_ms":3.5}"#;
        let expected = Event::OwnerChanged { from_epoch: 1, to_epoch: 2 };
        assert_eq!(Said::parse(changed).unwrap(), Said::Event(expected));
        let last = r#"{"text":"a b","tokens":2,"reused":0,"prefilled":9,"finish_reason":"stop","epoch":2,
            "epochs":[1,2],"stale_items":0,"took_ms":5}"#;
        let expected = Outcome {
            text: "a b".into(),
            tokens: 2,
            prefilled: 9,
            finish_reason: "stop".into(),
            ..Outcome::default()
        };
        assert_eq!(Said::parse(last).unwrap(), Said::Outcome(expected));
    }

    #[test]
    fn other_lines_are_quoted_in_the_failure() {
        for line in ["Listening on 7", "{\"event\":\"text\"}", "{\"tokens\":1}", "[]"] {
            let failure = Said::parse(line).unwrap_err().to_string();
            assert!(failure.contains(line), "{failure}");
        }
        assert!(Served::parse("hello").is_err());
    }

    #[test]
    fn a_prompt_that_looks_like_a_flag_stays_a_prompt() {
        let question = Question { model: "demo", prompt: "--help", tokens: 5 };
        let command = run(Path::new("modeld"), Path::new("/d"), &question).unwrap();
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        assert_eq!(words[words.len() - 3..], ["--", "demo", "--help"]);
    }
}
