//! `demo`: an owner dies in the middle of an answer, a standby takes over, the client goes on.
//!
//!     owner  --serves--> killed
//!     standby --waits-------------> serves
//!     client  --reads epoch 1-----> reads epoch 2 --> ends
//!
//! [`story`] plays it with real processes ([`process`]) on a temporary data root, knowing of `modeld` only its
//! command line ([`contract`]); [`account`] tells it to a person. Whatever happens, no process and no folder is
//! left. Each wait has a bound. Fails if the client saw an item of an old epoch, lost one, or saw one twice.

mod account;
mod contract;
mod process;
mod story;

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::deps;
use crate::failure::{Failure, OrFail, Result};
use crate::interrupt::Interrupt;
use crate::workspace;

/// Show a takeover in the middle of an answer
///
/// Builds modeld, starts an owner and a standby on a temporary data root, lets a client stream an answer, kills
/// the owner with SIGKILL in the middle, and shows the standby take over and the client finish. Installs cmake
/// and libclang through apt where it may. Leaves no process and no folder behind.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Print one JSON object and nothing else to standard output
    #[arg(long)]
    json: bool,
    /// A GGUF model [default: the demo model of this repository]
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// What the client asks
    #[arg(long, default_value = "The lease is")]
    prompt: String,
    /// Length of the answer, in tokens
    #[arg(long, value_name = "N", default_value_t = 160)]
    tokens: u32,
    /// Kill the owner when the client has seen this many pieces of text
    #[arg(long, value_name = "N", default_value_t = 12)]
    kill_after: u32,
    /// How modeld is built; `dev` shares what the tests have compiled
    #[arg(long, value_enum, default_value_t = Profile::Release)]
    profile: Profile,
    /// Use this modeld and build none
    #[arg(long, value_name = "FILE")]
    bin: Option<PathBuf>,
    /// Keep the data root, and say where it is
    #[arg(long)]
    keep: bool,
    /// Install no system packages: say what is missing and end with exit code 2
    #[arg(long)]
    no_install: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Profile {
    Release,
    Dev,
}

/// What `--json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The epochs of which the client saw output, in order.
    epochs: Vec<u64>,
    /// From the kill to the new owner's word that it serves.
    takeover_ms: f64,
    /// From the last piece of text of the killed owner to the first of the new one.
    client_gap_ms: f64,
    /// Tokens of the answer.
    tokens: u64,
    /// Tokens of the prompt that the first owner had in memory.
    reused: u64,
    /// Tokens of the prompt that the first owner had to read.
    prefilled: u64,
    /// Why the answer ended.
    finish_reason: String,
    /// Items of an epoch older than one seen before; anything but 0 is a defect.
    stale_items: u64,
    owner_pid: u32,
    standby_pid: u32,
    model: String,
    /// The whole answer.
    text: String,
}

/// Plays the demo and tells what happened.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let interrupt = Interrupt::install()?;
    let modeld = match &arguments.bin {
        Some(file) => file.canonicalize().or_fail(|| format!("could not find {}", file.display()))?,
        None => {
            deps::ensure(!arguments.no_install)?;
            build(arguments.profile, &interrupt)?
        }
    };
    let model = match &arguments.model {
        Some(file) => file.canonicalize().or_fail(|| format!("could not find {}", file.display()))?,
        None => PathBuf::from(contract::DEMO_MODEL),
    };
    let script = story::Script {
        modeld,
        model: model.to_string_lossy().into_owned(),
        prompt: arguments.prompt.clone(),
        tokens: arguments.tokens,
        kill_after: arguments.kill_after,
        keep: arguments.keep,
    };
    let mut account =
        if arguments.json { account::Account::silent() } else { account::Account::told(stdout()) };
    let report = story::play(&script, &mut account, &interrupt)?;
    if arguments.json {
        let line = serde_json::to_string(&report).or_fail(|| "could not write the report".to_string())?;
        writeln!(stdout(), "{line}").or_fail(|| "could not print the report".to_string())?;
    }
    Ok(())
}

/// Compiles modeld and says where it is. What cargo says goes to standard error.
fn build(profile: Profile, interrupt: &Interrupt) -> Result<PathBuf> {
    let mut cargo = workspace::cargo()?;
    cargo.args([
        "build",
        "--package",
        "modeld",
        "--bin",
        "modeld",
        "--message-format=json-render-diagnostics",
    ]);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    let (send, receive) = std::sync::mpsc::channel();
    let mut build = process::Child::start_shown(process::Role::Build, cargo, &send)?;
    drop(send);
    let mut built = None;
    loop {
        interrupt.check()?;
        match receive.recv_timeout(Duration::from_millis(50)) {
            Ok(process::Heard { what: process::What::Line(line), .. }) => {
                built = executable(&line).or(built);
            }
            Ok(process::Heard { what: process::What::TooLong, .. })
            | Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
            Ok(process::Heard { what: process::What::End, .. })
            | Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    // Cargo ends at once after its last line.
    interrupt.check()?;
    let ended = build.ended_within(Duration::from_secs(10));
    match (ended.filter(std::process::ExitStatus::success), built) {
        (Some(_), Some(built)) => Ok(built),
        _ => Err(Failure::new("modeld could not be built").hint("see what the compiler says above")),
    }
}

/// The path in cargo's message that the program is there.
fn executable(line: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let is_modeld = message["target"]["name"] == "modeld";
    message["executable"].as_str().filter(|_| is_modeld).map(|path| Path::new(path).to_path_buf())
}

/// Holds what `demo --json` printed against what the demo promises.
pub(crate) fn check_report(printed: &str) -> std::result::Result<(), String> {
    let report: Report = serde_json::from_str(printed.trim())
        .map_err(|error| format!("the demo printed something else than one report: {error}"))?;
    let rising = report.epochs.is_sorted_by(|before, after| before < after);
    if report.epochs.len() < 2 || !rising {
        return Err(format!("the epochs do not rise over a takeover: {:?}", report.epochs));
    }
    if report.stale_items != 0 {
        return Err(format!("{} items of an old epoch were accepted", report.stale_items));
    }
    if report.tokens == 0 || report.text.is_empty() {
        return Err("the answer is empty".to_string());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            epochs: vec![1, 2],
            takeover_ms: 4.5,
            client_gap_ms: 12.0,
            tokens: 160,
            reused: 0,
            prefilled: 20,
            finish_reason: "length".into(),
            stale_items: 0,
            owner_pid: 10,
            standby_pid: 11,
            model: "demo".into(),
            text: "a lease".into(),
        }
    }

    fn checked(report: &Report) -> std::result::Result<(), String> {
        check_report(&serde_json::to_string(report).unwrap())
    }

    #[test]
    fn a_report_of_a_takeover_passes() {
        assert_eq!(checked(&report()), Ok(()));
    }

    #[test]
    fn a_report_that_breaks_a_promise_fails() {
        let broken = [
            Report { epochs: vec![1], ..report() },
            Report { epochs: vec![2, 1], ..report() },
            Report { epochs: vec![1, 1], ..report() },
            Report { stale_items: 1, ..report() },
            Report { tokens: 0, ..report() },
            Report { text: String::new(), ..report() },
        ];
        for report in broken {
            assert!(checked(&report).is_err(), "{report:?}");
        }
        assert!(check_report("").is_err());
        assert!(check_report("{}\n{}").is_err());
    }

    #[test]
    fn the_program_is_found_among_the_messages_of_cargo() {
        let line = r#"{"reason":"compiler-artifact","target":{"name":"modeld","kind":["bin"]},"executable":"/t/modeld"}"#;
        assert_eq!(executable(line), Some(PathBuf::from("/t/modeld")));
        assert_eq!(executable(&line.replace("\"modeld\"", "\"other\"")), None);
        assert_eq!(executable(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(executable("not json"), None);
    }
}
