//! Standing by on real files: runs the standby machine until it owns, or is asked to stop.

use std::sync::Arc;

use modeld_spec::lease::acquire::{self, Acquire};
use modeld_spec::lease::decision::Why;
use modeld_spec::lease::effect::Failure;
use modeld_spec::lease::standby::{Effect, Outcome, Seen, Standby};
use modeld_spec::step::{Machine, Step};
use modeld_spec::time::{BootTime, Observed};

use super::mailbox::Mailbox;
use super::{Claimant, Config, JoinError, Owner, system};
use crate::lease::files::FileStore;
use crate::lease::store::{Store, drive};
use crate::lease::wait::ResidencyWait;
use modeld_spec::lease::effect::Effect as LeaseEffect;

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
        Ok(Stop { mailbox: Arc::new(Mailbox::new().map_err(system("an alarm"))?) })
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
    let claimant = Claimant::prepare(config)?;
    let mut driver =
        Driver { store: claimant.store(), claimant: &claimant, mailbox: &stop.mailbox, waiting: None, tell };
    let mut step = Standby::start(claimant.config.ttl);
    let outcome = loop {
        step = match step {
            Step::Do(effect, standby) => {
                let what = driver.perform(effect)?;
                standby.step(Observed { at: claimant.clock.now(), what })
            }
            Step::Done(outcome) => break outcome,
        }
    };
    let Driver { store, waiting, .. } = driver;
    match outcome {
        Outcome::Acquired(owned) => claimant.own(owned, store, waiting).map(Some),
        Outcome::Stopped => Ok(None),
        Outcome::EpochsExhausted => Err(JoinError::EpochsExhausted(claimant.config.data_root)),
        Outcome::Breach(breach) => Err(breach.into()),
    }
}

struct Driver<'a> {
    claimant: &'a Claimant,
    store: FileStore,
    mailbox: &'a Arc<Mailbox<Event>>,
    waiting: Option<ResidencyWait>,
    tell: &'a mut dyn FnMut(StandbyEvent<'_>),
}

impl Driver<'_> {
    fn perform(&mut self, effect: Effect) -> Result<Seen, JoinError> {
        match effect {
            Effect::Attempt { watched } => {
                let outcome = drive(Acquire::start(self.claimant.claim(), watched), &mut self.store);
                match &outcome {
                    acquire::Outcome::Follower { why, .. } => (self.tell)(StandbyEvent::Following(why)),
                    acquire::Outcome::Failed(failure) => (self.tell)(StandbyEvent::Unclear(Some(failure))),
                    acquire::Outcome::LatchBusy => (self.tell)(StandbyEvent::Unclear(None)),
                    acquire::Outcome::Acquired(_)
                    | acquire::Outcome::EpochsExhausted
                    | acquire::Outcome::Breach(_) => {}
                }
                Ok(Seen::Attempted(outcome))
            }
            Effect::Await { for_lock: true, until } => {
                if !self.waiting.as_ref().is_some_and(ResidencyWait::is_waiting) {
                    let mailbox = Arc::clone(self.mailbox);
                    let begun =
                        ResidencyWait::begin(self.store.clone(), move |_| mailbox.post(Event::LockTaken));
                    self.waiting = Some(begun.map_err(system("a thread that waits for the residency lock"))?);
                }
                Ok(self.wait(true, until))
            }
            Effect::Await { for_lock: false, until } => {
                self.waiting = None;
                // A lock that came in the meantime is in the way of whoever it is meant for (L7).
                self.store.perform(&LeaseEffect::DropResidency);
                Ok(self.wait(false, until))
            }
        }
    }

    fn wait(&self, for_lock: bool, until: BootTime) -> Seen {
        loop {
            match self.mailbox.wait(until, &*self.claimant.clock) {
                Some(Event::LockTaken) if for_lock && self.store.residency_in_hand().is_some() => {
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
