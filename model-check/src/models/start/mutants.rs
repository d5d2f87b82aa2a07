//! Small changes to the protocol, each of which a property has to notice.
//!
//! A machine is never changed: a mutant falsifies what a machine observes, or what becomes of what it wants, in
//! the way that a machine without the guard would behave. See `perform.rs`, `actions.rs` and `step.rs` for the places.

use super::properties as p;
use super::{Starting, goals};
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
    /// Whoever answers ready is taken for the life in the metadata.
    AnyAnswerWillDo,
    /// The life in the metadata is attached to without being asked.
    MetadataIsProof,
    /// A start does not wait for the start lock.
    StartLockIgnored,
    /// A start spawns a child although the run lock is held.
    HeldIsFree,
    /// A start whose child lost the race for the run lock fails.
    LostRaceIsFailure,
    /// A start that does not get the start lock looks for no daemon.
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
    /// A status probe does not read the metadata again after its look.
    OneReadWillDo,
    /// A status probe takes the life in the metadata for the holder of the lock.
    DeadProcessIsHolder,
    /// A status probe takes a holder that it can't name for one that is starting.
    NamelessIsStarting,
    /// A daemon stops to serve without having written so.
    StopsUnsaid,
    /// A daemon does not look after its metadata.
    NeverRestores,
    /// A process with the pid of the metadata is the one that was named.
    PidIsEnough,
    /// A process with pid and start time of the metadata is the one that was named, on whatever boot.
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
    /// A status probe takes a lock that it could not look at for free.
    StatusErrorIsFree,
    /// A daemon takes a run lock that it could not take for taken.
    LockErrorIsTaken,
    /// A daemon that could not bind its socket goes on.
    BindErrorIgnored,
    /// A daemon does not remove the socket that it finds.
    LeavesRemains,
    /// A daemon that is not ready is waited for without a bound.
    ChangeWithoutBound,
    /// The end of a child is waited for without a bound.
    ReapWithoutBound,
    /// A start that gives up reads the last word before it closes the channel.
    GivesUpUnclosed,
    /// A daemon that could not write that it runs says that it is ready.
    PublishErrorIgnored,
    /// A status probe looks at the lock before it inspects the process.
    LooksBeforeInspecting,
    /// A stop takes the absence of metadata for a free run lock.
    MetadataIsOracle,
    /// A start takes a run lock that it could not look at for free.
    StartErrorIsFree,
    /// A daemon that could not write that it starts goes on.
    NameErrorIgnored,
    /// A daemon that is not ready is waited for anew after each look.
    WaitsAnew,
    /// Who comes second takes no answer for ready, and asks again.
    NeverAttaches,
}

/// Every mutant, with what has to become of it.
pub(super) fn all() -> Vec<Mutated<Starting>> {
    Mutant::ALL.into_iter().map(Mutant::mutated).collect()
}

impl Mutant {
    /// Every mutant.
    pub const ALL: [Mutant; 48] = [
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
        Mutant::LockErrorIsTaken,
        Mutant::BindErrorIgnored,
        Mutant::LeavesRemains,
        Mutant::ChangeWithoutBound,
        Mutant::ReapWithoutBound,
        Mutant::GivesUpUnclosed,
        Mutant::PublishErrorIgnored,
        Mutant::LooksBeforeInspecting,
        Mutant::MetadataIsOracle,
        Mutant::StartErrorIsFree,
        Mutant::NameErrorIgnored,
        Mutant::WaitsAnew,
        Mutant::NeverAttaches,
    ];

    fn mutated(self) -> Mutated<Starting> {
        let model = Starting { mutant: Some(self), ..self.setting() };
        Mutated { id: self.id(), change: self.change(), model, expected: self.expected() }
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
            Mutant::LockErrorIsTaken => "lock_error_is_taken",
            Mutant::BindErrorIgnored => "bind_error_ignored",
            Mutant::LeavesRemains => "leaves_remains",
            Mutant::ChangeWithoutBound => "change_without_bound",
            Mutant::ReapWithoutBound => "reap_without_bound",
            Mutant::GivesUpUnclosed => "gives_up_unclosed",
            Mutant::PublishErrorIgnored => "publish_error_ignored",
            Mutant::LooksBeforeInspecting => "looks_before_inspecting",
            Mutant::MetadataIsOracle => "metadata_is_oracle",
            Mutant::StartErrorIsFree => "start_error_is_free",
            Mutant::NameErrorIgnored => "name_error_ignored",
            Mutant::WaitsAnew => "waits_anew",
            Mutant::NeverAttaches => "never_attaches",
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
            Mutant::AnyAnswerWillDo => "Whoever answers ready is taken for the life in the metadata.",
            Mutant::MetadataIsProof => "The life in the metadata is attached to without being asked.",
            Mutant::StartLockIgnored => "A start does not wait for the start lock.",
            Mutant::HeldIsFree => "A start spawns a child although the run lock is held.",
            Mutant::LostRaceIsFailure => "A start whose child lost the race for the run lock fails.",
            Mutant::BusyIsFailure => "A start that does not get the start lock looks for no daemon.",
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
            Mutant::OneReadWillDo => "A status probe does not read the metadata again after its look.",
            Mutant::DeadProcessIsHolder => {
                "A status probe takes the life in the metadata for the holder of the lock."
            }
            Mutant::NamelessIsStarting => {
                "A status probe takes a holder that it can't name for one that is starting."
            }
            Mutant::StopsUnsaid => "A daemon stops to serve without having written so.",
            Mutant::NeverRestores => "A daemon does not look after its metadata.",
            Mutant::PidIsEnough => "A process with the pid of the metadata is the one that was named.",
            Mutant::BootIsIgnored => {
                "A process with pid and start time of the metadata is the one that was named, on whatever boot."
            }
            Mutant::MeansWhoeverIsThere => {
                "A stop signals the daemon that the metadata names at that moment."
            }
            Mutant::EndIsStopped => "The end of the daemon that was meant counts as a free run lock.",
            Mutant::LateIsEnded => "The end of a wait counts as the end of the daemon.",
            Mutant::NeverKills => "A stop that may kill does not.",
            Mutant::BootIgnoresStop => "A daemon forgets a signal that arrives while it starts.",
            Mutant::StopErrorIsFree => "A stop takes a run lock that it could not look at for free.",
            Mutant::StatusErrorIsFree => "A status probe takes a lock that it could not look at for free.",
            Mutant::LockErrorIsTaken => "A daemon takes a run lock that it could not take for taken.",
            Mutant::BindErrorIgnored => "A daemon that could not bind its socket goes on.",
            Mutant::LeavesRemains => "A daemon does not remove the socket that it finds.",
            Mutant::ChangeWithoutBound => "A daemon that is not ready is waited for without a bound.",
            Mutant::ReapWithoutBound => "The end of a child is waited for without a bound.",
            Mutant::GivesUpUnclosed => {
                "A start that gives up reads the last word before it closes the channel."
            }
            Mutant::PublishErrorIgnored => {
                "A daemon that could not write that it runs says that it is ready."
            }
            Mutant::LooksBeforeInspecting => {
                "A status probe looks at the lock before it inspects the process."
            }
            Mutant::MetadataIsOracle => "A stop takes the absence of metadata for a free run lock.",
            Mutant::StartErrorIsFree => "A start takes a run lock that it could not look at for free.",
            Mutant::NameErrorIgnored => "A daemon that could not write that it starts goes on.",
            Mutant::WaitsAnew => "A daemon that is not ready is waited for anew after each look.",
            Mutant::NeverAttaches => "Who comes second takes no answer for ready, and asks again.",
        }
    }

    /// What has to become of it.
    pub fn expected(self) -> Expected {
        let killed = |by, steps| Expected::Killed { by, steps };
        match self {
            Mutant::HeldIsTaken => killed(p::d1_one_serves::NAME, 16),
            Mutant::DropsLockToCleanUp => killed(p::d1_one_serves::NAME, 22),
            Mutant::ReadyBeforeServing => killed(p::d2_ready_means_serving::NAME, 10),
            Mutant::ProgressIsReady => killed(p::d2_ready_means_serving::NAME, 9),
            Mutant::ClosedIsReady => killed(p::d2_ready_means_serving::NAME, 5),
            Mutant::NotReadyIsReady => killed(p::d2_ready_means_serving::NAME, 8),
            Mutant::AnyAnswerWillDo => killed(p::d2_ready_means_serving::NAME, 13),
            Mutant::MetadataIsProof => killed(p::d2_ready_means_serving::NAME, 6),
            Mutant::StartLockIgnored => killed(p::d3_one_child_at_a_time::NAME, 6),
            Mutant::HeldIsFree => killed(p::d3_fails_for_a_reason::NAME, 25),
            Mutant::LostRaceIsFailure => killed(p::d3_fails_for_a_reason::NAME, 18),
            Mutant::BusyIsFailure => killed(p::d3_attaches_past_a_busy_lock::NAME, 13),
            Mutant::StartLockWithoutBound => killed(p::d4_nobody_waits_for_ever::NAME, 2),
            Mutant::ChildWithoutBound => killed(p::d4_nobody_waits_for_ever::NAME, 4),
            Mutant::StopWithoutBound => killed(p::d4_nobody_waits_for_ever::NAME, 17),
            Mutant::KillsUnheard => killed(p::d5_ready_is_not_undone::NAME, 13),
            Mutant::LeavesChild => killed(p::d5_no_child_left::NAME, 10),
            Mutant::ReadyToNobody => killed(p::d5_nobody_serves_unwanted::NAME, 12),
            Mutant::ClearsBeforeLock => killed(p::d6_remains_of_the_living::NAME, 12),
            Mutant::NamesBeforeLock => killed(p::d6_remains_of_the_living::NAME, 12),
            Mutant::LookingTakesTheLock => killed(p::d7_looking_takes_nothing::NAME, 2),
            Mutant::OneReadWillDo => killed(p::d8_status_is_true::NAME, 10),
            Mutant::DeadProcessIsHolder => killed(p::d8_status_is_true::NAME, 9),
            Mutant::NamelessIsStarting => killed(p::d8_status_is_true::NAME, 9),
            Mutant::StopsUnsaid => killed(p::d8_status_is_true::NAME, 22),
            Mutant::NeverRestores => killed(p::d9_metadata_is_restored::NAME, 14),
            Mutant::PidIsEnough => killed(p::d10_only_who_was_meant::NAME, 11),
            Mutant::BootIsIgnored => killed(p::d10_only_who_was_meant::NAME, 10),
            Mutant::MeansWhoeverIsThere => killed(p::d10_only_who_was_meant::NAME, 20),
            Mutant::EndIsStopped => killed(p::d11_stopped_means_free::NAME, 29),
            Mutant::LateIsEnded => killed(p::d11_stopped_means_free::NAME, 13),
            Mutant::NeverKills => killed(p::d12_a_forced_stop_ends::NAME, 14),
            Mutant::BootIgnoresStop => killed(p::d12_told_is_told::NAME, 16),
            Mutant::StopErrorIsFree => killed(p::d13_failure_decides_nothing::NAME, 2),
            Mutant::StatusErrorIsFree => killed(p::d13_failure_decides_nothing::NAME, 2),
            Mutant::LockErrorIsTaken => killed(p::d1_one_serves::NAME, 13),
            Mutant::BindErrorIgnored => killed(p::d2_ready_can_be_reached::NAME, 11),
            Mutant::LeavesRemains => killed(p::d3_fails_for_a_reason::NAME, 18),
            Mutant::ChangeWithoutBound => killed(p::d4_nobody_waits_for_ever::NAME, 5),
            Mutant::ReapWithoutBound => killed(p::d4_nobody_waits_for_ever::NAME, 15),
            Mutant::GivesUpUnclosed => killed(p::d5_ready_is_not_undone::NAME, 13),
            Mutant::PublishErrorIgnored => killed(p::d8_status_is_true::NAME, 14),
            Mutant::LooksBeforeInspecting => killed(p::d8_status_is_true::NAME, 7),
            Mutant::MetadataIsOracle => killed(p::d11_stopped_means_free::NAME, 6),
            Mutant::StartErrorIsFree => killed(p::d13_failure_decides_nothing::NAME, 2),
            Mutant::WaitsAnew => killed(goals::ENDS, 6),
            Mutant::NeverAttaches => killed(goals::SUCCEEDS, 13),
            Mutant::NameErrorIgnored => Expected::Equivalent {
                reason: "the next write tells the same, and fails as well where the directory takes none: the guard only makes the failure come sooner",
            },
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
            Mutant::LockErrorIsTaken => Starting { foreground: true, starters: 1, failures: 1, ..calm },
            Mutant::BindErrorIgnored => Starting { starters: 1, failures: 1, ..calm },
            Mutant::LeavesRemains => Starting { starters: 1, remains: true, ..calm },
            Mutant::ChangeWithoutBound | Mutant::WaitsAnew => {
                Starting { foreground: true, starters: 1, hangs: 1, ..calm }
            }
            Mutant::NeverAttaches => Starting { foreground: true, starters: 1, ..calm },
            Mutant::ReapWithoutBound => Starting { foreground: true, starters: 1, hangs: 1, ..calm },
            Mutant::GivesUpUnclosed => Starting { slow: true, starters: 1, ..calm },
            Mutant::PublishErrorIgnored => Starting { probes: 1, starters: 1, failures: 1, ..calm },
            Mutant::LooksBeforeInspecting => Starting { probes: 1, starters: 1, deaths: 1, ..calm },
            Mutant::MetadataIsOracle => Starting { stoppers: 1, starters: 1, ..calm },
            Mutant::StartErrorIsFree => Starting { starters: 1, failures: 1, ..calm },
            Mutant::NameErrorIgnored => {
                Starting { probes: 1, starters: 1, failures: 1, remains: true, ..calm }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::shortest::{Shortest, shortest};
    use crate::study::{Kind, Study};

    type Exposed = (&'static str, Mutant, fn(&mut Starting));

    /// Each fault, with a mutant that only it exposes, and the switch turned off.
    fn exposed() -> Vec<Exposed> {
        vec![
            ("starter crashes", Mutant::ReadyToNobody, |model| model.crashes = 0),
            ("starter paused for good", Mutant::StartLockWithoutBound, |model| model.pauses = 0),
            ("daemon dies", Mutant::ClosedIsReady, |model| model.deaths = 0),
            ("daemon hangs", Mutant::NeverKills, |model| model.hangs = 0),
            ("I/O error", Mutant::LockErrorIsTaken, |model| model.failures = 0),
            ("metadata damaged", Mutant::NeverRestores, |model| model.damages = 0),
            ("pid used again", Mutant::PidIsEnough, |model| model.reuses = 0),
            ("slow", Mutant::KillsUnheard, |model| model.slow = false),
            ("stale remains", Mutant::LeavesRemains, |model| model.remains = false),
            ("reboot", Mutant::BootIsIgnored, |model| model.reboot = false),
        ]
    }

    #[test]
    fn each_fault_has_a_mutant_that_only_it_exposes() {
        for (fault, mutant, off) in exposed() {
            let on = Starting { mutant: Some(mutant), ..mutant.setting() };
            let mut model = on.clone();
            off(&mut model);
            assert!(on.faults().contains(&fault) && !model.faults().contains(&fault), "{fault}");
            let fallen = |model: &Starting| {
                let promises: Vec<_> =
                    model.promises().into_iter().filter(|promise| promise.kind == Kind::Always).collect();
                shortest(model, |state| promises.iter().any(|promise| !(promise.holds)(model, state)))
            };
            assert!(fallen(&on).path().is_some(), "{fault}: {mutant:?} has to fall");
            assert!(matches!(fallen(&model), Shortest::None { .. }), "{mutant:?} falls without {fault}");
        }
    }

    #[test]
    fn every_fault_of_the_model_is_in_the_list() {
        let all = Starting {
            crashes: 1,
            pauses: 1,
            deaths: 1,
            hangs: 1,
            failures: 1,
            damages: 1,
            reuses: 1,
            slow: true,
            remains: true,
            reboot: true,
            ..Starting::CALM
        };
        let exposed: Vec<_> = exposed().into_iter().map(|(fault, ..)| fault).collect();
        assert!(all.faults().iter().all(|fault| exposed.contains(fault)));
    }
}
