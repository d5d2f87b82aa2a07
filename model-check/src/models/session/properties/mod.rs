//! The properties: each promise and rule as a sentence that is checked in every state, one file each.
//!
//! Rules about single steps (an item, an answer, a restore) are watched where the step happens and remembered in the state.
//! `reached: …` are properties of reachability: what never happens proves nothing.

pub mod contract;
pub mod reach_both;
pub mod reach_cancelled_half;
pub mod reach_fatal;
pub mod reach_full;
pub mod reach_prefilled;
pub mod reach_reopened;
pub mod reach_restored;
pub mod reach_retired;
pub mod t10_fatal_is_final;
pub mod t11_refusal_leaves_session;
pub mod t11_restores_what_was_saved;
pub mod t12_history_is_text;
pub mod t12_no_gap;
pub mod t13_shares_the_same;
pub mod t14_handed_out_was_chosen;
pub mod t1_own_outputs;
pub mod t1_tape_is_cache;
pub mod t2_unknown_not_used;
pub mod t3_free_is_empty;
pub mod t3_own_content;
pub mod t4_one_operation;
pub mod t5_after_state;
pub mod t5_cancel_ends;
pub mod t6_overflow_is_refused;
pub mod t6_refusal_changes_nothing;
pub mod t6_within_room;
pub mod t7_answers_exact;
pub mod t8_late_is_nothing;
pub mod t8_other_operation;
pub mod t9_nothing_after_fence;
pub mod t9_old_epoch;

use super::Sessions;
use crate::study::Promise;

/// The properties that `sessions` has to have.
pub fn of(sessions: &Sessions) -> Vec<Promise<Sessions>> {
    let mut properties = vec![
        t1_tape_is_cache::promise(),
        t1_own_outputs::promise(),
        t2_unknown_not_used::promise(),
        t3_own_content::promise(),
        t3_free_is_empty::promise(),
        t4_one_operation::promise(),
        t5_cancel_ends::promise(),
        t5_after_state::promise(),
        t6_overflow_is_refused::promise(),
        t6_refusal_changes_nothing::promise(),
        t6_within_room::promise(),
        t7_answers_exact::promise(),
        t8_late_is_nothing::promise(),
        t8_other_operation::promise(),
        t9_nothing_after_fence::promise(),
        t9_old_epoch::promise(),
        t10_fatal_is_final::promise(),
        t11_restores_what_was_saved::promise(),
        t11_refusal_leaves_session::promise(),
        t12_history_is_text::promise(),
        t12_no_gap::promise(),
        t13_shares_the_same::promise(),
        t14_handed_out_was_chosen::promise(),
        contract::promise(),
    ];
    let budget = &sessions.budget;
    let once_more = 1 < budget.asks;
    let crosses = sessions.client && 0 < budget.fences + budget.crashes;
    let reached = [
        (0 < budget.cancels && sessions.trims, reach_cancelled_half::promise()),
        (0 < sessions.generates && once_more, reach_full::promise()),
        (1 < budget.unknowns, reach_fatal::promise()),
        (0 < budget.unknowns && 0 < budget.closes, reach_retired::promise()),
        (1 < sessions.places.min(usize::from(budget.opens)) && once_more, reach_both::promise()),
        (sessions.snapshots && once_more, reach_restored::promise()),
        (crosses && sessions.snapshots && once_more, reach_reopened::promise()),
        (crosses, reach_prefilled::promise()),
    ];
    properties.extend(reached.into_iter().filter_map(|(wanted, promise)| wanted.then_some(promise)));
    properties
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_property_names_its_rule() {
        for promise in of(&Sessions::SMALL) {
            let rule = promise.says.split(':').next().unwrap_or_default();
            let numbered = rule.strip_prefix('T').is_some_and(|number| number.parse::<u8>().is_ok());
            assert!(numbered || rule == "reached" || promise.says == contract::NAME, "{}", promise.says);
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use stateright::Model;

    use super::*;
    use crate::models::session::state::State;

    /// A session has two tokens on its tape and waits to be asked.
    pub(crate) fn state_with_text() -> State {
        let mut state = Sessions::SMALL.beginning();
        let steps = [
            "somebody opens a session",
            "session 0: asked for prefix ab",
            "owner 0, session 0: begins to evaluate, 2",
            "owner 0, session 0: evaluate ends",
            "owner 0, session 0: answer",
        ];
        for step in steps {
            let mut actions = Vec::new();
            Sessions::SMALL.actions(&state, &mut actions);
            let action = actions.into_iter().find(|action| action.to_string() == step).unwrap();
            state = Sessions::SMALL.next_state(&state, action).unwrap();
        }
        state
    }
}
