//! Small changes to the protocol, each of which a property has to notice.
//!
//! A machine is never changed: a mutant falsifies what a machine observes, or what becomes of what it wants, in
//! the way that a machine without the guard would behave (`falsify.rs`, and where `step.rs`, `perform.rs` and
//! `faults.rs` say so). Each guard of the lease machines has its mutant; what has none is listed at the end.

use modeld_spec::lease::evict::Policy;

use super::faults::Loses;
use super::properties as p;
use super::{Lease, goals};
use crate::study::{Expected, Mutated};

macro_rules! mutants {
    ($($(#[doc = $change:literal])+ $mutant:ident, $id:literal, $expected:expr, $model:expr;)*) => {
        /// One change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Mutant {
            $($(#[doc = $change])+ $mutant,)*
        }

        impl Mutant {
            /// Every mutant.
            pub const ALL: &[Mutant] = &[$(Mutant::$mutant,)*];

            /// Its name.
            pub fn id(self) -> &'static str {
                match self {
                    $(Mutant::$mutant => $id,)*
                }
            }

            /// What it changes.
            pub fn change(self) -> &'static str {
                match self {
                    $(Mutant::$mutant => concat!($($change),+).trim_ascii(),)*
                }
            }

            /// What has to become of it.
            pub fn expected(self) -> Expected {
                match self {
                    $(Mutant::$mutant => $expected,)*
                }
            }

            /// The smallest configuration in which it shows.
            pub fn model(self) -> Lease {
                let model: Lease = match self {
                    $(Mutant::$mutant => $model,)*
                };
                Lease { mutant: Some(self), ..model }
            }
        }
    };
}

mutants! {
    // Acquire: what a claimant makes of what it is told.

    /// A claimant that waited for the latch in vain goes on as if it had it.
    ClaimsWithoutLatch, "claims_without_latch", killed(p::l13_later_is_obeyed::NAME, 20),
        Lease { busy: true, ..SMALL };
    /// A latch that could not be taken counts as taken.
    LatchErrorIsTaken, "latch_error_is_taken", killed(p::l8_failure_decides_nothing::NAME, 7), failing();
    /// A record that could not be read counts as no record.
    ReadErrorIsFree, "read_error_is_free", killed(p::l8_failure_decides_nothing::NAME, 7), failing();
    /// A record that may not be read counts as no record.
    NoPermissionIsFree, "no_permission_is_free", killed(p::l8_failure_decides_nothing::NAME, 7),
        Lease { kinds: true, ..failing() };
    /// A lock that could not be tried counts as free.
    LockErrorIsFree, "lock_error_is_free", killed(p::l2_one_decision::NAME, 13), failing();
    /// A process that could not be looked at counts as gone.
    InspectErrorIsGone, "inspect_error_is_gone", killed(p::l8_failure_decides_nothing::NAME, 18),
        Lease { failures: 1, ..replacing() };
    /// Epochs that could not be read count as none.
    EpochsErrorIsNone, "epochs_error_is_none", killed(p::l8_failure_decides_nothing::NAME, 7), failing();
    /// A grant that may not have taken place counts as one.
    ClaimErrorIsGranted, "claim_error_is_granted", killed(p::l8_failure_decides_nothing::NAME, 7), failing();
    /// A record that may not have been written counts as written.
    ReplaceErrorIsDone, "replace_error_is_done", killed(p::l8_failure_decides_nothing::NAME, 7), failing();
    /// A lease file that is no record counts as none.
    UnreadableIsAbsent, "unreadable_is_absent",
        equivalent("Both rows of the table of L2 decide by the lock alone; they differ in what a follower is told."),
        losing(RECORD);
    /// A held lock counts as free.
    HeldLockIsFree, "held_lock_is_free", killed(p::l2_one_decision::NAME, 13), SMALL;
    /// A record is honoured no longer than until it is read.
    IgnoresValidity, "ignores_validity", killed(p::l2_one_decision::NAME, 13), SMALL;
    /// A record counts in whatever boot it was written.
    IgnoresBoot, "ignores_boot", killed(p::l12_told_apart::NAME, 6),
        Lease { remains: true, ..SMALL };
    /// A record is judged by the claimant's TTL and not by its own.
    JudgesByOwnTtl, "judges_by_own_ttl", killed(p::l2_one_decision::NAME, 15), unequal();
    /// A record is judged by the wall clock.
    RecordByWallClock, "record_by_wall_clock", killed(p::l2_one_decision::NAME, 14), wall();
    /// A free lock counts as proof of death even of an owner that only waits for it.
    FreeLockIsDeath, "free_lock_is_death", killed(p::l7_waiting_leader::NAME, 24), RESTARTING;
    /// A free lock proves nothing: what its record says has to expire.
    LockProvesNoDeath, "lock_proves_no_death", killed(p::l11_crash_noticed::NAME, 13),
        Lease { prompt: true, ..CRASHING };
    /// A lock counts whatever file it is on.
    AnyLockFileWillDo, "any_lock_file_will_do", killed(p::l1_one_resident::NAME, 17), replacing();
    /// A process that lives counts as gone.
    AliveIsGone, "alive_is_gone", killed(p::l12_told_apart::NAME, 14), replacing();
    /// A process that can't be told from here counts as gone.
    UnverifiableIsGone, "unverifiable_is_gone", killed(p::l12_told_apart::NAME, 20),
        Lease { foreign: true, ..replacing() };
    /// A process is known by its pid alone.
    PidIsProof, "pid_is_proof", killed(p::l12_told_apart::NAME, 15),
        Lease { pid_reuse: true, crashes: 1, restarts: 1, ..replacing() };
    /// The instants of another time namespace count as ours.
    TrustsForeignClock, "trusts_foreign_clock", killed(p::l2_one_decision::NAME, 13), foreign();
    /// A record of another time namespace counts as watched since the claimant was started.
    WatchesFromStart, "watches_from_start", killed(p::l2_one_decision::NAME, 29), foreign();
    /// A watch goes on although the record was renewed.
    WatchIgnoresRenewal, "watch_ignores_renewal", killed(p::l2_one_decision::NAME, 29), foreign();
    /// A watch goes on although another epoch has begun.
    WatchIgnoresEpoch, "watch_ignores_epoch",
        equivalent("Where two epochs have the same stamp on one clock, what was seen of the first was seen after the stamp of both."),
        foreign();
    /// The next epoch is taken from the record alone, and no store remembers it.
    SkipsEpochClaim, "skips_epoch_claim", killed(p::l3_epoch_once::NAME, 25), SMALL;
    /// The next epoch is taken from the record alone; the store remembers it.
    ForgetsStore, "forgets_store", killed(p::l3_epoch_once::NAME, 26), losing(EPOCHS);
    /// The copy of the highest epoch is never read.
    TrustsGrantsAlone, "trusts_grants_alone", killed(p::l3_epoch_once::NAME, 26), losing(EPOCHS);
    /// The epoch that the record has is not counted.
    ForgetsRecordsEpoch, "forgets_records_epoch",
        equivalent("The grants and their copy both have every epoch that a record has; the record is a third memory, for when both are lost."),
        Lease { prompt: true, restarts: 1, crashes: 1, ..losing(EPOCHS) };
    /// A grant that was refused counts as one.
    RefusedIsGranted, "refused_is_granted", killed(p::l3_epoch_once::NAME, 16),
        Lease { unlatched: true, remains: true, ..SMALL };
    /// The owner counts from the end of its acquisition, its record from the decision.
    AcquireStampsLate, "acquire_stamps_late", killed(p::l4_deadline_of_record::NAME, 8), SMALL;
    /// A claimant that follows keeps the lock that it took.
    FollowerKeepsLock, "follower_keeps_lock", killed(p::l7_waits_without_lock::NAME, 13), replacing();
    /// Grants are kept where a reboot forgets them.
    GrantsInMemory, "grants_in_memory", killed(p::l3_epoch_once::NAME, 24),
        Lease { reboots: 1, ..SMALL };
    /// Grants are written and not synced.
    GrantsNotSynced, "grants_not_synced", killed(p::l3_epoch_once::NAME, 15),
        Lease { power_cuts: 1, ..SMALL };

    // The gate, and what passes it.

    /// The gate closes only when it is told to.
    GateIgnoresDeadline, "gate_ignores_deadline", killed(p::l5_one_gate::NAME, 16), SMALL;
    /// An act does not ask the gate.
    ActsWithoutGate, "acts_without_gate", killed(p::l5_act_while_valid::NAME, 10), SMALL;
    /// The gate closes at the expiry, without a margin.
    NoMargin, "no_margin", killed(p::l4_deadline_of_record::NAME, 7), SMALL;
    /// The gate is moved when a renewal begins.
    GateBeforeWrite, "gate_before_write", killed(p::l4_deadline_of_record::NAME, 10), finer();
    /// The gate takes a deadline after its own has passed.
    GateReopens, "gate_reopens", killed(p::l6_fenced_is_final::NAME, 17), SMALL;
    /// The owner's clock does not count suspend.
    ClockExcludesSuspend, "clock_excludes_suspend", killed(p::l5_one_gate::NAME, 16),
        Lease { suspends: 1, ..SMALL };
    /// The owner's clock is the wall clock.
    GateByWallClock, "gate_by_wall_clock", killed(p::l5_one_gate::NAME, 17), wall();
    /// A leader's gate is open for what needs no memory.
    LeaderOpensWithoutLock, "leader_opens_without_lock", killed(p::l16_one_begins::NAME, 33), leading();
    /// A leader's gate opens when the lock comes, whatever happened meanwhile.
    LeaderOpensBeforeRecord, "leader_opens_before_its_record", killed(p::l16_latest_opens::NAME, 44), leading();
    /// A leader loads models without waiting for the lock.
    LeaderLoadsAtOnce, "leader_loads_at_once", killed(p::l1_only_with_lock::NAME, 17), SMALL;

    // Renew.

    /// A renewal that waited for the latch in vain goes on as if it had it.
    RenewsWithoutLatch, "renews_without_latch", killed(p::l13_later_is_obeyed::NAME, 20),
        Lease { busy: true, ..SMALL };
    /// A renewal goes on to write at any time.
    RenewalWritesLate, "renewal_writes_late", killed(p::l6_no_late_renewal::NAME, 13), SMALL;
    /// A renewal takes whatever record it finds for its own.
    RenewalIgnoresLaterRecord, "renewal_ignores_later_record", killed(p::l13_later_is_obeyed::NAME, 39), leading();
    /// A renewal that finds no record of its own does not mind that a later epoch was granted.
    RenewalIgnoresLaterEpochs, "renewal_ignores_later_epochs", killed(p::l13_later_is_obeyed::NAME, 50), leading();
    /// Our epoch in the name of another counts as damage.
    SameEpochIsDamage, "same_epoch_is_damage", killed(p::l13_later_is_obeyed::NAME, 23), Lease { losses: 2, ..losing(Loses { everything: true, lock_file: true, ..Loses::NOTHING }) };
    /// A damaged record counts as a lost lease.
    DamageIsLoss, "damage_is_loss", killed(p::l8_fenced_with_reason::NAME, 16), losing(RECORD);
    /// A record is restored although nobody remembers its epoch.
    RestoresWithoutClaim, "restores_without_claim", killed(p::l3_epoch_once::NAME, 25), emptied();
    /// A renewal counts from its end.
    StampAfterWrite, "stamp_after_write", killed(p::l4_deadline_of_record::NAME, 17), finer();

    // Keep.

    /// A renewal that ended after the deadline counts for the keeper.
    KeeperTakesLateRenewal, "keeper_takes_late_renewal",
        equivalent("The gate refuses the deadline that the keeper then asks for, and the keeper fences."),
        SMALL;
    /// Nothing compares a renewal with the deadline: not the renewal, not the keeper, not the gate.
    RenewsAfterDeadline, "renew_after_deadline", killed(p::l6_fenced_is_final::NAME, 17), SMALL;
    /// A keeper goes on when the gate refuses the new deadline.
    KeeperIgnoresRefusal, "keeper_ignores_refusal", killed(p::l6_no_late_renewal::NAME, 21), finer();
    /// A renewal with an unknown outcome counts as a lost lease.
    FailedRenewalIsLoss, "failed_renewal_is_loss", killed(p::l8_fenced_with_reason::NAME, 14), failing();
    /// A renewal for which there was no room counts as a lost lease.
    FullDiskIsLoss, "full_disk_is_loss", killed(p::l8_fenced_with_reason::NAME, 14),
        Lease { kinds: true, ..failing() };
    /// A renewal with an unknown outcome counts as one that took hold.
    UnknownIsRenewed, "unknown_is_renewed", killed(p::l8_unknown_moves_nothing::NAME, 13), failing();
    /// A renewal that failed is not tried again before the deadline.
    NoSecondTry, "no_second_try", killed(p::l8_one_failure::NAME, 22),
        Lease { ttl: 4, prompt: true, ..failing() };
    /// A lost lease counts as an unknown outcome.
    LostIsUnknown, "lost_is_unknown", killed(p::l13_later_is_obeyed::NAME, 40), leading();
    /// A renewal that found itself too late counts as an unknown outcome.
    LateIsUnknown, "late_is_unknown",
        equivalent("The deadline that the renewal found passed is the one that the keeper then finds passed."),
        SMALL;
    /// While a renewal runs, its keeper waits for nothing else.
    KeeperWaitsForRenewal, "keeper_waits_for_renewal", killed(p::l15_every_wait_ends::NAME, 10), SMALL;
    /// A leader becomes resident by the lock on a file that replaced the one it waits for.
    LeaderTakesAnyLock, "leader_takes_any_lock", killed(p::l1_one_resident::NAME, 28), replacing();

    // Release.

    /// An owner that is fenced flushes before it frees.
    FlushesWhenFenced, "flushes_when_fenced", killed(p::l9_fenced_flushes_nothing::NAME, 13), SMALL;
    /// A release drops its lock first, and the memory comes back when the process ends.
    ReleasesBeforeFree, "releases_before_free", killed(p::l1_one_resident::NAME, 27), SMALL;
    /// Memory that could not be freed counts as freed.
    FailedFreeDropsLock, "failed_free_drops_lock", killed(p::l1_only_with_lock::NAME, 18), failing();
    /// A release goes on without waiting for the keeper to end.
    KeeperOutlivesRelease, "keeper_outlives_release", killed(p::l9_released_stays_released::NAME, 15), SMALL;
    /// A release that waited for the latch in vain goes on as if it had it.
    ReleasesWithoutLatch, "releases_without_latch", killed(p::l10_own_record::NAME, 23),
        Lease { busy: true, ..SMALL };
    /// A release removes whatever record it finds.
    RemovesAnyRecord, "removes_any_record", killed(p::l10_own_record::NAME, 24), SMALL;
    /// A release removes a lease file that it can't read.
    RemovesUnreadable, "removes_unreadable", killed(p::l10_own_record::NAME, 16), losing(RECORD);
    /// A leader that still waits removes its record when it releases.
    LeaderForgetsFile, "leader_forgets_file", killed(p::l1_one_resident::NAME, 38), Lease { restarts: 1, ..replacing() };

    // Stand by.

    /// A standby waits for the expiry only.
    StandbyIgnoresLock, "standby_ignores_lock", killed(p::l11_crash_noticed::NAME, 14),
        Lease { prompt: true, ..CRASHING };
    /// A standby that keeps out of a leader's way sleeps until the leader's record expires.
    StandbyTrustsWaitingRecord, "standby_trusts_waiting_record", killed(p::l11_crash_noticed::NAME, 42),
        Lease { processes: 3, crashes: 2, stops: 1, prompt: true, ..SMALL };
    /// A standby waits for the lock beside a leader that waits for it.
    StandbyInTheWay, "standby_in_the_way", killed(p::l7_out_of_the_way::NAME, 34),
        Lease { processes: 3, stops: 1, prompt: true, ..SMALL };
    /// A standby waits again for the lock that it had in vain.
    StandbyWaitsInVain, "standby_waits_in_vain", killed(p::l14_not_in_vain::NAME, 19), replacing();
    /// A standby sleeps for as long as it likes.
    StandbySleeps, "standby_sleeps", killed(p::l15_every_wait_ends::NAME, 12), SMALL;

    // What only liveness notices.

    /// A standby that waits for the lock does not look at the expiry.
    StandbyIgnoresExpiry, "standby_ignores_expiry", killed(goals::OWNED, 16),
        Lease { stops: 1, prompt: true, ..CRASHING };
    /// A standby waits for the lock whatever it has seen.
    StandbyAlwaysWaitsForLock, "standby_always_waits_for_lock", killed(goals::RESTS, 31),
        Lease { prompt: true, ..replacing() };
    /// A keeper does not hear of a renewal with an unknown outcome, and tries no second one.
    FailedRenewalIsNotHeard, "failed_renewal_is_not_heard", killed(goals::KEPT, 46),
        Lease { ttl: 4, prompt: true, ..failing() };
    /// A leader does not wait for the lock.
    LeaderDoesNotWait, "leader_does_not_wait", killed(goals::RESIDENT, 33),
        Lease { stops: 1, prompt: true, ..CRASHING };
    /// An attempt that ends without ownership keeps the latch.
    FollowerKeepsLatch, "follower_keeps_latch", killed(goals::OWNED, 17),
        Lease { prompt: true, ..CRASHING };

    // Evict.

    /// Whoever has the pid is killed.
    KillsWhoeverHasThePid, "kills_whoever_has_the_pid", killed(p::l12_proven_process::NAME, 26),
        Lease { policy: Some(Policy::Kill), pid_reuse: true, stops: 1, prompt: true, ..RESTARTING };
    /// A process of another namespace is killed by the pid that it has there.
    KillsAcrossNamespaces, "kills_across_namespaces", killed(p::l12_proven_process::NAME, 23),
        Lease { policy: Some(Policy::Kill), ..foreign() };
    /// A leader that was to wait kills.
    KillsUnasked, "kills_unasked", killed(p::l12_proven_process::NAME, 17),
        Lease { policy: Some(Policy::Wait), ..SMALL };
}

/// Every mutant, with what has to become of it.
pub(super) fn all() -> Vec<Mutated<Lease>> {
    let mutated = |mutant: &Mutant| Mutated {
        id: mutant.id(),
        change: mutant.change(),
        model: mutant.model(),
        expected: mutant.expected(),
    };
    Mutant::ALL.iter().map(mutated).collect()
}

const fn killed(by: &'static str, steps: usize) -> Expected {
    Expected::Killed { by, steps }
}

const fn equivalent(reason: &'static str) -> Expected {
    Expected::Equivalent { reason }
}

/// The smallest: nobody crashes, nobody comes back.
const SMALL: Lease = Lease { crashes: 0, restarts: 0, ..Lease::SMALL };

/// One may crash.
const CRASHING: Lease = Lease { crashes: 1, ..SMALL };

/// And somebody takes its place.
const RESTARTING: Lease = Lease { restarts: 1, ..CRASHING };

const RECORD: Loses = Loses { record: true, ..Loses::NOTHING };
const EPOCHS: Loses = Loses { epochs: true, ..Loses::NOTHING };

fn failing() -> Lease {
    Lease { failures: 1, ..SMALL }
}

fn losing(loses: Loses) -> Lease {
    Lease { losses: 1, loses, ..SMALL }
}

fn replacing() -> Lease {
    losing(Loses { lock_file: true, ..Loses::NOTHING })
}

fn emptied() -> Lease {
    losing(Loses { everything: true, ..Loses::NOTHING })
}

/// An owner that is stopped, a leader whose record is lost while it waits, and somebody who comes after it.
fn leading() -> Lease {
    Lease { losses: 1, loses: RECORD, stops: 1, prompt: true, ..RESTARTING }
}

fn foreign() -> Lease {
    Lease { foreign: true, ..SMALL }
}

fn unequal() -> Lease {
    Lease { ttl: 4, last_ttl: Some(2), ..SMALL }
}

fn wall() -> Lease {
    Lease { wall_steps: 1, ..SMALL }
}

/// A TTL of more than two ticks: a tick is less than what lies between a renewal and its end.
fn finer() -> Lease {
    Lease { ttl: 4, ..SMALL }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::shortest::{Shortest, shortest};
    use crate::study::{Kind, Study};

    /// Each fault, a mutant that it exposes, and the mutant's model with this fault switched off.
    fn faults() -> Vec<(&'static str, Mutant, Lease)> {
        let off = |fault, mutant: Mutant, change: fn(Lease) -> Lease| (fault, mutant, change(mutant.model()));
        vec![
            off("pause", Mutant::GateIgnoresDeadline, |on| Lease { prompt: true, ..on }),
            off("crash", Mutant::StandbyIgnoresLock, |on| Lease { crashes: 0, ..on }),
            off("restart", Mutant::KillsWhoeverHasThePid, |on| Lease { restarts: 0, ..on }),
            off("EIO", Mutant::ReadErrorIsFree, |on| Lease { failures: 0, ..on }),
            off("EACCES", Mutant::NoPermissionIsFree, |on| Lease { kinds: false, ..on }),
            off("ENOSPC", Mutant::FullDiskIsLoss, |on| Lease { kinds: false, ..on }),
            off("record lost", Mutant::DamageIsLoss, |on| Lease { losses: 0, ..on }),
            off("grants lost", Mutant::ForgetsStore, |on| Lease { losses: 0, ..on }),
            off("copy needed", Mutant::TrustsGrantsAlone, |on| Lease { losses: 0, ..on }),
            off("data root emptied", Mutant::RestoresWithoutClaim, |on| Lease { losses: 0, ..on }),
            off("lock file replaced", Mutant::AnyLockFileWillDo, |on| Lease { losses: 0, ..on }),
            off("latch replaced", Mutant::RefusedIsGranted, |on| Lease { unlatched: false, ..on }),
            off("latch busy", Mutant::ClaimsWithoutLatch, |on| Lease { busy: false, ..on }),
            off("stopped for good", Mutant::StandbyTrustsWaitingRecord, |on| Lease { stops: 0, ..on }),
            off("suspend", Mutant::ClockExcludesSuspend, |on| Lease { suspends: 0, ..on }),
            off("wall clock set forward", Mutant::RecordByWallClock, |on| Lease { wall_steps: 0, ..on }),
            off("wall clock set back", Mutant::GateByWallClock, |on| Lease { wall_steps: 0, ..on }),
            off("reboot", Mutant::GrantsInMemory, |on| Lease { reboots: 0, ..on }),
            off("power cut", Mutant::GrantsNotSynced, |on| Lease { power_cuts: 0, reboots: 1, ..on }),
            off("pid reused", Mutant::PidIsProof, |on| Lease { pid_reuse: false, ..on }),
            off("stale remains", Mutant::IgnoresBoot, |on| Lease { remains: false, ..on }),
            off("time namespaces", Mutant::TrustsForeignClock, |on| Lease { foreign: false, ..on }),
            off("pid namespaces", Mutant::KillsAcrossNamespaces, |on| Lease { foreign: false, ..on }),
            off("unequal TTLs", Mutant::JudgesByOwnTtl, |on| Lease { last_ttl: None, ..on }),
        ]
    }

    /// Two ticks are a TTL: enough for a takeover, and few enough for a search of all that can happen.
    fn survives(model: Lease) -> Result<usize, String> {
        let promises: Vec<_> =
            model.promises().into_iter().filter(|promise| promise.kind == Kind::Always).collect();
        let fallen = |state: &_| promises.iter().find(|promise| !(promise.holds)(&model, state));
        match shortest(&model, |state| fallen(state).is_some()) {
            Shortest::None { states } => Ok(states),
            Shortest::TooMany => Err("too many states".to_string()),
            Shortest::Found(path) => Err(format!("{:?}", fallen(&path.end).map(|promise| promise.says))),
        }
    }

    #[test]
    fn each_fault_is_what_exposes_a_mutant() {
        for (fault, mutant, off) in faults() {
            let Expected::Killed { .. } = mutant.expected() else { panic!("{fault}: {}", mutant.id()) };
            let off = Lease { horizon: Some(off.ttl), ..off };
            let survived = survives(off);
            assert!(survived.is_ok(), "{} without {fault}: {survived:?}", mutant.id());
        }
    }

    #[test]
    fn each_switch_is_among_the_faults() {
        let listed: Vec<&str> = faults().into_iter().map(|(fault, ..)| fault).collect();
        let every = super::super::configurations::all();
        let played = every.iter().flat_map(|configuration| configuration.model.faults());
        for fault in played.flat_map(|faults| faults.split(", ")) {
            let named = match fault {
                "record lost or torn" => "record lost",
                "grants or copy lost" => "grants lost",
                "wall clock set" => "wall clock set back",
                "other namespaces" => "time namespaces",
                "kill policy" => continue,
                same => same,
            };
            assert!(listed.contains(&named), "{fault}");
        }
    }

    #[test]
    fn every_property_of_safety_has_a_mutant() {
        let caught: Vec<&str> = Mutant::ALL
            .iter()
            .filter_map(|mutant| match mutant.expected() {
                Expected::Killed { by, .. } => Some(by),
                Expected::Equivalent { .. } => None,
            })
            .collect();
        let prompt = Lease { prompt: true, ..SMALL };
        for promise in prompt.promises().into_iter().chain(SMALL.promises()) {
            let safety = promise.kind == Kind::Always && promise.says != p::contract::NAME;
            assert!(!safety || caught.contains(&promise.says), "{}", promise.says);
        }
    }

    #[test]
    fn every_mutant_has_its_own_name() {
        let mut names: Vec<&str> = Mutant::ALL.iter().map(|mutant| mutant.id()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Mutant::ALL.len());
    }
}
