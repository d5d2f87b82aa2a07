//! The properties: each rule of the fence as a sentence that is checked in every state, one file each.
//!
//! Rules about single steps are watched where the step happens and remembered in the state. A property that rests on a
//! defence that is switched off, or on an assumption that a fault takes away, is not claimed there.

pub mod contract;
pub mod f10_bounded_drain;
pub mod f11_late_flushes_nothing;
pub mod f1_begins_in_time;
pub mod f1_closed_is_final;
pub mod f1_one_gate;
pub mod f2_nothing_stale_lands;
pub mod f3_done_stays_done;
pub mod f3_reported_as_it_is;
pub mod f3_what_lands_is_whole;
pub mod f4_nothing_is_left;
pub mod f4_only_leftovers_are_swept;
pub mod f5_ended_at_expiry;
pub mod f6_called_as_meant;
pub mod f6_session_of_this_load;
pub mod f7_items_in_time;
pub mod f8_nothing_older;
pub mod f9_memory_first;
pub mod f9_nothing_lands_after;
pub mod reach_landed;
pub mod reach_late_landing;
pub mod reach_leader;
pub mod reach_refused_item;
pub mod reach_successor;
pub mod reach_two_servers;

use super::Fence;
use crate::study::Promise;

/// The properties that `fence` has to have.
pub fn of(fence: &Fence) -> Vec<Promise<Fence>> {
    let gate = !fence.gate_off;
    let kept = fence.budget.removals == 0;
    let served = 0 < fence.budget.items;
    let claims = [
        (gate, f1_begins_in_time::promise()),
        (gate && kept, f1_one_gate::promise()),
        (gate, f1_closed_is_final::promise()),
        (!fence.fence_off, f2_nothing_stale_lands::promise()),
        (true, f3_reported_as_it_is::promise()),
        (true, f3_done_stays_done::promise()),
        (true, f3_what_lands_is_whole::promise()),
        (true, f4_nothing_is_left::promise()),
        (true, f4_only_leftovers_are_swept::promise()),
        (gate && kept && fence.is_timely() && fence.budget.stuck == 0, f5_ended_at_expiry::promise()),
        (0 < fence.clients, f6_called_as_meant::promise()),
        (0 < fence.clients, f6_session_of_this_load::promise()),
        (gate && 0 < fence.clients, f7_items_in_time::promise()),
        (0 < fence.clients, f8_nothing_older::promise()),
        (true, f9_nothing_lands_after::promise()),
        (true, f9_memory_first::promise()),
        (fence.is_timely(), f10_bounded_drain::promise()),
        (gate, f11_late_flushes_nothing::promise()),
        (true, contract::promise()),
        (0 < fence.budget.writes, reach_landed::promise()),
        (0 < fence.budget.writes && !fence.fence_off, reach_late_landing::promise()),
        (true, reach_successor::promise()),
        (1 < fence.processes, reach_leader::promise()),
        (served, reach_two_servers::promise()),
        (served, reach_refused_item::promise()),
    ];
    claims.into_iter().filter_map(|(claimed, promise)| claimed.then_some(promise)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::fence::mutants::Mutant;
    use crate::study::{Expected, Kind};

    #[test]
    fn every_property_names_its_rule() {
        for promise in of(&Fence { clients: 1, ..Fence::BARE }) {
            let rule = promise.says.split(':').next().unwrap_or_default();
            assert!(rule == promise.id, "{}", promise.says);
            let numbered = rule.strip_prefix('F').is_some_and(|number| number.parse::<u8>().is_ok());
            assert!(numbered || rule == "reached" || promise.says == contract::NAME, "{}", promise.says);
        }
    }

    #[test]
    fn every_property_of_safety_has_a_mutant() {
        let caught: Vec<&str> = Mutant::ALL
            .into_iter()
            .filter_map(|mutant| match mutant.expected() {
                Expected::Killed { by, .. } => Some(by),
                Expected::Equivalent { .. } => None,
            })
            .collect();
        for promise in of(&Fence { clients: 1, ..Fence::BARE }) {
            let safety = promise.kind == Kind::Always && promise.says != contract::NAME;
            assert!(!safety || caught.contains(&promise.says), "{}", promise.says);
        }
    }
}
