//! Explores the interleavings of a model, and shows that its twins are found out.
//!
//! A twin runs in a process of its own: loom's failures unwind through its own threads, and may well abort.

use std::any::type_name;
use std::panic;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use loom::model::Builder;

use super::seed::{Seed, sow};

/// How a model is explored, and what was found the last time.
pub(crate) struct Exploration {
    preemptions: Option<usize>,
    executions: usize,
    twins: Vec<(Seed, &'static str)>,
}

impl Exploration {
    /// Every interleaving; there are so many `executions`.
    pub(crate) fn complete(executions: usize) -> Self {
        Exploration { preemptions: None, executions, twins: Vec::new() }
    }

    /// Every interleaving with at most [`PREEMPTIONS`] preemptions; there are so many `executions`.
    pub(crate) fn bounded(executions: usize) -> Self {
        Exploration { preemptions: Some(PREEMPTIONS), executions, twins: Vec::new() }
    }

    /// With this seed the same model must fail, and say this.
    pub(crate) fn twin(mut self, seed: Seed, complaint: &'static str) -> Self {
        self.twins.push((seed, complaint));
        self
    }

    /// Explores `model`, which must be written in the test itself: a twin finds its test by the type of the closure.
    pub(crate) fn of<M: Fn() + Send + Sync + 'static>(self, model: M) {
        let test = test_of::<M>();
        if let Ok(name) = std::env::var(TWIN) {
            let seed = self.twins.iter().map(|(seed, _)| *seed).find(|seed| format!("{seed:?}") == name);
            sow(seed.expect("the name of a twin of this test"));
            self.run(model);
            return;
        }
        let started = Instant::now();
        let counted = self.run(model);
        println!("{test}: {counted} executions, {}, {:?}", self.bound(), started.elapsed());
        for (seed, complaint) in &self.twins {
            find(&test, *seed, complaint);
        }
        assert_eq!(counted, self.executions, "executions of {test}: write the new count if the code changed");
    }

    fn bound(&self) -> String {
        self.preemptions.map_or("unbounded".to_string(), |most| format!("at most {most} preemptions"))
    }

    /// Gives how many executions there were.
    fn run<M: Fn() + Send + Sync + 'static>(&self, model: M) -> usize {
        let count = Arc::new(AtomicUsize::new(0));
        let mut builder = Builder::new();
        builder.preemption_bound = self.preemptions;
        // Nothing from outside cuts an exploration short.
        (builder.max_permutations, builder.max_duration) = (None, None);
        let counter = count.clone();
        if std::env::var_os(TWIN).is_some() {
            let (counter, report) = (count.clone(), panic::take_hook());
            panic::set_hook(Box::new(move |information| {
                report(information);
                eprintln!("{FOUND}{}", counter.load(Ordering::Relaxed));
            }));
        }
        builder.check(move || {
            counter.fetch_add(1, Ordering::Relaxed);
            model();
        });
        count.load(Ordering::Relaxed)
    }
}

/// Runs the twin, which must fail with this complaint.
fn find(test: &str, seed: Seed, complaint: &str) {
    let mut child = Command::new(std::env::current_exe().expect("this program"));
    child.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(TWIN, format!("{seed:?}"));
    let output = child.output().expect("the twin runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{test}: the twin {seed:?} was not found out: {said}");
    assert!(said.contains(complaint), "{test}: the twin {seed:?} does not say {complaint:?}: {said}");
    let found = said.lines().find_map(|line| line.strip_prefix(FOUND)).unwrap_or("?");
    println!("{test}: twin {seed:?} found out in execution {found}: {complaint}");
}

/// The name under which the test harness knows the test with this closure in it.
fn test_of<M>() -> String {
    let path = type_name::<M>();
    let path = path.split_once("::").map_or(path, |(_, path)| path);
    path.trim_end_matches("::{{closure}}").to_string()
}

/// Most defects need two; three is what finishes everywhere.
const PREEMPTIONS: usize = 3;

/// Names the twin that a process is to be.
const TWIN: &str = "MODELD_LOOM_TWIN";

/// What stands before the number of the execution that failed.
const FOUND: &str = "failed in execution ";
