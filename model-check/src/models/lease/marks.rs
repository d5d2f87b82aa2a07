//! Coverage: which way each guard of the machines went, as seen from what they were shown and what they wanted next.

use modeld_spec::lease::acquire::Acquire;
use modeld_spec::lease::decision::Why;
use modeld_spec::lease::effect::{ClaimSeen, Content, Effect, LatchSeen, LockSeen, ProcessSeen, Seen};
use modeld_spec::lease::evict::Evict;
use modeld_spec::lease::keeper::{self, Keeper};
use modeld_spec::lease::record::{Residency, Standing};
use modeld_spec::lease::release::Release;
use modeld_spec::lease::renew::{self, Problem, Renew};
use modeld_spec::lease::standby::{self, Standby};
use modeld_spec::step::Step;

use super::Lease;
use super::state::State;
use crate::coverage::mark;

/// A step of an attempt.
pub(super) fn attempt(
    lease: &Lease,
    state: &State,
    slot: usize,
    effect: &Effect,
    seen: &Seen,
    step: &Step<Acquire>,
) {
    // Without the latch the record may be another one by now; a mutant is shown another world.
    if lease.unlatched || lease.mutant.is_some() {
        return;
    }
    let what = match (effect, seen) {
        (Effect::TryResidency, Seen::Residency(lock)) => decided(lease, state, slot, *lock, step),
        (Effect::TakeLatch, Seen::Latch(LatchSeen::Busy)) => Some("lease: attempt: latch busy"),
        (Effect::InspectProcess(_), Seen::Process(ProcessSeen::Alive)) => {
            Some("lease: attempt: process alive")
        }
        (Effect::InspectProcess(_), Seen::Process(ProcessSeen::Gone)) => Some("lease: attempt: process gone"),
        (Effect::InspectProcess(_), Seen::Process(ProcessSeen::Unverifiable)) => {
            Some("lease: attempt: process not to be told")
        }
        (Effect::ReadEpochs, Seen::Epochs(highest)) => Some(match (step, highest) {
            (Step::Do(Effect::ClaimEpoch(_), _), None) => "lease: attempt: no epoch so far",
            (Step::Do(Effect::ClaimEpoch(_), _), Some(_)) => "lease: attempt: the next epoch",
            _ => "lease: attempt: no epoch left",
        }),
        (Effect::ClaimEpoch(_), Seen::Claim(ClaimSeen::Granted)) => Some("lease: attempt: epoch granted"),
        (Effect::TakeLatch, Seen::Failed(_)) => Some("lease: attempt: latch failed"),
        (Effect::ReadRecord, Seen::Failed(_)) => Some("lease: attempt: record failed"),
        (Effect::TryResidency, Seen::Failed(_)) => Some("lease: attempt: lock failed"),
        (Effect::InspectProcess(_), Seen::Failed(_)) => Some("lease: attempt: inspection failed"),
        (Effect::ReadEpochs, Seen::Failed(_)) => Some("lease: attempt: epochs failed"),
        (Effect::ClaimEpoch(_), Seen::Failed(_)) => Some("lease: attempt: claim failed"),
        (Effect::ReplaceRecord(_), Seen::Failed(_)) => Some("lease: attempt: write failed"),
        _ => None,
    };
    if let Some(what) = what {
        mark(what);
    }
}

/// The row of the table of L2.
fn decided(
    lease: &Lease,
    state: &State,
    slot: usize,
    lock: LockSeen,
    step: &Step<Acquire>,
) -> Option<&'static str> {
    let (free, on) = match lock {
        LockSeen::Taken(file) => (true, file),
        LockSeen::Held(file) => (false, file),
    };
    let owns = matches!(step, Step::Do(Effect::ReadEpochs, _));
    let Some(record) = state.disk.record.as_deref() else {
        return Some(match (state.disk.torn, free) {
            (false, true) => "lease: L2: no record, lock free",
            (false, false) => "lease: L2: no record, lock held",
            (true, true) => "lease: L2: unreadable, lock free",
            (true, false) => "lease: L2: unreadable, lock held",
        });
    };
    let standing = record.standing(&lease.clock(slot, state.boot), lease.now_of(slot));
    let (named, has_it) = match record.residency {
        Residency::Held(file) => (file, true),
        Residency::Awaited { file, .. } => (file, false),
    };
    Some(match (standing, free, named == on) {
        (Standing::Void, true, _) => "lease: L2: of another boot, lock free",
        // Under the latch nobody has the lock who has not written: after a reboot the first who has it acquires.
        (Standing::Void, false, _) => return None,
        (Standing::Valid { .. }, false, _) => "lease: L2: valid, lock held",
        (Standing::Valid { .. }, true, true) if has_it => "lease: L2: valid, its lock free",
        (Standing::Valid { .. }, true, false) if has_it => "lease: L2: valid, another lock free",
        (Standing::Valid { .. }, true, _) => "lease: L2: valid, it waits, lock free",
        (Standing::Expired { .. }, true, true) => "lease: L2: expired, lock free",
        (Standing::Expired { .. }, false, true) => "lease: L2: expired, lock held",
        (Standing::Expired { .. }, true, false) => "lease: L2: expired, another lock free",
        (Standing::Expired { .. }, false, false) => "lease: L2: expired, another lock held",
        (Standing::Incomparable, true, _) if owns => "lease: L4: of another clock, acquired",
        (Standing::Incomparable, false, _) if owns => {
            "lease: L4: of another clock, watched for a TTL, lock held"
        }
        (Standing::Incomparable, ..) => "lease: L4: of another clock, followed",
        (Standing::Implausible, ..) => return None,
    })
}

/// A step of a renewal.
pub(super) fn renewal(effect: &Effect, seen: &Seen, step: &Step<Renew>) {
    let writes = matches!(step, Step::Do(Effect::ReplaceRecord(_), _));
    let looks = matches!(step, Step::Do(Effect::ReadEpochs, _));
    let claims = matches!(step, Step::Do(Effect::ClaimEpoch(_), _));
    let what = match (effect, seen) {
        (Effect::TakeLatch, Seen::Latch(LatchSeen::Busy)) => "lease: renewal: latch busy",
        (Effect::ReadRecord, Seen::Record(Content::Record(_))) if writes => "lease: renewal: ours, in time",
        (Effect::ReadRecord, Seen::Record(Content::Record(_))) if looks => "lease: renewal: an older record",
        (Effect::ReadRecord, Seen::Record(Content::Record(_))) => {
            "lease: renewal: a later record, or too late"
        }
        (Effect::ReadRecord, Seen::Record(Content::Absent)) => "lease: renewal: no record",
        (Effect::ReadRecord, Seen::Record(Content::Unreadable(_))) => "lease: renewal: unreadable",
        (Effect::ReadEpochs, Seen::Epochs(_)) if writes => "lease: renewal: no later epoch, in time",
        (Effect::ReadEpochs, Seen::Epochs(_)) if claims => "lease: renewal: epochs lost",
        (Effect::ReadEpochs, Seen::Epochs(_)) => "lease: renewal: a later epoch, or too late",
        (Effect::ClaimEpoch(_), Seen::Claim(_)) => "lease: renewal: epoch granted again",
        (Effect::TakeLatch, Seen::Failed(_)) => "lease: renewal: latch failed",
        (Effect::ReadRecord, Seen::Failed(_)) => "lease: renewal: record failed",
        (Effect::ReadEpochs, Seen::Failed(_)) => "lease: renewal: epochs failed",
        (Effect::ReplaceRecord(_), Seen::Failed(_)) => "lease: renewal: write failed",
        _ => return,
    };
    mark(what);
}

/// A step of a release.
pub(super) fn release(effect: &Effect, seen: &Seen, step: &Step<Release>) {
    let removes = matches!(step, Step::Do(Effect::RemoveRecord, _));
    let what = match (effect, seen) {
        (Effect::Quiesce, _) if matches!(step, Step::Do(Effect::Flush, _)) => "lease: release: flushes",
        (Effect::Quiesce, _) => "lease: release: flushes nothing",
        (Effect::Free, Seen::Failed(_)) => "lease: release: memory held",
        (Effect::Free, _) => "lease: release: memory freed",
        (Effect::TakeLatch, Seen::Latch(LatchSeen::Busy)) => "lease: release: latch busy",
        (Effect::ReadRecord, Seen::Record(Content::Record(_))) if removes => "lease: release: ours",
        (Effect::ReadRecord, Seen::Record(Content::Record(_))) => "lease: release: another's, or a leader's",
        (Effect::ReadRecord, Seen::Record(Content::Absent)) => "lease: release: no record",
        (Effect::ReadRecord, Seen::Record(Content::Unreadable(_))) => "lease: release: unreadable",
        (Effect::TakeLatch, Seen::Failed(_)) => "lease: release: latch failed",
        (Effect::ReadRecord, Seen::Failed(_)) => "lease: release: record failed",
        (Effect::RemoveRecord, Seen::Failed(_)) => "lease: release: removal failed",
        (Effect::RemoveRecord, _) => "lease: release: removed",
        _ => return,
    };
    mark(what);
}

/// What a keeper is told, in a word.
#[derive(Clone, Copy)]
pub(super) enum Kept {
    Woke,
    Renewed,
    Lost,
    Late,
    LatchBusy,
    Failed,
    Breach,
    Lock,
    Stop,
    Moved,
    Refused,
    Done,
}

/// What a keeper is told.
pub(super) fn kept(seen: &keeper::Seen) -> Kept {
    match seen {
        keeper::Seen::Woke => Kept::Woke,
        keeper::Seen::RenewalEnded(renew::Outcome::Renewed(_)) => Kept::Renewed,
        keeper::Seen::RenewalEnded(renew::Outcome::Lost { .. }) => Kept::Lost,
        keeper::Seen::RenewalEnded(renew::Outcome::Late) => Kept::Late,
        keeper::Seen::RenewalEnded(renew::Outcome::Unknown(Problem::LatchBusy)) => Kept::LatchBusy,
        keeper::Seen::RenewalEnded(renew::Outcome::Unknown(Problem::Failed(_))) => Kept::Failed,
        keeper::Seen::RenewalEnded(renew::Outcome::Breach(_)) => Kept::Breach,
        keeper::Seen::ResidencyTaken(_) => Kept::Lock,
        keeper::Seen::StopAsked => Kept::Stop,
        keeper::Seen::GateMoved(true) => Kept::Moved,
        keeper::Seen::GateMoved(false) => Kept::Refused,
        keeper::Seen::Done => Kept::Done,
    }
}

/// A step of a keeper that was told this.
pub(super) fn keeper(seen: Kept, step: &Step<Keeper>) {
    let (fences, waits) = match step {
        Step::Do(keeper::Effect::Fence(_), _) => (true, false),
        Step::Do(keeper::Effect::Await { .. }, _) => (false, true),
        _ => (false, false),
    };
    let what = match (seen, fences) {
        (Kept::Woke, true) => "lease: keeper: the deadline came",
        (Kept::Woke, false) => "lease: keeper: a renewal is due",
        (Kept::Renewed, true) => "lease: keeper: renewed too late",
        (Kept::Renewed, false) => "lease: keeper: renewed",
        (Kept::Lost, _) => "lease: keeper: lost",
        (Kept::Late, _) => "lease: keeper: late",
        (Kept::LatchBusy, true) => "lease: keeper: the latch was busy until the deadline",
        (Kept::LatchBusy, false) => "lease: keeper: the latch was busy",
        (Kept::Failed, true) => "lease: keeper: failed until the deadline",
        (Kept::Failed, false) => "lease: keeper: failed",
        (Kept::Lock, true) => "lease: keeper: the lock came after the deadline",
        (Kept::Lock, false) if waits => "lease: keeper: the lock came during a renewal",
        (Kept::Lock, false) => "lease: keeper: the lock came",
        (Kept::Stop, true) => "lease: keeper: asked to stop after the deadline",
        (Kept::Stop, false) if waits => "lease: keeper: asked to stop during a renewal",
        (Kept::Stop, false) => "lease: keeper: asked to stop",
        (Kept::Moved, _) if matches!(step, Step::Do(keeper::Effect::OpenResidency, _)) => {
            "lease: keeper: the gate opens"
        }
        (Kept::Moved, _) => "lease: keeper: the gate moved",
        (Kept::Refused, _) => "lease: keeper: the gate refused",
        (Kept::Breach | Kept::Done, _) => return,
    };
    mark(what);
}

/// What a standby does, having been told this.
pub(super) fn standby(why: Option<&Why>, in_hand: bool, step: &Step<Standby>) {
    let what = match (why, step) {
        (Some(why), Step::Do(standby::Effect::Await { for_lock, .. }, _)) => match (why, in_hand, for_lock) {
            (_, _, true) => "lease: standby: waits for the lock",
            (Why::Held(record), _, _) if matches!(record.residency, Residency::Awaited { .. }) => {
                "lease: standby: keeps out of a leader's way"
            }
            (Why::LockReplaced(_), ..) => "lease: standby: the lock is another one",
            (_, true, _) => "lease: standby: had the lock in vain",
            _ => return,
        },
        (None, Step::Do(standby::Effect::Await { .. }, _)) => "lease: standby: nothing is known",
        (None, Step::Done(standby::Outcome::Acquired(_))) => "lease: standby: owns",
        (None, Step::Done(standby::Outcome::EpochsExhausted)) => "lease: standby: no epoch left",
        _ => return,
    };
    mark(what);
}

/// What an eviction begins with.
pub(super) fn evict(step: &Step<Evict>) {
    mark(match step {
        Step::Do(..) => "lease: evict: a proven process",
        Step::Done(_) => "lease: evict: not to be told from here",
    });
}

/// Every mark that the searches of a profile have to leave.
pub(super) const ALL: &[&str] = &[
    "lease: time passes",
    "lease: an effect is done",
    "lease: the latch stays taken",
    "lease: an effect fails for want of permission",
    "lease: an effect fails for want of room",
    "lease: an effect fails",
    "lease: an effect is said to fail",
    "lease: a standby wakes",
    "lease: the lock comes",
    "lease: a keeper wakes",
    "lease: a keeper hears of its renewal",
    "lease: a model is loaded",
    "lease: a handover begins",
    "lease: an eviction",
    "lease: an exit",
    "lease: a crash",
    "lease: a process is stopped for good",
    "lease: a restart",
    "lease: a suspension",
    "lease: the wall clock is set forward",
    "lease: the wall clock is set back",
    "lease: a reboot",
    "lease: a power cut",
    "lease: the record is deleted",
    "lease: the record is torn",
    "lease: the grants are deleted",
    "lease: the latch file is emptied",
    "lease: the latch file is spoilt",
    "lease: the lock file is replaced",
    "lease: the data root is emptied",
    "lease: attempt: latch busy",
    "lease: attempt: process alive",
    "lease: attempt: process gone",
    "lease: attempt: process not to be told",
    "lease: attempt: no epoch so far",
    "lease: attempt: the next epoch",
    "lease: attempt: no epoch left",
    "lease: attempt: epoch granted",
    "lease: attempt: latch failed",
    "lease: attempt: record failed",
    "lease: attempt: lock failed",
    "lease: attempt: inspection failed",
    "lease: attempt: epochs failed",
    "lease: attempt: claim failed",
    "lease: attempt: write failed",
    "lease: L2: no record, lock free",
    "lease: L2: no record, lock held",
    "lease: L2: unreadable, lock free",
    "lease: L2: unreadable, lock held",
    "lease: L2: of another boot, lock free",
    "lease: L2: valid, lock held",
    "lease: L2: valid, its lock free",
    "lease: L2: valid, another lock free",
    "lease: L2: valid, it waits, lock free",
    "lease: L2: expired, lock free",
    "lease: L2: expired, lock held",
    "lease: L2: expired, another lock free",
    "lease: L2: expired, another lock held",
    "lease: L4: of another clock, acquired",
    "lease: L4: of another clock, watched for a TTL, lock held",
    "lease: L4: of another clock, followed",
    "lease: renewal: latch busy",
    "lease: renewal: ours, in time",
    "lease: renewal: an older record",
    "lease: renewal: a later record, or too late",
    "lease: renewal: no record",
    "lease: renewal: unreadable",
    "lease: renewal: no later epoch, in time",
    "lease: renewal: epochs lost",
    "lease: renewal: a later epoch, or too late",
    "lease: renewal: epoch granted again",
    "lease: renewal: latch failed",
    "lease: renewal: record failed",
    "lease: renewal: epochs failed",
    "lease: renewal: write failed",
    "lease: release: flushes",
    "lease: release: flushes nothing",
    "lease: release: memory held",
    "lease: release: memory freed",
    "lease: release: latch busy",
    "lease: release: ours",
    "lease: release: another's, or a leader's",
    "lease: release: no record",
    "lease: release: unreadable",
    "lease: release: latch failed",
    "lease: release: record failed",
    "lease: release: removal failed",
    "lease: release: removed",
    "lease: keeper: the deadline came",
    "lease: keeper: a renewal is due",
    "lease: keeper: renewed too late",
    "lease: keeper: renewed",
    "lease: keeper: lost",
    "lease: keeper: late",
    "lease: keeper: the latch was busy until the deadline",
    "lease: keeper: the latch was busy",
    "lease: keeper: failed until the deadline",
    "lease: keeper: failed",
    "lease: keeper: the lock came after the deadline",
    "lease: keeper: the lock came during a renewal",
    "lease: keeper: the lock came",
    "lease: keeper: asked to stop after the deadline",
    "lease: keeper: asked to stop during a renewal",
    "lease: keeper: asked to stop",
    "lease: keeper: the gate opens",
    "lease: keeper: the gate moved",
    "lease: keeper: the gate refused",
    "lease: standby: waits for the lock",
    "lease: standby: keeps out of a leader's way",
    "lease: standby: the lock is another one",
    "lease: standby: had the lock in vain",
    "lease: standby: nothing is known",
    "lease: standby: owns",
    "lease: standby: no epoch left",
    "lease: evict: a proven process",
    "lease: evict: not to be told from here",
];
