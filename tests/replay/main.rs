//! The real drivers of ownership, held to the model step by step.
//!
//! The model checker explores every history of its lease model. Here the same histories happen to the code that
//! runs in production: `owner::stand_by_on`, the keeper, its renewals, `Owner::release`, with the threads that
//! they have. A [`stage`] holds each thread back before each effect, and lets it perform when the model does; a
//! [`world`] in memory is the data root and the clock; after each step what the code shows must be what the model says
//! ([`view`]). [`cover`] chooses paths so that every edge of a graph is gone at least once.
//!
//! `MODELD_SCHEDULE=FILE cargo test --test replay` plays a schedule that the model checker wrote.

mod cover;
mod play;
mod stage;
mod view;
mod world;

use model_check::models::lease::Lease;
use model_check::schedule::Schedule;
use stateright::Model;

use crate::cover::Graph;
use crate::play::Play;

/// Two processes that acquire, renew, are paused, crash, are started again, and release.
const SMALL: Lease = Lease { horizon: Some(2), restarts: 0, ..Lease::SMALL };

/// The same with effects that fail, having landed or not, and a latch that stays taken.
const FAILURES: Lease = Lease { horizon: Some(1), crashes: 0, failures: 1, busy: true, ..SMALL };

#[test]
fn the_drivers_do_what_the_model_says_on_every_edge() {
    replay_every_edge("small", &SMALL);
}

#[test]
fn the_drivers_do_what_the_model_says_when_effects_fail() {
    replay_every_edge("failures", &FAILURES);
}

#[test]
fn a_schedule_from_outside_is_played() {
    let Some(file) = std::env::var_os("MODELD_SCHEDULE") else { return };
    let text = std::fs::read_to_string(&file).expect("the file that MODELD_SCHEDULE names is readable");
    let schedule = Schedule::parse(&text).expect("a schedule of the model checker");
    let lease = play::setting(&schedule).expect("a setting of the lease model");
    let path = schedule.play(&lease).expect("each step is possible in the model");
    let mut play = Play::begin(&lease);
    for (number, (_, action)) in path.steps.iter().enumerate() {
        if let Err(apart) = play.step(*action) {
            panic!("step {}, {}: {apart}", number + 1, lease.format_action(action));
        }
    }
}

fn replay_every_edge(name: &str, lease: &Lease) {
    let graph = Graph::explore(lease);
    let (mut paths, mut steps) = (0, 0);
    for path in graph.cover() {
        let mut play = Play::begin(lease);
        for (number, index) in path.iter().enumerate() {
            let action = play.action(*index);
            if let Err(apart) = play.step(action) {
                panic!("{}\nstep {}, {}: {apart}", play.told(), number + 1, lease.format_action(&action));
            }
        }
        steps += path.len();
        paths += 1;
    }
    println!(
        "{name}: {} states, {} edges, each gone at least once: {paths} paths, {steps} steps, all equal",
        graph.states(),
        graph.edges()
    );
}
