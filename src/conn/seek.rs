//! Finding the next owner: one look at the lease file, and what a lost owner means.
//!
//! Which owners can go on and when to give up is decided in [`modeld_spec::follow`]. Between looks a caller waits [`SEEK_LOOK`].

use std::time::Duration;

use modeld_spec::follow::{Follow, GivenUp};
use modeld_spec::ids::Epoch;

use super::client::Client;
use super::error::ConnError;
use super::link::Link;
use crate::os::{BootClock, Clock};

/// What ends a turn at one owner.
pub(super) struct Ended {
    /// The epoch that was served, or tried.
    pub(super) epoch: Epoch,
    pub(super) error: ConnError,
}

impl Ended {
    /// Makes the end of a turn in this epoch of an error.
    pub(super) fn at(epoch: Epoch) -> impl Fn(ConnError) -> Ended + Copy {
        move |error| Ended { epoch, error }
    }
}

/// The connection to the owner that the lease file names; `None` if that is not one that can go on. `waits`: nobody at all is
/// someone to wait for as well.
pub(super) async fn owner(client: &Client, follow: &mut Follow, waits: bool) -> Result<Option<Link>, Ended> {
    let last = follow.epochs().last().copied().unwrap_or(Epoch::FIRST);
    let state = client.detector().detect_off_thread().await;
    let state = state.map_err(|error| Ended::at(last)(error.into()))?;
    let epoch = match state.record().filter(|_| state.may_answer()) {
        Some(record) if follow.accepts(record.epoch) => record.epoch,
        None if !waits => return Err(Ended::at(last)(ConnError::NoOwner(Box::new(state)))),
        _ => return Ok(None),
    };
    let link = client.link_to(state).await.map_err(Ended::at(epoch))?;
    follow.asked();
    Ok(Some(link))
}

/// Whether there still is time to look for an owner.
///
/// # Errors
/// [`ConnError::GivenUp`].
pub(super) fn time_left(follow: &Follow) -> Result<(), ConnError> {
    let left = follow.time_left(BootClock.now());
    left.map(drop).map_err(|why| ConnError::GivenUp { why, last: None })
}

/// Decides what a lost owner means.
///
/// # Errors
/// The error itself if no other owner would do better; [`ConnError::GivenUp`].
pub(super) fn lost(follow: &mut Follow, ended: Ended) -> Result<(), ConnError> {
    let Ended { epoch, error } = ended;
    let Some(loss) = error.loss() else { return Err(error) };
    match follow.lost(epoch, loss, BootClock.now()) {
        Ok(_) => Ok(()),
        Err(GivenUp::Failed(_)) => Err(error),
        Err(why) => Err(ConnError::GivenUp { why, last: Some(Box::new(error)) }),
    }
}

/// How often the lease file is looked at between two owners: a fraction of what loading a model takes, and of no account to the
/// machine.
pub(super) const SEEK_LOOK: Duration = Duration::from_millis(10);
