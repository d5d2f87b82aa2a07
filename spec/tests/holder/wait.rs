//! Waiting on two budgets.

use std::time::Duration;

use modeld_spec::holder::wait::{Budget, Budgets, Effect, Look, Outcome, Seen, Wait};
use modeld_spec::step::{Breach, Machine, Step};
use modeld_spec::time::{BootTime, Observed};
use proptest::prelude::*;

const BUDGETS: Budgets = Budgets { base: Duration::from_secs(10), cap: Duration::from_secs(30) };

fn at(ms: u64) -> BootTime {
    BootTime::from_nanos(ms * 1_000_000)
}

fn loading(progress: u64) -> Seen {
    Seen::Members(Look { all_up: false, one_failed: false, progress })
}

/// Waits for members whose progress at an instant (in ms) is what `seen` says; how it ended, and when.
fn wait(seen: impl Fn(u64) -> Seen) -> (Outcome, u64) {
    let mut now = 0;
    let mut step = Wait::start(BUDGETS, at(0));
    loop {
        step = match step {
            Step::Do(Effect::Look, wait) => wait.step(Observed { at: at(now), what: seen(now) }),
            Step::Do(Effect::Pause { until }, wait) => {
                assert!(at(now) < until, "a pause has a length");
                now = until.as_nanos() / 1_000_000;
                wait.step(Observed { at: until, what: Seen::Woke })
            }
            Step::Done(outcome) => return (outcome, now),
        };
    }
}

#[test]
fn h12_progress_extends_the_base_and_never_the_cap() {
    // Up after 25 s, two and a half times the base, with progress every 5 s.
    let slow = |ms| if ms < 25_000 { loading(ms / 5_000) } else { up() };
    assert_eq!(wait(slow), (Outcome::Up, 25_000));
    assert_eq!(wait(loading), (Outcome::TimedOut(Budget::Cap), 30_000));
}

#[test]
fn h12_a_state_that_does_not_move_extends_nothing() {
    assert_eq!(wait(|_| loading(7)), (Outcome::TimedOut(Budget::Base), 10_000));
    // Nor does one that goes up and down below the most that was seen.
    assert_eq!(wait(|ms| loading(ms / 500 % 2)), (Outcome::TimedOut(Budget::Base), 10_500));
    assert_eq!(wait(|_| Seen::Unknown), (Outcome::TimedOut(Budget::Base), 10_000));
}

#[test]
fn it_ends_at_once_where_the_end_is_known() {
    let failed = Look { all_up: false, one_failed: true, progress: 0 };
    assert_eq!(wait(|_| up()), (Outcome::Up, 0));
    assert_eq!(wait(|_| Seen::Members(failed)), (Outcome::Failed, 0));
    assert_eq!(wait(|_| Seen::HolderGone), (Outcome::HolderGone, 0));
}

#[test]
fn a_wrong_answer_is_a_breach() {
    let Step::Do(_, looking) = Wait::start(BUDGETS, at(0)) else { panic!("a wait begins with a look") };
    let breach = |step, expected| assert_eq!(step, Step::Done(Outcome::Breach(Breach { expected })));
    breach(looking.step(Observed { at: at(0), what: Seen::Woke }), "look");
    let Step::Do(_, pausing) = looking.step(Observed { at: at(0), what: loading(0) }) else {
        panic!("it pauses")
    };
    breach(pausing.step(Observed { at: at(0), what: loading(0) }), "pause");
}

fn up() -> Seen {
    Seen::Members(Look { all_up: true, one_failed: false, progress: 0 })
}

proptest! {
    #[test]
    fn h12_it_ends_between_the_base_and_the_cap_whatever_is_seen(steps in prop::collection::vec(0_u64..3, 70)) {
        let progress = |ms: u64| steps.iter().take(usize::try_from(ms / 500).unwrap_or(0)).sum::<u64>();
        let (outcome, ended) = wait(|ms| loading(progress(ms)));
        prop_assert!(matches!(outcome, Outcome::TimedOut(_)));
        prop_assert!((10_000..=30_000).contains(&ended));
    }
}
