//! A load: who joins it, who gives it up, and who hears of its outcome.

use std::ops::ControlFlow;

use loom::future::block_on;
use loom::thread;

use crate::engine::single_flight::{Flight, Publisher, Seen, flight};
use crate::sync::explore::Exploration;
use crate::sync::seed::Seed;

fn load() -> (Publisher<u32, &'static str>, Flight<u32, &'static str>) {
    flight(0)
}

/// The work: says how far it is, then finishes; `false` if nobody wanted it any more.
fn work(publisher: Publisher<u32, &'static str>) -> bool {
    if publisher.progress(1) == ControlFlow::Break(()) {
        return false;
    }
    publisher.finish("loaded");
    true
}

#[test]
fn loom_what_is_joined_is_not_given_up() {
    Exploration::bounded(8_382).twin(Seed::AbandonedAfterLook, "deadlock").of(|| {
        let (publisher, flight) = load();
        let first = flight.join().expect("it has just begun");
        let thread = thread::spawn(move || work(publisher));
        let hasty = thread::spawn(move || drop(first));
        let outcome = flight.join().map(|mut watch| block_on(watch.outcome()));
        let is_done = thread.join().unwrap();
        match outcome {
            Some(outcome) => {
                assert_eq!((outcome, is_done), (Some("loaded"), true), "it was joined and given up");
            }
            None => assert!(!is_done && flight.seen().is_none(), "only what was given up is refused"),
        }
        hasty.join().unwrap();
    });
}

#[test]
fn loom_everybody_hears_of_the_outcome() {
    Exploration::bounded(18_585).twin(Seed::OutcomeHeardByHalf, "deadlock").of(|| {
        let (publisher, flight) = load();
        let waiters = [(), ()].map(|()| {
            let mut watch = flight.join().expect("it has just begun");
            thread::spawn(move || block_on(watch.outcome()))
        });
        assert!(work(publisher));
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), Some("loaded"));
        }
        assert_eq!(flight.seen(), Some(Seen::Done("loaded")));
    });
}

#[test]
fn loom_a_load_that_ends_without_a_word_is_heard() {
    Exploration::complete(76).twin(Seed::OutcomeHeardByHalf, "deadlock").of(|| {
        let (publisher, flight) = load();
        let mut watch = flight.join().expect("it has just begun");
        let thread = thread::spawn(move || drop(publisher));
        assert_eq!(block_on(watch.outcome()), None);
        thread.join().unwrap();
    });
}

#[test]
fn loom_progress_is_seen_in_order() {
    Exploration::complete(42_267).twin(Seed::SeenUnnoted, "never backwards").of(|| {
        let (publisher, flight) = load();
        let mut watch = flight.join().expect("it has just begun");
        let thread = thread::spawn(move || {
            let goes_on = [publisher.progress(1), publisher.progress(2)];
            assert_eq!(goes_on, [ControlFlow::Continue(()); 2]);
            publisher.finish("loaded");
        });
        let mut last = None;
        let outcome = loop {
            match block_on(watch.changed()) {
                Seen::Progress(progress) => {
                    assert!(last < Some(progress), "once, and never backwards");
                    last = Some(progress);
                }
                seen => break seen,
            }
        };
        assert_eq!(outcome, Seen::Done("loaded"));
        thread.join().unwrap();
    });
}
