//! Standing by: a follower that takes over when it may.
//!
//! ```text
//! Attempt --acquired--> Acquired
//!   ^   \--follower, failed--> Await (the residency lock, an instant, or a stop)
//!   |                            |        \--asked to stop--> Stopped
//!   +----------------------------+
//! ```
//!
//! Implements L11: it waits on the residency lock itself, so that it wakes the moment the owner dies, and for
//! the expiry of the record, so that a paused or wedged owner is noticed too. It does not wait on a lock that
//! proves nothing (L7): a leader that itself waits for the lock would find the standby in its way. Nor does it
//! wait again for one that it had and that proved nothing (L14): that would be no wait. Where it does not wait
//! for the lock, nothing wakes it when the owner dies, so it looks again before long, whatever the expiry.

use core::time::Duration;

use super::acquire::{self, Owned};
use super::decision::{Watched, Why};
use super::record::Residency;
use crate::step::{Breach, Machine, Step};
use crate::time::{BootTime, Instants, Observed, Role, Ttl};

/// What a standby asks of the outside.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Make one attempt ([`acquire::Acquire::start`]), with the residency lock if it is in hand. Answer:
    /// [`Seen::Attempted`].
    Attempt {
        /// What the previous attempt returned.
        watched: Option<Watched>,
    },
    /// Wait for the residency lock (if `for_lock`), for the instant, or for being asked to stop. Answer:
    /// [`Seen::LockTaken`], [`Seen::Woke`] or [`Seen::StopAsked`].
    Await {
        /// Whether to wait for the residency lock.
        for_lock: bool,
        /// The instant.
        until: BootTime,
    },
}

impl Effect {
    /// The name of the effect, for traces and reports.
    pub fn name(&self) -> &'static str {
        match self {
            Effect::Attempt { .. } => "attempt",
            Effect::Await { .. } => "await",
        }
    }
}

/// What a standby observes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// How the attempt ended.
    Attempted(acquire::Outcome),
    /// The residency lock, waited for, is in hand at this moment, and for the next attempt.
    LockTaken,
    /// The instant came.
    Woke,
    /// Stand by no longer.
    StopAsked,
}

/// How standing by ended.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The standby owns the data root.
    Acquired(Owned),
    /// It was asked to stop.
    Stopped,
    /// No epoch is left to grant.
    EpochsExhausted,
    /// The driver broke the contract.
    Breach(Breach),
}

/// A follower that takes over when it may.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Standby {
    ttl: Ttl,
    watched: Option<Watched>,
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    /// `lock_in_hand`: the wait before this attempt was ended by the lock.
    Attempting {
        lock_in_hand: bool,
    },
    Waiting {
        for_lock: bool,
    },
}

impl Standby {
    /// Begins to stand by; `ttl` is the standby's own, from which it takes how often it looks again.
    pub fn start(ttl: Ttl) -> Step<Self> {
        Standby { ttl, watched: None, state: State::Attempting { lock_in_hand: false } }.attempt(false)
    }

    fn attempt(mut self, lock_in_hand: bool) -> Step<Self> {
        self.state = State::Attempting { lock_in_hand };
        Step::Do(Effect::Attempt { watched: self.watched.clone() }, self)
    }

    fn wait(mut self, for_lock: bool, until: BootTime) -> Step<Self> {
        self.state = State::Waiting { for_lock };
        Step::Do(Effect::Await { for_lock, until }, self)
    }

    /// How soon to look again where nothing else tells.
    fn patience(&self) -> Duration {
        self.ttl.renew_interval().length()
    }

    fn follow(self, why: Why, until: Option<BootTime>, lock_in_hand: bool, at: BootTime) -> Step<Self> {
        let promising = match &why {
            Why::Held(record) => matches!(record.residency, Residency::Held(_)),
            Why::Draining | Why::HeldByUnknown => true,
            // The lock in reach is not the one that matters: only time and the process's end tell.
            Why::LockReplaced(_) => false,
        };
        // L14: a lock that was in hand and made nobody owner is another file than the owner's. It is free for
        // everybody all the time, and who waits for it never waits.
        let for_lock = promising && !lock_in_hand;
        // An expiry that has passed by now is looked at again at once, but not in a busy loop.
        let soonest = at.after(self.patience() / 100);
        let latest = at.after(self.patience());
        let until = match until {
            Some(expiry) if for_lock => expiry,
            // L11: who waits may come to own, and die, long before the expiry that its waiting record names.
            Some(expiry) => expiry.min(latest),
            None => latest,
        };
        self.wait(for_lock, until.max(soonest))
    }
}

impl Machine for Standby {
    type Effect = Effect;
    type Observed = Observed<Seen>;
    type Outcome = Outcome;

    fn step(mut self, observed: Observed<Seen>) -> Step<Self> {
        let at = observed.at;
        match (&self.state, observed.what) {
            (&State::Attempting { lock_in_hand }, Seen::Attempted(outcome)) => match outcome {
                acquire::Outcome::Acquired(owned) => Step::Done(Outcome::Acquired(owned)),
                acquire::Outcome::Follower { why, until, watched } => {
                    self.watched = watched;
                    self.follow(why, until, lock_in_hand, at)
                }
                // L8: nothing is known, so look again soon, and without a lock that may be anybody's.
                acquire::Outcome::LatchBusy | acquire::Outcome::Failed(_) => {
                    let until = at.after(self.patience() / 10);
                    self.wait(false, until)
                }
                acquire::Outcome::EpochsExhausted => Step::Done(Outcome::EpochsExhausted),
                acquire::Outcome::Breach(breach) => Step::Done(Outcome::Breach(breach)),
            },
            (State::Waiting { for_lock: true }, Seen::LockTaken) => self.attempt(true),
            (State::Waiting { .. }, Seen::Woke) => self.attempt(false),
            (_, Seen::StopAsked) => Step::Done(Outcome::Stopped),
            (State::Attempting { .. }, _) => Step::Done(Outcome::Breach(Breach { expected: "attempt" })),
            (State::Waiting { .. }, _) => Step::Done(Outcome::Breach(Breach { expected: "await" })),
        }
    }
}

impl Instants for Effect {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        match self {
            Effect::Attempt { watched } => watched.instants(change),
            Effect::Await { until, .. } => change(Role::Until, until),
        }
    }
}

impl Instants for Seen {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        if let Seen::Attempted(outcome) = self {
            outcome.instants(change);
        }
    }
}

impl Instants for Outcome {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        if let Outcome::Acquired(owned) = self {
            owned.instants(change);
        }
    }
}

impl Instants for Standby {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        self.watched.instants(change);
    }
}
