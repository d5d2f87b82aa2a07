//! Standing by: runs the standby machine until it owns, or is asked to stop.

use std::sync::Arc;
use std::time::Duration;

use modeld_spec::lease::acquire::{self, Acquire};
use modeld_spec::lease::decision::Why;
use modeld_spec::lease::effect::{Effect as LeaseEffect, Failure};
use modeld_spec::lease::standby::{Effect, Outcome, Seen, Standby};
use modeld_spec::step::{Machine, Step};
use modeld_spec::time::{BootTime, Observed};

use super::mailbox::Mailbox;
use super::witness::Actor;
use super::{Claimant, Config, JoinError, Owner, Place, Terms, system};
use crate::lease::store::{Backing, Store, Taken, WaitOn, drive};
use crate::os::{BootClock, Timer};

/// Asks a standby to stop, from any thread. Clones ask the same standby.
#[derive(Clone)]
pub struct Stop {
    mailbox: Arc<Mailbox<Event>>,
}

impl Stop {
    /// A way to stop the standby that it will be given to.
    ///
    /// # Errors
    /// [`JoinError::System`] when no descriptor is left.
    pub fn new() -> Result<Self, JoinError> {
        Stop::on(&BootClock)
    }

    /// The same for a standby that waits by another clock.
    ///
    /// # Errors
    /// As [`Stop::new`].
    pub fn on(timer: &dyn Timer) -> Result<Self, JoinError> {
        Ok(Stop { mailbox: Arc::new(Mailbox::new(timer).map_err(system("an alarm"))?) })
    }

    /// Asks. The standby ends within the bounds of what it is doing.
    pub fn ask(&self) {
        self.mailbox.post(Event::Stop);
    }
}

/// What a standby sees while it waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StandbyEvent<'a> {
    /// Somebody else owns, for this reason.
    Following(&'a Why),
    /// An attempt told nothing; it will be repeated.
    Unclear(Option<&'a Failure>),
}

/// What a waiting standby is told from beside.
enum Event {
    LockTaken,
    Stop,
}

/// Waits until this process owns the data root; `None` when `stop` was asked first.
///
/// `tell` is called with whatever an attempt found; often with the same thing again. Blocks: use a thread of
/// its own.
///
/// # Errors
/// [`JoinError`] for what waiting can't mend. An effect that fails is repeated.
pub fn stand_by(
    config: Config,
    stop: &Stop,
    tell: &mut dyn FnMut(StandbyEvent<'_>),
) -> Result<Option<Owner>, JoinError> {
    let terms = Terms::check(config)?;
    let place = Place::on_files(&terms.config)?;
    wait_for_ownership(Claimant { terms, place }, stop, tell)
}

/// [`stand_by`] on any store.
///
/// # Errors
/// As [`stand_by`].
pub fn stand_by_on(
    place: Place,
    config: Config,
    stop: &Stop,
    tell: &mut dyn FnMut(StandbyEvent<'_>),
) -> Result<Option<Owner>, JoinError> {
    wait_for_ownership(Claimant { terms: Terms::check(config)?, place }, stop, tell)
}

fn wait_for_ownership(
    claimant: Claimant,
    stop: &Stop,
    tell: &mut dyn FnMut(StandbyEvent<'_>),
) -> Result<Option<Owner>, JoinError> {
    let store = claimant.place.backing.store();
    let mut driver = Driver { claimant: &claimant, store, mailbox: &stop.mailbox, tell };
    let mut step = Standby::start(claimant.terms.config.ttl);
    let outcome = loop {
        step = match step {
            Step::Do(effect, standby) => {
                let what = driver.perform(effect);
                standby.step(Observed { at: claimant.place.clock.now(), what })
            }
            Step::Done(outcome) => break outcome,
        }
    };
    if !matches!(outcome, Outcome::Acquired(_)) {
        driver.let_go();
    }
    drop(driver);
    match outcome {
        Outcome::Acquired(owned) => claimant.own(owned).map(Some),
        Outcome::Stopped => Ok(None),
        Outcome::EpochsExhausted => Err(JoinError::EpochsExhausted(claimant.terms.config.data_root)),
        Outcome::Breach(breach) => Err(breach.into()),
    }
}

struct Driver<'a> {
    claimant: &'a Claimant,
    store: Box<dyn Store + Send>,
    mailbox: &'a Arc<Mailbox<Event>>,
    tell: &'a mut dyn FnMut(StandbyEvent<'_>),
}

impl Driver<'_> {
    fn perform(&mut self, effect: Effect) -> Seen {
        self.claimant.place.witness.before(Actor::Standby, effect.name());
        match effect {
            Effect::Attempt { watched } => {
                // What comes from here on comes for the attempt, which looks for itself.
                self.backing().stop_waiting();
                let outcome = drive(Acquire::start(self.claimant.claim(), watched), &mut *self.store);
                match &outcome {
                    acquire::Outcome::Follower { why, .. } => (self.tell)(StandbyEvent::Following(why)),
                    acquire::Outcome::Failed(failure) => (self.tell)(StandbyEvent::Unclear(Some(failure))),
                    acquire::Outcome::LatchBusy => (self.tell)(StandbyEvent::Unclear(None)),
                    acquire::Outcome::Acquired(_)
                    | acquire::Outcome::EpochsExhausted
                    | acquire::Outcome::Breach(_) => {}
                }
                Seen::Attempted(outcome)
            }
            Effect::Await { for_lock: true, until } => {
                let mailbox = Arc::clone(self.mailbox);
                let taken: Taken = Box::new(move |_| mailbox.post(Event::LockTaken));
                match self.backing().await_residency(WaitOn::Name, taken) {
                    Ok(()) => self.wait(true, until),
                    // L8: nobody would tell of the owner's death, so the next look comes soon.
                    Err(_) => {
                        let soon = self.claimant.place.clock.now().after(RETRY_WAIT);
                        self.wait(false, until.min(soon))
                    }
                }
            }
            Effect::Await { for_lock: false, until } => {
                // A lock that came in the meantime is in the way of whoever it is meant for (L7).
                self.let_go();
                self.wait(false, until)
            }
        }
    }

    /// Waits for no lock, and has none.
    fn let_go(&mut self) {
        self.backing().stop_waiting();
        self.store.perform(&LeaseEffect::DropResidency);
    }

    fn backing(&self) -> &dyn Backing {
        &*self.claimant.place.backing
    }

    fn wait(&self, for_lock: bool, until: BootTime) -> Seen {
        loop {
            match self.mailbox.wait(until, &*self.claimant.place.clock) {
                Some(Event::LockTaken) if for_lock && self.backing().residency_in_hand().is_some() => {
                    return Seen::LockTaken;
                }
                // It tells of a lock that was dropped since.
                Some(Event::LockTaken) => {}
                Some(Event::Stop) => return Seen::StopAsked,
                None => return Seen::Woke,
            }
        }
    }
}

/// How soon a standby looks again that could not begin to wait for the lock.
const RETRY_WAIT: Duration = Duration::from_millis(100);
