//! The properties: each promise and rule as a sentence that is checked in every state, one file each.
//!
//! Rules about single steps (a word, a signal, a removal) are watched where the step happens, in `start/`, and
//! remembered in the state. `reached: …` are properties of reachability: what never happens proves nothing.

pub mod contract;
pub mod d10_only_who_was_meant;
pub mod d11_stopped_means_free;
pub mod d12_a_forced_stop_ends;
pub mod d12_told_is_told;
pub mod d13_failure_decides_nothing;
pub mod d1_one_serves;
pub mod d2_ready_can_be_reached;
pub mod d2_ready_means_serving;
pub mod d3_attaches_past_a_busy_lock;
pub mod d3_fails_for_a_reason;
pub mod d3_one_child_at_a_time;
pub mod d4_nobody_waits_for_ever;
pub mod d5_no_child_left;
pub mod d5_nobody_serves_unwanted;
pub mod d5_ready_is_not_undone;
pub mod d6_remains_of_the_living;
pub mod d7_looking_takes_nothing;
pub mod d8_status_is_true;
pub mod d9_metadata_is_restored;
pub mod reach_attached;
pub mod reach_recovered;
pub mod reach_replaced;
pub mod reach_started;
pub mod reach_stopped;

use super::Starting;
use crate::study::Promise;

/// The properties that `starting` has to have.
pub fn of(starting: &Starting) -> Vec<Promise<Starting>> {
    let mut properties = vec![
        d1_one_serves::promise(),
        d2_ready_can_be_reached::promise(),
        d2_ready_means_serving::promise(),
        d3_attaches_past_a_busy_lock::promise(),
        d3_fails_for_a_reason::promise(),
        d3_one_child_at_a_time::promise(),
        d4_nobody_waits_for_ever::promise(),
        d5_no_child_left::promise(),
        d5_nobody_serves_unwanted::promise(),
        d5_ready_is_not_undone::promise(),
        d6_remains_of_the_living::promise(),
        d7_looking_takes_nothing::promise(),
        d8_status_is_true::promise(),
        d9_metadata_is_restored::promise(),
        d10_only_who_was_meant::promise(),
        d11_stopped_means_free::promise(),
        d12_a_forced_stop_ends::promise(),
        d12_told_is_told::promise(),
        d13_failure_decides_nothing::promise(),
        contract::promise(),
        reach_started::promise(),
    ];
    if 1 < starting.starters || starting.foreground {
        properties.push(reach_attached::promise());
    }
    if 0 < starting.stoppers {
        properties.push(reach_stopped::promise());
    }
    if 0 < starting.stoppers && 1 < starting.starters && 1 < starting.children {
        properties.push(reach_replaced::promise());
    }
    if 0 < starting.deaths && 1 < starting.starters && !starting.foreground {
        properties.push(reach_recovered::promise());
    }
    properties
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_property_names_its_rule() {
        let all = Starting { stoppers: 1, deaths: 1, ..Starting::CALM };
        for promise in of(&all) {
            let rule = promise.says.split(':').next().unwrap_or_default();
            let numbered = rule.strip_prefix('D').is_some_and(|number| number.parse::<u8>().is_ok());
            assert!(numbered || rule == "reached" || promise.says == contract::NAME, "{}", promise.says);
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use modeld_spec::daemon::effect::{LockSeen, Seen};
    use modeld_spec::daemon::serve::Serve;
    use modeld_spec::step::{Machine, Step};

    use crate::models::start::state::{Body, Channel, Child, Life};

    /// A daemon that nobody waits for, which answers requests and waits for one to stop.
    pub(crate) fn serving(life: Life) -> Child {
        let mut step = Serve::<Life, ()>::start(life);
        let up = [Seen::Done, Seen::Done, Seen::Done, Seen::Done, Seen::Done, Seen::Heard(true), Seen::Done];
        for seen in [Seen::Lock(LockSeen::Taken)].into_iter().chain(up) {
            let Step::Do(_, machine) = step else { panic!("the daemon has ended") };
            step = machine.step(seen);
        }
        let Step::Do(_, machine) = step else { panic!("the daemon has ended") };
        let body = Body { serving: true, announced: true, ..Body::new(machine, Some(0)) };
        Child { born: true, said: false, body: Some(body), channel: Channel::CLOSED }
    }
}
