//! Small changes to the protocol, each of which a property has to notice.
//!
//! A machine is never changed: a mutant falsifies what a machine observes, or what becomes of what it wants, in
//! the way that a machine without the guard would behave. See `perform.rs` and `step.rs` for the places.

use super::Lease;
use crate::properties as p;

/// One change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mutant {
    /// A free lock counts as proof of death even of an owner that only waits for it.
    FreeLockIsDeath,
    /// The next epoch is taken from the record alone, and no store remembers it.
    SkipsEpochClaim,
    /// A record that could not be read counts as no record.
    ReadErrorIsFree,
    /// A lock that could not be tried counts as free.
    LockErrorIsFree,
    /// A leader loads models without waiting for the lock.
    LeaderLoadsAtOnce,
    /// Nothing compares a renewal with the deadline: not the renewal, not the keeper, not the gate. (Any one of
    /// the three suffices; that is why all three are taken away.)
    RenewAfterDeadline,
    /// A release removes whatever record it finds.
    RemovesAnyRecord,
    /// A release drops its lock first, and the memory comes back when the process ends.
    ReleasesBeforeFree,
    /// A renewal counts from its end.
    StampAfterWrite,
    /// The gate closes only when it is told to.
    GateIgnoresDeadline,
    /// A renewal with an unknown outcome counts as a lost lease.
    FailedRenewalIsLoss,
    /// A release goes on without waiting for the keeper to end.
    KeeperOutlivesRelease,
    /// A standby waits for the expiry only.
    StandbyIgnoresLock,
    /// A standby that keeps out of a leader's way sleeps until the leader's record expires.
    StandbyTrustsWaitingRecord,
    /// A lock counts whatever file it is on.
    AnyLockFileWillDo,
    /// A leader becomes resident by the lock on a file that replaced the one it waits for.
    LeaderTakesAnyLock,
    /// A leader that still waits removes its record when it releases.
    LeaderForgetsFile,
}

impl Mutant {
    /// Every mutant.
    pub(crate) const ALL: [Mutant; 17] = [
        Mutant::FreeLockIsDeath,
        Mutant::SkipsEpochClaim,
        Mutant::ReadErrorIsFree,
        Mutant::LockErrorIsFree,
        Mutant::LeaderLoadsAtOnce,
        Mutant::RenewAfterDeadline,
        Mutant::RemovesAnyRecord,
        Mutant::ReleasesBeforeFree,
        Mutant::StampAfterWrite,
        Mutant::GateIgnoresDeadline,
        Mutant::FailedRenewalIsLoss,
        Mutant::KeeperOutlivesRelease,
        Mutant::StandbyIgnoresLock,
        Mutant::StandbyTrustsWaitingRecord,
        Mutant::AnyLockFileWillDo,
        Mutant::LeaderTakesAnyLock,
        Mutant::LeaderForgetsFile,
    ];

    /// Its name.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Mutant::FreeLockIsDeath => "free_lock_is_death",
            Mutant::SkipsEpochClaim => "skips_epoch_claim",
            Mutant::ReadErrorIsFree => "read_error_is_free",
            Mutant::LockErrorIsFree => "lock_error_is_free",
            Mutant::LeaderLoadsAtOnce => "leader_loads_at_once",
            Mutant::RenewAfterDeadline => "renew_after_deadline",
            Mutant::RemovesAnyRecord => "removes_any_record",
            Mutant::ReleasesBeforeFree => "releases_before_free",
            Mutant::StampAfterWrite => "stamp_after_write",
            Mutant::GateIgnoresDeadline => "gate_ignores_deadline",
            Mutant::FailedRenewalIsLoss => "failed_renewal_is_loss",
            Mutant::KeeperOutlivesRelease => "keeper_outlives_release",
            Mutant::StandbyIgnoresLock => "standby_ignores_lock",
            Mutant::StandbyTrustsWaitingRecord => "standby_trusts_waiting_record",
            Mutant::AnyLockFileWillDo => "any_lock_file_will_do",
            Mutant::LeaderTakesAnyLock => "leader_takes_any_lock",
            Mutant::LeaderForgetsFile => "leader_forgets_file",
        }
    }

    /// The property that has to notice it, and in how many steps.
    pub(crate) fn caught_by(self) -> (&'static str, usize) {
        match self {
            Mutant::FreeLockIsDeath => (p::l7_waiting_leader::NAME, 24),
            Mutant::SkipsEpochClaim => (p::l3_epoch_once::NAME, 24),
            Mutant::ReadErrorIsFree => (p::l8_failure_decides_nothing::NAME, 7),
            Mutant::LockErrorIsFree => (p::l2_one_decision::NAME, 13),
            Mutant::LeaderLoadsAtOnce => (p::l1_only_with_lock::NAME, 17),
            Mutant::RenewAfterDeadline => (p::l6_fenced_is_final::NAME, 17),
            Mutant::RemovesAnyRecord => (p::l10_own_record::NAME, 24),
            Mutant::ReleasesBeforeFree => (p::l1_one_resident::NAME, 27),
            Mutant::StampAfterWrite => (p::l4_deadline_of_record::NAME, 17),
            Mutant::GateIgnoresDeadline => (p::l5_one_gate::NAME, 16),
            Mutant::FailedRenewalIsLoss => (p::l8_fenced_with_reason::NAME, 14),
            Mutant::KeeperOutlivesRelease => (p::l9_released_stays_released::NAME, 15),
            Mutant::StandbyIgnoresLock => (p::l11_crash_noticed::NAME, 14),
            Mutant::StandbyTrustsWaitingRecord => (p::l11_crash_noticed::NAME, 43),
            Mutant::AnyLockFileWillDo => (p::l1_one_resident::NAME, 17),
            Mutant::LeaderTakesAnyLock => (p::l1_one_resident::NAME, 21),
            Mutant::LeaderForgetsFile => (p::l1_one_resident::NAME, 38),
        }
    }

    /// The smallest configuration in which it shows.
    pub(crate) fn model(self) -> Lease {
        let small = Lease { mutant: Some(self), ..Lease::SMALL };
        match self {
            Mutant::ReadErrorIsFree | Mutant::LockErrorIsFree | Mutant::FailedRenewalIsLoss => {
                Lease { failures: 1, ..small }
            }
            Mutant::StandbyIgnoresLock => Lease { prompt: true, ..small },
            Mutant::StandbyTrustsWaitingRecord => Lease {
                processes: 3,
                crashes: 2,
                restarts: 0,
                stops: 1,
                horizon: Some(3),
                prompt: true,
                ..small
            },
            Mutant::StampAfterWrite => Lease { ttl: 4, horizon: Some(4), ..small },
            Mutant::AnyLockFileWillDo | Mutant::LeaderTakesAnyLock | Mutant::LeaderForgetsFile => {
                Lease { replacements: 1, horizon: Some(2), crashes: 0, ..small }
            }
            _ => small,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exhaustive::shortest;

    #[test]
    fn quick_ones_are_noticed_in_the_pinned_number_of_steps() {
        for mutant in [Mutant::ReadErrorIsFree, Mutant::KeeperOutlivesRelease, Mutant::StandbyIgnoresLock] {
            let (property, steps) = mutant.caught_by();
            let found = shortest(&mutant.model(), property).map(|path| path.steps.len());
            assert_eq!(found, Some(steps), "{}", mutant.id());
        }
    }

    #[test]
    fn every_property_of_safety_has_a_mutant() {
        let caught: Vec<&str> = Mutant::ALL.map(|mutant| mutant.caught_by().0).to_vec();
        let prompt = Lease { prompt: true, ..Lease::SMALL };
        for property in p::of(&prompt) {
            let safety = property.expectation == stateright::Expectation::Always;
            assert!(!safety || property.name == p::contract::NAME || caught.contains(&property.name));
        }
    }

    #[test]
    fn every_mutant_has_its_own_name() {
        let mut names = Mutant::ALL.map(Mutant::id).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Mutant::ALL.len());
    }
}
