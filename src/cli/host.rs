//! Owning on the side: `modeld run` owns where nobody else does, for as long as it needs an owner.
//!
//! It looks whether somebody serves and makes an attempt if nobody does; what an attempt means is for the machines to
//! decide. While an answer runs, others come first: only when nobody has served for a while does it try again, so that a
//! standby that waits for exactly this is not pushed aside.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::failure::Failure;
use super::output::note;
use super::serve::owned_by_other;
use crate::daemon::{self, Daemon, Options, Started};
use crate::probe::{Detector, State};

/// Sees to it that there is an owner; ends what it owns when asked to.
pub(super) struct Host {
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), Failure>>,
}

impl Host {
    /// Returns as soon as somebody serves, this process if nobody else does; waits for that `patience` at most.
    ///
    /// # Errors
    /// Why this process can't own, if that is what it needs; or why nobody serves after all of the patience.
    pub(super) async fn begin(
        detector: Detector,
        options: Options,
        answer_max: Duration,
        patience: Duration,
    ) -> Result<Host, Failure> {
        let started = Instant::now();
        let mut is_told = false;
        let daemon = loop {
            let probed = detector.probe(answer_max).await?;
            if probed.answer.is_some_and(|answer| answer.is_ok_and(|answer| answer.serving)) {
                break None;
            }
            let failure = match daemon::start(fresh(&options)).await? {
                Started::Owner(daemon) => break Some(*daemon),
                Started::Follower(owner) => owned_by_other(owner.why()),
            };
            if patience <= started.elapsed() {
                return Err(failure);
            }
            if !is_told {
                note(&format!("waiting for the owner: {}", probed.state));
                is_told = true;
            }
            sleep(LOOK).await;
        };
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(keep(detector, options, daemon, stopped));
        Ok(Host { stop, task })
    }

    /// Ends what this process owns, if it owns: memory back, lease released.
    ///
    /// # Errors
    /// What went wrong on the way.
    pub(super) async fn end(self) -> Result<(), Failure> {
        self.stop.send_replace(true);
        self.task.await.unwrap_or_else(|error| Err(Failure::new(super::Exit::Failed, &error, None)))
    }
}

async fn keep(
    detector: Detector,
    options: Options,
    mut own: Option<Daemon>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), Failure> {
    let mut vacant_since = None;
    loop {
        if let Some(daemon) = own.take() {
            let (end, _) = daemon.run_until(asked(&mut stop)).await?;
            match end {
                None => return Ok(()),
                // The memory is back, so that whoever owns by now can load; the answer goes on there.
                Some(end) => note(&format!("{end}; looking for another owner")),
            }
        }
        tokio::select! {
            () = asked(&mut stop) => return Ok(()),
            () = sleep(LOOK) => {}
        }
        let looking = detector.clone();
        let seen = tokio::task::spawn_blocking(move || looking.detect()).await;
        let is_vacant = seen.is_ok_and(|seen| {
            seen.is_ok_and(|state| matches!(state, State::NotRunning | State::Stale { .. }))
        });
        if !is_vacant {
            vacant_since = None;
        } else if GRACE <= vacant_since.get_or_insert_with(Instant::now).elapsed() {
            // What fails here fails again at the next look, and the answer's own patience ends it.
            if let Ok(Started::Owner(daemon)) = daemon::start(fresh(&options)).await {
                own = Some(*daemon);
            }
        }
    }
}

/// Each attempt is another life: no two share an instance id or a socket.
fn fresh(options: &Options) -> Options {
    let mut options = options.clone();
    options.join.instance = crate::owner::fresh_instance();
    options
}

async fn asked(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone asks as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// How often is looked whether somebody serves.
const LOOK: Duration = Duration::from_millis(100);

/// How long nobody has to serve before this process tries again: a standby that is woken by the kernel takes milliseconds.
const GRACE: Duration = Duration::from_secs(2);
