//! Renewing: one attempt of the owner to move its deadline.
//!
//! ```text
//! AwaitLatch -> AwaitRecord -+-> AwaitReplace -> AwaitUnlatch -> Renewed / Lost / Unknown
//!                            |         ^
//!                            +-> AwaitEpochs (the record is not ours: L13)
//! ```
//!
//! Implements L4 (the renewal counts from before its first effect), L6 (no renewal after the deadline), L8
//! (an unknown outcome moves nothing) and L13 (a damaged record is restored, a later epoch is obeyed).

use super::acquire::Owned;
use super::effect::{ClaimSeen, Content, Effect, Failure, LatchSeen, Observation, Seen};
use super::record::{Record, Residency};
use crate::ids::Epoch;
use crate::step::{Breach, Machine, Step};
use crate::time::{BootTime, Instants, Role};

/// How a renewal ended.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The record is renewed; the deadline is that of this ownership.
    Renewed(Owned),
    /// A later epoch was granted, or ours to somebody else too: the lease is gone for good.
    Lost {
        /// The epoch that ended ours.
        to: Epoch,
    },
    /// The deadline passed before the record could be written: too late to renew (L6).
    Late,
    /// It can't be told whether the renewal took hold: the old deadline stands (L8).
    Unknown(Problem),
    /// The driver broke the contract.
    Breach(Breach),
}

/// Why the outcome of a renewal is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Problem {
    /// The latch stayed taken for the whole of the store's bound.
    #[error("another process kept the latch")]
    LatchBusy,
    /// An effect failed.
    #[error(transparent)]
    Failed(Failure),
}

/// One renewal, in progress.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Renew {
    current: Owned,
    next: Record,
    state: State,
}

/// What the renewal awaits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    Latch,
    Record,
    Epochs,
    Claim,
    Replace,
    Unlatch(Outcome),
}

impl Renew {
    /// Begins a renewal at `began`, from which the new deadline counts. `residency` is what the owner has of
    /// the residency lock by then.
    pub fn start(current: Owned, residency: Residency, began: BootTime) -> Step<Self> {
        let next = Record { renewed_at: began, residency, ..current.record.clone() };
        Step::Do(Effect::TakeLatch, Renew { current, next, state: State::Latch })
    }

    fn to(mut self, state: State, effect: Effect) -> Step<Self> {
        self.state = state;
        Step::Do(effect, self)
    }

    fn end(self, outcome: Outcome) -> Step<Self> {
        self.to(State::Unlatch(outcome), Effect::DropLatch)
    }

    /// L6: a record is only renewed while the deadline stands.
    fn replace(self, at: BootTime) -> Step<Self> {
        if at < self.current.deadline() {
            let next = self.next.clone();
            self.to(State::Replace, Effect::ReplaceRecord(next))
        } else {
            self.end(Outcome::Late)
        }
    }

    fn is_ours(&self, record: &Record) -> bool {
        record.belongs_to(&self.current.record.instance, self.current.epoch())
    }
}

impl Machine for Renew {
    type Effect = Effect;
    type Observed = Observation;
    type Outcome = Outcome;

    fn step(mut self, observed: Observation) -> Step<Self> {
        let state = core::mem::replace(&mut self.state, State::Latch);
        let ours = self.current.epoch();
        match (state, observed.what) {
            (State::Latch, Seen::Latch(LatchSeen::Taken)) => self.to(State::Record, Effect::ReadRecord),
            (State::Latch, Seen::Latch(LatchSeen::Busy)) => self.end(Outcome::Unknown(Problem::LatchBusy)),

            (State::Record, Seen::Record(Content::Record(record))) if self.is_ours(&record) => {
                self.replace(observed.at)
            }
            // L13: a later epoch, or ours in the name of another, which is granted twice only where all memory
            // of it was removed: one of the two has to yield, and the later record stands.
            (State::Record, Seen::Record(Content::Record(record))) if ours <= record.epoch => {
                self.end(Outcome::Lost { to: record.epoch })
            }
            // L13: absent, unreadable or of the past. Only the owner removes its record, so somebody else did
            // this; whether the lease went with it, the epochs tell.
            (State::Record, Seen::Record(_)) => self.to(State::Epochs, Effect::ReadEpochs),

            (State::Epochs, Seen::Epochs(Some(highest))) if ours < highest => {
                self.end(Outcome::Lost { to: highest })
            }
            (State::Epochs, Seen::Epochs(Some(highest))) if highest == ours => self.replace(observed.at),
            // L3: the epochs were deleted too; ours is granted again before anything else relies on them.
            (State::Epochs, Seen::Epochs(_)) => self.to(State::Claim, Effect::ClaimEpoch(ours)),
            // Refused means that it stands already, which is all that is wanted.
            (State::Claim, Seen::Claim(ClaimSeen::Granted | ClaimSeen::Refused)) => self.replace(observed.at),

            (State::Replace, Seen::Done) => {
                let renewed = Owned { record: self.next.clone() };
                self.end(Outcome::Renewed(renewed))
            }

            // L8: whether the record landed is not known; the old deadline stands either way.
            (
                State::Latch | State::Record | State::Epochs | State::Claim | State::Replace,
                Seen::Failed(failure),
            ) => self.end(Outcome::Unknown(Problem::Failed(failure))),

            (State::Unlatch(outcome), Seen::Done | Seen::Failed(_)) => Step::Done(outcome),

            (state, _) => Step::Done(Outcome::Breach(Breach { expected: state.pending() })),
        }
    }
}

impl State {
    fn pending(&self) -> &'static str {
        match self {
            State::Latch => "take latch",
            State::Record => "read record",
            State::Epochs => "read epochs",
            State::Claim => "claim epoch",
            State::Replace => "replace record",
            State::Unlatch(_) => "drop latch",
        }
    }
}

impl Instants for Outcome {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        if let Outcome::Renewed(owned) = self {
            owned.instants(change);
        }
    }
}

impl Instants for Renew {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        self.current.instants(change);
        self.next.instants(change);
        if let State::Unlatch(outcome) = &mut self.state {
            outcome.instants(change);
        }
    }
}
