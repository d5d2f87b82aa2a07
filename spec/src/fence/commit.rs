//! A durable owned effect: a snapshot, a change of the model store.
//!
//! ```text
//! Prepare -> Latch -> Record -> Epochs -> Land -> Sync -> Unlatch -> Committed
//!    |         |        |         |        |       |
//!    | failed  | busy   | not ours| later  | failed: who knows
//!    |         v        v         v        v       v
//!    |         +------> Unlatch <-+<-------+-------+
//!    v                     v
//!    +----------------> Discard -> Refused / NotDone / Unknown
//! ```
//!
//! Each state awaits the answer to the effect that it is named after. It begins under a permit of the gate (F1), and
//! may end long after it: preparing takes as long as the disk does, and a process can be paused between any two steps.
//! So the lease is compared once more where the effect lands, under the latch (F2), under which alone a record is
//! replaced and an epoch granted. Asks for no time: however late it lands, the comparison decides.
//!
//! Implements F2 (compared where it lands), F3 (unknown is neither done nor not done) and F4 (nothing prepared is
//! left). Generic in how an instance is named and in what a failure says, of which it only asks whether it is the same
//! instance.

use crate::ids::{Epoch, InstanceId};
use crate::lease::effect::{Content, Failure, LatchSeen};
use crate::lease::record::Record;
use crate::step::{Breach, Machine, Step};

/// One ownership: who, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ownership<I = InstanceId> {
    /// The owner.
    pub instance: I,
    /// The number of the ownership.
    pub epoch: Epoch,
}

/// One atomic thing that the outside can do for a durable effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Write what is to land beside its place, under a name of its own that says the epoch, and sync it. Answer:
    /// [`Seen::Done`].
    Prepare,
    /// Take the latch, waiting for it no longer than the store's bound (L15). Answer: [`Seen::Latch`].
    TakeLatch,
    /// Read the lease file. Answer: [`Seen::Record`].
    ReadRecord,
    /// Read the highest epoch ever granted. Answer: [`Seen::Epochs`].
    ReadEpochs,
    /// Put what was prepared in its place, whole or not at all. Answer: [`Seen::Done`].
    Land,
    /// Make durable that it is in its place. Answer: [`Seen::Done`].
    Sync,
    /// Drop the latch. Answer: [`Seen::Done`].
    DropLatch,
    /// Remove what was prepared, if it is there. Answer: [`Seen::Done`].
    Discard,
}

impl Effect {
    /// The name of the effect, for traces and reports.
    pub fn name(self) -> &'static str {
        match self {
            Effect::Prepare => "prepare",
            Effect::TakeLatch => "take latch",
            Effect::ReadRecord => "read record",
            Effect::ReadEpochs => "read epochs",
            Effect::Land => "land",
            Effect::Sync => "sync",
            Effect::DropLatch => "drop latch",
            Effect::Discard => "discard",
        }
    }
}

/// What the outside saw when it performed an [`Effect`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seen<I = InstanceId, F = Failure> {
    /// Whether the latch was had within the bound.
    Latch(LatchSeen),
    /// What the lease file says.
    Record(Said<I>),
    /// The highest epoch ever granted; `None` where no grant is left.
    Epochs(Option<Epoch>),
    /// It was done.
    Done,
    /// It could not be done, or nobody knows whether it was.
    Failed(F),
}

/// What the lease file says of who owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Said<I = InstanceId> {
    /// There is none: nobody owns, or somebody removed it.
    Nobody,
    /// This ownership; whether it has expired is another question.
    Owner(Ownership<I>),
    /// It is no record.
    Unreadable,
}

impl From<Content> for Said {
    fn from(content: Content) -> Self {
        match content {
            Content::Absent => Said::Nobody,
            Content::Record(Record { instance, epoch, .. }) => Said::Owner(Ownership { instance, epoch }),
            Content::Unreadable(_) => Said::Unreadable,
        }
    }
}

/// How a durable effect ended.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome<F = Failure> {
    /// It is in its place, durably.
    Committed,
    /// It did not land, because the lease could not be shown to be ours.
    Refused(Refusal),
    /// It did not land: an effect before the landing failed.
    NotDone(Cause<F>),
    /// Whether it landed is not known (F3): whoever needs to know reads the place.
    Unknown(F),
    /// The driver broke the contract; whether it landed is not known.
    Breach(Breach),
}

/// Why the lease could not be shown to be ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// A later epoch was granted, or ours to somebody else as well: final.
    #[error("epoch {by} was granted to another owner")]
    Superseded {
        /// The epoch that ended ours.
        by: Epoch,
    },
    /// The record is gone, unreadable or of the past. If the lease is ours all the same, the next renewal restores the
    /// record (L13), and another try succeeds.
    #[error("the lease file does not name this owner")]
    Unproven,
}

/// Why a durable effect did not land.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Cause<F = Failure> {
    /// Another process kept the latch for the whole of the store's bound.
    #[error("another process kept the latch")]
    LatchBusy,
    /// An effect before the landing failed.
    #[error("{0}")]
    Failed(F),
}

/// One durable effect, in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Commit<I = InstanceId, F = Failure> {
    ours: Ownership<I>,
    state: State<F>,
}

/// What the commit awaits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State<F> {
    Prepare,
    Latch,
    Record,
    Epochs,
    Land,
    Sync,
    Unlatch(Outcome<F>),
    Discard(Outcome<F>),
}

impl<I: PartialEq, F> Commit<I, F> {
    /// Begins a durable effect of `ours`, under a permit of its gate.
    pub fn start(ours: Ownership<I>) -> Step<Self> {
        Step::Do(Effect::Prepare, Commit { ours, state: State::Prepare })
    }

    fn to(mut self, state: State<F>, effect: Effect) -> Step<Self> {
        self.state = state;
        Step::Do(effect, self)
    }

    fn unlatch(self, outcome: Outcome<F>) -> Step<Self> {
        self.to(State::Unlatch(outcome), Effect::DropLatch)
    }

    fn refuse(self, refusal: Refusal) -> Step<Self> {
        self.unlatch(Outcome::Refused(refusal))
    }

    /// F4: what did not land is removed.
    fn discard(self, outcome: Outcome<F>) -> Step<Self> {
        self.to(State::Discard(outcome), Effect::Discard)
    }
}

impl<I: PartialEq, F> Machine for Commit<I, F> {
    type Effect = Effect;
    type Observed = Seen<I, F>;
    type Outcome = Outcome<F>;

    fn step(mut self, observed: Seen<I, F>) -> Step<Self> {
        let state = core::mem::replace(&mut self.state, State::Prepare);
        match (state, observed) {
            (State::Prepare, Seen::Done) => self.to(State::Latch, Effect::TakeLatch),
            (State::Prepare, Seen::Failed(failure)) => self.discard(Outcome::NotDone(Cause::Failed(failure))),

            (State::Latch, Seen::Latch(LatchSeen::Taken)) => self.to(State::Record, Effect::ReadRecord),
            (State::Latch, Seen::Latch(LatchSeen::Busy)) => self.unlatch(Outcome::NotDone(Cause::LatchBusy)),

            // F2: the record is ours, and no later epoch was granted: the one does not follow from the other where a
            // claimant died between its grant and its record, or where the epochs were deleted and begun again.
            (State::Record, Seen::Record(Said::Owner(owner))) if owner == self.ours => {
                self.to(State::Epochs, Effect::ReadEpochs)
            }
            (State::Record, Seen::Record(Said::Owner(owner))) if self.ours.epoch <= owner.epoch => {
                self.refuse(Refusal::Superseded { by: owner.epoch })
            }
            (State::Record, Seen::Record(_)) => self.refuse(Refusal::Unproven),
            (State::Epochs, Seen::Epochs(Some(highest))) if self.ours.epoch < highest => {
                self.refuse(Refusal::Superseded { by: highest })
            }
            (State::Epochs, Seen::Epochs(_)) => self.to(State::Land, Effect::Land),

            (State::Land, Seen::Done) => self.to(State::Sync, Effect::Sync),
            (State::Sync, Seen::Done) => self.unlatch(Outcome::Committed),
            // F3: it may be in its place, and may not stay there.
            (State::Land | State::Sync, Seen::Failed(failure)) => self.unlatch(Outcome::Unknown(failure)),

            (State::Latch | State::Record | State::Epochs, Seen::Failed(failure)) => {
                self.unlatch(Outcome::NotDone(Cause::Failed(failure)))
            }

            (State::Unlatch(Outcome::Committed), Seen::Done | Seen::Failed(_)) => {
                Step::Done(Outcome::Committed)
            }
            (State::Unlatch(outcome), Seen::Done | Seen::Failed(_)) => self.discard(outcome),
            (State::Discard(outcome), Seen::Done | Seen::Failed(_)) => Step::Done(outcome),

            (state, _) => Step::Done(Outcome::Breach(Breach { expected: state.pending() })),
        }
    }
}

impl<F> State<F> {
    fn pending(&self) -> &'static str {
        let effect = match self {
            State::Prepare => Effect::Prepare,
            State::Latch => Effect::TakeLatch,
            State::Record => Effect::ReadRecord,
            State::Epochs => Effect::ReadEpochs,
            State::Land => Effect::Land,
            State::Sync => Effect::Sync,
            State::Unlatch(_) => Effect::DropLatch,
            State::Discard(_) => Effect::Discard,
        };
        effect.name()
    }
}

/// F4: whether something prepared in epoch `of` was left behind, as the owner of epoch `ours` finds it. What an
/// earlier owner prepared can't land any more; what a later one prepared is none of ours.
pub fn is_left_behind(of: Epoch, ours: Epoch) -> bool {
    of < ours
}
