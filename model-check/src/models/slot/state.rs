//! Everything that the slot model remembers: the table, the engine's work, the clients, the disk, and what went wrong.

use modeld_spec::slot::entry::Phase;
use modeld_spec::slot::event::AskId;
use modeld_spec::slot::table::Slots;

use super::names::{CALLERS, MEMBERS, MODELS, ask_id, caller_of, serial_of};

/// One state of the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The daemon's table; none while there is no daemon.
    pub table: Option<Slots>,
    /// The clients.
    pub callers: [Caller; CALLERS],
    /// What the engine does, by model.
    pub engine: [Work; MODELS],
    /// Whether the gate lets nothing pass any more.
    pub gate_closed: bool,
    /// Whether the table was made to look at the closed gate.
    pub noticed: bool,
    /// Marks on disk, a bit a model.
    pub marks: u8,
    /// Whether the disk fails.
    pub disk_fails: bool,
    /// An end of a load that may be reported once more.
    pub echo: Option<Echo>,
    /// The faults that may still happen.
    pub left: Budget,
    /// What only the checker knows.
    pub ghost: Ghost,
}

/// One client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Caller {
    /// How many more times it asks.
    pub left: u8,
    /// What it does.
    pub stage: Stage,
}

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Nothing.
    Idle,
    /// It waits for an answer.
    Waiting {
        /// What it asked for, by its place on the menu.
        choice: u8,
        /// Whether it was told that the load has come half of the way.
        told: bool,
        /// The model that its member was, if that has to outlive a failure.
        good: Option<u8>,
    },
    /// It works on a model.
    Holding {
        /// The model.
        model: u8,
        /// The load.
        generation: u8,
        /// Whether it was told to end.
        aborted: bool,
    },
    /// It has hung up, and the daemon has not heard of it.
    Left,
}

/// What the engine does for a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// Nothing.
    None,
    /// The mark of a load is being written.
    Marking {
        /// The load.
        generation: u8,
    },
    /// A load is about to ask the gate whether it may begin.
    Starting {
        /// The load.
        generation: u8,
        /// Whether it was told to break off.
        breaking: bool,
    },
    /// A load.
    Loading {
        /// The load.
        generation: u8,
        /// Whether it was told to break off.
        breaking: bool,
        /// Whether it has come half of the way.
        half: bool,
    },
    /// A model is in memory.
    Resident {
        /// The load.
        generation: u8,
        /// Whether it took more than was planned.
        more: bool,
    },
    /// It is being freed.
    Freeing {
        /// The load.
        generation: u8,
        /// Whether it took more than was planned.
        more: bool,
    },
}

impl Work {
    /// The load, if there is one.
    pub fn generation(self) -> Option<u8> {
        match self {
            Work::None => None,
            Work::Marking { generation }
            | Work::Starting { generation, .. }
            | Work::Loading { generation, .. }
            | Work::Resident { generation, .. }
            | Work::Freeing { generation, .. } => Some(generation),
        }
    }

    /// Whether memory is taken.
    pub fn is_in_memory(self) -> bool {
        match self {
            Work::None | Work::Marking { .. } | Work::Starting { .. } => false,
            Work::Loading { .. } | Work::Resident { .. } | Work::Freeing { .. } => true,
        }
    }

    /// Whether more is taken than was planned.
    pub fn is_more(self) -> bool {
        matches!(self, Work::Resident { more: true, .. } | Work::Freeing { more: true, .. })
    }
}

/// An end of a load that was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Echo {
    /// The model.
    pub model: u8,
    /// The load.
    pub generation: u8,
    /// Whether it ended with a model.
    pub loaded: bool,
}

/// How many faults of each sort may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Loads that fail.
    pub failures: u8,
    /// Crashes of the daemon.
    pub crashes: u8,
    /// Fences.
    pub fences: u8,
    /// Loads that take more than was planned.
    pub overshoots: u8,
    /// Times that the disk fails.
    pub disk_failures: u8,
    /// Ends of loads that are reported twice.
    pub echoes: u8,
}

/// What only the checker knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ghost {
    /// Models whose load ended a process since somebody asked for them by name, a bit a model.
    pub ended_a_process: u8,
    /// Models of which a mark may be left for a reason, a bit a model.
    pub excused: u8,
    /// Models that are owed to their member after a failed switch, a bit a model.
    pub owed: u8,
    /// Models that a load was asked for, by member, a bit a model.
    pub wanted: [u8; MEMBERS],
    /// Drain intervals that passed while the model was draining.
    pub drained_for: [u8; MODELS],
    /// Rules about single steps that were seen to be broken, a bit each; none for ever in a sound protocol.
    pub broken: u16,
}

/// Rules about single steps, which no state by itself shows to be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Broken {
    /// S1: a load was begun beside another of the same model.
    TwoLoads = 1,
    /// S2: somebody was answered who did not wait.
    AnsweredAgain = 1 << 1,
    /// S3: a hang-up was felt by somebody else.
    HangUpFelt = 1 << 2,
    /// S4: a load failed, and the good model is not there.
    GoodModelLost = 1 << 3,
    /// S4: a model was given up first that should have stayed, or without saying so.
    GivenUpUnasked = 1 << 4,
    /// S4: a member became another model without a load of it.
    SwitchedUnasked = 1 << 5,
    /// S7: a member was said to be unloaded while its memory was taken.
    UnloadedTooSoon = 1 << 6,
    /// S10: a load was begun after the gate had closed.
    LoadedAfterFence = 1 << 7,
    /// S10: a model was handed out after the gate had closed.
    ServedAfterFence = 1 << 8,
    /// S11: a load that ended a process was begun by itself.
    RetriedByItself = 1 << 9,
    /// S11: a model was refused for a crash that never was.
    RefusedWithoutReason = 1 << 10,
    /// S12: an answer was that of another load.
    OtherGeneration = 1 << 11,
}

impl State {
    /// Remembers that a rule about single steps was broken.
    pub fn broke(&mut self, rule: Broken) {
        self.ghost.broken |= rule as u16;
    }

    /// Whether a rule about single steps was broken.
    pub fn is_broken(&self, rule: Broken) -> bool {
        self.ghost.broken & rule as u16 != 0
    }

    /// The caller of an ask, if it is still the ask that it is at.
    pub fn asker(&self, id: AskId) -> Option<usize> {
        let caller = caller_of(id);
        let is_at_it = |caller: &Caller| caller.left == serial_of(id) && caller.stage != Stage::Idle;
        self.callers.get(caller).is_some_and(is_at_it).then_some(caller)
    }

    /// The name of the ask that a caller is at.
    pub fn ask_of(&self, caller: usize) -> AskId {
        ask_id(caller, self.callers[caller].left)
    }

    /// Whether the table knows that this ask waits.
    pub fn is_waiting(&self, id: AskId) -> bool {
        let waits = |table: &Slots| table.slots().iter().any(|slot| slot.asks.iter().any(|ask| ask.id == id));
        self.table.as_ref().is_some_and(waits)
    }

    /// Whether drain ticks make a difference.
    pub fn is_draining(&self) -> bool {
        let drains = |table: &Slots| {
            let is_draining = |phase| matches!(phase, Phase::Draining { .. });
            !table.is_fenced() && table.slots().iter().any(|slot| is_draining(slot.phase))
        };
        self.table.as_ref().is_some_and(drains)
    }

    /// Whether a model serves.
    pub fn is_something_ready(&self) -> bool {
        let slots = self.table.iter().flat_map(Slots::slots);
        slots.into_iter().any(|slot| matches!(slot.phase, Phase::Ready(_)))
    }

    /// Whether anybody waits for an answer.
    pub fn somebody_waits(&self) -> bool {
        self.callers.iter().any(|caller| matches!(caller.stage, Stage::Waiting { .. }))
    }
}
