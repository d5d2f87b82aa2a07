//! The properties: each promise and rule as a sentence that is checked in every state, one file each.
//!
//! Rules about single steps (an answer, a load that begins) are watched where the step happens, in `engine.rs` and
//! `judge.rs`, and remembered in the state. `reached: …` are properties of reachability: what never happens proves
//! nothing. What has to happen in some configuration, and not in each, is a mark (`marks.rs`).

pub mod s10_all_answered;
pub mod s10_all_freed;
pub mod s10_no_load;
pub mod s10_not_served;
pub mod s11_not_by_itself;
pub mod s11_with_reason;
pub mod s12_own_generation;
pub mod s13_progress_shared;
pub mod s14_no_dead_end;
pub mod s1_one_load;
pub mod s2_nobody_forgotten;
pub mod s2_one_answer;
pub mod s3_gone_is_forgotten;
pub mod s3_hang_up_unfelt;
pub mod s4_given_up_asked;
pub mod s4_good_model;
pub mod s4_one_model;
pub mod s4_restored;
pub mod s4_switch_asked;
pub mod s5_not_under_work;
pub mod s6_within_plan;
pub mod s7_memory_is_back;
pub mod s8_overshoot;
pub mod s9_drain_bound;

use modeld_spec::slot::table::Slots;

use super::Slot;
use super::state::State;
use crate::study::Promise;

/// The properties that `slot` has to have.
pub fn of(slot: &Slot) -> Vec<Promise<Slot>> {
    let mut properties = vec![
        s1_one_load::promise(),
        s2_one_answer::promise(),
        s2_nobody_forgotten::promise(),
        s3_hang_up_unfelt::promise(),
        s3_gone_is_forgotten::promise(),
        s4_good_model::promise(),
        s4_given_up_asked::promise(),
        s4_switch_asked::promise(),
        s4_one_model::promise(),
        s4_restored::promise(),
        s5_not_under_work::promise(),
        s6_within_plan::promise(),
        s7_memory_is_back::promise(),
        s8_overshoot::promise(),
        s9_drain_bound::promise(),
        s10_no_load::promise(),
        s10_not_served::promise(),
        s10_all_answered::promise(),
        s10_all_freed::promise(),
        s11_not_by_itself::promise(),
        s11_with_reason::promise(),
        s12_own_generation::promise(),
        s13_progress_shared::promise(),
        s14_no_dead_end::promise(),
        Promise::reached(REACHED_SERVING, serves),
        Promise::reached(REACHED_SHARED, shares),
    ];
    if 0 < slot.fences {
        properties.push(Promise::reached(REACHED_FENCED, is_fenced_and_empty));
    }
    properties
}

/// Somebody got a model.
const REACHED_SERVING: &str = "reached: a model serves";
/// The point of single flight.
const REACHED_SHARED: &str = "reached: two clients wait for one load";
/// The end of a fenced daemon.
const REACHED_FENCED: &str = "reached: a fenced daemon has freed a model";

fn serves(_: &Slot, state: &State) -> bool {
    state.is_something_ready()
}

fn shares(_: &Slot, state: &State) -> bool {
    state.table.iter().flat_map(Slots::slots).any(|slot| 1 < slot.asks.len())
}

fn is_fenced_and_empty(_: &Slot, state: &State) -> bool {
    // A member outlives its model, so there was one.
    let is_empty =
        |table: &Slots| table.is_fenced() && table.slots().is_empty() && !table.members().is_empty();
    state.table.as_ref().is_some_and(is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_property_names_its_rule() {
        for promise in of(&Slot { fences: 1, ..Slot::SMALL }) {
            let rule = promise.says.split(':').next().unwrap_or_default();
            assert_eq!(rule, promise.id, "{}", promise.says);
        }
    }

    #[test]
    fn reachability_is_not_reached_at_the_beginning() {
        let beginning = Slot::SMALL.beginning();
        assert!(!serves(&Slot::SMALL, &beginning));
        assert!(!shares(&Slot::SMALL, &beginning));
        assert!(!is_fenced_and_empty(&Slot::SMALL, &beginning));
        assert!(serves(&Slot::SMALL, &testing::working()));
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use stateright::Model;

    use super::*;
    use crate::models::slot::state::Stage;

    /// The first client works on model A.
    pub(crate) fn working() -> State {
        let slot = Slot::SMALL;
        let mut state = slot.beginning();
        while !matches!(state.callers[0].stage, Stage::Holding { .. }) {
            let mut actions = Vec::new();
            slot.actions(&state, &mut actions);
            // The last one is the engine's, once there is something for it to do.
            let next = if state.somebody_waits() { actions.last() } else { actions.first() };
            state = slot.next_state(&state, next.copied().unwrap()).unwrap();
        }
        state
    }
}
