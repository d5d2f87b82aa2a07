//! What a mutant makes of what is seen: a machine without one of its guards, by lying to the machine that has it.
//!
//! Each arm shows the machine what it would have to see to do what it would do without the guard. The world is not
//! lied to: what becomes of the step is what becomes of it.

use modeld_spec::ids::{Epoch, ProcessId};
use modeld_spec::lease::acquire;
use modeld_spec::lease::decision::Watched;
use modeld_spec::lease::effect::{
    ClaimSeen, Content, Effect, Failure, FailureKind, LatchSeen, LockSeen, ProcessSeen, Seen,
};
use modeld_spec::lease::keeper;
use modeld_spec::lease::record::{Record, Residency};
use modeld_spec::lease::release::Ending;
use modeld_spec::lease::renew::{self, Problem};
use modeld_spec::time::BootTime;

use super::Lease;
use super::mutants::Mutant;
use super::names;
use super::perform::is_attempting;
use super::relative;
use super::state::{Main, Process, State, Thread};

impl Lease {
    /// What a thread is told of an effect.
    pub(super) fn falsified(
        &self,
        state: &State,
        slot: usize,
        thread: Thread,
        effect: &Effect,
        seen: Seen,
    ) -> Seen {
        let Some(mutant) = self.mutant else { return seen };
        match thread {
            Thread::Main if is_attempting(state, slot) => {
                self.told_claimant(state, slot, mutant, effect, seen)
            }
            Thread::Main => self.told_release(state, slot, mutant, effect, seen),
            Thread::Renewal => self.told_renewal(state, slot, mutant, effect, seen),
            Thread::Keeper => seen,
        }
    }

    fn told_claimant(&self, state: &State, slot: usize, mutant: Mutant, effect: &Effect, seen: Seen) -> Seen {
        let current = names::file(state.disk.current_file());
        match (mutant, effect, seen) {
            (Mutant::ClaimsWithoutLatch, Effect::TakeLatch, Seen::Latch(LatchSeen::Busy))
            | (Mutant::LatchErrorIsTaken, Effect::TakeLatch, Seen::Failed(_)) => {
                Seen::Latch(LatchSeen::Taken)
            }
            (Mutant::ReadErrorIsFree, Effect::ReadRecord, Seen::Failed(_)) => Seen::Record(Content::Absent),
            (Mutant::NoPermissionIsFree, Effect::ReadRecord, Seen::Failed(failure))
                if failure.kind == FailureKind::PermissionDenied =>
            {
                Seen::Record(Content::Absent)
            }
            (Mutant::UnreadableIsAbsent, Effect::ReadRecord, Seen::Record(Content::Unreadable(_))) => {
                Seen::Record(Content::Absent)
            }
            (_, Effect::ReadRecord, Seen::Record(Content::Record(record))) => {
                Seen::Record(Content::Record(self.told_record(state, slot, mutant, record)))
            }
            (Mutant::LockErrorIsFree, Effect::TryResidency, Seen::Failed(_))
            | (Mutant::HeldLockIsFree, Effect::TryResidency, Seen::Residency(LockSeen::Held(_))) => {
                Seen::Residency(LockSeen::Taken(current))
            }
            (Mutant::InspectErrorIsGone, Effect::InspectProcess(_), Seen::Failed(_))
            | (Mutant::AliveIsGone, Effect::InspectProcess(_), Seen::Process(ProcessSeen::Alive))
            | (
                Mutant::UnverifiableIsGone,
                Effect::InspectProcess(_),
                Seen::Process(ProcessSeen::Unverifiable),
            ) => Seen::Process(ProcessSeen::Gone),
            (Mutant::PidIsProof, Effect::InspectProcess(named), Seen::Process(ProcessSeen::Gone))
                if self.find(state, slot, named.pid).is_some() =>
            {
                Seen::Process(ProcessSeen::Alive)
            }
            (Mutant::EpochsErrorIsNone, Effect::ReadEpochs, Seen::Failed(_))
            | (Mutant::SkipsEpochClaim | Mutant::ForgetsStore, Effect::ReadEpochs, _) => Seen::Epochs(None),
            (Mutant::TrustsGrantsAlone, Effect::ReadEpochs, Seen::Epochs(_)) => {
                Seen::Epochs(state.disk.epochs)
            }
            (Mutant::RefusedIsGranted, Effect::ClaimEpoch(_), Seen::Claim(ClaimSeen::Refused))
            | (Mutant::ClaimErrorIsGranted, Effect::ClaimEpoch(_), Seen::Failed(_)) => {
                Seen::Claim(ClaimSeen::Granted)
            }
            (Mutant::ReplaceErrorIsDone, Effect::ReplaceRecord(_), Seen::Failed(_)) => Seen::Done,
            (_, _, seen) => seen,
        }
    }

    fn told_record(&self, state: &State, slot: usize, mutant: Mutant, mut record: Record) -> Record {
        let here = self.clock(slot, state.boot);
        let current = names::file(state.disk.current_file());
        match (mutant, &record.residency) {
            (Mutant::FreeLockIsDeath, Residency::Awaited { .. })
            | (Mutant::AnyLockFileWillDo, Residency::Held(_)) => {
                record.residency = Residency::Held(current);
            }
            (Mutant::AnyLockFileWillDo, &Residency::Awaited { holder, .. }) => {
                record.residency = Residency::Awaited { file: current, holder };
            }
            (Mutant::LockProvesNoDeath, &Residency::Held(file)) => {
                record.residency = Residency::Awaited { file, holder: None };
            }
            (Mutant::IgnoresBoot, _) => record.clock.boot_id = here.boot_id,
            (Mutant::TrustsForeignClock, _) => record.clock = here,
            (Mutant::JudgesByOwnTtl, _) => record.ttl = self.ttl_of(slot),
            (Mutant::IgnoresValidity, _) => record.renewed_at = names::LONG_AGO,
            (Mutant::ForgetsRecordsEpoch, _) => record.epoch = Epoch::FIRST,
            _ => {}
        }
        record
    }

    fn told_release(&self, state: &State, slot: usize, mutant: Mutant, effect: &Effect, seen: Seen) -> Seen {
        let current = names::file(state.disk.current_file());
        match (mutant, effect, seen) {
            (Mutant::ReleasesWithoutLatch, Effect::TakeLatch, Seen::Latch(LatchSeen::Busy)) => {
                Seen::Latch(LatchSeen::Taken)
            }
            (Mutant::RemovesAnyRecord, Effect::ReadRecord, Seen::Record(Content::Record(_)))
            | (Mutant::RemovesUnreadable, Effect::ReadRecord, Seen::Record(Content::Unreadable(_))) => {
                self.own_record(state, slot, Residency::Held(current))
            }
            (Mutant::LeaderForgetsFile, Effect::ReadRecord, Seen::Record(Content::Record(mut record))) => {
                record.residency = Residency::Held(current);
                Seen::Record(Content::Record(record))
            }
            (Mutant::FailedFreeDropsLock, Effect::Free, Seen::Failed(_)) => Seen::Done,
            (_, _, seen) => seen,
        }
    }

    fn told_renewal(&self, state: &State, slot: usize, mutant: Mutant, effect: &Effect, seen: Seen) -> Seen {
        let ours = state.processes[slot].owner.as_deref().map(|owner| owner.epoch);
        let instance = names::instance(slot, state.processes[slot].generation);
        let held = || Residency::Held(names::file(0));
        match (mutant, effect, seen) {
            (Mutant::RenewsWithoutLatch, Effect::TakeLatch, Seen::Latch(LatchSeen::Busy)) => {
                Seen::Latch(LatchSeen::Taken)
            }
            (Mutant::RenewalIgnoresLaterRecord, Effect::ReadRecord, Seen::Record(Content::Record(_))) => {
                self.own_record(state, slot, held())
            }
            (Mutant::SameEpochIsDamage, Effect::ReadRecord, Seen::Record(Content::Record(record)))
                if Some(record.epoch) == ours && record.instance != instance =>
            {
                Seen::Record(Content::Absent)
            }
            (
                Mutant::DamageIsLoss,
                Effect::ReadRecord,
                Seen::Record(Content::Absent | Content::Unreadable(_)),
            ) => match (self.own_record(state, slot, held()), ours.and_then(Epoch::next)) {
                (Seen::Record(Content::Record(record)), Some(epoch)) => {
                    Seen::Record(Content::Record(Record { epoch, ..record }))
                }
                (seen, _) => seen,
            },
            (Mutant::RenewalIgnoresLaterEpochs, Effect::ReadEpochs, Seen::Epochs(highest)) => {
                Seen::Epochs(highest.min(ours))
            }
            (Mutant::RestoresWithoutClaim, Effect::ReadEpochs, Seen::Epochs(highest)) => {
                Seen::Epochs(highest.max(ours))
            }
            (_, _, seen) => seen,
        }
    }

    fn own_record(&self, state: &State, slot: usize, residency: Residency) -> Seen {
        let claim = self.claim(state, slot);
        let epoch = state.processes[slot].owner.as_deref().map_or(Epoch::FIRST, |owner| owner.epoch);
        Seen::Record(Content::Record(owned_by(claim, epoch, residency).record))
    }

    /// The clock of a thread, as its machine is shown it.
    pub(super) fn shown_time(&self, state: &State, slot: usize, thread: Thread) -> BootTime {
        let now = self.now_of(slot);
        match (self.mutant, thread) {
            (Some(Mutant::RenewalWritesLate | Mutant::RenewsAfterDeadline), Thread::Renewal) => {
                names::LONG_AGO
            }
            (Some(Mutant::RecordByWallClock), Thread::Main)
                if 0 < state.wall && is_attempting(state, slot) =>
            {
                now.after(self.ttl().length())
            }
            _ => now,
        }
    }

    /// When a keeper is told to hear of its renewal.
    pub(super) fn shown_hearing(&self, slot: usize) -> BootTime {
        match self.mutant {
            Some(Mutant::KeeperTakesLateRenewal | Mutant::RenewsAfterDeadline) => names::LONG_AGO,
            _ => self.now_of(slot),
        }
    }

    /// How a renewal ended, as its keeper is told.
    pub(super) fn told_keeper(&self, state: &State, slot: usize, truth: &renew::Outcome) -> renew::Outcome {
        let failed = |kind: FailureKind| {
            let failure = Failure { doing: "", path: String::new(), cause: String::new(), kind };
            renew::Outcome::Unknown(Problem::Failed(failure))
        };
        match (self.mutant, truth) {
            (Some(Mutant::StampAfterWrite), renew::Outcome::Renewed(owned)) => {
                let record = Record { renewed_at: self.now_of(slot), ..owned.record.clone() };
                renew::Outcome::Renewed(acquire::Owned { record })
            }
            (Some(Mutant::FailedRenewalIsLoss), renew::Outcome::Unknown(_)) => renew::Outcome::Late,
            (Some(Mutant::FullDiskIsLoss), renew::Outcome::Unknown(Problem::Failed(failure)))
                if failure.kind == FailureKind::StorageFull =>
            {
                renew::Outcome::Late
            }
            (Some(Mutant::UnknownIsRenewed), renew::Outcome::Unknown(_)) => {
                let Some(owner) = state.processes[slot].owner.as_deref() else { return truth.clone() };
                let owned = owned_by(self.claim(state, slot), owner.epoch, owner.residency.clone());
                let record = Record { renewed_at: self.now_of(slot), ..owned.record };
                renew::Outcome::Renewed(acquire::Owned { record })
            }
            (Some(Mutant::LostIsUnknown), renew::Outcome::Lost { .. })
            | (Some(Mutant::LateIsUnknown), renew::Outcome::Late) => failed(FailureKind::Other),
            (_, truth) => truth.clone(),
        }
    }

    /// Whether the gate moved, as the keeper is told.
    pub(super) fn told_moved(&self, moved: bool) -> bool {
        moved || self.mutant == Some(Mutant::KeeperIgnoresRefusal)
    }

    /// What a keeper waits for, having heard this.
    pub(super) fn keeper_waits(
        &self,
        process: &Process,
        truth: Option<&renew::Outcome>,
        effect: &mut keeper::Effect,
    ) {
        let keeper::Effect::Await { until, .. } = effect else { return };
        let deadline = process.owner.as_deref().and_then(|owner| owner.gate.deadline());
        match (self.mutant, deadline, truth) {
            (Some(Mutant::NoSecondTry), Some(deadline), Some(renew::Outcome::Unknown(_))) => {
                *until = deadline
            }
            (Some(Mutant::KeeperWaitsForRenewal), Some(deadline), _) if *until == deadline => {
                *until = until.after(self.ttl().length());
            }
            _ => {}
        }
    }

    /// When a gate closes that is opened for an ownership with this record.
    pub(super) fn gate_deadline(&self, slot: usize, deadline: BootTime) -> BootTime {
        match self.mutant {
            Some(Mutant::NoMargin) => deadline.after(self.ttl_of(slot).length() / 4),
            _ => deadline,
        }
    }

    /// What a standby waits for: the lock file, and the instant.
    pub(super) fn standby_waits(
        &self,
        state: &State,
        slot: usize,
        for_lock: bool,
        until: BootTime,
    ) -> (bool, BootTime) {
        let now = self.now_of(slot);
        match self.mutant {
            Some(Mutant::StandbyIgnoresLock) => (false, until),
            Some(
                Mutant::StandbyInTheWay | Mutant::StandbyWaitsInVain | Mutant::StandbyAlwaysWaitsForLock,
            ) => (true, until),
            Some(Mutant::StandbyIgnoresExpiry) if for_lock => (true, names::NEVER),
            Some(Mutant::StandbySleeps) => (for_lock, now.after(4 * self.ttl().length())),
            Some(Mutant::StandbyTrustsWaitingRecord) if !for_lock => match &state.disk.record {
                Some(record) => (false, record.ttl.expiry(record.renewed_at)),
                None => (false, until),
            },
            _ => (for_lock, until),
        }
    }

    /// What a standby hands to its next attempt.
    pub(super) fn watched(&self, state: &State, watched: Option<Watched>) -> Option<Watched> {
        let record = || state.disk.record.as_ref();
        match (self.mutant, watched) {
            (Some(Mutant::WatchesFromStart), _) => record().map(|record| Watched {
                epoch: record.epoch,
                renewed_at: record.renewed_at,
                since: names::LONG_AGO,
            }),
            (Some(Mutant::WatchIgnoresRenewal), Some(watched)) => {
                let same = record().filter(|record| record.epoch == watched.epoch);
                let renewed_at = same.map_or(watched.renewed_at, |record| record.renewed_at);
                Some(Watched { renewed_at, ..watched })
            }
            (Some(Mutant::WatchIgnoresEpoch), Some(watched)) => {
                let same = record().filter(|record| record.renewed_at == watched.renewed_at);
                let epoch = same.map_or(watched.epoch, |record| record.epoch);
                Some(Watched { epoch, ..watched })
            }
            (_, watched) => watched,
        }
    }

    /// How an attempt ended, as the standby is told: acquired, with a later stamp than the record has.
    pub(super) fn told_standby(&self, slot: usize, outcome: acquire::Outcome) -> acquire::Outcome {
        match (self.mutant, outcome) {
            (Some(Mutant::AcquireStampsLate), acquire::Outcome::Acquired(mut owned)) => {
                owned.record.renewed_at = self.now_of(slot);
                acquire::Outcome::Acquired(owned)
            }
            // A watch decides only about records of another clock.
            (_, outcome) if !self.foreign => relative::unwatched(outcome),
            (_, outcome) => outcome,
        }
    }

    /// The ending of a release, as its machine is told.
    pub(super) fn told_ending(&self, ending: Ending) -> Ending {
        if self.mutant == Some(Mutant::FlushesWhenFenced) { Ending::Handover } else { ending }
    }

    /// Whom a kill hits.
    pub(super) fn aimed_at(
        &self,
        state: &State,
        slot: usize,
        named: ProcessId,
        seen: ProcessSeen,
    ) -> Option<usize> {
        let careless =
            matches!(self.mutant, Some(Mutant::KillsWhoeverHasThePid | Mutant::KillsAcrossNamespaces));
        let found = self.find(state, slot, named.pid).filter(|_| careless || seen == ProcessSeen::Alive);
        found.map(|(target, _)| target)
    }

    /// Where the process that evicts lives, as its machine is told.
    pub(super) fn told_here(&self, here: ProcessId, holder: Option<ProcessId>) -> ProcessId {
        match (self.mutant, holder) {
            (Some(Mutant::KillsAcrossNamespaces), Some(holder)) => ProcessId { pid: here.pid, ..holder },
            _ => here,
        }
    }

    /// Whether a release waits for its keeper.
    pub(super) fn waits_for_keeper(&self, main: &Main) -> bool {
        matches!(main, Main::Releasing { .. }) && self.mutant != Some(Mutant::KeeperOutlivesRelease)
    }
}

/// An ownership by its claim and epoch; what else its record says does not matter where this is used.
pub(super) fn owned_by(claim: acquire::Claim, epoch: Epoch, residency: Residency) -> acquire::Owned {
    acquire::Owned {
        record: Record {
            epoch,
            instance: claim.instance,
            process: claim.process,
            host: claim.host,
            clock: claim.clock,
            acquired_at: names::LONG_AGO,
            renewed_at: names::LONG_AGO,
            ttl: claim.ttl,
            residency,
            meta: claim.meta,
            protocol: claim.protocol,
        },
    }
}
