//! Small changes to the table of slots, each of which a property has to notice.
//!
//! The table is never changed: a mutant falsifies what it hears, or what becomes of what it wants, in the way that a
//! table without the guard would behave. See `lies.rs`, `engine.rs` and `step.rs` for the places.

use super::Slot;
use super::names::Choice;
use super::properties as p;
use crate::study::{Expected, Mutated};

macro_rules! mutants {
    ($($(#[doc = $change:literal])+ $variant:ident $id:literal $by:ident $steps:literal $model:expr;)+) => {
        /// One change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Mutant {
            $($(#[doc = $change])+ $variant,)+
        }

        /// Every mutant, with what has to become of it.
        pub(super) fn all() -> Vec<Mutated<Slot>> {
            vec![$(Mutated {
                id: $id,
                change: const { concat!($($change),+).trim_ascii() },
                model: Slot { mutant: Some(Mutant::$variant), ..const { $model } },
                expected: Expected::Killed { by: p::$by::NAME, steps: $steps },
            },)+]
        }
    };
}

mutants! {
    /// Each ask begins a load of its own.
    LoadPerAsk "load_per_ask" s1_one_load 2 Slot::SMALL;
    /// A load answers the first who waited for it.
    AnswersFirst "answers_first" s2_nobody_forgotten 5 Slot::SMALL;
    /// An ask that was answered is answered once more.
    AnswersAgain "answers_again" s2_one_answer 4 Slot::SMALL;
    /// A hang-up ends the load, also where others wait for it.
    HangUpEndsLoad "hang_up_ends_load" s3_hang_up_unfelt 4 Slot { hang_ups: true, ..Slot::SMALL };
    /// Nobody tells the table that a client has hung up.
    HangUpUnheard "hang_up_unheard" s3_gone_is_forgotten 3 Slot { hang_ups: true, ..Slot::SMALL };
    /// A switch unloads the old model first, whether or not both fit.
    ClosesFirst "closes_first" s4_good_model 9 Slot { failures: 1, ..SWITCH };
    /// The old model is given up without asking whether it may be.
    GivesUpUnasked "gives_up_unasked" s4_given_up_asked 5 Slot { budget: 1, ..SWITCH };
    /// An open of another model makes the member that model.
    OpenSwitches "open_switches" s4_switch_asked 8 Slot { menu: &[Choice::open(0), Choice::open(1)], ..SWITCH };
    /// A member that is being switched can be switched to a third model.
    SwitchesTwice "switches_twice" s4_one_model 2 SWITCH;
    /// What was given up for a load that failed is not loaded again.
    ForgetsRestore "forgets_restore" s4_restored 10 Slot { failures: 1, ..INSTEAD };
    /// What a member is while it is being switched can be unloaded for being idle.
    IdleForgetsSwitch "idle_forgets_switch" s4_good_model 9 Slot { failures: 1, idle: true, ..SWITCH };
    /// An open that waited makes its member the model again that it no more is.
    LateOpenMovesBack "late_open_moves_back" s4_switch_asked 16 Slot { idle: true, menu: &[Choice::open(0), Choice::load(1)], ..SWITCH };
    /// The idle tick unloads whatever was loaded long ago.
    IdleIsTheClock "idle_is_the_clock" s5_not_under_work 6 Slot { idle: true, ..Slot::SMALL };
    /// What is worked on is evicted.
    EvictsWhatIsUsed "evicts_what_is_used" s5_not_under_work 5 Slot { budget: 1, ..TWO_MEMBERS };
    /// An unload does not wait for the work that is in flight.
    UnloadsWhatIsUsed "unloads_what_is_used" s5_not_under_work 5 UNLOAD;
    /// A switch that has succeeded unloads the old model while somebody works on it.
    SwitchEndsWork "switch_ends_work" s5_not_under_work 8 SWITCH_UNDER_WORK;
    /// A drain that takes too long unloads all the same.
    DrainEndsWork "drain_ends_work" s5_not_under_work 6 Slot { slow: true, ..UNLOAD };
    /// An open is let in to a model that is being unloaded.
    OpensWhatGoes "opens_what_goes" s5_not_under_work 7 UNLOAD;
    /// Capacity is tried, not planned.
    LoadsUnplanned "loads_unplanned" s6_within_plan 6 Slot { budget: 1, ..TWO_MEMBERS };
    /// The plan counts what is resident, and not what is being loaded.
    PlanForgetsLoads "plan_forgets_loads" s6_within_plan 6 Slot { budget: 1, ..TWO_MEMBERS };
    /// Memory counts as free when it was asked back.
    FreeingIsFree "freeing_is_free" s6_within_plan 8 Slot { budget: 1, ..TWO_MEMBERS };
    /// Whoever unloads is answered when the unload begins.
    SaysUnloadedAtOnce "says_unloaded_at_once" s7_memory_is_back 6 UNLOAD;
    /// What a load took is not looked at.
    OvershootUnseen "overshoot_unseen" s8_overshoot 4 Slot { budget: 1, overshoots: 1, ..Slot::SMALL };
    /// A drain waits for as long as the work takes.
    DrainUnbounded "drain_unbounded" s9_drain_bound 7 Slot { slow: true, ..UNLOAD };
    /// A load begins without a permit of the gate.
    LoadsWithoutPermit "loads_without_permit" s10_no_load 4 Slot { fences: 1, ..Slot::SMALL };
    /// The table looks at the gate only when it is told to.
    GateUnseen "gate_unseen" s10_not_served 5 Slot { fences: 1, ..Slot::SMALL };
    /// Nobody makes the table look at the gate.
    FenceUnheard "fence_unheard" s10_all_answered 3 Slot { fences: 1, ..Slot::SMALL };
    /// What a load brings after the fence stays in memory.
    KeepsFencedResult "keeps_fenced_result" s10_all_freed 6 Slot { fences: 1, ..Slot::SMALL };
    /// A daemon starts without looking for marks.
    ForgetsCrashes "forgets_crashes" s11_not_by_itself 8 Slot { crashes: 1, ..Slot::SMALL };
    /// An open tries a model again whose load ended a process.
    RetriesOnOpen "retries_on_open" s11_not_by_itself 8 Slot { crashes: 1, ..Slot::SMALL };
    /// A load begins before its mark is on disk.
    LoadsBeforeMark "loads_before_mark" s11_not_by_itself 8 Slot { crashes: 1, ..Slot::SMALL };
    /// A mark that could not be written does not keep the load from beginning.
    MarkErrorIgnored "mark_error_ignored" s11_not_by_itself 9 Slot { crashes: 1, disk_failures: 1, ..Slot::SMALL };
    /// A mark stays after its load has ended.
    KeepsMarks "keeps_marks" s11_with_reason 7 Slot { crashes: 1, ..Slot::SMALL };
    /// What is said of one load is taken for the load that is under way.
    AnyGeneration "any_generation" s12_own_generation 7 Slot { echoes: 1, failures: 1, ..Slot::SMALL };
    /// Memory that is back is not noticed.
    FreedUnnoticed "freed_unnoticed" s14_no_dead_end 7 Slot { budget: 1, ..TWO_MEMBERS };
    /// Progress is told to whoever asked first.
    ReportsToFirst "reports_to_first" s13_progress_shared 5 Slot { progress: true, ..Slot::SMALL };
    /// Who joins a load is told nothing until it comes further.
    JoinerUntold "joiner_untold" s13_progress_shared 5 Slot { progress: true, ..Slot::SMALL };
}

/// One member that is switched between two models.
const SWITCH: Slot = Slot { asks: 2, menu: &[Choice::load(0), Choice::load(1)], ..Slot::SMALL };

/// The same where only one fits.
const INSTEAD: Slot =
    Slot { asks: 2, budget: 1, menu: &[Choice::load(0), Choice::load_instead(1)], ..Slot::SMALL };

/// A switch while somebody works.
const SWITCH_UNDER_WORK: Slot = Slot { menu: &[Choice::open(0), Choice::load(1)], ..Slot::SMALL };

/// An unload while somebody works.
const UNLOAD: Slot = Slot { asks: 2, menu: &[Choice::open(0), Choice::UNLOAD], ..Slot::SMALL };

/// Two members of one model each.
const TWO_MEMBERS: Slot = Slot { menu: &[Choice::open(0), Choice::open(1).of(1)], ..Slot::SMALL };

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::shortest::{Shortest, shortest};
    use crate::study::Kind;

    /// Takes a fault out of a configuration.
    type Calm = fn(Slot) -> Slot;

    fn mutated(id: &str) -> Mutated<Slot> {
        all().into_iter().find(|mutated| mutated.id == id).unwrap()
    }

    /// The steps to the promise that has to fall, if it does.
    fn steps(model: &Slot, by: &str) -> Option<usize> {
        let promise = p::of(model).into_iter().find(|promise| promise.says == by).unwrap();
        match shortest(model, |state| !(promise.holds)(model, state)) {
            Shortest::Found(path) => Some(path.steps.len()),
            Shortest::None { .. } => None,
            Shortest::TooMany => panic!("too many states"),
        }
    }

    #[test]
    fn every_mutant_is_noticed_in_the_pinned_number_of_steps() {
        for mutated in all() {
            let Expected::Killed { by, steps: pinned } = mutated.expected else { continue };
            assert_eq!(steps(&mutated.model, by), Some(pinned), "{}", mutated.id);
        }
    }

    #[test]
    fn each_fault_exposes_what_nothing_else_does() {
        let without: [(&str, Calm); 8] = [
            ("forgets_restore", |slot| Slot { failures: 0, ..slot }),
            ("overshoot_unseen", |slot| Slot { overshoots: 0, ..slot }),
            ("forgets_crashes", |slot| Slot { crashes: 0, ..slot }),
            ("fence_unheard", |slot| Slot { fences: 0, ..slot }),
            ("mark_error_ignored", |slot| Slot { disk_failures: 0, ..slot }),
            ("any_generation", |slot| Slot { echoes: 0, ..slot }),
            ("hang_up_ends_load", |slot| Slot { hang_ups: false, ..slot }),
            ("drain_unbounded", |slot| Slot { slow: false, ..slot }),
        ];
        for (id, without) in without {
            let Mutated { model, expected: Expected::Killed { by, .. }, .. } = mutated(id) else { continue };
            assert!(steps(&model, by).is_some(), "{id}");
            let calm = without(model);
            for promise in p::of(&calm).into_iter().filter(|promise| promise.kind == Kind::Always) {
                assert_eq!(steps(&calm, promise.says), None, "{id} without its fault: {}", promise.says);
            }
        }
    }

    #[test]
    fn every_property_of_safety_has_a_mutant() {
        let caught: Vec<&str> = all()
            .into_iter()
            .filter_map(|mutated| match mutated.expected {
                Expected::Killed { by, .. } => Some(by),
                Expected::Equivalent { .. } => None,
            })
            .collect();
        for promise in p::of(&Slot::SMALL).into_iter().filter(|promise| promise.kind == Kind::Always) {
            assert!(caught.contains(&promise.says), "{}", promise.says);
        }
    }
}
