//! Performing an effect on the modelled disk, locks and memory, and what is seen of it.
//!
//! Decides nothing. Where a mutant falsifies what is seen, it says so.

use modeld_spec::ids::{Epoch, ProcessId};
use modeld_spec::lease::effect::{
    ClaimSeen, Content, Effect, Failure, FailureKind, LatchSeen, LockSeen, ProcessSeen, Seen,
};
use modeld_spec::lease::gate::GateWord;
use modeld_spec::lease::record::{Record, Residency};

use super::Lease;
use super::actions::Fate;
use super::mutants::Mutant;
use super::names;
use super::shared::Shared;
use super::state::{Broken, Main, State, Thread};

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
        match fate {
            Fate::Busy => return Seen::Latch(LatchSeen::Busy),
            Fate::Fails => {
                state.left.failures -= 1;
                return self.failed(effect, thread, state, slot);
            }
            Fate::FailsYetLands => {
                state.left.failures -= 1;
                self.land(state, slot, thread, effect);
                return Seen::Failed(error());
            }
            Fate::Done => {}
        }
        self.land(state, slot, thread, effect)
    }

    fn failed(&self, effect: &Effect, thread: Thread, state: &State, slot: usize) -> Seen {
        let attempts = matches!(at(state, slot), Some(Main::Attempting { .. })) && thread == Thread::Main;
        match (self.mutant, effect) {
            (Some(Mutant::ReadErrorIsFree), Effect::ReadRecord) if attempts => Seen::Record(Content::Absent),
            (Some(Mutant::LockErrorIsFree), Effect::TryResidency) if attempts => {
                Seen::Residency(LockSeen::Taken(names::file(state.disk.current_file())))
            }
            _ => Seen::Failed(error()),
        }
    }

    fn land(&self, state: &mut State, slot: usize, thread: Thread, effect: &Effect) -> Seen {
        let releasing = matches!(at(state, slot), Some(Main::Releasing { .. })) && thread == Thread::Main;
        match effect {
            Effect::TakeLatch => {
                state.disk.latch = Some((slot, thread));
                Seen::Latch(LatchSeen::Taken)
            }
            Effect::DropLatch => {
                let follows = matches!(at(state, slot), Some(Main::Attempting { .. }))
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
            Effect::ReadRecord => Seen::Record(self.read(state, slot, thread, releasing)),
            Effect::TryResidency => Seen::Residency(try_residency(state, slot)),
            Effect::DropResidency => {
                for holder in &mut state.disk.residency {
                    if *holder == Some(slot) {
                        *holder = None;
                    }
                }
                with_owner(state, slot, |owner| owner.awaits = None);
                Seen::Done
            }
            Effect::ReadEpochs if thread == Thread::Main && self.has_none_left(state) => {
                Seen::Epochs(Epoch::new(u64::MAX))
            }
            Effect::ReadEpochs => Seen::Epochs(self.remembered(state)),
            Effect::ClaimEpoch(epoch) => Seen::Claim(self.claim(state, *epoch)),
            Effect::ReplaceRecord(record) => {
                if thread == Thread::Main {
                    self.watch_acquisition(state, slot);
                } else if state.processes[slot].owner.as_ref().is_some_and(|owner| owner.removed) {
                    state.broke(Broken::ReleasedTooSoon);
                }
                state.disk.record = Some(Shared::new(record.clone()));
                Seen::Done
            }
            Effect::RemoveRecord => {
                watch_removal(state, slot);
                with_owner(state, slot, |owner| owner.removed = true);
                state.disk.record = None;
                Seen::Done
            }
            Effect::InspectProcess(process) => Seen::Process(self.inspect(state, *process)),
            Effect::KillProcess(process) => {
                let seen = self.inspect(state, *process);
                if seen == ProcessSeen::Alive {
                    end(state, process.pid as usize, Main::Crashed);
                }
                Seen::Process(seen)
            }
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

    /// Whether as many epochs were granted as this configuration has. The numbers of a store that says so to a
    /// claimant are used up.
    fn has_none_left(&self, state: &State) -> bool {
        let bound = self.epochs.and_then(|epochs| Epoch::new(epochs.into()));
        bound.is_some() && bound <= state.disk.epochs
    }

    fn remembered(&self, state: &State) -> Option<Epoch> {
        if self.mutant == Some(Mutant::SkipsEpochClaim) { None } else { state.disk.epochs }
    }

    fn claim(&self, state: &mut State, epoch: Epoch) -> ClaimSeen {
        if self.mutant == Some(Mutant::SkipsEpochClaim) {
            ClaimSeen::Granted
        } else if state.disk.epochs < Some(epoch) {
            state.disk.epochs = Some(epoch);
            ClaimSeen::Granted
        } else {
            ClaimSeen::Refused
        }
    }

    fn read(&self, state: &State, slot: usize, thread: Thread, releasing: bool) -> Content {
        let Some(record) = &state.disk.record else { return Content::Absent };
        let mut record = Record::clone(record);
        let current = names::file(state.disk.current_file());
        let claims = thread == Thread::Main && !releasing;
        match (self.mutant, &record.residency) {
            (Some(Mutant::FreeLockIsDeath), Residency::Awaited { .. }) if claims => {
                record.residency = Residency::Held(current);
            }
            (Some(Mutant::AnyLockFileWillDo), Residency::Held(_)) if claims => {
                record.residency = Residency::Held(current);
            }
            (Some(Mutant::AnyLockFileWillDo), &Residency::Awaited { holder, .. }) if claims => {
                record.residency = Residency::Awaited { file: current, holder };
            }
            (Some(Mutant::LeaderForgetsFile), Residency::Awaited { .. }) if releasing => {
                record.residency = Residency::Held(current);
            }
            (Some(Mutant::RemovesAnyRecord), _) if releasing => {
                record.residency = Residency::Held(current);
                if let Some(owner) = &state.processes[slot].owner {
                    record.epoch = owner.epoch;
                    record.instance = names::instance(slot, state.processes[slot].generation);
                }
            }
            _ => {}
        }
        Content::Record(record)
    }

    fn inspect(&self, state: &State, process: ProcessId) -> ProcessSeen {
        let slot = process.pid as usize;
        match state.processes.get(slot) {
            Some(seen) if seen.lives() && names::process(slot, seen.generation) == process => {
                ProcessSeen::Alive
            }
            _ => ProcessSeen::Gone,
        }
    }

    /// L2, L7: what it means that a claimant writes its record here.
    fn watch_acquisition(&self, state: &mut State, slot: usize) {
        let deposed = state.passing(self.mutant).find(|other| *other != slot);
        if let Some(other) = deposed {
            state.broke(Broken::OwnerDeposed);
            if state.processes[other].owner.as_ref().is_some_and(|owner| owner.awaits.is_some()) {
                state.broke(Broken::LeaderDeposed);
            }
        }
    }
}

/// L9, L10: what it means that a release removes the record here.
fn watch_removal(state: &mut State, slot: usize) {
    let process = &state.processes[slot];
    let instance = names::instance(slot, process.generation);
    let owner = process.owner.as_ref();
    let own = state
        .disk
        .record
        .as_ref()
        .is_some_and(|record| owner.is_some_and(|owner| record.belongs_to(&instance, owner.epoch)));
    let too_soon = owner.is_some_and(|owner| owner.resident || owner.keeper.is_some());
    if !own {
        state.broke(Broken::ForeignRecordRemoved);
    }
    if too_soon {
        state.broke(Broken::ReleasedTooSoon);
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

fn try_residency(state: &mut State, slot: usize) -> LockSeen {
    let current = state.disk.current_file();
    let file = names::file(current);
    match state.disk.residency.last_mut() {
        Some(holder) if holder.is_none_or(|holder| holder == slot) => {
            *holder = Some(slot);
            LockSeen::Taken(file)
        }
        _ => LockSeen::Held(file),
    }
}

fn at(state: &State, slot: usize) -> Option<&Main> {
    state.processes.get(slot).map(|process| &process.main)
}

fn with_owner(state: &mut State, slot: usize, change: impl FnOnce(&mut super::state::Owner)) {
    if let Some(owner) = state.processes.get_mut(slot).and_then(|process| process.owner.as_mut()) {
        change(owner);
    }
}

fn error() -> Failure {
    Failure { doing: "", path: String::new(), cause: String::new(), kind: FailureKind::Other }
}
