//! Releasing: the end of an ownership, in the order quiesce, flush, free, release.
//!
//! ```text
//! Quiesce -> Flush -> Free -> Keeper -> Latch -> Record -> Remove -> Unlock -> Unlatch -> Released
//!       (not when fenced) |               |  busy / failed  (own only)  ^
//!                  failed |               +-----------------------------+
//!                         +--> Held -> MemoryHeld
//! ```
//!
//! Each state awaits the answer to the effect that it is named after. Implements L9 (the order; "released" means
//! that the memory is back) and L10 (an owner removes its own record only). A record that could not be removed
//! says that its owner had a lock which is free, so the next claimant gets past it at once (L7).

use super::acquire::Owned;
use super::effect::{Content, Effect, Failure, LatchSeen, Observation, Seen};
use super::gate::GateWord;
use super::record::Residency;
use crate::step::{Breach, Machine, Step};
use crate::time::{BootTime, Instants, Role};

/// Why an ownership ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// The owner hands over by itself: its lease is valid until the record is removed.
    Handover,
    /// The owner is fenced: nothing durable may be written any more.
    Fenced,
}

impl Ending {
    /// F11: how an ownership whose gate is `gate` at `now` ends. It hands over only while it could still begin an owned
    /// effect: a flush is one.
    pub const fn of(gate: GateWord, now: BootTime) -> Ending {
        if gate.admits(now) { Ending::Handover } else { Ending::Fenced }
    }
}

/// How the release ended. Except for `MemoryHeld` and `Breach` the residency lock is dropped, and before it
/// the memory was freed.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Nothing of the ownership is left.
    Released,
    /// The record is another owner's: it was left alone.
    Superseded,
    /// The record may still be there, and expires: the latch was busy, an effect failed, or the record tells of a
    /// lock that its owner has waited for in vain (L14).
    RecordLeft(Option<Failure>),
    /// The memory could not be freed: the residency lock must stay until the process ends (L1).
    MemoryHeld(Failure),
    /// The driver broke the contract.
    Breach(Breach),
}

/// A release, in progress.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Release {
    owned: Owned,
    ending: Ending,
    state: State,
}

/// What the release awaits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    Quiesce,
    Flush,
    Free,
    Keeper,
    /// As `Keeper`, where memory could not be freed.
    Held(Failure),
    Latch,
    Record,
    Remove,
    Unlock(Outcome),
    Unlatch(Outcome),
}

impl Release {
    /// Begins to end the ownership.
    pub fn start(owned: Owned, ending: Ending) -> Step<Self> {
        Step::Do(Effect::Quiesce, Release { owned, ending, state: State::Quiesce })
    }

    fn to(mut self, state: State, effect: Effect) -> Step<Self> {
        self.state = state;
        Step::Do(effect, self)
    }

    fn unlock(self, outcome: Outcome) -> Step<Self> {
        self.to(State::Unlock(outcome), Effect::DropResidency)
    }
}

impl Machine for Release {
    type Effect = Effect;
    type Observed = Observation;
    type Outcome = Outcome;

    fn step(mut self, observed: Observation) -> Step<Self> {
        let state = core::mem::replace(&mut self.state, State::Quiesce);
        match (state, observed.what) {
            // Whatever quiesce could not end, free ends: both go on after a failure.
            (State::Quiesce, Seen::Done | Seen::Failed(_)) => match self.ending {
                Ending::Handover => self.to(State::Flush, Effect::Flush),
                Ending::Fenced => self.to(State::Free, Effect::Free),
            },
            (State::Flush, Seen::Done | Seen::Failed(_)) => self.to(State::Free, Effect::Free),

            // L9: the lease is kept until the memory is back, and no longer: a renewal after the removal would
            // bring the record back.
            (State::Free, Seen::Done) => self.to(State::Keeper, Effect::StopKeeper),
            (State::Keeper, Seen::Done | Seen::Failed(_)) => self.to(State::Latch, Effect::TakeLatch),
            // L1: the lock is kept until the process ends. Nothing is owned for ever: the record expires.
            (State::Free, Seen::Failed(failure)) => self.to(State::Held(failure), Effect::StopKeeper),
            (State::Held(failure), Seen::Done | Seen::Failed(_)) => Step::Done(Outcome::MemoryHeld(failure)),

            (State::Latch, Seen::Latch(LatchSeen::Taken)) => self.to(State::Record, Effect::ReadRecord),
            (State::Latch, Seen::Latch(LatchSeen::Busy)) => self.unlock(Outcome::RecordLeft(None)),

            (State::Record, Seen::Record(Content::Record(record)))
                if record.belongs_to(&self.owned.record.instance, self.owned.epoch()) =>
            {
                match record.residency {
                    Residency::Held(_) => self.to(State::Remove, Effect::RemoveRecord),
                    // L14: a leader's record alone says on which file its predecessor has the lock, and that
                    // must not be forgotten. It expires.
                    Residency::Awaited { .. } => self.unlock(Outcome::RecordLeft(None)),
                }
            }
            (State::Record, Seen::Record(Content::Record(_))) => self.unlock(Outcome::Superseded),
            (State::Record, Seen::Record(Content::Absent)) => self.unlock(Outcome::Released),
            // L10: what can't be read can't be shown to be ours.
            (State::Record, Seen::Record(Content::Unreadable(_))) => self.unlock(Outcome::RecordLeft(None)),

            (State::Remove, Seen::Done) => self.unlock(Outcome::Released),

            (State::Latch | State::Record | State::Remove, Seen::Failed(failure)) => {
                self.unlock(Outcome::RecordLeft(Some(failure)))
            }

            (State::Unlock(outcome), Seen::Done | Seen::Failed(_)) => {
                self.to(State::Unlatch(outcome), Effect::DropLatch)
            }
            (State::Unlatch(outcome), Seen::Done | Seen::Failed(_)) => Step::Done(outcome),

            (state, _) => Step::Done(Outcome::Breach(Breach { expected: state.pending() })),
        }
    }
}

impl State {
    fn pending(&self) -> &'static str {
        match self {
            State::Quiesce => "quiesce",
            State::Flush => "flush",
            State::Free => "free",
            State::Keeper | State::Held(_) => "stop keeper",
            State::Latch => "take latch",
            State::Record => "read record",
            State::Remove => "remove record",
            State::Unlock(_) => "drop residency",
            State::Unlatch(_) => "drop latch",
        }
    }
}

impl Instants for Release {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        self.owned.instants(change);
    }
}

impl Instants for Outcome {
    fn instants(&mut self, _: &mut dyn FnMut(Role, &mut BootTime)) {
        // It holds none.
    }
}
