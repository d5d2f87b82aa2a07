//! The properties: each rule as a sentence that is checked in every state, one file each.
//!
//! Rules about single steps are watched where the step happens (`holder.rs`) and remembered in the state. Rules that
//! say that something does not stay for ever are stated over quiet states: those in which nothing has to happen.
//! `reached: …` are properties of reachability: what never happens proves nothing.

pub mod contract;
pub mod h10_answered;
pub mod h10_stopped_is_free;
pub mod h11_limits;
pub mod h11_no_idle_line;
pub mod h1_only_with_client;
pub mod h1_with_client;
pub mod h2_armed_after_ack;
pub mod h2_believed_is_armed;
pub mod h3_foreigner;
pub mod h4_never_back;
pub mod h5_no_common_version;
pub mod h5_nothing_unversioned;
pub mod h6_all_or_nothing;
pub mod h6_comes_to_an_end;
pub mod h7_memory_has_member;
pub mod h7_up_is_up;
pub mod h8_once;
pub mod h9_last_member;
pub mod h9_outlives;
pub mod reach_added;
pub mod reach_bound;
pub mod reach_bound_later;
pub mod reach_ended_with_client;
pub mod reach_outlives;
pub mod reach_parted;
pub mod reach_stopped_in_boot;

use modeld_spec::holder::frame::Question;

use super::{Bind, names};
use crate::study::Promise;

/// The properties that this configuration has to have.
pub fn of(bind: &Bind) -> Vec<Promise<Bind>> {
    let mut properties = vec![
        h1_only_with_client::promise(),
        h3_foreigner::promise(),
        h5_nothing_unversioned::promise(),
        h7_up_is_up::promise(),
        h9_outlives::promise(),
        h10_stopped_is_free::promise(),
        contract::promise(),
        h1_with_client::promise(),
        h2_armed_after_ack::promise(),
        h2_believed_is_armed::promise(),
        h4_never_back::promise(),
        h5_no_common_version::promise(),
        h6_all_or_nothing::promise(),
        h6_comes_to_an_end::promise(),
        h7_memory_has_member::promise(),
        h8_once::promise(),
        h9_last_member::promise(),
        h10_answered::promise(),
        h11_limits::promise(),
        h11_no_idle_line::promise(),
    ];
    let common =
        names::versions(bind.holder_versions).common(names::versions(bind.client_versions)).is_some();
    if !common {
        properties.push(reach_parted::promise());
    } else if bind.bound && bind.mutant.is_none() {
        properties.push(reach_bound::promise());
        if 0 < bind.budget.impatience {
            properties.push(reach_bound_later::promise());
        }
        if 0 < bind.budget.deaths {
            properties.push(reach_ended_with_client::promise());
        }
    } else if bind.mutant.is_none() && 0 < bind.budget.deaths {
        properties.push(reach_outlives::promise());
    }
    if common && bind.mutant.is_none() {
        for question in bind.asks.iter().flatten() {
            match question {
                Question::Add { member: names::Name::Second, .. } if 1 < bind.members => {
                    properties.push(reach_added::promise());
                }
                Question::Stop { member: names::Name::First } => {
                    properties.push(reach_stopped_in_boot::promise());
                }
                Question::Add { .. } | Question::Stop { .. } | Question::StopAll => {}
            }
        }
    }
    properties
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_property_names_its_rule() {
        for promise in of(&Bind::SMALL) {
            let rule = promise.says.split(':').next().unwrap_or_default();
            let numbered = rule.strip_prefix('H').is_some_and(|number| number.parse::<u8>().is_ok());
            assert!(numbered || rule == "reached" || promise.says == contract::NAME, "{}", promise.says);
            assert!(numbered == (rule == promise.id) || rule == "reached" || rule == "contract");
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::models::bind::actions::{Action, Fairness, fairness};
    use crate::models::bind::state::{Main, Stage, State, Wire};
    use modeld_spec::holder::effect::Peer;
    use stateright::Model;

    /// The first state, on the way of what has to happen, that is as asked for.
    fn first(bind: &Bind, is: impl Fn(&State) -> bool) -> State {
        let mut state = bind.beginning();
        while !is(&state) {
            state = bind.next_state(&state, due(bind, &state).unwrap()).unwrap();
        }
        state
    }

    fn due(bind: &Bind, state: &State) -> Option<Action> {
        let mut actions = Vec::new();
        bind.actions(state, &mut actions);
        let deadline = |action: &Action| action.to_string().contains("deadline");
        actions.into_iter().find(|action| fairness(action) == Fairness::Weak && !deadline(action))
    }

    /// The client takes itself for bound, and the holder waits.
    pub(crate) fn bound() -> State {
        let mut state = first(&Bind::SMALL, |state| matches!(state.client.main, Main::Bound(_)));
        settle(&mut state);
        state
    }

    /// Everything happens that has to.
    pub(crate) fn settle(state: &mut State) {
        settle_in(&Bind::SMALL, state);
    }

    fn settle_in(bind: &Bind, state: &mut State) {
        while let Some(action) = due(bind, state) {
            *state = bind.next_state(state, action).unwrap();
        }
    }

    /// A detached holder without members that does not end, and whatever else had to happen.
    pub(crate) fn without_members() -> (Bind, State) {
        use crate::models::bind::mutants::Mutant;
        let bind = Bind { hosts: false, ..Mutant::EmptyHolderStays.model() };
        let mut state = bind.beginning();
        settle_in(&bind, &mut state);
        (bind, state)
    }

    /// A stray connects, and says nothing.
    pub(crate) fn add_silent_line(state: &mut State) {
        let number = names::FIRST_STRAY;
        let bind = Bind { strays: 1, ..Bind::SMALL };
        *state = bind.next_state(state, Action::StrayConnects(number)).unwrap();
        assert_eq!((state.wires[number], bind.peer(number)), (Wire::MADE, Peer::Own));
        settle(state);
        assert_eq!(state.wires[number].stage, Stage::Accepted);
    }
}
