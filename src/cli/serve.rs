//! `modeld serve`: own the data root and serve, or stand by until that is possible.

use clap::Args;
use modeld_spec::lease::decision::Why;
use modeld_spec::lease::evict;
use modeld_spec::lease::record::Record;
use serde_json::{Value, json};

use super::exit::Exit;
use super::failure::Failure;
use super::memory::MemoryArgs;
use super::output::{self, note};
use super::signals::asked_to_stop;
use super::terms::{DataRootArgs, OwnerArgs};
use crate::daemon::{self, Daemon, End, Started};
use crate::owner::{Released, StandbyEvent, Stop};

/// Own the data root and serve its models until stopped
///
/// Prints a line when it serves. Ends with exit code 5 if another process owns the data root, which it names;
/// with --standby it waits until it can take over instead. SIGTERM and SIGINT hand over: running work is
/// ended, memory given back, and then the lease released.
#[derive(Args, Debug)]
pub(super) struct Serve {
    /// Wait for the ownership if another process has it
    #[arg(long)]
    standby: bool,
    /// Print events as JSON, one a line
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    root: DataRootArgs,
    #[command(flatten)]
    owner: OwnerArgs,
    #[command(flatten)]
    memory: MemoryArgs,
}

impl Serve {
    pub(super) async fn run(&self) -> Result<Exit, Failure> {
        let mut options = self.owner.options(self.root.resolve()?)?;
        self.memory.apply(&mut options.limits);
        self.warn_about_cpu();
        let mut asked = std::pin::pin!(asked_to_stop()?);
        let daemon = if self.standby {
            let stop = Stop::new()?;
            let json = self.json;
            let standing = daemon::stand_by(options, stop.clone(), tell(json));
            let mut standing = std::pin::pin!(standing);
            tokio::select! {
                daemon = &mut standing => daemon?,
                () = &mut asked => {
                    stop.ask();
                    // It may have become the owner in the same moment: then there is something to release.
                    if let Some(daemon) = standing.await? {
                        let _ = daemon.shut_down().await?;
                    }
                    None
                }
            }
        } else {
            match daemon::start(options).await? {
                Started::Owner(daemon) => Some(*daemon),
                Started::Follower(owner) => return Err(owned_by_other(owner.why())),
            }
        };
        let Some(daemon) = daemon else {
            self.say(&json!({"event": "stopped", "reason": null, "released": "nothing"}), "");
            return Ok(Exit::Done);
        };
        self.announce(&daemon);
        let (end, released) = daemon.run_until(asked).await?;
        self.report(end, &released)
    }

    /// Tells scripts or people. Whoever read may be gone: that does not keep an owner from owning.
    fn say(&self, event: &Value, line: &str) {
        let _ = match (self.json, line) {
            (true, _) => output::json_line(event),
            (false, "") => Ok(()),
            (false, line) => output::text(&format!("{line}\n")),
        };
    }

    fn announce(&self, daemon: &Daemon) {
        let Some(record) = daemon.record() else { return };
        let mut event = describe(record);
        event["event"] = "owner".into();
        event["boot_ns"] = record.acquired_at.as_nanos().into();
        let line = format!(
            "owner of epoch {}, pid {}, serving {} at {}",
            record.epoch,
            record.process.pid,
            record.meta.backend.as_deref().unwrap_or("nothing"),
            record.meta.endpoint.as_deref().unwrap_or("no endpoint"),
        );
        self.say(&event, &line);
        match daemon.owner().evicted() {
            Some(evict::Outcome::Waiting) => note("waiting until the previous owner's memory is back"),
            Some(evict::Outcome::Killed(process)) => {
                note(&format!("ended the wedged previous owner, {process}"));
            }
            Some(evict::Outcome::Unproven) => {
                note("the previous owner can't be ended: it is not known which process it is");
            }
            Some(evict::Outcome::Failed(failure)) => note(&failure.to_string()),
            Some(evict::Outcome::Gone(_) | evict::Outcome::Breach(_)) | None => {}
        }
    }

    fn report(&self, end: Option<End>, released: &Released) -> Result<Exit, Failure> {
        let reason = end.as_ref().map(ToString::to_string);
        let event = if matches!(end, Some(End::LeaseLost(_))) { "lost" } else { "stopped" };
        self.say(&json!({"event": event, "reason": reason, "released": outcome(released)}), "");
        match released {
            Released::MemoryHeld(failure) if end.is_none() => {
                return Err(Failure::text(
                    Exit::Failed,
                    format!("memory is still held: {}", failure.cause),
                    None,
                ));
            }
            Released::MemoryHeld(failure) => note(&format!("memory is still held: {}", failure.cause)),
            Released::RecordLeft(Some(failure)) => note(&failure.to_string()),
            Released::Breach(breach) => note(&breach.to_string()),
            Released::Released | Released::Superseded | Released::RecordLeft(None) | Released::Nothing => {}
        }
        match end {
            None => Ok(Exit::Done),
            Some(end @ End::LeaseLost(_)) => Err(Failure::new(
                Exit::LeaseLost,
                &end,
                Some("see who owns the data root: `modeld status`".to_owned()),
            )),
            Some(end @ (End::Server(_) | End::Died(_))) => Err(Failure::new(Exit::Failed, &end, None)),
        }
    }

    #[cfg(feature = "llama")]
    fn warn_about_cpu(&self) {
        use crate::engine::llama::cpu_report;
        if let Ok(report) = cpu_report()
            && !(report.build_lacks.is_empty() && report.cpu_lacks.is_empty())
        {
            note(&format!("warning: {report}"));
        }
    }

    #[cfg(not(feature = "llama"))]
    fn warn_about_cpu(&self) {}
}

/// Tells what a standby sees, each thing once.
fn tell(json: bool) -> impl FnMut(StandbyEvent<'_>) + Send + 'static {
    let mut told = None;
    move |event| {
        let (key, text, value) = match event {
            StandbyEvent::Following(why) => {
                let key = format!("{:?}", (std::mem::discriminant(why), epoch_of(why)));
                (
                    key,
                    format!("standing by: {}", said(why)),
                    json!({"event": "standby", "holder": holder(why)}),
                )
            }
            StandbyEvent::Unclear(failure) => {
                let reason =
                    failure.map_or("another process keeps the latch".to_owned(), ToString::to_string);
                (
                    reason.clone(),
                    format!("standing by: {reason}"),
                    json!({"event": "unclear", "reason": reason}),
                )
            }
        };
        if told.as_ref() != Some(&key) {
            told = Some(key);
            // A reader that is gone does not keep the standby from standing by.
            let _ = if json { output::json_line(&value) } else { output::text(&(text + "\n")) };
        }
    }
}

fn epoch_of(why: &Why) -> Option<u64> {
    match why {
        Why::Held(record) => Some(record.epoch.get()),
        Why::Draining | Why::HeldByUnknown | Why::LockReplaced(_) => None,
    }
}

fn holder(why: &Why) -> Value {
    match why {
        Why::Held(record) => describe(record),
        Why::LockReplaced(process) => json!({"pid": process.pid}),
        Why::Draining | Why::HeldByUnknown => Value::Null,
    }
}

fn describe(record: &Record) -> Value {
    json!({
        "epoch": record.epoch,
        "instance": record.instance,
        "pid": record.process.pid,
        "host": record.host,
        "endpoint": record.meta.endpoint,
        "backend": record.meta.backend,
    })
}

/// Why this process follows, as the end of a sentence.
pub(super) fn said(why: &Why) -> String {
    match why {
        Why::Held(record) => {
            format!("owned by {} ({}), epoch {}", record.process, record.host, record.epoch)
        }
        Why::Draining => "the memory of the previous owner is not back yet".to_owned(),
        Why::HeldByUnknown => {
            "another process has resident models, and the lease file does not say which".to_owned()
        }
        Why::LockReplaced(process) => {
            format!("the lock file was replaced while {process} had it, and {process} still lives")
        }
    }
}

/// The failure of a process that wanted to own and can't.
pub(super) fn owned_by_other(why: Option<&Why>) -> Failure {
    let text = match why {
        Some(why) => format!("the data root can't be owned: {}", said(why)),
        None => "the data root can't be owned".to_owned(),
    };
    let hint = "use it with `modeld run`, look at it with `modeld status`, or wait for it with `modeld serve --standby`";
    Failure::text(Exit::OwnedByOther, text, Some(hint.to_owned()))
}

fn outcome(released: &Released) -> &'static str {
    match released {
        Released::Released => "released",
        Released::Superseded => "superseded",
        Released::RecordLeft(_) => "record_left",
        Released::MemoryHeld(_) => "memory_held",
        Released::Breach(_) => "internal_error",
        Released::Nothing => "nothing",
    }
}
