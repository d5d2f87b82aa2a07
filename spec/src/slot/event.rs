//! What a table of slots hears and what it wants: asks, events, effects, answers.
//!
//! Names are numbers that the driver gives to texts and keeps for as long as the table lives: a table compares them
//! and does nothing else with them.

use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU64;

use super::plan::{NoRoom, Plan};

/// One identity of a model: everything that makes two loads the same load (digest, context, adapters).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelId(pub u16);

/// One member: a name under which clients find a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(pub u16);

/// One ask of one client, never used again. It stands for the wait, and then for the work that it was let in to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AskId(pub u64);

/// The number of a load (S12): rises with every load of any model, never used twice within the life of a daemon. What
/// carries an earlier one is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(NonZeroU64);

impl Generation {
    /// The first load of a daemon.
    pub const FIRST: Generation = Generation(NonZeroU64::MIN);

    /// The load with this number; `None` for 0, which stands for "no load".
    pub fn new(number: u64) -> Option<Self> {
        NonZeroU64::new(number).map(Generation)
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0.get()
    }

    /// The load after this one. It stays at the last number rather than wrap: at a load a nanosecond that is after
    /// five hundred years.
    #[must_use]
    pub fn next(self) -> Self {
        Generation(self.0.saturating_add(1))
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a client asks of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ask {
    /// Who asks; asks are told apart, and kept in order, by this.
    pub id: AskId,
    /// Of which member.
    pub member: MemberId,
    /// For what.
    pub wish: Wish,
}

/// What is wanted of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wish {
    /// To work on this model: it is loaded if it is not there, and not unloaded before the ask is gone.
    Open(Demand),
    /// That the member be this model: it is loaded, and takes the place of the one the member had. Explicit: the only
    /// wish that tries a model again whose load ended a process (S11).
    Load(Demand, Old),
    /// That the member be none.
    Unload,
}

impl Wish {
    /// The model that is wanted.
    pub fn demand(self) -> Option<Demand> {
        match self {
            Wish::Open(demand) | Wish::Load(demand, _) => Some(demand),
            Wish::Unload => None,
        }
    }
}

/// A model, and what it will take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Demand {
    /// Which model.
    pub model: ModelId,
    /// Bytes of memory that it takes as far as its header tells.
    pub bytes: u64,
}

/// What may become of a member's model while another takes its place (S4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Old {
    /// It stays until the other one serves.
    Stays,
    /// It may be unloaded first, if both together do not fit.
    MayGoFirst,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A client asks.
    Asked(Ask),
    /// An ask has ended: its client hung up, cancelled, or closed what it had opened. Which of them is not always known
    /// where it is seen, and it does not matter.
    Gone(AskId),
    /// An attempt to write the mark of a load has ended.
    Marked {
        /// The load.
        generation: Generation,
        /// Whether the mark is known to be on disk.
        durable: bool,
    },
    /// How far a load is.
    Progress {
        /// The load.
        generation: Generation,
        /// From 0 to 100.
        percent: u8,
    },
    /// A load has ended with a model.
    Loaded {
        /// The load.
        generation: Generation,
        /// Bytes that it was seen to take.
        taken: u64,
    },
    /// A load has ended without a model, and without memory: it failed, was not let begin, or was broken off.
    LoadFailed {
        /// The load.
        generation: Generation,
    },
    /// The memory of a model is back.
    Freed {
        /// The load that had taken it.
        generation: Generation,
    },
    /// A model that served has ended without being told to, and its memory is back.
    Ended {
        /// The load that had made it.
        generation: Generation,
    },
    /// The idle interval has passed once more. A model that nobody used for one to two of them is unloaded.
    IdleTick,
    /// The drain interval has passed once more. A drain ends after one to two of them (S9).
    DrainTick,
    /// Nothing but a look at the gate.
    Look,
}

/// What the gate said when an event was passed on (S10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gate {
    /// Owned effects may begin.
    Open,
    /// None may, for good.
    Fenced,
}

/// What a table wants done. Effects are performed in the order in which they are wanted, each before the next event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Write the mark of a load, durably; answered by [`Event::Marked`].
    Mark {
        /// The model, to be known again by whoever lives on.
        model: ModelId,
        /// The load.
        generation: Generation,
    },
    /// Remove the mark of a model. What stays because it failed is a model that has to be asked for by name.
    Unmark(ModelId),
    /// Load, if the gate lets it begin; answered by [`Event::Loaded`] or [`Event::LoadFailed`].
    Load {
        /// The model.
        model: ModelId,
        /// The load.
        generation: Generation,
    },
    /// Break a load off as soon as it lets itself; it ends in one way or the other.
    BreakOff(Generation),
    /// Free a model; answered by [`Event::Freed`].
    Free(Generation),
    /// End the work on a model; each ask that works is answered for by [`Event::Gone`].
    Abort(Generation),
    /// Tell an asker what its load does to others before it begins.
    Planned(AskId, Plan),
    /// Tell an asker how far its load is.
    Report {
        /// Whom.
        ask: AskId,
        /// From 0 to 100.
        percent: u8,
    },
    /// The answer to an ask.
    Answer(AskId, Answer),
}

/// How an ask ends, or with an open: how its work begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The model of this load serves.
    Ready(Generation),
    /// The member is none, and the memory that was its own is back.
    Unloaded,
    /// It is not to be had.
    Refused(Refusal),
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The owner is fenced.
    #[error("the owner is fenced")]
    Fenced,
    /// The load failed; its cause is with whoever performed it.
    #[error("load {0} failed")]
    Failed(Generation),
    /// There is no room (S6).
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// The model took more than was planned, and more than there is (S8). It was freed.
    #[error(
        "{taken} bytes were taken where {planned} were planned, and the budget of {budget} has no room for that"
    )]
    TookMore {
        /// Planned bytes.
        planned: u64,
        /// Bytes that it took.
        taken: u64,
        /// Bytes of the whole budget.
        budget: u64,
    },
    /// The member is on its way to another model.
    #[error("the member is being switched to another model")]
    Switching {
        /// To which.
        to: ModelId,
    },
    /// The member is another model, and only a load changes that.
    #[error("the member is another model")]
    OtherModel {
        /// Which it is.
        bound: ModelId,
    },
    /// Its last load ended the process (S11).
    #[error("the last load of this model ended the process; it is tried again by an explicit load only")]
    CrashedBefore,
    /// The mark could not be written, and a load that ends the process would not be remembered (S11).
    #[error("it could not be noted durably that this load begins")]
    NotRemembered,
    /// Work was in flight for the whole bound (S9), or somebody waits for the model.
    #[error("{in_flight} asks work on it or wait for it")]
    InUse {
        /// How many.
        in_flight: usize,
    },
}

/// The effects of one event.
pub type Effects = Vec<Effect>;
