//! `modeld status`: who owns, how that is known, and what is resident.

use std::time::Duration;

use clap::Args;
use modeld_spec::lease::record::Record;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::exit::Exit;
use super::failure::Failure;
use super::output;
use super::terms::DataRootArgs;
use crate::conn::{Client, Options, OwnerStatus};
use crate::probe::{Probed, State};

/// Show who owns the data root and what is resident
///
/// Takes no lock and waits for each of the owner's two answers no longer than --timeout. The exit code is that of LSB: 0 it
/// serves, 1 it is dead or stopped and its remains are there, 3 nobody owns, 4 it can't be told.
#[derive(Args, Debug)]
pub(super) struct Status {
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
    /// How long to wait for an answer of the owner
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = humantime::parse_duration)]
    timeout: Duration,
    #[command(flatten)]
    root: DataRootArgs,
}

impl Status {
    pub(super) async fn run(&self) -> Result<Exit, Failure> {
        let root = self.root.resolve()?;
        let client = Client::new(root, Options { answer_max: self.timeout, ..Options::default() })?;
        let probed = client.detector().probe(self.timeout).await?;
        let condition = Condition::of(&probed);
        let status = match condition {
            Condition::Running | Condition::NotServing => {
                timeout(self.timeout, client.status()).await.ok().and_then(Result::ok)
            }
            _ => None,
        };
        if self.json {
            output::json_line(&self.described(condition, &probed, status.as_ref()))?;
        } else {
            output::text(&told(condition, &probed, status.as_ref()))?;
        }
        Ok(condition.exit())
    }

    fn described(&self, condition: Condition, probed: &Probed, status: Option<&OwnerStatus>) -> Value {
        let record = probed.state.record();
        let answer = match &probed.answer {
            Some(Err(error)) => json!({"error": error.to_string()}),
            Some(Ok(answer)) => json!({"serving": answer.serving, "backend": answer.backend}),
            None => Value::Null,
        };
        let models = status.map(|status| {
            let model = |model: &crate::engine::ModelStatus| {
                json!({
                    "path": model.path, "names": model.members, "ready": model.ready, "fraction": model.fraction,
                    "sessions": model.sessions, "bytes": model.bytes,
                })
            };
            status.models.iter().map(model).collect::<Vec<_>>()
        });
        json!({
            "state": condition.name(),
            "evidence": probed.state.to_string(),
            "exit_code": condition.exit().code(),
            "epoch": record.map(|record| record.epoch),
            "instance": record.map(|record| &record.instance),
            "pid": record.map(|record| record.process.pid),
            "host": record.map(|record| &record.host),
            "endpoint": record.and_then(|record| record.meta.endpoint.as_ref()),
            "backend": record.and_then(|record| record.meta.backend.as_ref()),
            "answer": answer,
            "resident": status.map(|status| status.resident),
            "lease_left_ms": status.map(|status| status.lease_left.as_millis() as u64),
            "connections": status.map(|status| status.connections),
            "version": status.map(|status| &status.version),
            "models": models,
        })
    }
}

/// In which condition the owner is, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Running,
    NotServing,
    Unreachable,
    Stale,
    NotRunning,
    Unreadable,
}

impl Condition {
    fn of(probed: &Probed) -> Condition {
        match (&probed.state, &probed.answer) {
            (State::NotRunning, _) => Condition::NotRunning,
            (State::Unreadable(_), _) => Condition::Unreadable,
            (State::Stale { .. }, _) => Condition::Stale,
            (State::Running(_) | State::Foreign { .. }, Some(Ok(answer))) if answer.serving => {
                Condition::Running
            }
            (State::Running(_) | State::Foreign { .. }, Some(Ok(_))) => Condition::NotServing,
            (State::Running(_) | State::Foreign { .. }, Some(Err(_)) | None) => Condition::Unreachable,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Condition::Running => "running",
            Condition::NotServing => "not_serving",
            Condition::Unreachable => "unreachable",
            Condition::Stale => "stale",
            Condition::NotRunning => "not_running",
            Condition::Unreadable => "unreadable",
        }
    }

    fn exit(self) -> Exit {
        match self {
            Condition::Running => Exit::Done,
            Condition::Stale => Exit::Failed,
            Condition::NotRunning => Exit::NotRunning,
            Condition::NotServing | Condition::Unreachable | Condition::Unreadable => Exit::Unknown,
        }
    }
}

fn told(condition: Condition, probed: &Probed, status: Option<&OwnerStatus>) -> String {
    let mut text = format!("{}\n  {}\n", condition.name().replace('_', " "), probed.state);
    let mut row = |name: &str, value: String| text += &format!("  {name:<10} {value}\n");
    if let Some(record) = probed.state.record() {
        owner_rows(record, &mut row);
    }
    if let Some(Err(error)) = &probed.answer {
        row("answer", error.to_string());
    }
    if let Some(status) = status {
        let resident =
            if status.resident { "has the residency lock" } else { "waits for the residency lock" };
        row("lease", format!("{:.1} s left, {resident}", status.lease_left.as_secs_f64()));
        if status.models.is_empty() {
            row("models", "none resident".to_owned());
        }
        for model in &status.models {
            let state = if model.ready {
                format!("{} sessions", model.sessions)
            } else {
                format!("loading, {:.0} %", model.fraction * 100.0)
            };
            row("model", format!("{} ({state})", model.path.display()));
        }
    }
    text
}

fn owner_rows(record: &Record, row: &mut impl FnMut(&str, String)) {
    row("owner", format!("{} on {}, epoch {}", record.process, record.host, record.epoch));
    row("instance", record.instance.to_string());
    if let Some(endpoint) = &record.meta.endpoint {
        row("endpoint", endpoint.clone());
    }
    if let Some(backend) = &record.meta.backend {
        row("backend", backend.clone());
    }
}
