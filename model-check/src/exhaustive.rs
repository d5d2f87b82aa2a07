//! A search that was complete, or no result at all.
//!
//! stateright lets a search be cut short (`target_state_count`, `target_max_depth`, `timeout`, `finish_when`,
//! a boundary) and counts what was cut as passed. [`Exhaustive`] hands out no builder: it takes a model, sets
//! nothing but the number of threads, and fails with [`Incomplete`] where the search may have ended early.
//! Searches are depth first: breadth first keeps every state in memory. The shortest counterexample of a model
//! that is known to be broken is another thing ([`shortest`]): it ends early by design, and proves nothing else.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::hash::Hash;
use std::time::{Duration, Instant};

use stateright::{Checker, Expectation, HasDiscoveries, Model, Path};

/// What a complete search found.
pub(crate) struct Exhaustive<M: Model> {
    /// Distinct states.
    pub(crate) unique: usize,
    /// States generated, repeats included.
    pub(crate) generated: usize,
    /// The longest path that the search followed; depends on its order.
    pub(crate) depth: usize,
    /// How long it took.
    pub(crate) took: Duration,
    /// What became of each property, in the order of the model.
    pub(crate) verdicts: Vec<Verdict<M>>,
}

/// What became of one property.
pub(crate) struct Verdict<M: Model> {
    /// The property's name.
    pub(crate) property: &'static str,
    /// Safety or reachability.
    pub(crate) kind: Kind,
    /// For safety the counterexample, for reachability an example.
    pub(crate) path: Option<Path<M::State, M::Action>>,
}

/// What a property claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It holds in every state.
    Always,
    /// There is a state in which it holds.
    Sometimes,
}

/// The search says nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Incomplete {
    /// A search ends once every property was decided: without one that holds, states are left.
    NothingHeld,
    /// `eventually` is unsound here: it misses cycles and joins.
    Eventually(&'static str),
}

impl<M> Exhaustive<M>
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync,
    M::Action: Clone + Debug + PartialEq + Send + Sync,
{
    /// Searches the whole graph of `model` on `threads` threads.
    pub(crate) fn search(model: M, threads: usize) -> Result<Self, Incomplete> {
        let properties = model.properties();
        if let Some(property) = properties.iter().find(|p| p.expectation == Expectation::Eventually) {
            return Err(Incomplete::Eventually(property.name));
        }
        let started = Instant::now();
        let checker = model.checker().threads(threads).spawn_dfs().join();
        let took = started.elapsed();
        let mut paths = checker.discoveries();
        let decided = paths.len() == properties.len();
        let verdicts: Vec<Verdict<M>> = properties
            .iter()
            .map(|property| Verdict {
                property: property.name,
                kind: match property.expectation {
                    Expectation::Sometimes => Kind::Sometimes,
                    Expectation::Always | Expectation::Eventually => Kind::Always,
                },
                path: paths.remove(property.name),
            })
            .collect();
        if decided || !checker.is_done() {
            return Err(Incomplete::NothingHeld);
        }
        Ok(Exhaustive {
            unique: checker.unique_state_count(),
            generated: checker.state_count(),
            depth: checker.max_depth(),
            took,
            verdicts,
        })
    }

    /// Whether every property is as it should be.
    pub(crate) fn holds(&self) -> bool {
        self.verdicts.iter().all(Verdict::holds)
    }

    /// How many pairs of distinct states are expected to have been taken for one: fingerprints have 64 bits.
    pub(crate) fn collisions_expected(&self) -> f64 {
        self.unique as f64 * (self.generated - self.unique) as f64 / 2f64.powi(64)
    }
}

impl<M: Model> Verdict<M> {
    /// Whether the property is as it should be.
    pub(crate) fn holds(&self) -> bool {
        match self.kind {
            Kind::Always => self.path.is_none(),
            Kind::Sometimes => self.path.is_some(),
        }
    }
}

/// A shortest path to a violation of `property`, if there is one; the search ends with it.
///
/// One thread: with more, breadth first is not shortest first.
pub(crate) fn shortest<M>(model: M, property: &'static str) -> Option<Path<M::State, M::Action>>
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync,
    M::Action: Clone + Debug + PartialEq + Send + Sync,
{
    let wanted = HasDiscoveries::AnyOf(BTreeSet::from([property]));
    model.checker().threads(1).finish_when(wanted).spawn_bfs().join().discoveries().remove(property)
}
