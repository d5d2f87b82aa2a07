//! Faults of the machine: files that are lost, clocks that are set, suspensions, reboots, power cuts.
//!
//! Each is a switch of the configuration, with a budget. What a process does to itself (it crashes, it is paused,
//! one of its effects fails) is among its own actions.

use std::fmt;

use modeld_spec::ids::Epoch;
use modeld_spec::lease::gate::GateWord;
use modeld_spec::lease::record::{Record, Residency};

use super::Lease;
use super::actions::Action;
use super::mutants::Mutant;
use super::names;
use super::relative;
use super::shared::Shared;
use super::state::{Copied, Main, State};

/// Which files may be lost. One budget for all: what all of them forget, nobody can know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Loses {
    /// The record may be deleted, or be no record any more.
    pub record: bool,
    /// The directory of grants may be deleted, or the copy in the latch file be emptied or spoiled, as long as some
    /// file remembers the highest epoch.
    pub epochs: bool,
    /// The residency lock file may be replaced by a new one.
    pub lock_file: bool,
    /// The record, the grants and the copy may be deleted together: another data root begins.
    pub everything: bool,
}

impl Loses {
    /// No file is ever lost.
    pub const NOTHING: Loses = Loses { record: false, epochs: false, lock_file: false, everything: false };
}

/// A file that is lost, damaged or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Loss {
    /// The record is deleted.
    Record,
    /// The lease file is no record any more.
    TornRecord,
    /// The directory of grants is deleted.
    Grants,
    /// The latch file is emptied.
    Copy,
    /// The latch file has something else as content.
    SpoiltCopy,
    /// The residency lock file is deleted and made anew: there are two files, and a lock on each.
    LockFile,
    /// Record, grants and copy are deleted.
    Everything,
}

impl Loss {
    /// The sort of action, for coverage.
    pub fn kind(self) -> &'static str {
        match self {
            Loss::Record => "lease: the record is deleted",
            Loss::TornRecord => "lease: the record is torn",
            Loss::Grants => "lease: the grants are deleted",
            Loss::Copy => "lease: the latch file is emptied",
            Loss::SpoiltCopy => "lease: the latch file is spoilt",
            Loss::LockFile => "lease: the lock file is replaced",
            Loss::Everything => "lease: the data root is emptied",
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().trim_start_matches("lease: "))
    }
}

/// What a power cut makes of the record, which is never synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PowerCut {
    /// It is as it was.
    Kept,
    /// It is gone.
    Gone,
    /// The file is there, and what was written is not.
    Torn,
}

impl fmt::Display for PowerCut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PowerCut::Kept => "the record is kept",
            PowerCut::Gone => "the record is gone",
            PowerCut::Torn => "the record is torn",
        })
    }
}

impl Lease {
    /// The faults of the machine that may happen next.
    pub(super) fn faults_of_the_machine(&self, state: &State, actions: &mut Vec<Action>) {
        let left = &state.left;
        if left.allows(left.losses) {
            actions.extend(self.possible_losses(state).into_iter().flatten().map(Action::Lose));
        }
        if left.allows(left.suspends) {
            actions.push(Action::Suspend);
        }
        if left.allows(left.wall_steps) {
            actions.extend([Action::WallForward, Action::WallBack]);
        }
        if left.allows(left.reboots) {
            actions.push(Action::Reboot);
        }
        if left.allows(left.power_cuts) {
            actions.push(Action::CutPower(PowerCut::Kept));
            if state.disk.record.is_some() {
                actions.extend([PowerCut::Gone, PowerCut::Torn].map(Action::CutPower));
            }
        }
    }

    fn possible_losses(&self, state: &State) -> [Option<Loss>; 7] {
        let disk = &state.disk;
        let record = disk.record.is_some();
        // L3 promises that the loss of any one file takes no epoch back: the other copy has to remember it.
        let highest = disk.remembered();
        let copied = disk.copied();
        let when = |possible: bool, loss| possible.then_some(loss);
        let Loses { record: loses_record, epochs, lock_file, everything } = self.loses;
        [
            when(loses_record && (record || disk.torn), Loss::Record),
            when(loses_record && record, Loss::TornRecord),
            when(epochs && disk.epochs.is_some() && highest <= copied, Loss::Grants),
            when(epochs && copied.is_some() && highest <= disk.epochs, Loss::Copy),
            when(epochs && copied.is_some() && highest <= disk.epochs, Loss::SpoiltCopy),
            when(lock_file, Loss::LockFile),
            // Not between a grant and its record: what is begun there is the new data root's.
            when(everything && highest.is_some() && disk.latch.is_none(), Loss::Everything),
        ]
    }

    /// What a fault of the machine does.
    pub(super) fn strike(&self, state: &mut State, fault: Action) {
        match fault {
            Action::Lose(loss) => {
                state.left.losses -= 1;
                lose(&mut state.disk, loss);
                if loss == Loss::Everything {
                    // L3 is about one data root.
                    state.highest_owned = None;
                }
            }
            Action::Suspend => {
                state.left.suspends -= 1;
                let gates: Vec<Option<GateWord>> = state
                    .processes
                    .iter()
                    .map(|process| process.owner.as_ref().map(|owner| owner.gate))
                    .collect();
                relative::pass(state);
                if self.mutant == Some(Mutant::ClockExcludesSuspend) {
                    // A clock that stood still leaves an owner as long as it had.
                    for (process, gate) in state.processes.iter_mut().zip(gates) {
                        if let (Some(owner), Some(gate)) = (process.owner.as_deref_mut(), gate) {
                            owner.gate = gate;
                        }
                    }
                }
            }
            Action::WallForward => self.step_wall_clock(state, 1),
            Action::WallBack => self.step_wall_clock(state, -1),
            Action::Reboot => {
                state.left.reboots -= 1;
                if self.mutant == Some(Mutant::GrantsInMemory) {
                    (state.disk.epochs, state.disk.copy) = (None, Copied::Empty);
                }
                self.boot_again(state);
            }
            Action::CutPower(cut) => {
                state.left.power_cuts -= 1;
                match cut {
                    PowerCut::Kept => {}
                    PowerCut::Gone => lose(&mut state.disk, Loss::Record),
                    PowerCut::Torn => lose(&mut state.disk, Loss::TornRecord),
                }
                if self.mutant == Some(Mutant::GrantsNotSynced) {
                    (state.disk.epochs, state.disk.copy) = (None, Copied::Empty);
                }
                self.boot_again(state);
            }
            _ => {}
        }
    }

    fn step_wall_clock(&self, state: &mut State, by: i8) {
        state.left.wall_steps -= 1;
        state.wall += by;
        if self.mutant == Some(Mutant::GateByWallClock) && by < 0 {
            let ttl = self.ttl().length();
            for process in &mut state.processes {
                if let Some(owner) = process.owner.as_deref_mut()
                    && let Some(deadline) = owner.gate.deadline()
                {
                    owner.gate = GateWord::open_until(deadline.after(ttl));
                }
            }
        }
    }

    /// Every process ends, every lock is free, and every slot has a new process. The kernel counts pids and starts
    /// from the beginning, so that a process of this boot may look like one of the last.
    fn boot_again(&self, state: &mut State) {
        state.boot += 1;
        state.disk.latch = None;
        state.disk.residency.fill(None);
        for slot in 0..state.processes.len() {
            let process = &mut *state.processes[slot];
            process.main = Main::Exited;
            process.stopped = false;
            process.generation += 1;
            process.started = 0;
            self.join(state, slot);
        }
    }

    /// The state in which every process begins to stand by on a fresh data root, and those in which it finds
    /// what others left, where that is a fault in play.
    pub(super) fn beginnings(&self) -> Vec<State> {
        let fresh = self.beginning();
        if !self.remains {
            return vec![fresh];
        }
        // The process that left them had the pid and the start that the first one has.
        let left = |boot: u8, residency: Residency| {
            let mut state = fresh.clone();
            let claim = self.claim(&state, 0);
            let record = Record {
                epoch: Epoch::FIRST,
                instance: names::instance(usize::from(b'z' - b'a'), 0),
                process: claim.process,
                host: claim.host,
                clock: modeld_spec::ids::ClockDomain { boot_id: names::boot(boot), ..claim.clock },
                acquired_at: names::LONG_AGO,
                renewed_at: names::NOW,
                ttl: claim.ttl,
                residency,
                meta: claim.meta,
                protocol: claim.protocol,
            };
            state.disk.record = Some(Shared::new(record));
            state.disk.epochs = Some(Epoch::FIRST);
            state.disk.copy = Copied::Epoch(Epoch::FIRST);
            state.highest_owned = Some(Epoch::FIRST);
            state
        };
        let mut torn = left(0, Residency::Held(names::file(0)));
        lose(&mut torn.disk, Loss::TornRecord);
        // Its owner crashed a moment ago, in this boot: nobody has the lock. In an earlier boot, on a file that
        // was replaced since. And nobody knows what the file was.
        vec![
            fresh.clone(),
            left(fresh.boot, Residency::Held(names::file(0))),
            left(fresh.boot.wrapping_sub(1), Residency::Held(names::file(usize::from(u8::MAX)))),
            torn,
        ]
    }
}

fn lose(disk: &mut super::state::Disk, loss: Loss) {
    match loss {
        Loss::Record => (disk.record, disk.torn) = (None, false),
        Loss::TornRecord => (disk.record, disk.torn) = (None, true),
        Loss::Grants => disk.epochs = None,
        Loss::Copy => disk.copy = Copied::Empty,
        Loss::SpoiltCopy => disk.copy = Copied::Damaged,
        Loss::LockFile => disk.residency.push(None),
        Loss::Everything => {
            (disk.record, disk.torn) = (None, false);
            (disk.epochs, disk.copy) = (None, Copied::Empty);
        }
    }
}
