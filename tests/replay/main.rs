//! The real drivers of ownership, held to the model step by step.
//!
//! The model checker explores every history of its lease model. Here the same histories happen to the code that
//! runs in production: `owner::stand_by_on`, the keeper, its renewals, `Owner::release`, with the threads that
//! they have. A [`stage`] holds each thread back before each effect, and lets it perform when the model does; a
//! [`world`] in memory is the data root and the clock; after each step what the code shows must be what the model says
//! ([`view`]). [`cover`] chooses paths so that every edge of a graph is gone at least once.
//!
//! `MODELD_REPLAY=complete cargo test --test replay` takes the complete graph of two processes that may be paused;
//! `MODELD_SCHEDULE=FILE cargo test --test replay` plays a schedule that the model checker wrote.

mod cover;
mod play;
mod stage;
mod view;
mod world;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use model_check::models::lease::Lease;
use model_check::schedule::Schedule;
use stateright::Model;

use crate::cover::Graph;
use crate::play::Play;

/// Two processes that acquire, renew, are paused for any time, and release: the model's `pause` configuration.
const PAUSE: Lease = Lease { crashes: 0, restarts: 0, ..Lease::SMALL };

/// The first two ticks of it, where either may crash.
const CRASH: Lease = Lease { horizon: Some(2), crashes: 1, ..PAUSE };

/// The first tick of it, with effects that fail, having landed or not, and a latch that stays taken.
const FAILURES: Lease = Lease { horizon: Some(1), failures: 1, busy: true, ..PAUSE };

#[test]
fn the_drivers_do_what_the_model_says_where_processes_crash() {
    replay_every_edge("crash", &CRASH);
}

#[test]
fn the_drivers_do_what_the_model_says_where_effects_fail() {
    replay_every_edge("failures", &FAILURES);
}

/// Quickly the first tick; all of it where `MODELD_REPLAY=complete` says so, which takes minutes.
#[test]
fn the_drivers_do_what_the_model_says_however_long_they_are_paused() {
    let complete = std::env::var_os("MODELD_REPLAY").is_some_and(|how| how == "complete");
    let horizon = if complete { PAUSE.horizon } else { Some(1) };
    replay_every_edge("pause", &Lease { horizon, ..PAUSE });
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
    println!("{name}: {} states, {} edges", graph.states(), graph.edges());
    let paths = Mutex::new(graph.cover());
    let next = || paths.lock().unwrap_or_else(PoisonError::into_inner).next();
    let (played, steps) = (AtomicUsize::new(0), AtomicUsize::new(0));
    // A play is one thread at a time, handed from one to the other: two plays keep two cores busy.
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(path) = next() {
                    follow(lease, &path);
                    played.fetch_add(1, Ordering::Relaxed);
                    steps.fetch_add(path.len(), Ordering::Relaxed);
                }
            });
        }
    });
    let (played, steps) = (played.into_inner(), steps.into_inner());
    println!("{name}: each edge gone at least once: {played} paths, {steps} steps, all equal");
}

fn follow(lease: &Lease, path: &[u32]) {
    let mut play = Play::begin(lease);
    for (number, index) in path.iter().enumerate() {
        let action = play.action(*index);
        if let Err(apart) = play.step(action) {
            panic!("{}\nstep {}, {}: {apart}", play.told(), number + 1, lease.format_action(&action));
        }
    }
}
