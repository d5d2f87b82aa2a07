//! Performing an effect on the modelled disk, locks and memory, and what is seen of it.
//!
//! Decides nothing. What a mutant makes of what is seen is in `falsify.rs`, what a step means for the rules in
//! `watch.rs`; where a mutant leaves an effect out, it says so here.

use modeld_spec::ids::{Epoch, ProcessId};
use modeld_spec::lease::effect::{
    ClaimSeen, Content, Effect, Failure, FailureKind, LatchSeen, LockSeen, ProcessSeen, Seen,
};
use modeld_spec::lease::gate::GateWord;
use modeld_spec::lease::record::{Record, Unreadable};

use super::Lease;
use super::actions::Fate;
use super::mutants::Mutant;
use super::names;
use super::shared::Shared;
use super::state::{Copied, Main, Owner, State, Thread};

impl Lease {
    /// Performs `effect` for a thread, and says what was seen.
    pub(super) fn perform(
        &self,
        state: &mut State,
        slot: usize,
        thread: Thread,
        effect: &Effect,
        fate: Fate,
    ) -> Seen {
        let seen = match fate {
            Fate::Busy => Seen::Latch(LatchSeen::Busy),
            Fate::Fails(kind) => {
                state.left.failures -= 1;
                Seen::Failed(error(kind))
            }
            Fate::FailsYetLands(kind) => {
                state.left.failures -= 1;
                self.land(state, slot, thread, effect);
                Seen::Failed(error(kind))
            }
            Fate::Done => self.land(state, slot, thread, effect),
        };
        self.falsified(state, slot, thread, effect, seen)
    }

    fn land(&self, state: &mut State, slot: usize, thread: Thread, effect: &Effect) -> Seen {
        match effect {
            Effect::TakeLatch => {
                state.disk.latch = Some((slot, thread));
                Seen::Latch(LatchSeen::Taken)
            }
            Effect::DropLatch => {
                let follows = is_attempting(state, slot)
                    && state.disk.record.as_ref().is_none_or(|record| {
                        record.instance != names::instance(slot, state.processes[slot].generation)
                    });
                if follows && self.mutant == Some(Mutant::FollowerKeepsLatch) {
                    return Seen::Done;
                }
                if state.disk.latch == Some((slot, thread)) {
                    state.disk.latch = None;
                }
                Seen::Done
            }
            Effect::ReadRecord => Seen::Record(read(state)),
            Effect::TryResidency => Seen::Residency(try_residency(state, slot)),
            Effect::DropResidency => {
                if self.mutant == Some(Mutant::FollowerKeepsLock) && is_attempting(state, slot) {
                    return Seen::Done;
                }
                drop_residency(state, slot);
                Seen::Done
            }
            Effect::ReadEpochs if thread == Thread::Main && self.has_none_left(state) => {
                Seen::Epochs(Epoch::new(u64::MAX))
            }
            Effect::ReadEpochs => match (state.disk.epochs, state.disk.copy) {
                // Both are gone, and there were epochs: the store can't tell which is next.
                (None, Copied::Damaged) => Seen::Failed(error(FailureKind::Other)),
                (granted, _) => Seen::Epochs(granted.max(state.disk.copied())),
            },
            Effect::ClaimEpoch(epoch) => Seen::Claim(self.claim_epoch(state, *epoch)),
            Effect::ReplaceRecord(record) => {
                self.watch_replacement(state, slot, thread, record);
                (state.disk.record, state.disk.torn) = (Some(Shared::new(record.clone())), false);
                Seen::Done
            }
            Effect::RemoveRecord => {
                self.watch_removal(state, slot);
                with_owner(state, slot, |owner| owner.removed = true);
                (state.disk.record, state.disk.torn) = (None, false);
                Seen::Done
            }
            Effect::InspectProcess(process) => Seen::Process(self.inspect(state, slot, *process)),
            Effect::KillProcess(process) => Seen::Process(self.kill(state, slot, *process)),
            Effect::Quiesce | Effect::Flush => Seen::Done,
            Effect::Free => {
                if self.mutant != Some(Mutant::ReleasesBeforeFree) {
                    with_owner(state, slot, |owner| owner.resident = false);
                }
                Seen::Done
            }
            Effect::StopKeeper => {
                with_owner(state, slot, |owner| owner.gate = GateWord::FENCED);
                Seen::Done
            }
        }
    }

    fn kill(&self, state: &mut State, slot: usize, process: ProcessId) -> ProcessSeen {
        let seen = self.inspect(state, slot, process);
        let Some(target) = self.aimed_at(state, slot, process, seen) else { return seen };
        self.watch_kill(state, slot, target, process);
        end(state, target, Main::Crashed);
        ProcessSeen::Alive
    }

    /// Whether as many epochs were granted as this configuration has. The numbers of a store that says so to a
    /// claimant are used up.
    fn has_none_left(&self, state: &State) -> bool {
        let bound = self.epochs.and_then(|epochs| Epoch::new(epochs.into()));
        bound.is_some() && bound <= state.disk.epochs.max(state.disk.copied())
    }

    /// The name of a grant is exclusive; its copy is written over.
    fn claim_epoch(&self, state: &mut State, epoch: Epoch) -> ClaimSeen {
        if self.mutant == Some(Mutant::SkipsEpochClaim) {
            ClaimSeen::Granted
        } else if state.disk.epochs < Some(epoch) {
            state.disk.epochs = Some(epoch);
            state.disk.copy = Copied::Epoch(epoch);
            ClaimSeen::Granted
        } else {
            ClaimSeen::Refused
        }
    }

    /// What `observer` finds out about a process.
    pub(super) fn inspect(&self, state: &State, observer: usize, named: ProcessId) -> ProcessSeen {
        let us = self.process_id(observer, &state.processes[observer]);
        if !named.comparable_from(us) {
            ProcessSeen::Unverifiable
        } else if self.find(state, observer, named.pid).is_some_and(|(_, found)| found == named) {
            ProcessSeen::Alive
        } else {
            ProcessSeen::Gone
        }
    }

    /// The process that has this pid where `observer` lives.
    pub(super) fn find(&self, state: &State, observer: usize, pid: u32) -> Option<(usize, ProcessId)> {
        let namespace = self.namespace(observer);
        let living = state.processes.iter().enumerate().filter(|(_, process)| process.lives());
        let mut named = living.map(|(slot, process)| (slot, self.process_id(slot, process)));
        named.find(|(_, found)| found.pid_namespace == namespace && found.pid == pid)
    }
}

/// The end of a process, as the kernel sees it.
pub(super) fn end(state: &mut State, slot: usize, main: Main) {
    state.disk.drop_locks_of(slot);
    if let Some(process) = state.processes.get_mut(slot) {
        process.main = main;
        process.owner = None;
        process.stopped = false;
    }
}

/// Whether the main thread of a process is at an attempt.
pub(super) fn is_attempting(state: &State, slot: usize) -> bool {
    state.processes.get(slot).is_some_and(|process| matches!(process.main, Main::Attempting { .. }))
}

fn read(state: &State) -> Content {
    match &state.disk.record {
        Some(record) => Content::Record(Record::clone(record)),
        None if state.disk.torn => Content::Unreadable(Unreadable(String::new())),
        None => Content::Absent,
    }
}

fn try_residency(state: &mut State, slot: usize) -> LockSeen {
    let current = state.disk.current_file();
    let file = names::file(current);
    // A lock on a file that was replaced proves nothing, and is not kept.
    for (index, holder) in state.disk.residency.iter_mut().enumerate() {
        if index != current && *holder == Some(slot) {
            *holder = None;
        }
    }
    match state.disk.residency.last_mut() {
        Some(holder) if holder.is_none_or(|holder| holder == slot) => {
            *holder = Some(slot);
            LockSeen::Taken(file)
        }
        _ => LockSeen::Held(file),
    }
}

fn drop_residency(state: &mut State, slot: usize) {
    for holder in &mut state.disk.residency {
        if *holder == Some(slot) {
            *holder = None;
        }
    }
    with_owner(state, slot, |owner| owner.awaits = None);
}

fn with_owner(state: &mut State, slot: usize, change: impl FnOnce(&mut Owner)) {
    if let Some(owner) = state.processes.get_mut(slot).and_then(|process| process.owner.as_deref_mut()) {
        change(owner);
    }
}

fn error(kind: FailureKind) -> Failure {
    Failure { doing: "", path: String::new(), cause: String::new(), kind }
}
