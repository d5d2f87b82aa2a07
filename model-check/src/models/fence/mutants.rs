//! Small changes to the fence, each of which a promise has to notice.
//!
//! A machine is never changed: a mutant falsifies what a machine observes, or what becomes of what it wants, in the way
//! that a machine without the guard would behave. What shows that an owner begins nothing late is checked with the
//! fence switched off, and what shows that nothing stale lands with the gate switched off.

use super::Fence;
use super::configurations as c;
use super::properties as p;
use crate::study::{Expected, Mutated};

/// One change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutant {
    /// Whatever is not an item begins without asking the gate.
    GateNotAsked,
    /// The gate closes only when it is told to.
    GateIgnoresDeadline,
    /// The gate is held against a clock that stands still while the machine is suspended.
    ClockStandsInSuspend,
    /// A renewal that ends after the deadline opens the gate again.
    LateRenewalReopens,
    /// A flush begins without asking the gate.
    FlushSkipsGate,
    /// A durable effect lands without comparing the lease.
    LandsUnchecked,
    /// A durable effect compares the lease when it has prepared, and takes the latch later.
    ComparesBeforeLatch,
    /// A durable effect compares the highest epoch only.
    IgnoresRecord,
    /// A durable effect compares the record only.
    IgnoresEpochs,
    /// A latch that stayed taken counts as taken by the one who asks.
    BusyLatchIsTaken,
    /// A latch that could not be asked for counts as taken.
    LatchErrorIsTaken,
    /// What could not be read of the lease counts as ours.
    ReadErrorIsOurs,
    /// What could not be prepared lands as far as it goes.
    PrepareErrorGoesOn,
    /// An error of the landing counts as done.
    UnknownIsDone,
    /// An error of the landing counts as not done.
    UnknownIsNotDone,
    /// What landed is reported as done before it is synced.
    DoneBeforeSync,
    /// A durable effect that did not land leaves what it had prepared.
    LeavesPrepared,
    /// An owner sweeps whatever another process has prepared.
    SweepsAnything,
    /// The gate closes at the expiry itself.
    NoMargin,
    /// A call is admitted wherever the instance is the one that it names.
    EntryComparesInstanceOnly,
    /// A call is admitted wherever the epoch is the one that it names.
    EntryComparesEpochOnly,
    /// A session is served on whatever load of its model.
    SessionOutlivesLoad,
    /// A session is served in a later ownership of the same process.
    SessionOutlivesOwnership,
    /// The gate is asked when a stream begins, and not at its items.
    ItemTrustsEntry,
    /// A client accepts what its connection brings, whatever it has seen elsewhere.
    ClientForgetsEpochs,
    /// A release closes the permits and does not wait for those that are out.
    ReleasesBeforeDrained,
    /// An effect may begin although the permits are closed.
    PermitsStayOpen,
    /// A release drops its lock, and the memory comes back when the process ends.
    FreesAfterResidency,
    /// Memory that could not be freed counts as freed.
    FreeErrorIsFreed,
    /// A drain waits until nothing is under way, however long that takes.
    DrainsForEver,
    /// At its bound a drain gives up, and the release goes on.
    ReleasesAtBound,
    /// Every end of an ownership is taken for a handover.
    FencedHandsOver,
}

/// Every mutant, with what has to become of it.
pub(super) fn all() -> Vec<Mutated<Fence>> {
    let mutated = |mutant: Mutant| Mutated {
        id: mutant.id(),
        change: mutant.change(),
        model: mutant.model(),
        expected: mutant.expected(),
    };
    Mutant::ALL.into_iter().map(mutated).collect()
}

impl Mutant {
    /// Every mutant.
    pub const ALL: [Mutant; 32] = [
        Mutant::GateNotAsked,
        Mutant::GateIgnoresDeadline,
        Mutant::ClockStandsInSuspend,
        Mutant::LateRenewalReopens,
        Mutant::FlushSkipsGate,
        Mutant::LandsUnchecked,
        Mutant::ComparesBeforeLatch,
        Mutant::IgnoresRecord,
        Mutant::IgnoresEpochs,
        Mutant::BusyLatchIsTaken,
        Mutant::LatchErrorIsTaken,
        Mutant::ReadErrorIsOurs,
        Mutant::PrepareErrorGoesOn,
        Mutant::UnknownIsDone,
        Mutant::UnknownIsNotDone,
        Mutant::DoneBeforeSync,
        Mutant::LeavesPrepared,
        Mutant::SweepsAnything,
        Mutant::NoMargin,
        Mutant::EntryComparesInstanceOnly,
        Mutant::EntryComparesEpochOnly,
        Mutant::SessionOutlivesLoad,
        Mutant::SessionOutlivesOwnership,
        Mutant::ItemTrustsEntry,
        Mutant::ClientForgetsEpochs,
        Mutant::ReleasesBeforeDrained,
        Mutant::PermitsStayOpen,
        Mutant::FreesAfterResidency,
        Mutant::FreeErrorIsFreed,
        Mutant::DrainsForEver,
        Mutant::ReleasesAtBound,
        Mutant::FencedHandsOver,
    ];

    /// Its name.
    pub fn id(self) -> &'static str {
        match self {
            Mutant::GateNotAsked => "gate_not_asked",
            Mutant::GateIgnoresDeadline => "gate_ignores_deadline",
            Mutant::ClockStandsInSuspend => "clock_stands_in_suspend",
            Mutant::LateRenewalReopens => "late_renewal_reopens",
            Mutant::FlushSkipsGate => "flush_skips_gate",
            Mutant::LandsUnchecked => "lands_unchecked",
            Mutant::ComparesBeforeLatch => "compares_before_latch",
            Mutant::IgnoresRecord => "ignores_record",
            Mutant::IgnoresEpochs => "ignores_epochs",
            Mutant::BusyLatchIsTaken => "busy_latch_is_taken",
            Mutant::LatchErrorIsTaken => "latch_error_is_taken",
            Mutant::ReadErrorIsOurs => "read_error_is_ours",
            Mutant::PrepareErrorGoesOn => "prepare_error_goes_on",
            Mutant::UnknownIsDone => "unknown_is_done",
            Mutant::UnknownIsNotDone => "unknown_is_not_done",
            Mutant::DoneBeforeSync => "done_before_sync",
            Mutant::LeavesPrepared => "leaves_prepared",
            Mutant::SweepsAnything => "sweeps_anything",
            Mutant::NoMargin => "no_margin",
            Mutant::EntryComparesInstanceOnly => "entry_compares_instance_only",
            Mutant::EntryComparesEpochOnly => "entry_compares_epoch_only",
            Mutant::SessionOutlivesLoad => "session_outlives_load",
            Mutant::SessionOutlivesOwnership => "session_outlives_ownership",
            Mutant::ItemTrustsEntry => "item_trusts_entry",
            Mutant::ClientForgetsEpochs => "client_forgets_epochs",
            Mutant::ReleasesBeforeDrained => "releases_before_drained",
            Mutant::PermitsStayOpen => "permits_stay_open",
            Mutant::FreesAfterResidency => "frees_after_residency",
            Mutant::FreeErrorIsFreed => "free_error_is_freed",
            Mutant::DrainsForEver => "drains_for_ever",
            Mutant::ReleasesAtBound => "releases_at_bound",
            Mutant::FencedHandsOver => "fenced_hands_over",
        }
    }

    /// What it changes.
    pub fn change(self) -> &'static str {
        match self {
            Mutant::GateNotAsked => "Whatever is not an item begins without asking the gate.",
            Mutant::GateIgnoresDeadline => "The gate closes only when it is told to.",
            Mutant::ClockStandsInSuspend => {
                "The gate is held against a clock that stands still while the machine is suspended."
            }
            Mutant::LateRenewalReopens => "A renewal that ends after the deadline opens the gate again.",
            Mutant::FlushSkipsGate => "A flush begins without asking the gate.",
            Mutant::LandsUnchecked => "A durable effect lands without comparing the lease.",
            Mutant::ComparesBeforeLatch => {
                "A durable effect compares the lease when it has prepared, and takes the latch later."
            }
            Mutant::IgnoresRecord => "A durable effect compares the highest epoch only.",
            Mutant::IgnoresEpochs => "A durable effect compares the record only.",
            Mutant::BusyLatchIsTaken => "A latch that stayed taken counts as taken by the one who asks.",
            Mutant::LatchErrorIsTaken => "A latch that could not be asked for counts as taken.",
            Mutant::ReadErrorIsOurs => "What could not be read of the lease counts as ours.",
            Mutant::PrepareErrorGoesOn => "What could not be prepared lands as far as it goes.",
            Mutant::UnknownIsDone => "An error of the landing counts as done.",
            Mutant::UnknownIsNotDone => "An error of the landing counts as not done.",
            Mutant::DoneBeforeSync => "What landed is reported as done before it is synced.",
            Mutant::LeavesPrepared => "A durable effect that did not land leaves what it had prepared.",
            Mutant::SweepsAnything => "An owner sweeps whatever another process has prepared.",
            Mutant::NoMargin => "The gate closes at the expiry itself.",
            Mutant::EntryComparesInstanceOnly => {
                "A call is admitted wherever the instance is the one that it names."
            }
            Mutant::EntryComparesEpochOnly => {
                "A call is admitted wherever the epoch is the one that it names."
            }
            Mutant::SessionOutlivesLoad => "A session is served on whatever load of its model.",
            Mutant::SessionOutlivesOwnership => {
                "A session is served in a later ownership of the same process."
            }
            Mutant::ItemTrustsEntry => "The gate is asked when a stream begins, and not at its items.",
            Mutant::ClientForgetsEpochs => {
                "A client accepts what its connection brings, whatever it has seen elsewhere."
            }
            Mutant::ReleasesBeforeDrained => {
                "A release closes the permits and does not wait for those that are out."
            }
            Mutant::PermitsStayOpen => "An effect may begin although the permits are closed.",
            Mutant::FreesAfterResidency => {
                "A release drops its lock, and the memory comes back when the process ends."
            }
            Mutant::FreeErrorIsFreed => "Memory that could not be freed counts as freed.",
            Mutant::DrainsForEver => "A drain waits until nothing is under way, however long that takes.",
            Mutant::ReleasesAtBound => "At its bound a drain gives up, and the release goes on.",
            Mutant::FencedHandsOver => "Every end of an ownership is taken for a handover.",
        }
    }

    /// The property that has to notice it, and in how many steps.
    pub fn expected(self) -> Expected {
        let (by, steps) = match self {
            Mutant::GateNotAsked => (p::f1_begins_in_time::NAME, 4),
            Mutant::GateIgnoresDeadline => (p::f1_one_gate::NAME, 6),
            Mutant::ClockStandsInSuspend => (p::f1_one_gate::NAME, 5),
            Mutant::LateRenewalReopens => (p::f1_closed_is_final::NAME, 8),
            Mutant::FlushSkipsGate => (p::f1_begins_in_time::NAME, 7),
            Mutant::LandsUnchecked => (p::f2_nothing_stale_lands::NAME, 12),
            Mutant::ComparesBeforeLatch => (p::f2_nothing_stale_lands::NAME, 12),
            Mutant::IgnoresRecord => (p::f2_nothing_stale_lands::NAME, 9),
            Mutant::IgnoresEpochs => (p::f2_nothing_stale_lands::NAME, 12),
            Mutant::BusyLatchIsTaken => (p::f2_nothing_stale_lands::NAME, 13),
            Mutant::LatchErrorIsTaken => (p::f2_nothing_stale_lands::NAME, 11),
            Mutant::ReadErrorIsOurs => (p::f2_nothing_stale_lands::NAME, 12),
            Mutant::PrepareErrorGoesOn => (p::f3_what_lands_is_whole::NAME, 6),
            Mutant::UnknownIsDone => (p::f3_reported_as_it_is::NAME, 8),
            Mutant::UnknownIsNotDone => (p::f3_reported_as_it_is::NAME, 8),
            Mutant::DoneBeforeSync => (p::f3_done_stays_done::NAME, 9),
            Mutant::LeavesPrepared => (p::f4_nothing_is_left::NAME, 12),
            Mutant::SweepsAnything => (p::f4_only_leftovers_are_swept::NAME, 10),
            Mutant::NoMargin => (p::f5_ended_at_expiry::NAME, 7),
            Mutant::EntryComparesInstanceOnly => (p::f6_called_as_meant::NAME, 18),
            Mutant::EntryComparesEpochOnly => (p::f6_called_as_meant::NAME, 5),
            Mutant::SessionOutlivesLoad => (p::f6_session_of_this_load::NAME, 7),
            Mutant::SessionOutlivesOwnership => (p::f6_session_of_this_load::NAME, 23),
            Mutant::ItemTrustsEntry => (p::f7_items_in_time::NAME, 8),
            Mutant::ClientForgetsEpochs => (p::f8_nothing_older::NAME, 15),
            Mutant::ReleasesBeforeDrained => (p::f9_nothing_lands_after::NAME, 12),
            Mutant::PermitsStayOpen => (p::f9_nothing_lands_after::NAME, 14),
            Mutant::FreesAfterResidency => (p::f9_memory_first::NAME, 13),
            Mutant::FreeErrorIsFreed => (p::f9_memory_first::NAME, 13),
            Mutant::DrainsForEver => (p::f10_bounded_drain::NAME, 7),
            Mutant::ReleasesAtBound => (p::f9_memory_first::NAME, 14),
            Mutant::FencedHandsOver => (p::f11_late_flushes_nothing::NAME, 7),
        };
        Expected::Killed { by, steps }
    }

    /// The smallest configuration in which it shows.
    pub fn model(self) -> Fence {
        let model = match self {
            Mutant::GateNotAsked | Mutant::GateIgnoresDeadline => Fence { fence_off: true, ..c::WRITES },
            Mutant::ClockStandsInSuspend => {
                Fence { fence_off: true, ..c::with(c::WRITES, |budget| budget.suspends = 1) }
            }
            Mutant::LateRenewalReopens => c::with(c::WRITES, |budget| budget.pauses = 1),
            Mutant::FlushSkipsGate
            | Mutant::ReleasesBeforeDrained
            | Mutant::PermitsStayOpen
            | Mutant::FreesAfterResidency
            | Mutant::FencedHandsOver => c::HANDOVER,
            Mutant::LandsUnchecked | Mutant::ComparesBeforeLatch | Mutant::LeavesPrepared => c::GATE_OFF,
            Mutant::IgnoresRecord => c::with(c::GATE_OFF, |budget| budget.removals = 1),
            Mutant::IgnoresEpochs => c::with(c::GATE_OFF, |budget| budget.crashes = 1),
            Mutant::BusyLatchIsTaken => Fence { busy: true, ..c::GATE_OFF },
            Mutant::LatchErrorIsTaken => c::with(c::GATE_OFF, |budget| budget.failures = 1),
            Mutant::ReadErrorIsOurs => c::with(c::GATE_OFF, |budget| budget.failures = 2),
            Mutant::PrepareErrorGoesOn | Mutant::UnknownIsDone | Mutant::UnknownIsNotDone => c::ERRORS,
            Mutant::DoneBeforeSync => c::with(c::WRITES, |budget| budget.power = 1),
            Mutant::SweepsAnything => c::with(c::GATE_OFF, |budget| budget.sweeps = 1),
            Mutant::NoMargin => Fence { fence_off: true, ..c::HANDOVER },
            Mutant::EntryComparesInstanceOnly | Mutant::SessionOutlivesOwnership => c::REJOIN,
            Mutant::EntryComparesEpochOnly => c::with(c::STREAM, |budget| budget.removals = 1),
            Mutant::SessionOutlivesLoad | Mutant::ItemTrustsEntry | Mutant::ClientForgetsEpochs => c::STREAM,
            // A durable write has no bound of its own, and makes a drain wait as well.
            Mutant::DrainsForEver => c::with(c::HANDOVER, |budget| {
                budget.stuck = 1;
                budget.writes = 0;
            }),
            Mutant::ReleasesAtBound => c::with(c::HANDOVER, |budget| budget.stuck = 1),
            Mutant::FreeErrorIsFreed => c::with(c::HANDOVER, |budget| budget.failures = 1),
        };
        Fence { mutant: Some(self), ..model }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::shortest::{Shortest, shortest};
    use crate::study::{Kind, Promise, Study};

    /// How many steps it takes until the promise falls; `None` if it does not.
    fn falls(model: Fence, says: &str) -> Option<usize> {
        let promise: Promise<Fence> = p::of(&model).into_iter().find(|promise| promise.says == says).unwrap();
        match shortest(&model, |state| !(promise.holds)(&model, state)) {
            Shortest::Found(path) => Some(path.steps.len()),
            Shortest::None { .. } => None,
            Shortest::TooMany => panic!("{says}: too many states"),
        }
    }

    #[test]
    fn every_mutant_is_noticed_in_the_pinned_number_of_steps() {
        for mutant in Mutant::ALL {
            let Expected::Killed { by, steps } = mutant.expected() else { continue };
            assert_eq!(falls(mutant.model(), by), Some(steps), "{}", mutant.id());
        }
    }

    /// A fault, a mutant that is noticed for it alone, and how the fault is taken away.
    type Exposed = (&'static str, Mutant, fn(&mut Fence));

    /// Each fault with its mutant.
    const EXPOSED: [Exposed; 9] = [
        ("crash", Mutant::IgnoresEpochs, |fence| fence.budget.crashes = 0),
        ("pause", Mutant::LateRenewalReopens, |fence| fence.budget.pauses = 0),
        ("suspend", Mutant::ClockStandsInSuspend, |fence| fence.budget.suspends = 0),
        ("effect that never ends", Mutant::DrainsForEver, |fence| fence.budget.stuck = 0),
        ("I/O error", Mutant::UnknownIsDone, |fence| fence.budget.failures = 0),
        ("lease files removed", Mutant::IgnoresRecord, |fence| fence.budget.removals = 0),
        ("power loss", Mutant::DoneBeforeSync, |fence| fence.budget.power = 0),
        ("client with a stale record", Mutant::EntryComparesInstanceOnly, |fence| fence.stale = false),
        ("latch busy", Mutant::BusyLatchIsTaken, |fence| fence.busy = false),
    ];

    #[test]
    fn every_fault_has_a_mutant_that_survives_without_it() {
        for (fault, mutant, take_away) in EXPOSED {
            let mut model = mutant.model();
            assert!(model.faults().contains(&fault), "{fault}");
            take_away(&mut model);
            assert!(!model.faults().contains(&fault), "{fault}");
            let Expected::Killed { by, .. } = mutant.expected() else { panic!("{}", mutant.id()) };
            assert_eq!(falls(model, by), None, "{fault}: {}", mutant.id());
        }
    }

    #[test]
    fn every_fault_that_is_searched_with_is_among_them() {
        for configuration in c::all() {
            for fault in configuration.model.faults() {
                let defence = ["gate off", "fence off"].contains(&fault);
                assert!(defence || EXPOSED.iter().any(|(exposed, ..)| *exposed == fault), "{fault}");
            }
        }
    }

    /// Each defence hides what is wrong with the other: that is why each is checked with the other switched off.
    #[test]
    fn what_one_defence_lets_through_the_other_stops() {
        let hidden = Fence { mutant: Some(Mutant::GateNotAsked), fence_off: false, ..c::WRITES };
        assert_eq!(falls(hidden, p::f2_nothing_stale_lands::NAME), None);
        let alone = Fence { mutant: Some(Mutant::GateNotAsked), fence_off: true, ..c::WRITES };
        assert!(falls(alone, p::f1_begins_in_time::NAME).is_some());
    }

    #[test]
    fn every_mutant_has_its_own_name() {
        let mut names = Mutant::ALL.map(Mutant::id).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Mutant::ALL.len());
        assert!(all().iter().all(|mutant| p::of(&mutant.model).iter().any(|p| p.kind == Kind::Always)));
    }
}
