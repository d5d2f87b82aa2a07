//! Everything that the fence model remembers: lease, locks, store, processes, clients, and what was seen to go wrong.
//!
//! It is small and copied as a whole: most transitions change one byte of it.

use modeld_spec::fence::commit::{self, Commit, Ownership};
use modeld_spec::fence::drain::{self, Drain};
use modeld_spec::fence::permits::PermitWord;
use modeld_spec::ids::Epoch;
use modeld_spec::lease::gate::GateWord;
use modeld_spec::time::BootTime;

use super::releases::Node;
use crate::models::lease::names;

/// The most processes and clients that a configuration has.
pub const SLOTS: usize = 3;
/// The most clients that a configuration has.
pub const CLIENTS: usize = 2;

/// One state of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The boot clock, in ticks since the story began.
    pub tick: u8,
    /// How many of them the machine was suspended.
    pub suspended: u8,
    /// The lease file.
    pub record: Option<Record>,
    /// The highest epoch that the store remembers; 0: none.
    pub highest: u8,
    /// How many ownerships were granted, whatever their numbers.
    pub grants: u8,
    /// Which thread of which process has the latch.
    pub latch: Option<(u8, Thread)>,
    /// Which process has the residency lock.
    pub residency: Option<u8>,
    /// What durable effects act upon.
    pub store: Store,
    /// The processes, by slot.
    pub processes: [Process; SLOTS],
    /// The clients.
    pub clients: [Client; CLIENTS],
    /// What may still happen.
    pub left: Budget,
    /// Rules about single steps that were seen to be broken; none for ever in a sound protocol.
    pub broken: Broken,
}

impl State {
    /// The instant of this state.
    pub fn now(&self) -> BootTime {
        names::instant(self.tick)
    }

    /// Remembers that a rule about single steps was broken.
    pub fn broke(&mut self, rule: Broken) {
        self.broken = Broken(self.broken.0 | rule.0);
    }

    /// Whether that rule was broken.
    pub fn has_broken(&self, rule: Broken) -> bool {
        self.broken.0 & rule.0 != 0
    }

    /// The process in this slot.
    pub fn process(&self, slot: u8) -> &Process {
        &self.processes[usize::from(slot)]
    }

    /// The process in this slot, to be changed.
    pub fn process_mut(&mut self, slot: u8) -> &mut Process {
        &mut self.processes[usize::from(slot)]
    }
}

/// The lease file, as far as succession depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// The owner.
    pub slot: u8,
    /// Its epoch.
    pub epoch: u8,
    /// The tick from which the last renewal counts.
    pub renewed: u8,
    /// Whether the owner leads without the residency lock.
    pub awaits: bool,
}

/// A place on disk that durable effects write to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Store {
    /// Which write is in place.
    pub place: u8,
    /// Which of them is still there after a power loss.
    pub synced: u8,
    /// The last write that was reported as done.
    pub reported: u8,
    /// How many writes were begun.
    pub writes: u8,
    /// The epoch of what each process has prepared beside it; 0: nothing.
    pub prepared: [u8; SLOTS],
}

/// The threads of a process that take the latch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Thread {
    /// Attempts and releases.
    Main,
    /// Durable effects.
    Writer,
    /// Renewals.
    Renewal,
}

/// One process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Process {
    /// What it is.
    pub life: Life,
    /// Whether it is paused: it lives, and takes no step.
    pub paused: bool,
    /// The number of its ownership; 0 before the first.
    pub epoch: u8,
    /// The how manieth grant it was.
    pub ordinal: u8,
    /// Until when owned effects may begin.
    pub gate: GateWord,
    /// The tick from which the last renewal counts that came in time: when its time really ends.
    pub proven: u8,
    /// A renewal that has the latch and has not written the record: from when it counts.
    pub renewing: Option<u8>,
    /// A renewal that has written the record and has not moved the gate.
    pub extending: Option<u8>,
    /// Whether it leads and waits for the residency lock.
    pub leads: bool,
    /// How many owned effects are under way.
    pub permits: PermitWord,
    /// The end of what is under way, while the release waits for it.
    pub drain: Option<(drain::Effect, Drain)>,
    /// A load, an item or a sweep that has begun and not landed.
    pub native: Option<Native>,
    /// A durable effect that has begun and not ended.
    pub durable: Option<Durable>,
    /// Whether models are loaded.
    pub resident: bool,
    /// How often they were.
    pub generation: u8,
    /// For each client, in which epoch and on which generation its session was opened.
    pub sessions: [Option<(u8, u8)>; CLIENTS],
    /// For each client, how many items were produced.
    pub sent: [u8; CLIENTS],
    /// Whether its time had passed when its end began.
    pub late: bool,
    /// Whether its release has removed the record or dropped the residency lock.
    pub given_up: bool,
}

impl Process {
    /// A process that does not exist.
    pub const NONE: Process = Process {
        life: Life::Gone,
        paused: false,
        epoch: 0,
        ordinal: 0,
        gate: GateWord::FENCED,
        proven: 0,
        renewing: None,
        extending: None,
        leads: false,
        permits: PermitWord::OPEN,
        drain: None,
        native: None,
        durable: None,
        resident: false,
        generation: 0,
        sessions: [None; CLIENTS],
        sent: [0; CLIENTS],
        late: false,
        given_up: false,
    };

    /// Whether it can take a step.
    pub fn runs(&self) -> bool {
        self.life != Life::Gone && !self.paused
    }

    /// Whether nothing of it is under way and nothing resident.
    pub fn is_idle(&self) -> bool {
        self.native.is_none() && self.durable.is_none() && !self.resident
    }

    /// Whether it owns, or thinks so.
    pub fn owns(&self) -> bool {
        matches!(self.life, Life::Owning | Life::Ending(_))
    }
}

/// What a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Life {
    /// It waits for its turn.
    Standby,
    /// An epoch was granted to it, and its record is not written.
    Granted,
    /// It owns.
    Owning,
    /// It ends its ownership; where in the release it is.
    Ending(Node),
    /// Its release is over; what it left under way goes on.
    Ended,
    /// It is dead, or never lived.
    Gone,
}

/// An effect that nothing checks where it lands, or whose landing takes no step of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Native {
    /// What it does.
    pub work: Work,
    /// When it began.
    pub begun: u8,
    /// Whether it never ends.
    pub stuck: bool,
}

/// The kinds of owned effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// Memory is taken.
    Load,
    /// An item is produced for this client.
    Item(u8),
    /// What this process left prepared in this epoch is removed.
    Sweep(u8, u8),
    /// The store is written.
    Write,
}

/// A durable effect in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Durable {
    /// What it wants next.
    pub effect: commit::Effect,
    /// The machine.
    pub commit: Commit<u8, ()>,
    /// Which write it is.
    pub write: u8,
    /// Whether it is in its place.
    pub landed: bool,
    /// Whether only a part of it was prepared.
    pub torn: bool,
    /// Whether the removal of what it prepared has failed.
    pub left: bool,
    /// Whether it is the flush of a release.
    pub flush: bool,
    /// What a mutant saw of the lease before it took the latch: whether it is ours, and the highest epoch.
    pub early: (bool, u8),
}

/// One client with one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    /// The record that it has read: who, and which epoch.
    pub meant: Option<(u8, u8)>,
    /// The highest epoch that it has seen; 0: none.
    pub seen: u8,
    /// Who serves its answer.
    pub server: Option<u8>,
    /// What happened to its answer, from which `Follow` is made again.
    pub log: [Event; LOG],
    /// For each process, the item that is on its way: epoch and index.
    pub pipes: [Option<(u8, u8)>; SLOTS],
    /// Whether it has dropped an item for its epoch.
    pub refused: bool,
    /// From how many owners it has accepted items.
    pub served_by: u8,
}

/// How much can happen to an answer.
pub const LOG: usize = 6;

/// What happened to an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Nothing yet.
    None,
    /// A session was opened at this epoch.
    Opened(u8),
    /// An item came.
    Item,
    /// The connection to this epoch was lost.
    Lost(u8),
    /// The owner of this epoch said that it is fenced.
    Fenced(u8),
    /// An item was older than this epoch, which had been seen.
    Stale(u8),
}

impl Client {
    /// A client that has seen nothing.
    pub const NEW: Client = Client {
        meant: None,
        seen: 0,
        server: None,
        log: [Event::None; LOG],
        pipes: [None; SLOTS],
        refused: false,
        served_by: 0,
    };

    /// Notes what happened to the answer; `false` if there is no room.
    pub fn note(&mut self, event: Event) -> bool {
        match self.log.iter_mut().find(|slot| **slot == Event::None) {
            Some(slot) => {
                *slot = event;
                true
            }
            None => false,
        }
    }

    /// Whether that much more can happen.
    pub fn has_room(&self) -> bool {
        self.log[LOG - 1] == Event::None
    }
}

/// How often each of these may still happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Loads, of a first or of another model.
    pub loads: u8,
    /// Items.
    pub items: u8,
    /// Durable effects, those of a flush not counted.
    pub writes: u8,
    /// Sweeps.
    pub sweeps: u8,
    /// Renewals.
    pub renewals: u8,
    /// Calls of clients.
    pub calls: u8,
    /// Ends of an ownership by its owner's will.
    pub handovers: u8,
    /// New ownerships of a process whose ownership has ended.
    pub rejoins: u8,
    /// Crashes.
    pub crashes: u8,
    /// Pauses, of any length.
    pub pauses: u8,
    /// Suspends of the whole machine.
    pub suspends: u8,
    /// Effects that never end.
    pub stuck: u8,
    /// Effects on files that fail, having landed or not.
    pub failures: u8,
    /// Removals of all lease files.
    pub removals: u8,
    /// Power losses.
    pub power: u8,
}

/// A set of rules about single steps, which no state by itself shows to be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Broken(pub u16);

impl Broken {
    /// None.
    pub const NOTHING: Broken = Broken(0);
    /// F1: an effect began although the time of its owner had passed.
    pub const BEGAN_LATE: Broken = Broken(1);
    /// F1: a gate was opened again after its time.
    pub const REOPENED: Broken = Broken(1 << 1);
    /// F2: a durable effect landed after a later ownership was granted.
    pub const STALE_LANDED: Broken = Broken(1 << 2);
    /// F3: what was reported is not what happened.
    pub const MISREPORTED: Broken = Broken(1 << 3);
    /// F3: what was reported as done is gone.
    pub const DONE_WAS_LOST: Broken = Broken(1 << 4);
    /// F4: a commit ended and left what it had prepared.
    pub const LEFT_PREPARED: Broken = Broken(1 << 5);
    /// F4: something was swept that was not left behind.
    pub const SWEPT_TOO_MUCH: Broken = Broken(1 << 6);
    /// F6: a call ran where it was not meant to.
    pub const MISDIRECTED: Broken = Broken(1 << 7);
    /// F6: an item was produced for a session of another load.
    pub const GONE_SESSION: Broken = Broken(1 << 8);
    /// F7: an item was begun although the time of its owner had passed.
    pub const LATE_ITEM: Broken = Broken(1 << 9);
    /// F8: a client accepted something older than what it had seen.
    pub const OLDER_ACCEPTED: Broken = Broken(1 << 10);
    /// F9: an effect landed although its owner had given up record or lock.
    pub const LANDED_AFTER: Broken = Broken(1 << 11);
    /// F9: the lock was dropped and memory was not back.
    pub const MEMORY_AFTER: Broken = Broken(1 << 12);
    /// F11: a flush was begun by an owner whose time had passed when its end began.
    pub const LATE_FLUSH: Broken = Broken(1 << 13);
    /// F3: what landed was prepared in part only.
    pub const TORN: Broken = Broken(1 << 15);
    /// A machine was given an answer that does not fit.
    pub const CONTRACT: Broken = Broken(1 << 14);
}

/// The epoch with this number, which is above 0 wherever one is asked for.
pub fn epoch(number: u8) -> Epoch {
    Epoch::new(u64::from(number)).unwrap_or(Epoch::FIRST)
}

/// The ownership of a slot with this epoch.
pub fn ownership(slot: u8, number: u8) -> Ownership<u8> {
    Ownership { instance: slot, epoch: epoch(number) }
}
