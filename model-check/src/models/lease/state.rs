//! Everything that the lease model remembers: files, locks, processes, and what was seen to go wrong.

use modeld_spec::ids::Epoch;
use modeld_spec::lease::acquire::Acquire;
use modeld_spec::lease::effect::Effect;
use modeld_spec::lease::gate::GateWord;
use modeld_spec::lease::keeper::{self, Keeper};
use modeld_spec::lease::record::{Record, Residency};
use modeld_spec::lease::release::{Ending, Release};
use modeld_spec::lease::renew::{self, Renew};
use modeld_spec::lease::standby::Standby;
use modeld_spec::time::BootTime;

use super::Lease;
use super::mutants::Mutant;
use super::names;
use super::shared::Shared;

/// One state of the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The ticks that have passed, where a horizon counts them.
    pub tick: u8,
    /// How often the machine has booted.
    pub boot: u8,
    /// By how many TTLs the wall clock was set forward (or back) since the story began.
    pub wall: i8,
    /// What is on disk, and who has which lock.
    pub disk: Disk,
    /// The processes, by slot.
    pub processes: Vec<Shared<Process>>,
    /// The faults that may still happen.
    pub left: Budget,
    /// The highest epoch that anybody ever owned.
    pub highest_owned: Option<Epoch>,
    /// Rules about single steps that were seen to be broken; empty for ever in a sound protocol.
    pub broken: Vec<Broken>,
}

impl State {
    /// The instant of this state.
    pub fn now(&self) -> BootTime {
        names::NOW
    }

    /// Remembers that a rule about single steps was broken.
    pub fn broke(&mut self, rule: Broken) {
        if !self.broken.contains(&rule) {
            self.broken.push(rule);
            self.broken.sort_unstable();
        }
    }
}

impl Lease {
    /// The processes whose deadline has not passed, by slot: those that own by the clock, whatever locks there are.
    pub fn leased<'a>(&'a self, state: &'a State) -> impl Iterator<Item = usize> + 'a {
        let leased = move |slot: &usize| {
            let owner = state.processes.get(*slot).and_then(|process| process.owner.as_deref());
            owner.is_some_and(|owner| owner.passes(self.now_of(*slot), self.mutant))
        };
        (0..state.processes.len()).filter(leased)
    }

    /// The processes that may begin an owned effect at this instant, by slot.
    pub fn passing<'a>(&'a self, state: &'a State) -> impl Iterator<Item = usize> + 'a {
        let open = move |slot: &usize| {
            let owner = state.processes.get(*slot).and_then(|process| process.owner.as_deref());
            self.mutant == Some(Mutant::LeaderOpensWithoutLock) || owner.is_some_and(|owner| owner.open)
        };
        self.leased(state).filter(open)
    }
}

/// The data root.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Disk {
    /// The record in the lease file.
    pub record: Option<Shared<Record>>,
    /// Whether there is a lease file that is no record.
    pub torn: bool,
    /// The highest epoch that the directory of grants remembers.
    pub epochs: Option<Epoch>,
    /// What the latch file has as content.
    pub copy: Copied,
    /// Which thread of which process has the latch.
    pub latch: Option<(usize, Thread)>,
    /// Who has the lock on each file that ever had the name of the residency lock; the last one has it still.
    pub residency: Vec<Option<usize>>,
}

impl Disk {
    /// The index of the file that has the name of the residency lock.
    pub fn current_file(&self) -> usize {
        self.residency.len() - 1
    }

    /// The kernel drops every lock of a process that ended.
    pub fn drop_locks_of(&mut self, slot: usize) {
        if self.latch.is_some_and(|(holder, _)| holder == slot) {
            self.latch = None;
        }
        for holder in &mut self.residency {
            if *holder == Some(slot) {
                *holder = None;
            }
        }
    }

    /// The epoch that the copy in the latch file has.
    pub fn copied(&self) -> Option<Epoch> {
        match self.copy {
            Copied::Epoch(epoch) => Some(epoch),
            Copied::Empty | Copied::Damaged => None,
        }
    }

    /// The highest epoch that any file remembers.
    pub fn remembered(&self) -> Option<Epoch> {
        self.epochs.max(self.copied()).max(self.record.as_ref().map(|record| record.epoch))
    }
}

/// The copy of the highest epoch, which is the content of the latch file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Copied {
    /// The file is empty.
    Empty,
    /// It has this epoch.
    Epoch(Epoch),
    /// What it has is no copy.
    Damaged,
}

/// One process slot: a process, or what is left of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Process {
    /// How many processes lived in this slot before.
    pub generation: u8,
    /// How many of them lived in this boot: what the kernel shows as start.
    pub started: u8,
    /// What its main thread does.
    pub main: Main,
    /// What it has as owner.
    pub owner: Option<Box<Owner>>,
    /// Whether it is paused for good: it lives, and takes no step.
    pub stopped: bool,
}

impl Process {
    /// Whether the process exists.
    pub fn lives(&self) -> bool {
        !matches!(self.main, Main::Crashed | Main::Exited)
    }

    /// Whether its memory has models in it.
    pub fn resident(&self) -> bool {
        self.owner.as_ref().is_some_and(|owner| owner.resident)
    }
}

/// What the main thread of a process does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Main {
    /// One attempt of a standby.
    Attempting {
        /// Who attempts.
        standby: Standby,
        /// The effect that is to be performed.
        effect: Effect,
        /// The attempt.
        attempt: Box<Acquire>,
        /// Whether an effect of it has failed.
        failed: bool,
        /// Whether the wait before it was ended by the lock.
        in_hand: bool,
    },
    /// A standby waits.
    Waiting {
        /// Who waits.
        standby: Standby,
        /// The lock file that it waits for, if it does.
        for_lock: Option<usize>,
        /// The instant.
        until: BootTime,
    },
    /// It owns; the keeper and the renewal do the rest.
    Owning,
    /// It ends its ownership.
    Releasing {
        /// Why.
        ending: Ending,
        /// The effect that is to be performed.
        effect: Effect,
        /// The release.
        release: Box<Release>,
    },
    /// The release is over and something is left that only the end of the process ends.
    Leaving,
    /// It died.
    Crashed,
    /// It ended by itself, its ownership released.
    Exited,
}

/// What a process has as owner.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The epoch that it owns.
    pub epoch: Epoch,
    /// Until when owned effects may begin.
    pub gate: GateWord,
    /// Whether they may begin as far as the residency lock goes (L16).
    pub open: bool,
    /// Whether models are loaded.
    pub resident: bool,
    /// The lock file that it waits for, if it leads without the lock.
    pub awaits: Option<usize>,
    /// What its first record says about the lock.
    pub residency: Residency,
    /// The keeper and what it asks for, until keeping has ended.
    pub keeper: Option<(keeper::Effect, Keeper)>,
    /// The renewal beside the keeper.
    pub renewal: Renewal,
    /// Whether the release has told the keeper to stop.
    pub stopping: bool,
    /// Whether the release has removed the record.
    pub removed: bool,
}

impl Owner {
    /// Whether an owned effect may begin at `now`, as far as the clock goes.
    pub fn passes(&self, now: BootTime, mutant: Option<Mutant>) -> bool {
        match mutant {
            Some(Mutant::GateIgnoresDeadline) => self.gate != GateWord::FENCED,
            _ => self.gate.admits(now),
        }
    }
}

/// The renewal beside a keeper.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Renewal {
    /// There is none.
    Idle,
    /// It is under way, and wants this effect next.
    Running(Effect, Box<Renew>),
    /// It has ended, and the keeper has yet to hear of it.
    Ended(renew::Outcome),
}

/// The threads of a process that perform effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Thread {
    /// Attempts and releases.
    Main,
    /// The keeper.
    Keeper,
    /// The renewal beside it.
    Renewal,
}

/// How many faults of each sort may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Crashes.
    pub crashes: u8,
    /// New processes in the slot of one that ended.
    pub restarts: u8,
    /// Effects that fail, whether or not they land.
    pub failures: u8,
    /// Files that are lost, damaged or replaced.
    pub losses: u8,
    /// Processes that are paused for good.
    pub stops: u8,
    /// Suspensions of the whole machine.
    pub suspends: u8,
    /// Steps of the wall clock.
    pub wall_steps: u8,
    /// Reboots.
    pub reboots: u8,
    /// Power cuts.
    pub power_cuts: u8,
    /// Faults of any sort, where that is bounded too.
    pub any: Option<u8>,
}

impl Budget {
    /// Whether a fault of a sort of which so many are left may happen.
    pub fn allows(&self, left: u8) -> bool {
        0 < left && self.any != Some(0)
    }
}

/// Rules about single steps, which no state by itself shows to be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Broken {
    /// L2: a record was replaced by a claimant while its owner could begin effects.
    OwnerDeposed,
    /// L3: an epoch was used that is not above every epoch used before.
    EpochReused,
    /// L5: an owned effect began at or after the deadline.
    ActedLate,
    /// L6: a gate that let nothing pass was opened again.
    GateReopened,
    /// L6: a renewal went on to write although its deadline had passed.
    RenewedLate,
    /// L7: a claimant replaced the record of a leader that waited for the lock, before its deadline.
    LeaderDeposed,
    /// L7: a standby that saw a leader wait for the lock waits for it too.
    InTheLeadersWay,
    /// L8: an attempt ended in ownership although one of its effects had failed.
    AcquiredAfterFailure,
    /// L8: an owner was fenced before its deadline and without a successor.
    FencedInVain,
    /// L8: a deadline moved although it was not known whether the renewal took hold.
    MovedOnUnknown,
    /// L8: an owner that is never paused was fenced for one failed effect.
    FencedForOneFailure,
    /// L9: a record was removed while memory was taken, or written again after its removal.
    ReleasedTooSoon,
    /// L9: an owner that was fenced wrote what must outlive it.
    FlushedFenced,
    /// L10: a record of another was removed.
    ForeignRecordRemoved,
    /// L11: time passed although a standby could have taken over from a dead owner.
    DeadOwnerWaitedFor,
    /// L12: a process was killed that the record did not name, or that nobody wanted killed.
    WrongProcessKilled,
    /// L12: a process that has ended was found alive, or one that lives gone.
    ProcessMistaken,
    /// L13: an owner that heard of a later epoch went on.
    LaterEpochIgnored,
    /// L13: a renewal was written over an ownership that is later than its own.
    WrittenOverLater,
    /// L14: a standby waits again for the lock that it had in vain.
    WaitsInVain,
    /// L16: a gate opened under an epoch that was no longer the latest.
    OpenedStale,
    /// A machine was given an answer that it had not asked for.
    Contract,
}
