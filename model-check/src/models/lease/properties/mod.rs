//! The properties: each promise and rule as a sentence that is checked in every state, one file each.
//!
//! Rules about single steps (a write, a fence, a removal) are watched where the step happens, in `lease/`, and
//! remembered in the state. `reached: …` are properties of reachability: what never happens proves nothing.

pub mod contract;
pub mod l10_own_record;
pub mod l11_crash_noticed;
pub mod l12_proven_process;
pub mod l12_told_apart;
pub mod l13_later_is_obeyed;
pub mod l14_not_in_vain;
pub mod l15_every_wait_ends;
pub mod l16_latest_opens;
pub mod l16_one_begins;
pub mod l1_one_resident;
pub mod l1_only_with_lock;
pub mod l2_one_decision;
pub mod l3_epoch_once;
pub mod l4_deadline_of_record;
pub mod l5_act_while_valid;
pub mod l5_one_gate;
pub mod l6_fenced_is_final;
pub mod l6_no_late_renewal;
pub mod l7_out_of_the_way;
pub mod l7_waiting_leader;
pub mod l7_waits_without_lock;
pub mod l8_failure_decides_nothing;
pub mod l8_fenced_with_reason;
pub mod l8_one_failure;
pub mod l8_unknown_moves_nothing;
pub mod l9_fenced_flushes_nothing;
pub mod l9_released_stays_released;
pub mod reach_handover;
pub mod reach_leader;
pub mod reach_owner;
pub mod reach_takeover;

use super::Lease;
use crate::study::Promise;

/// The properties that `lease` has to have.
pub fn of(lease: &Lease) -> Vec<Promise<Lease>> {
    let mut promises = vec![
        l1_one_resident::promise(),
        l1_only_with_lock::promise(),
        l2_one_decision::promise(),
        l3_epoch_once::promise(),
        l4_deadline_of_record::promise(),
        l5_act_while_valid::promise(),
        l6_fenced_is_final::promise(),
        l6_no_late_renewal::promise(),
        l7_out_of_the_way::promise(),
        l7_waiting_leader::promise(),
        l7_waits_without_lock::promise(),
        l8_failure_decides_nothing::promise(),
        l8_fenced_with_reason::promise(),
        l8_one_failure::promise(),
        l8_unknown_moves_nothing::promise(),
        l9_fenced_flushes_nothing::promise(),
        l9_released_stays_released::promise(),
        l10_own_record::promise(),
        l12_proven_process::promise(),
        l12_told_apart::promise(),
        l13_later_is_obeyed::promise(),
        l14_not_in_vain::promise(),
        l15_every_wait_ends::promise(),
        l16_latest_opens::promise(),
        l16_one_begins::promise(),
        contract::promise(),
        reach_owner::promise(),
        reach_handover::promise(),
    ];
    // A record that is lost while a leader waits is known to nobody, and without the latch two decisions cross:
    // what holds then is L16.
    if !lease.loses.record && !lease.loses.everything && !lease.unlatched {
        promises.push(l5_one_gate::promise());
    }
    if lease.prompt {
        promises.push(l11_crash_noticed::promise());
    } else {
        promises.push(reach_leader::promise());
    }
    if 0 < lease.crashes {
        promises.push(reach_takeover::promise());
    }
    promises
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_property_names_its_rule() {
        let lease = Lease { prompt: true, ..Lease::SMALL };
        for promise in of(&lease).into_iter().chain(of(&Lease::SMALL)) {
            let rule = promise.says.split(':').next().unwrap_or_default();
            let numbered = rule.strip_prefix('L').is_some_and(|number| number.parse::<u8>().is_ok());
            assert!(numbered || rule == "reached" || promise.says == contract::NAME, "{}", promise.says);
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::models::lease::actions::Action;
    use crate::models::lease::state::State;
    use stateright::Model;

    /// The first process owns epoch 1 and has a model loaded.
    pub(crate) fn state_with_owner() -> State {
        let lease = Lease::SMALL;
        let mut state = lease.beginning();
        while lease.passing(&state).next().is_none() {
            let mut actions = Vec::new();
            lease.actions(&state, &mut actions);
            let first = actions.first().copied().unwrap();
            state = lease.next_state(&state, first).unwrap();
        }
        lease.next_state(&state, Action::Load(0)).unwrap()
    }
}
