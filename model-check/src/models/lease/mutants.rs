//! Small changes to the protocol, each of which a property has to notice.
//!
//! A machine is never changed: a mutant falsifies what a machine observes, or what becomes of what it wants, in
//! the way that a machine without the guard would behave. See `perform.rs` and `step.rs` for the places.

use super::properties as p;
use super::{Lease, goals};
use crate::study::{Expected, Mutated};

/// One change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutant {
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
    /// A standby that waits for the lock does not look at the expiry.
    StandbyIgnoresExpiry,
    /// A standby waits for the lock whatever it has seen.
    StandbyAlwaysWaitsForLock,
    /// A keeper does not hear of a renewal with an unknown outcome.
    FailedRenewalIsNotHeard,
    /// A leader does not wait for the lock.
    LeaderDoesNotWait,
    /// An attempt that ends without ownership keeps the latch.
    FollowerKeepsLatch,
}

/// Every mutant, with what has to become of it.
pub(super) fn all() -> Vec<Mutated<Lease>> {
    let mutated = |mutant: Mutant| {
        let (by, steps) = mutant.caught_by();
        Mutated {
            id: mutant.id(),
            change: mutant.change(),
            model: mutant.model(),
            expected: Expected::Killed { by, steps },
        }
    };
    Mutant::ALL.into_iter().map(mutated).collect()
}

impl Mutant {
    /// Every mutant.
    pub const ALL: [Mutant; 22] = [
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
        Mutant::StandbyIgnoresExpiry,
        Mutant::StandbyAlwaysWaitsForLock,
        Mutant::FailedRenewalIsNotHeard,
        Mutant::LeaderDoesNotWait,
        Mutant::FollowerKeepsLatch,
    ];

    /// Its name.
    pub fn id(self) -> &'static str {
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
            Mutant::StandbyIgnoresExpiry => "standby_ignores_expiry",
            Mutant::StandbyAlwaysWaitsForLock => "standby_always_waits_for_lock",
            Mutant::FailedRenewalIsNotHeard => "failed_renewal_is_not_heard",
            Mutant::LeaderDoesNotWait => "leader_does_not_wait",
            Mutant::FollowerKeepsLatch => "follower_keeps_latch",
        }
    }

    /// What it changes.
    pub fn change(self) -> &'static str {
        match self {
            Mutant::FreeLockIsDeath => {
                "A free lock counts as proof of death even of an owner that only waits for it."
            }
            Mutant::SkipsEpochClaim => {
                "The next epoch is taken from the record alone, and no store remembers it."
            }
            Mutant::ReadErrorIsFree => "A record that could not be read counts as no record.",
            Mutant::LockErrorIsFree => "A lock that could not be tried counts as free.",
            Mutant::LeaderLoadsAtOnce => "A leader loads models without waiting for the lock.",
            Mutant::RenewAfterDeadline => {
                "Nothing compares a renewal with the deadline: not the renewal, not the keeper, not the gate. (Any one of the three suffices; that is why all three are taken away.)"
            }
            Mutant::RemovesAnyRecord => "A release removes whatever record it finds.",
            Mutant::ReleasesBeforeFree => {
                "A release drops its lock first, and the memory comes back when the process ends."
            }
            Mutant::StampAfterWrite => "A renewal counts from its end.",
            Mutant::GateIgnoresDeadline => "The gate closes only when it is told to.",
            Mutant::FailedRenewalIsLoss => "A renewal with an unknown outcome counts as a lost lease.",
            Mutant::KeeperOutlivesRelease => "A release goes on without waiting for the keeper to end.",
            Mutant::StandbyIgnoresLock => "A standby waits for the expiry only.",
            Mutant::StandbyTrustsWaitingRecord => {
                "A standby that keeps out of a leader's way sleeps until the leader's record expires."
            }
            Mutant::AnyLockFileWillDo => "A lock counts whatever file it is on.",
            Mutant::LeaderTakesAnyLock => {
                "A leader becomes resident by the lock on a file that replaced the one it waits for."
            }
            Mutant::LeaderForgetsFile => "A leader that still waits removes its record when it releases.",
            Mutant::StandbyIgnoresExpiry => "A standby that waits for the lock does not look at the expiry.",
            Mutant::StandbyAlwaysWaitsForLock => "A standby waits for the lock whatever it has seen.",
            Mutant::FailedRenewalIsNotHeard => {
                "A keeper does not hear of a renewal with an unknown outcome, and tries no second one."
            }
            Mutant::LeaderDoesNotWait => "A leader does not wait for the lock.",
            Mutant::FollowerKeepsLatch => "An attempt that ends without ownership keeps the latch.",
        }
    }

    /// The property that has to notice it, and in how many steps.
    pub fn caught_by(self) -> (&'static str, usize) {
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
            Mutant::StandbyIgnoresExpiry => (goals::OWNED, 16),
            Mutant::StandbyAlwaysWaitsForLock => (goals::RESTS, 17),
            Mutant::FailedRenewalIsNotHeard => (goals::KEPT, 46),
            Mutant::LeaderDoesNotWait => (goals::RESIDENT, 33),
            Mutant::FollowerKeepsLatch => (goals::OWNED, 17),
        }
    }

    /// The smallest configuration in which it shows.
    pub fn model(self) -> Lease {
        let small = Lease { mutant: Some(self), ..Lease::SMALL };
        match self {
            Mutant::ReadErrorIsFree | Mutant::LockErrorIsFree | Mutant::FailedRenewalIsLoss => {
                Lease { failures: 1, ..small }
            }
            // Liveness has no last tick.
            Mutant::StandbyIgnoresExpiry | Mutant::LeaderDoesNotWait => {
                Lease { restarts: 0, stops: 1, horizon: None, prompt: true, ..small }
            }
            Mutant::StandbyAlwaysWaitsForLock => {
                Lease { crashes: 0, restarts: 0, replacements: 1, horizon: None, prompt: true, ..small }
            }
            Mutant::FailedRenewalIsNotHeard => {
                Lease { crashes: 0, restarts: 0, failures: 1, ttl: 4, horizon: None, prompt: true, ..small }
            }
            Mutant::FollowerKeepsLatch => Lease { restarts: 0, horizon: None, prompt: true, ..small },
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
