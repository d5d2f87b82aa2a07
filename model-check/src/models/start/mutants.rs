//! Small changes to the protocol, each of which a property has to notice.
//!
//! A machine is never changed: a mutant falsifies what a machine observes, or what becomes of what it wants, in
//! the way that a machine without the guard would behave. See `perform.rs`, `actions.rs` and `step.rs` for the places.

use super::Starting;
use super::properties as p;
use crate::study::{Expected, Mutated};

/// One change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutant {
    /// A daemon that did not get the run lock goes on as if it had.
    HeldIsTaken,
    /// A daemon drops the run lock before it cleans up, and not by its end.
    DropsLockToCleanUp,
    /// A child says that it is ready before it answers requests.
    ReadyBeforeServing,
    /// Any line of the child counts as ready.
    ProgressIsReady,
    /// The end of the channel counts as ready.
    ClosedIsReady,
    /// Whoever answers is taken for ready.
    NotReadyIsReady,
    /// Whoever answers ready is taken for the life that the metadata names.
    AnyAnswerWillDo,
    /// A life that the metadata names is attached to without being asked.
    MetadataIsProof,
    /// A start does not wait for the start lock.
    StartLockIgnored,
    /// A start spawns a child although the run lock is held.
    HeldIsFree,
    /// A start whose child lost the race for the run lock fails.
    LostRaceIsFailure,
    /// A start that does not get the start lock fails without looking for a daemon.
    BusyIsFailure,
    /// The start lock is waited for without a bound.
    StartLockWithoutBound,
    /// A silent child is waited for without a bound.
    ChildWithoutBound,
    /// The end of a daemon is waited for without a bound.
    StopWithoutBound,
    /// A start that gives up kills its child without reading its last word.
    KillsUnheard,
    /// A start that gives up leaves its child.
    LeavesChild,
    /// A daemon does not notice that nobody listens.
    ReadyToNobody,
    /// A daemon removes the socket that it finds before it has the run lock.
    ClearsBeforeLock,
    /// A daemon writes its metadata before it has the run lock.
    NamesBeforeLock,
    /// A status probe looks at the run lock by taking it.
    LookingTakesTheLock,
    /// A status probe does not read the metadata again after its look at the lock.
    OneReadWillDo,
    /// A status probe takes the life that the metadata names for the holder of the lock.
    DeadProcessIsHolder,
    /// A status probe takes a holder of the lock that it can't name for one that is starting.
    NamelessIsStarting,
    /// A daemon stops to serve without having written so.
    StopsUnsaid,
    /// A daemon does not look after its metadata.
    NeverRestores,
    /// A process with the pid of the metadata counts as the one that was named.
    PidIsEnough,
    /// A process with the pid and the start time of the metadata counts as the one that was named, on whatever boot.
    BootIsIgnored,
    /// A stop signals the daemon that the metadata names at that moment.
    MeansWhoeverIsThere,
    /// The end of the daemon that was meant counts as a free run lock.
    EndIsStopped,
    /// The end of a wait counts as the end of the daemon.
    LateIsEnded,
    /// A stop that may kill does not.
    NeverKills,
    /// A daemon forgets a signal that arrives while it starts.
    BootIgnoresStop,
    /// A stop takes a run lock that it could not look at for free.
    StopErrorIsFree,
    /// A status probe takes a run lock that it could not look at for free.
    StatusErrorIsFree,
}

/// Every mutant, with what has to become of it.
pub(super) fn all() -> Vec<Mutated<Starting>> {
    Mutant::ALL.into_iter().map(Mutant::mutated).collect()
}

impl Mutant {
    /// Every mutant.
    pub const ALL: [Mutant; 35] = [
        Mutant::HeldIsTaken,
        Mutant::DropsLockToCleanUp,
        Mutant::ReadyBeforeServing,
        Mutant::ProgressIsReady,
        Mutant::ClosedIsReady,
        Mutant::NotReadyIsReady,
        Mutant::AnyAnswerWillDo,
        Mutant::MetadataIsProof,
        Mutant::StartLockIgnored,
        Mutant::HeldIsFree,
        Mutant::LostRaceIsFailure,
        Mutant::BusyIsFailure,
        Mutant::StartLockWithoutBound,
        Mutant::ChildWithoutBound,
        Mutant::StopWithoutBound,
        Mutant::KillsUnheard,
        Mutant::LeavesChild,
        Mutant::ReadyToNobody,
        Mutant::ClearsBeforeLock,
        Mutant::NamesBeforeLock,
        Mutant::LookingTakesTheLock,
        Mutant::OneReadWillDo,
        Mutant::DeadProcessIsHolder,
        Mutant::NamelessIsStarting,
        Mutant::StopsUnsaid,
        Mutant::NeverRestores,
        Mutant::PidIsEnough,
        Mutant::BootIsIgnored,
        Mutant::MeansWhoeverIsThere,
        Mutant::EndIsStopped,
        Mutant::LateIsEnded,
        Mutant::NeverKills,
        Mutant::BootIgnoresStop,
        Mutant::StopErrorIsFree,
        Mutant::StatusErrorIsFree,
    ];

    fn mutated(self) -> Mutated<Starting> {
        let (by, steps) = self.caught_by();
        let model = Starting { mutant: Some(self), ..self.setting() };
        Mutated { id: self.id(), change: self.change(), model, expected: Expected::Killed { by, steps } }
    }

    /// Its name.
    pub fn id(self) -> &'static str {
        match self {
            Mutant::HeldIsTaken => "held_is_taken",
            Mutant::DropsLockToCleanUp => "drops_lock_to_clean_up",
            Mutant::ReadyBeforeServing => "ready_before_serving",
            Mutant::ProgressIsReady => "progress_is_ready",
            Mutant::ClosedIsReady => "closed_is_ready",
            Mutant::NotReadyIsReady => "not_ready_is_ready",
            Mutant::AnyAnswerWillDo => "any_answer_will_do",
            Mutant::MetadataIsProof => "metadata_is_proof",
            Mutant::StartLockIgnored => "start_lock_ignored",
            Mutant::HeldIsFree => "held_is_free",
            Mutant::LostRaceIsFailure => "lost_race_is_failure",
            Mutant::BusyIsFailure => "busy_is_failure",
            Mutant::StartLockWithoutBound => "start_lock_without_bound",
            Mutant::ChildWithoutBound => "child_without_bound",
            Mutant::StopWithoutBound => "stop_without_bound",
            Mutant::KillsUnheard => "kills_unheard",
            Mutant::LeavesChild => "leaves_child",
            Mutant::ReadyToNobody => "ready_to_nobody",
            Mutant::ClearsBeforeLock => "clears_before_lock",
            Mutant::NamesBeforeLock => "names_before_lock",
            Mutant::LookingTakesTheLock => "looking_takes_the_lock",
            Mutant::OneReadWillDo => "one_read_will_do",
            Mutant::DeadProcessIsHolder => "dead_process_is_holder",
            Mutant::NamelessIsStarting => "nameless_is_starting",
            Mutant::StopsUnsaid => "stops_unsaid",
            Mutant::NeverRestores => "never_restores",
            Mutant::PidIsEnough => "pid_is_enough",
            Mutant::BootIsIgnored => "boot_is_ignored",
            Mutant::MeansWhoeverIsThere => "means_whoever_is_there",
            Mutant::EndIsStopped => "end_is_stopped",
            Mutant::LateIsEnded => "late_is_ended",
            Mutant::NeverKills => "never_kills",
            Mutant::BootIgnoresStop => "boot_ignores_stop",
            Mutant::StopErrorIsFree => "stop_error_is_free",
            Mutant::StatusErrorIsFree => "status_error_is_free",
        }
    }

    /// What it changes.
    pub fn change(self) -> &'static str {
        match self {
            Mutant::HeldIsTaken => "A daemon that did not get the run lock goes on as if it had.",
            Mutant::DropsLockToCleanUp => {
                "A daemon drops the run lock before it cleans up, and not by its end."
            }
            Mutant::ReadyBeforeServing => "A child says that it is ready before it answers requests.",
            Mutant::ProgressIsReady => "Any line of the child counts as ready.",
            Mutant::ClosedIsReady => "The end of the channel counts as ready.",
            Mutant::NotReadyIsReady => "Whoever answers is taken for ready.",
            Mutant::AnyAnswerWillDo => "Whoever answers ready is taken for the life that the metadata names.",
            Mutant::MetadataIsProof => "A life that the metadata names is attached to without being asked.",
            Mutant::StartLockIgnored => "A start does not wait for the start lock.",
            Mutant::HeldIsFree => "A start spawns a child although the run lock is held.",
            Mutant::LostRaceIsFailure => "A start whose child lost the race for the run lock fails.",
            Mutant::BusyIsFailure => {
                "A start that does not get the start lock fails without looking for a daemon."
            }
            Mutant::StartLockWithoutBound => "The start lock is waited for without a bound.",
            Mutant::ChildWithoutBound => "A silent child is waited for without a bound.",
            Mutant::StopWithoutBound => "The end of a daemon is waited for without a bound.",
            Mutant::KillsUnheard => "A start that gives up kills its child without reading its last word.",
            Mutant::LeavesChild => "A start that gives up leaves its child.",
            Mutant::ReadyToNobody => "A daemon does not notice that nobody listens.",
            Mutant::ClearsBeforeLock => {
                "A daemon removes the socket that it finds before it has the run lock."
            }
            Mutant::NamesBeforeLock => "A daemon writes its metadata before it has the run lock.",
            Mutant::LookingTakesTheLock => "A status probe looks at the run lock by taking it.",
            Mutant::OneReadWillDo => {
                "A status probe does not read the metadata again after its look at the lock."
            }
            Mutant::DeadProcessIsHolder => {
                "A status probe takes the life that the metadata names for the holder of the lock."
            }
            Mutant::NamelessIsStarting => {
                "A status probe takes a holder of the lock that it can't name for one that is starting."
            }
            Mutant::StopsUnsaid => "A daemon stops to serve without having written so.",
            Mutant::NeverRestores => "A daemon does not look after its metadata.",
            Mutant::PidIsEnough => "A process with the pid of the metadata counts as the one that was named.",
            Mutant::BootIsIgnored => {
                "A process with the pid and the start time of the metadata counts as the one that was named, on whatever boot."
            }
            Mutant::MeansWhoeverIsThere => {
                "A stop signals the daemon that the metadata names at that moment."
            }
            Mutant::EndIsStopped => "The end of the daemon that was meant counts as a free run lock.",
            Mutant::LateIsEnded => "The end of a wait counts as the end of the daemon.",
            Mutant::NeverKills => "A stop that may kill does not.",
            Mutant::BootIgnoresStop => "A daemon forgets a signal that arrives while it starts.",
            Mutant::StopErrorIsFree => "A stop takes a run lock that it could not look at for free.",
            Mutant::StatusErrorIsFree => {
                "A status probe takes a run lock that it could not look at for free."
            }
        }
    }

    /// The property that has to notice it, and in how many steps.
    pub fn caught_by(self) -> (&'static str, usize) {
        match self {
            Mutant::HeldIsTaken => (p::d1_one_serves::NAME, 0),
            Mutant::DropsLockToCleanUp => (p::d1_one_serves::NAME, 0),
            Mutant::ReadyBeforeServing => (p::d2_ready_means_serving::NAME, 0),
            Mutant::ProgressIsReady => (p::d2_ready_means_serving::NAME, 0),
            Mutant::ClosedIsReady => (p::d2_ready_means_serving::NAME, 0),
            Mutant::NotReadyIsReady => (p::d2_ready_means_serving::NAME, 0),
            Mutant::AnyAnswerWillDo => (p::d2_ready_means_serving::NAME, 0),
            Mutant::MetadataIsProof => (p::d2_ready_means_serving::NAME, 0),
            Mutant::StartLockIgnored => (p::d3_one_child_at_a_time::NAME, 0),
            Mutant::HeldIsFree => (p::d3_fails_for_a_reason::NAME, 0),
            Mutant::LostRaceIsFailure => (p::d3_fails_for_a_reason::NAME, 0),
            Mutant::BusyIsFailure => (p::d3_attaches_past_a_busy_lock::NAME, 0),
            Mutant::StartLockWithoutBound => (p::d4_nobody_waits_for_ever::NAME, 0),
            Mutant::ChildWithoutBound => (p::d4_nobody_waits_for_ever::NAME, 0),
            Mutant::StopWithoutBound => (p::d4_nobody_waits_for_ever::NAME, 0),
            Mutant::KillsUnheard => (p::d5_ready_is_not_undone::NAME, 0),
            Mutant::LeavesChild => (p::d5_no_child_left::NAME, 0),
            Mutant::ReadyToNobody => (p::d5_nobody_serves_unwanted::NAME, 0),
            Mutant::ClearsBeforeLock => (p::d6_remains_of_the_living::NAME, 0),
            Mutant::NamesBeforeLock => (p::d6_remains_of_the_living::NAME, 0),
            Mutant::LookingTakesTheLock => (p::d7_looking_takes_nothing::NAME, 0),
            Mutant::OneReadWillDo => (p::d8_status_is_true::NAME, 0),
            Mutant::DeadProcessIsHolder => (p::d8_status_is_true::NAME, 0),
            Mutant::NamelessIsStarting => (p::d8_status_is_true::NAME, 0),
            Mutant::StopsUnsaid => (p::d8_status_is_true::NAME, 0),
            Mutant::NeverRestores => (p::d9_metadata_is_restored::NAME, 0),
            Mutant::PidIsEnough => (p::d10_only_who_was_meant::NAME, 0),
            Mutant::BootIsIgnored => (p::d10_only_who_was_meant::NAME, 0),
            Mutant::MeansWhoeverIsThere => (p::d10_only_who_was_meant::NAME, 0),
            Mutant::EndIsStopped => (p::d11_stopped_means_free::NAME, 0),
            Mutant::LateIsEnded => (p::d11_stopped_means_free::NAME, 0),
            Mutant::NeverKills => (p::d12_a_forced_stop_ends::NAME, 0),
            Mutant::BootIgnoresStop => (p::d12_told_is_told::NAME, 0),
            Mutant::StopErrorIsFree => (p::d13_failure_decides_nothing::NAME, 0),
            Mutant::StatusErrorIsFree => (p::d13_failure_decides_nothing::NAME, 0),
        }
    }

    /// The smallest configuration in which it shows.
    pub fn setting(self) -> Starting {
        let calm = Starting::CALM;
        match self {
            Mutant::HeldIsTaken
            | Mutant::NotReadyIsReady
            | Mutant::LostRaceIsFailure
            | Mutant::ClearsBeforeLock
            | Mutant::NamesBeforeLock => Starting { foreground: true, starters: 1, ..calm },
            Mutant::DropsLockToCleanUp => Starting { foreground: true, starters: 1, stoppers: 1, ..calm },
            Mutant::ReadyBeforeServing | Mutant::StartLockIgnored | Mutant::HeldIsFree => calm,
            Mutant::ProgressIsReady => Starting { progress: true, ..calm },
            Mutant::ClosedIsReady => Starting { deaths: 1, ..calm },
            Mutant::AnyAnswerWillDo | Mutant::MetadataIsProof => {
                Starting { remains: true, foreground: true, starters: 1, ..calm }
            }
            Mutant::BusyIsFailure => Starting { pauses: 1, foreground: true, ..calm },
            Mutant::StartLockWithoutBound => Starting { pauses: 1, ..calm },
            Mutant::ChildWithoutBound | Mutant::LeavesChild => Starting { hangs: 1, starters: 1, ..calm },
            Mutant::StopWithoutBound | Mutant::LateIsEnded | Mutant::NeverKills => {
                Starting { hangs: 1, starters: 1, stoppers: 1, ..calm }
            }
            Mutant::KillsUnheard => Starting { slow: true, starters: 1, ..calm },
            Mutant::ReadyToNobody => Starting { crashes: 1, ..calm },
            Mutant::LookingTakesTheLock => Starting { probes: 1, starters: 1, ..calm },
            Mutant::OneReadWillDo | Mutant::DeadProcessIsHolder => {
                Starting { probes: 1, starters: 1, remains: true, ..calm }
            }
            Mutant::NamelessIsStarting => Starting { probes: 1, starters: 1, damages: 1, ..calm },
            Mutant::StopsUnsaid => Starting { probes: 1, starters: 1, stoppers: 1, ..calm },
            Mutant::NeverRestores => Starting { damages: 1, starters: 1, ..calm },
            Mutant::PidIsEnough => Starting { stoppers: 1, reuses: 1, remains: true, starters: 1, ..calm },
            Mutant::BootIsIgnored => Starting { stoppers: 1, reboot: true, starters: 1, ..calm },
            Mutant::MeansWhoeverIsThere => Starting { stoppers: 1, deaths: 1, ..calm },
            Mutant::EndIsStopped | Mutant::BootIgnoresStop => Starting { stoppers: 1, ..calm },
            Mutant::StopErrorIsFree => Starting { stoppers: 1, failures: 1, starters: 1, ..calm },
            Mutant::StatusErrorIsFree => Starting { probes: 1, failures: 1, starters: 1, ..calm },
        }
    }
}
