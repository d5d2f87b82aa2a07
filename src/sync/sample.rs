//! Tries a number of schedules of a model that has too many threads for all of them, and shows that its twins are found out.
//!
//! Half of the schedules are drawn evenly, half by probabilistic concurrency testing (a few preemptions at chosen depths). They come
//! from a fixed number, so that a failure comes again; `SHUTTLE_RANDOM_SEED` draws others.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner};

use super::seed::{Seed, sow, weed};

/// Tries `schedules` of the model; with each of the seeds it must fail and say this.
pub(crate) fn sample(schedules: usize, twins: &[(Seed, &str)], model: fn()) {
    let started = Instant::now();
    run(schedules, model);
    println!("{schedules} schedules in {:?}", started.elapsed());
    for (seed, complaint) in twins {
        sow(*seed);
        let found = catch_unwind(AssertUnwindSafe(|| run(schedules, model)));
        weed();
        let failure = found.expect_err("the twin was not found out");
        let text = failure.downcast_ref::<&str>().copied();
        let said = text.or_else(|| failure.downcast_ref().map(String::as_str)).unwrap_or_default();
        assert!(said.contains(complaint), "the twin {seed:?} does not say {complaint:?}: {said}");
        println!("twin {seed:?} found out: {complaint}");
    }
}

fn run(schedules: usize, model: fn()) {
    let even = RandomScheduler::new_from_seed(SCHEDULES, schedules / 2);
    Runner::new(even, Config::new()).run(model);
    let preempting = PctScheduler::new_from_seed(SCHEDULES, PREEMPTIONS, schedules - schedules / 2);
    Runner::new(preempting, Config::new()).run(model);
}

/// What the schedules are drawn from. Any number would do.
const SCHEDULES: u64 = 20_261_120;

/// As many as the bounded explorations have.
const PREEMPTIONS: usize = 3;
