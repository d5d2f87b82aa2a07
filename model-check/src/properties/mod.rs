//! The properties: each promise and rule as a sentence that is checked in every state, one file each.
//!
//! Rules about single steps (a write, a fence, a removal) are watched where the step happens, in `lease/`, and
//! remembered in the state. `reached: …` are properties of reachability: what never happens proves nothing.

pub(crate) mod contract;
pub(crate) mod l10_own_record;
pub(crate) mod l11_crash_noticed;
pub(crate) mod l1_one_resident;
pub(crate) mod l1_only_with_lock;
pub(crate) mod l2_one_decision;
pub(crate) mod l3_epoch_once;
pub(crate) mod l4_deadline_of_record;
pub(crate) mod l5_one_gate;
pub(crate) mod l6_fenced_is_final;
pub(crate) mod l7_waiting_leader;
pub(crate) mod l8_failure_decides_nothing;
pub(crate) mod l8_fenced_with_reason;
pub(crate) mod l9_released_stays_released;
pub(crate) mod reach_handover;
pub(crate) mod reach_leader;
pub(crate) mod reach_owner;
pub(crate) mod reach_takeover;

use stateright::Property;

use crate::lease::Lease;

/// The properties that `lease` has to have.
pub(crate) fn of(lease: &Lease) -> Vec<Property<Lease>> {
    let mut properties = vec![
        l1_one_resident::property(),
        l1_only_with_lock::property(),
        l2_one_decision::property(),
        l3_epoch_once::property(),
        l4_deadline_of_record::property(),
        l5_one_gate::property(),
        l6_fenced_is_final::property(),
        l7_waiting_leader::property(),
        l8_failure_decides_nothing::property(),
        l8_fenced_with_reason::property(),
        l9_released_stays_released::property(),
        l10_own_record::property(),
        contract::property(),
        reach_owner::property(),
        reach_handover::property(),
    ];
    if lease.prompt {
        properties.push(l11_crash_noticed::property());
    } else {
        properties.push(reach_leader::property());
    }
    if 0 < lease.crashes {
        properties.push(reach_takeover::property());
    }
    properties
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_property_names_its_rule() {
        let lease = Lease { prompt: true, ..Lease::SMALL };
        for property in of(&lease).into_iter().chain(of(&Lease::SMALL)) {
            let rule = property.name.split(':').next().unwrap_or_default();
            let numbered = rule.strip_prefix('L').is_some_and(|number| number.parse::<u8>().is_ok());
            assert!(numbered || rule == "reached" || property.name == contract::NAME, "{}", property.name);
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::lease::actions::Action;
    use crate::lease::state::State;
    use stateright::Model;

    /// The first process owns epoch 1 and has a model loaded.
    pub(crate) fn state_with_owner() -> State {
        let lease = Lease::SMALL;
        let mut state = lease.beginning();
        while state.passing(None).next().is_none() {
            let mut actions = Vec::new();
            lease.actions(&state, &mut actions);
            let first = actions.first().copied().unwrap();
            state = lease.next_state(&state, first).unwrap();
        }
        lease.next_state(&state, Action::Load(0)).unwrap()
    }
}
