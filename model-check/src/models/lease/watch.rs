//! What a step means for the rules about single steps, which no state by itself shows to be broken.
//!
//! The state remembers what was broken (`Broken`); each has a property of its own. Nothing here is told to a machine.

use modeld_spec::ids::{Epoch, ProcessId};
use modeld_spec::lease::decision::Why;
use modeld_spec::lease::effect::{Effect, ProcessSeen, Seen};
use modeld_spec::lease::evict::Policy;
use modeld_spec::lease::gate::GateWord;
use modeld_spec::lease::keeper;
use modeld_spec::lease::record::{Record, Residency};
use modeld_spec::lease::release::Ending;
use modeld_spec::lease::renew::{self, Problem};

use super::Lease;
use super::names;
use super::state::{Broken, Main, State, Thread};

impl Lease {
    /// L2, L7, L9, L13: what it means that a record is written here.
    pub(super) fn watch_replacement(&self, state: &mut State, slot: usize, thread: Thread, record: &Record) {
        if thread == Thread::Main {
            return self.watch_acquisition(state, slot);
        }
        let owner = state.processes[slot].owner.as_deref();
        let removed = owner.is_some_and(|owner| owner.removed);
        let later = |written: &Record| {
            record.epoch < written.epoch
                || written.epoch == record.epoch && written.instance != record.instance
        };
        let over_later =
            state.disk.record.as_deref().is_some_and(later) || Some(record.epoch) < state.highest_owned;
        // Where the latch keeps nobody out, a renewal may come upon a record that it has not seen, or upon none.
        if removed && !self.unlatched {
            state.broke(Broken::ReleasedTooSoon);
        }
        if over_later && !self.unlatched {
            state.broke(Broken::WrittenOverLater);
        }
        // L3: what a record says is used, whoever granted it.
        state.highest_owned = state.highest_owned.max(Some(record.epoch));
    }

    fn watch_acquisition(&self, state: &mut State, slot: usize) {
        // Without the latch two decisions may cross; what holds even then is L1, L3, L5 and L16.
        if self.unlatched {
            return;
        }
        let Some(other) = self.leased(state).find(|other| *other != slot) else { return };
        let process = &state.processes[other];
        let open = process.owner.as_deref().is_some_and(|owner| owner.open);
        let instance = names::instance(other, process.generation);
        let there = state.disk.record.as_ref().is_some_and(|record| record.instance == instance);
        if open {
            state.broke(Broken::OwnerDeposed);
        } else if there {
            state.broke(Broken::LeaderDeposed);
        }
    }

    /// L3: what it means that this epoch is owned.
    pub(super) fn watch_epoch(&self, state: &mut State, slot: usize, epoch: Epoch) {
        // Without the latch a slower claimant may come to own after a faster one that was granted a later epoch.
        let shared = state.processes.iter().enumerate().any(|(other, process)| {
            other != slot && process.owner.as_deref().is_some_and(|owner| owner.epoch == epoch)
        });
        let reused = match self.unlatched {
            true => shared || state.highest_owned == Some(epoch),
            false => Some(epoch) <= state.highest_owned,
        };
        if reused {
            state.broke(Broken::EpochReused);
        }
    }

    /// L9, L10: what it means that a release removes the record here.
    pub(super) fn watch_removal(&self, state: &mut State, slot: usize) {
        let process = &state.processes[slot];
        let instance = names::instance(slot, process.generation);
        let owner = process.owner.as_deref();
        let own = |record: &Record| owner.is_some_and(|owner| record.belongs_to(&instance, owner.epoch));
        let foreign = state.disk.record.as_deref().is_some_and(|record| !own(record));
        let too_soon = owner.is_some_and(|owner| owner.resident || owner.keeper.is_some());
        if foreign && !self.unlatched {
            state.broke(Broken::ForeignRecordRemoved);
        }
        if too_soon {
            state.broke(Broken::ReleasedTooSoon);
        }
    }

    /// L10: what it means that a release wants this next, having seen the lease file as it is.
    pub(super) fn watch_release(&self, state: &mut State, next: &Effect) {
        if *next == Effect::RemoveRecord && state.disk.torn {
            state.broke(Broken::ForeignRecordRemoved);
        }
    }

    /// L12: what it means that `target` is killed here, where `named` was meant.
    pub(super) fn watch_kill(&self, state: &mut State, slot: usize, target: usize, named: ProcessId) {
        let found = self.process_id(target, &state.processes[target]);
        if found != named || target == slot || self.policy != Some(Policy::Kill) {
            state.broke(Broken::WrongProcessKilled);
        }
    }

    /// L12: what it means that a claimant was told this about the process that the record names.
    pub(super) fn watch_inspection(&self, state: &mut State, effect: &Effect, seen: &Seen) {
        let (Effect::InspectProcess(_), Seen::Process(seen)) = (effect, seen) else { return };
        let Some(record) = &state.disk.record else { return };
        if !matches!(record.residency, Residency::Held(_)) {
            return;
        }
        let lives = state.processes.iter().enumerate().any(|(slot, process)| {
            process.lives() && names::instance(slot, process.generation) == record.instance
        });
        if (*seen == ProcessSeen::Alive && !lives) || (*seen == ProcessSeen::Gone && lives) {
            state.broke(Broken::ProcessMistaken);
        }
    }

    /// L7, L14: what it means that a standby waits for the lock, having been told this.
    pub(super) fn watch_wait(&self, state: &mut State, why: Option<&Why>, in_hand: bool, for_lock: bool) {
        let leader_waits =
            matches!(why, Some(Why::Held(record)) if matches!(record.residency, Residency::Awaited { .. }));
        if for_lock && leader_waits {
            state.broke(Broken::InTheLeadersWay);
        }
        if for_lock && in_hand && why.is_some() {
            state.broke(Broken::WaitsInVain);
        }
    }

    /// L6: what it means that a renewal wants this next.
    pub(super) fn watch_renewal(&self, state: &mut State, slot: usize, next: &Effect) {
        let Effect::ReplaceRecord(_) = next else { return };
        let Some(owner) = state.processes[slot].owner.as_deref() else { return };
        // A gate that the end of a release closed says nothing about the clock.
        if owner.gate != GateWord::FENCED && !owner.gate.admits(self.now_of(slot)) {
            state.broke(Broken::RenewedLate);
        }
    }

    /// L8, L13: what it means that a keeper wants this, having heard how its renewal ended.
    pub(super) fn watch_hearing(
        &self,
        state: &mut State,
        truth: &renew::Outcome,
        next: Option<&keeper::Effect>,
    ) {
        let moves = matches!(next, Some(keeper::Effect::ExtendGate(_)));
        let fences = matches!(next, Some(keeper::Effect::Fence(_)));
        match truth {
            renew::Outcome::Unknown(_) if moves => state.broke(Broken::MovedOnUnknown),
            renew::Outcome::Lost { .. } if !fences => state.broke(Broken::LaterEpochIgnored),
            _ => {}
        }
    }

    /// L8: what it means that a gate is closed for this reason.
    pub(super) fn watch_fence(&self, state: &mut State, slot: usize, cause: &keeper::Cause) {
        let now = self.now_of(slot);
        let Some(owner) = state.processes[slot].owner.as_deref() else { return };
        let succeeded = Some(owner.epoch) < state.disk.epochs.max(state.disk.copied());
        let displaced = matches!(cause, keeper::Cause::Superseded(epoch) if *epoch == owner.epoch);
        if owner.gate.admits(now) && !succeeded && !displaced {
            state.broke(Broken::FencedInVain);
        }
        // Who is never paused has time for a second try, where a tick is no more than a quarter of a TTL.
        let one_failure =
            self.failures == 1 && 4 <= self.ttl && self.prompt && !self.busy && self.suspends == 0;
        if one_failure && matches!(cause, keeper::Cause::DeadlinePassed(Some(Problem::Failed(_)))) {
            state.broke(Broken::FencedForOneFailure);
        }
        if matches!(cause, keeper::Cause::Breach(_)) {
            state.broke(Broken::Contract);
        }
    }

    /// L5: what it means that an owned effect begins.
    pub(super) fn watch_act(&self, state: &mut State, slot: usize) {
        let now = self.now_of(slot);
        let late = state.processes[slot].owner.as_deref().is_some_and(|owner| !owner.gate.admits(now));
        if late {
            state.broke(Broken::ActedLate);
        }
    }

    /// L9: what it means that a release flushes.
    pub(super) fn watch_flush(&self, state: &mut State, ending: Ending) {
        if ending == Ending::Fenced {
            state.broke(Broken::FlushedFenced);
        }
    }

    /// L16: what it means that a leader's gate opens.
    pub(super) fn watch_opening(&self, state: &mut State, slot: usize) {
        let Some(owner) = state.processes[slot].owner.as_deref() else { return };
        // A gate whose deadline has passed lets nothing begin, whoever opens it. Where the latch keeps nobody out, a later owner may not have written its record yet.
        let begins = owner.gate.admits(self.now_of(slot));
        if begins && Some(owner.epoch) < state.highest_owned && !self.unlatched {
            state.broke(Broken::OpenedStale);
        }
    }

    /// L11: time that passes while everybody who could do something has done it.
    pub(super) fn watch_waiting(&self, state: &mut State) {
        if !self.prompt || 0 < self.failures {
            return;
        }
        let Some(record) = &state.disk.record else { return };
        let dead = state.processes.iter().enumerate().all(|(slot, process)| {
            !process.lives() || names::instance(slot, process.generation) != record.instance
        });
        let free = state.disk.residency.last() == Some(&None);
        let had_lock = record.residency == Residency::Held(names::file(state.disk.current_file()));
        // Beside a leader that waits a standby does not wait for the lock, and looks again within its patience.
        let soon = state.now().after(self.ttl().renew_interval().length());
        let nobody_paused = self.stops == 0 && self.suspends == 0;
        let standby = state.processes.iter().any(|process| match &process.main {
            Main::Waiting { for_lock, until, .. } => {
                !process.stopped && (nobody_paused || for_lock.is_some() || soon < *until)
            }
            _ => false,
        });
        if dead && free && had_lock && standby {
            state.broke(Broken::DeadOwnerWaitedFor);
        }
    }
}
