//! Small changes to the table of slots, each of which a property has to notice.
//!
//! The table is never changed: a mutant falsifies what it hears, or what becomes of what it wants, in the way that a
//! table without the guard would behave. See `lies.rs`, `engine.rs` and `step.rs` for the places.

use super::names::Choice;
use super::properties as p;
use super::{Slot, goals};
use crate::study::{Expected, Mutated};

macro_rules! mutants {
    ($($(#[doc = $change:literal])+ $variant:ident $id:literal $by:path, $steps:literal $model:expr;)+) => {
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
                expected: Expected::Killed { by: $by, steps: $steps },
            },)+]
        }
    };
}

mutants! {
    /// Each ask begins a load of its own.
    LoadPerAsk "load_per_ask" p::s1_one_load::NAME, 2 Slot::SMALL;
    /// A load answers the first who waited for it.
    AnswersFirst "answers_first" p::s2_nobody_forgotten::NAME, 5 Slot::SMALL;
    /// An ask that was answered is answered once more.
    AnswersAgain "answers_again" p::s2_one_answer::NAME, 4 Slot::SMALL;
    /// A hang-up ends the load, also where others wait for it.
    HangUpEndsLoad "hang_up_ends_load" p::s3_hang_up_unfelt::NAME, 4 Slot { hang_ups: true, ..Slot::SMALL };
    /// Nobody tells the table that a client has hung up.
    HangUpUnheard "hang_up_unheard" p::s3_gone_is_forgotten::NAME, 3 Slot { hang_ups: true, ..Slot::SMALL };
    /// A switch unloads the old model first, whether or not both fit.
    ClosesFirst "closes_first" p::s4_good_model::NAME, 9 Slot { failures: 1, ..SWITCH };
    /// The old model is given up without asking whether it may be.
    GivesUpUnasked "gives_up_unasked" p::s4_given_up_asked::NAME, 5 Slot { budget: 1, ..SWITCH };
    /// An open of another model makes the member that model.
    OpenSwitches "open_switches" p::s4_switch_asked::NAME, 8 Slot { menu: &[Choice::open(0), Choice::open(1)], ..SWITCH };
    /// A member that is being switched can be switched to a third model.
    SwitchesTwice "switches_twice" p::s4_one_model::NAME, 2 SWITCH;
    /// What was given up for a load that failed is not loaded again.
    ForgetsRestore "forgets_restore" p::s4_restored::NAME, 10 Slot { failures: 1, ..INSTEAD };
    /// What a member is while it is being switched can be unloaded for being idle.
    IdleForgetsSwitch "idle_forgets_switch" p::s4_good_model::NAME, 9 Slot { failures: 1, idle: true, ..SWITCH };
    /// An open that waited makes its member the model again that it no more is.
    LateOpenMovesBack "late_open_moves_back" p::s4_switch_asked::NAME, 16 Slot { idle: true, menu: &[Choice::open(0), Choice::load(1)], ..SWITCH };
    /// The idle tick unloads whatever was loaded long ago.
    IdleIsTheClock "idle_is_the_clock" p::s5_not_under_work::NAME, 6 Slot { idle: true, ..Slot::SMALL };
    /// What is worked on is evicted.
    EvictsWhatIsUsed "evicts_what_is_used" p::s5_not_under_work::NAME, 5 Slot { budget: 1, ..TWO_MEMBERS };
    /// An unload does not wait for the work that is in flight.
    UnloadsWhatIsUsed "unloads_what_is_used" p::s5_not_under_work::NAME, 5 UNLOAD;
    /// A switch that has succeeded unloads the old model while somebody works on it.
    SwitchEndsWork "switch_ends_work" p::s5_not_under_work::NAME, 8 SWITCH_UNDER_WORK;
    /// A drain that takes too long unloads all the same.
    DrainEndsWork "drain_ends_work" p::s5_not_under_work::NAME, 6 Slot { slow: true, ..UNLOAD };
    /// An open is let in to a model that is being unloaded.
    OpensWhatGoes "opens_what_goes" p::s5_not_under_work::NAME, 7 UNLOAD;
    /// Capacity is tried, not planned.
    LoadsUnplanned "loads_unplanned" p::s6_within_plan::NAME, 6 Slot { budget: 1, ..TWO_MEMBERS };
    /// The plan counts what is resident, and not what is being loaded.
    PlanForgetsLoads "plan_forgets_loads" p::s6_within_plan::NAME, 6 Slot { budget: 1, ..TWO_MEMBERS };
    /// Memory counts as free when it was asked back.
    FreeingIsFree "freeing_is_free" p::s6_within_plan::NAME, 8 Slot { budget: 1, ..TWO_MEMBERS };
    /// Whoever unloads is answered when the unload begins.
    SaysUnloadedAtOnce "says_unloaded_at_once" p::s7_memory_is_back::NAME, 6 UNLOAD;
    /// What a load took is not looked at.
    OvershootUnseen "overshoot_unseen" p::s8_overshoot::NAME, 4 Slot { budget: 1, overshoots: 1, ..Slot::SMALL };
    /// A drain waits for as long as the work takes.
    DrainUnbounded "drain_unbounded" p::s9_drain_bound::NAME, 7 Slot { slow: true, ..UNLOAD };
    /// A load begins without a permit of the gate.
    LoadsWithoutPermit "loads_without_permit" p::s10_no_load::NAME, 4 Slot { fences: 1, ..Slot::SMALL };
    /// The table looks at the gate only when it is told to.
    GateUnseen "gate_unseen" p::s10_not_served::NAME, 5 Slot { fences: 1, ..Slot::SMALL };
    /// Nobody makes the table look at the gate.
    FenceUnheard "fence_unheard" p::s10_all_answered::NAME, 3 Slot { fences: 1, ..Slot::SMALL };
    /// What a load brings after the fence stays in memory.
    KeepsFencedResult "keeps_fenced_result" p::s10_all_freed::NAME, 6 Slot { fences: 1, ..Slot::SMALL };
    /// A daemon starts without looking for marks.
    ForgetsCrashes "forgets_crashes" p::s11_not_by_itself::NAME, 8 Slot { crashes: 1, ..Slot::SMALL };
    /// An open tries a model again whose load ended a process.
    RetriesOnOpen "retries_on_open" p::s11_not_by_itself::NAME, 8 Slot { crashes: 1, ..Slot::SMALL };
    /// A load begins before its mark is on disk.
    LoadsBeforeMark "loads_before_mark" p::s11_not_by_itself::NAME, 8 Slot { crashes: 1, ..Slot::SMALL };
    /// A mark that could not be written does not keep the load from beginning.
    MarkErrorIgnored "mark_error_ignored" p::s11_not_by_itself::NAME, 9 Slot { crashes: 1, disk_failures: 1, ..Slot::SMALL };
    /// A mark stays after its load has ended.
    KeepsMarks "keeps_marks" p::s11_with_reason::NAME, 7 Slot { crashes: 1, ..Slot::SMALL };
    /// What is said of one load is taken for the load that is under way.
    AnyGeneration "any_generation" p::s12_own_generation::NAME, 7 Slot { echoes: 1, failures: 1, ..Slot::SMALL };
    /// Memory that is back is not noticed.
    FreedUnnoticed "freed_unnoticed" p::s14_no_dead_end::NAME, 7 Slot { budget: 1, ..TWO_MEMBERS };
    /// Progress is told to whoever asked first.
    ReportsToFirst "reports_to_first" p::s13_progress_shared::NAME, 5 Slot { progress: true, ..Slot::SMALL };
    /// Who joins a load is told nothing until it comes further.
    JoinerUntold "joiner_untold" p::s13_progress_shared::NAME, 5 Slot { progress: true, ..Slot::SMALL };
    /// A mark that could not be written is written again, until it is on disk.
    RetriesMark "retries_mark" goals::ANSWERED, 3 Slot { disk_failures: 1, ..Slot::SMALL };
    /// A load that the gate does not let begin asks it again, until it does.
    AsksGateAgain "asks_gate_again" goals::FREED, 5 Slot { fences: 1, ..Slot::SMALL };
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
    use crate::subject::{Fate, Of, Subject};

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
        let study = Of::<Slot>::study();
        for mutant in study.mutants() {
            let Expected::Killed { steps: pinned, .. } = mutant.expected else { continue };
            let Fate::Killed(tale) = study.fate(&mutant) else { panic!("{} survives", mutant.id) };
            assert_eq!(tale.steps.len(), pinned, "{}", mutant.id);
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
