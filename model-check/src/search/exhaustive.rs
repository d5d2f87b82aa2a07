//! A search that was complete, or no result at all.
//!
//! stateright lets a search be cut short (`target_state_count`, `target_max_depth`, `timeout`, `finish_when`,
//! a boundary) and counts what was cut as passed; its breadth-first search ignores symmetry without a word.
//! [`Exhaustive`] hands out no builder: it takes a model, searches depth first on one thread (so that the depth
//! is a property of the model, and breadth first would keep every state in memory), and fails with
//! [`Incomplete`] unless every distinct state was expanded. Two searches run at a time instead (`commands`).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use stateright::{Checker, Model};

use super::Memory;
use super::salted::{Salted, Tally};
use crate::configuration::Counts;
use crate::study::{Kind, Study};

/// What a complete search found.
#[derive(Clone, Debug)]
pub struct Exhaustive {
    /// What it counted.
    pub counts: Counts,
    /// How long it took.
    pub took: Duration,
    /// What became of each promise, in the order of the model.
    pub verdicts: Vec<Verdict>,
}

/// What became of one promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What it says.
    pub says: &'static str,
    /// Safety or reachability.
    pub kind: Kind,
    /// Whether it is as it should be: held in every state, reached in one.
    pub holds: bool,
}

/// The search says nothing about what holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// A promise fell, and the rest was not searched.
    #[error("{0} fell")]
    Fell(&'static str),
    /// It would take more memory than it may have.
    #[error("{:.1} GiB of memory are not enough", .0.in_gib())]
    Memory(Memory),
    /// Distinct states, and fewer of them expanded: stateright left some out.
    #[error("of {unique} distinct states only {expanded} were expanded")]
    Truncated {
        /// Distinct states.
        unique: usize,
        /// Those whose successors were generated.
        expanded: usize,
    },
    /// A thread of the search panicked, as a model does that has a defect.
    #[error("the search panicked: {0}")]
    Panicked(String),
}

/// How a search is made.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Goes into the hash of every state: two searches with different salts take different states for one.
    pub salt: u64,
    /// Whether states that differ in names only are searched once.
    pub symmetric: bool,
    /// What the process may have in memory.
    pub memory: Memory,
}

/// How far a search is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Distinct states so far.
    pub unique: usize,
    /// Those of them that wait to be expanded.
    pub queue: usize,
    /// The longest path so far.
    pub depth: usize,
    /// Since the search began.
    pub elapsed: Duration,
}

impl Exhaustive {
    /// Searches the whole graph of `study`, telling `watch` now and then how far it is.
    ///
    /// # Errors
    /// [`Incomplete`] if not every distinct state was expanded.
    pub fn search<S: Study>(
        study: &S,
        options: Options,
        mut watch: impl FnMut(Progress),
    ) -> Result<Self, Incomplete> {
        let spent = |memory| Memory::resident().is_some_and(|resident| memory < resident);
        if spent(options.memory) {
            return Err(Incomplete::Memory(options.memory));
        }
        let promises = study.promises();
        let tally = Arc::new(Tally::of(promises.len()));
        let claims: Vec<(&'static str, Kind)> = promises.iter().map(|p| (p.says, p.kind)).collect();
        let model = Salted { study: study.clone(), salt: options.salt, promises, tally: Arc::clone(&tally) };

        let started = Instant::now();
        let builder = model.checker().threads(1);
        let builder =
            if options.symmetric { builder.symmetry_fn(Salted::<S>::representative) } else { builder };
        let mut checker = builder.spawn_dfs();
        let threads = checker.handles();
        let mut too_much = None;
        while threads.iter().any(|thread| !thread.is_finished()) {
            std::thread::sleep(LOOK);
            if spent(options.memory) {
                too_much = Some(Incomplete::Memory(options.memory));
                tally.stop.store(true, Ordering::Relaxed);
            }
            let unique = checker.unique_state_count();
            watch(Progress {
                unique,
                queue: unique.saturating_sub(tally.expanded.load(Ordering::Relaxed)),
                depth: checker.max_depth(),
                elapsed: started.elapsed(),
            });
        }
        for thread in threads {
            thread.join().map_err(|panic| Incomplete::Panicked(message(&*panic)))?;
        }
        let took = started.elapsed();
        let verdicts: Vec<Verdict> = claims
            .into_iter()
            .zip(&tally.found)
            .map(|((says, kind), found)| {
                let found = found.load(Ordering::Relaxed);
                Verdict { says, kind, holds: found == (kind == Kind::Sometimes) }
            })
            .collect();
        if let Some(fell) = verdicts.iter().find(|verdict| verdict.kind == Kind::Always && !verdict.holds) {
            return Err(Incomplete::Fell(fell.says));
        }
        if let Some(too_much) = too_much {
            return Err(too_much);
        }
        let (unique, expanded) = (checker.unique_state_count(), tally.expanded.load(Ordering::Relaxed));
        if unique != expanded {
            return Err(Incomplete::Truncated { unique, expanded });
        }
        let counts = Counts { unique, generated: checker.state_count(), depth: checker.max_depth() };
        Ok(Exhaustive { counts, took, verdicts })
    }

    /// Whether every promise is as it should be.
    pub fn holds(&self) -> bool {
        self.verdicts.iter().all(|verdict| verdict.holds)
    }
}

impl Counts {
    /// How many pairs of distinct states are expected to have been taken for one: fingerprints have 64 bits.
    pub fn collisions_expected(&self) -> f64 {
        self.unique as f64 * (self.generated - self.unique) as f64 / 2f64.powi(64)
    }
}

impl Options {
    /// The salt of every first search, no symmetry, and what the system has to give.
    pub fn plain() -> Self {
        let memory = Memory::available().unwrap_or(Memory::gib(8));
        Options { salt: 0, symmetric: false, memory }
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
}

/// How often the search is looked at; short, because a small one ends before.
const LOOK: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::testing::Counter;
    use crate::study::Promise;

    fn search(promises: fn() -> Vec<Promise<Counter>>) -> Result<Exhaustive, Incomplete> {
        Exhaustive::search(&Counter { promises, boundary: 6 }, Options::plain(), |_| {})
    }

    #[test]
    fn a_search_visits_everything_and_says_what_it_found() {
        let found = search(|| {
            vec![
                Promise::always("C1", "C1: small", "", |_, state| *state <= 6),
                Promise::reached("reached: six", |_, state| *state == 6),
                Promise::reached("reached: seven", |_, state| *state == 7),
            ]
        })
        .unwrap();
        assert_eq!(found.counts, Counts { unique: 7, generated: 12, depth: 4 });
        let held: Vec<bool> = found.verdicts.iter().map(|verdict| verdict.holds).collect();
        assert_eq!(held, [true, true, false]);
        assert!(!found.holds());
    }

    #[test]
    fn everything_is_visited_even_where_everything_was_found() {
        let found = search(|| vec![Promise::reached("reached: zero", |_, state| *state == 0)]).unwrap();
        assert_eq!(found.counts.unique, 7);
    }

    #[test]
    fn a_promise_that_falls_ends_the_search_without_a_result() {
        let found = search(|| vec![Promise::always("C1", "C1: below five", "", |_, state| *state < 5)]);
        assert_eq!(found.err(), Some(Incomplete::Fell("C1: below five")));
    }

    #[test]
    fn a_search_without_memory_says_nothing() {
        let options = Options { memory: Memory(1), ..Options::plain() };
        let found = Exhaustive::search(&Counter { promises: Vec::new, boundary: 200 }, options, |_| {});
        assert_eq!(found.err(), Some(Incomplete::Memory(Memory(1))));
    }

    #[test]
    fn a_model_that_panics_is_told() {
        let found = search(|| vec![Promise::always("C1", "C1: bad", "", |_, _| panic!("what it says"))]);
        assert_eq!(found.err(), Some(Incomplete::Panicked("what it says".to_string())));
    }

    #[test]
    fn the_salt_changes_the_fingerprints_and_not_the_counts() {
        let counts = |salt| {
            let study = Counter { promises: Vec::new, boundary: 200 };
            Exhaustive::search(&study, Options { salt, ..Options::plain() }, |_| {}).unwrap().counts
        };
        assert_eq!(counts(0), counts(1));
    }
}
