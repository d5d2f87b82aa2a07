//! A search that was complete, or no result at all.
//!
//! stateright lets a search be cut short (`target_state_count`, `target_max_depth`, `timeout`, `finish_when`,
//! a boundary) and counts what was cut as passed. [`Exhaustive`] hands out no builder: it takes a model, sets
//! nothing but the number of threads, and fails with [`Incomplete`] where the search may have ended early.
//! Searches are depth first: breadth first keeps every state in memory. The shortest counterexample of a model
//! that is known to be broken is another thing ([`shortest`]): it ends with the first violation.

use std::collections::{HashSet, VecDeque};
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use stateright::{Checker, Expectation, Model};

/// What a complete search found.
pub(crate) struct Exhaustive {
    /// Distinct states.
    pub(crate) unique: usize,
    /// States generated, repeats included.
    pub(crate) generated: usize,
    /// The longest path that the search followed; depends on its order.
    pub(crate) depth: usize,
    /// How long it took.
    pub(crate) took: Duration,
    /// What became of each property, in the order of the model.
    pub(crate) verdicts: Vec<Verdict>,
}

/// What became of one property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The property's name.
    pub(crate) property: &'static str,
    /// Safety or reachability.
    pub(crate) kind: Kind,
    /// Whether the search found what it looks for: a violation of safety, an example of reachability.
    pub(crate) found: bool,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Incomplete {
    /// A search ends once every property was decided: without one that holds, states are left.
    NothingHeld,
    /// `eventually` is unsound here: it misses cycles and joins.
    Eventually(&'static str),
}

impl Exhaustive {
    /// Searches the whole graph of `model` on `threads` threads.
    ///
    /// # Errors
    /// [`Incomplete`] if states may be left that were not visited.
    pub(crate) fn search<M>(model: M, threads: usize) -> Result<Self, Incomplete>
    where
        M: Model + Send + Sync + 'static,
        M::State: Clone + Debug + Hash + PartialEq + Send + Sync,
        M::Action: Clone + Debug + PartialEq + Send + Sync,
    {
        let properties = model.properties();
        if let Some(property) = properties.iter().find(|p| p.expectation == Expectation::Eventually) {
            return Err(Incomplete::Eventually(property.name));
        }
        let started = Instant::now();
        let checker = model.checker().threads(threads).spawn_dfs().join();
        let took = started.elapsed();
        let found: HashSet<&'static str> = checker.discoveries().into_keys().collect();
        if found.len() == properties.len() || !checker.is_done() {
            return Err(Incomplete::NothingHeld);
        }
        let verdicts = properties
            .iter()
            .map(|property| Verdict {
                property: property.name,
                kind: match property.expectation {
                    Expectation::Sometimes => Kind::Sometimes,
                    Expectation::Always | Expectation::Eventually => Kind::Always,
                },
                found: found.contains(property.name),
            })
            .collect();
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

impl Verdict {
    /// Whether the property is as it should be.
    pub(crate) fn holds(&self) -> bool {
        match self.kind {
            Kind::Always => !self.found,
            Kind::Sometimes => self.found,
        }
    }
}

/// The states and actions of a shortest path to a violation of `property`, if there is one.
///
/// A breadth-first search of our own: that of stateright goes on to the end of its block of states and reports
/// the last violation in it, which is not the shortest.
pub(crate) fn shortest<M>(model: &M, property: &'static str) -> Option<Counterexample<M>>
where
    M: Model,
    M::State: Clone + Hash,
    M::Action: Clone,
{
    let property = model.properties().into_iter().find(|candidate| candidate.name == property)?;
    let bad = |state: &M::State| !(property.condition)(model, state);
    let mut seen = HashSet::new();
    let mut queue = VecDeque::new();
    // How each state was reached: from which one, by what.
    let mut origins: Vec<(usize, Option<M::Action>)> = Vec::new();
    for state in model.init_states() {
        seen.insert(fingerprint(&state));
        origins.push((0, None));
        queue.push_back((origins.len() - 1, state));
    }
    let mut actions = Vec::new();
    while let Some((index, state)) = queue.pop_front() {
        if bad(&state) {
            return Some(retrace(model, &origins, index));
        }
        model.actions(&state, &mut actions);
        for action in actions.drain(..) {
            let Some(next) = model.next_state(&state, action.clone()) else { continue };
            if seen.insert(fingerprint(&next)) {
                origins.push((index, Some(action)));
                queue.push_back((origins.len() - 1, next));
            }
        }
    }
    None
}

/// A path from the beginning to a violation, which the last step leads to.
pub(crate) struct Counterexample<M: Model> {
    /// Each action, with the state before it.
    pub(crate) steps: Vec<(M::State, M::Action)>,
}

fn retrace<M>(model: &M, origins: &[(usize, Option<M::Action>)], end: usize) -> Counterexample<M>
where
    M: Model,
    M::State: Clone,
    M::Action: Clone,
{
    let mut actions = Vec::new();
    let mut at = end;
    while let Some((before, Some(action))) = origins.get(at) {
        actions.push(action.clone());
        at = *before;
    }
    actions.reverse();
    let mut state = model.init_states().into_iter().nth(at);
    let mut steps = Vec::new();
    for action in actions {
        let Some(before) = state else { break };
        state = model.next_state(&before, action.clone());
        steps.push((before, action));
    }
    Counterexample { steps }
}

fn fingerprint(state: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use stateright::Property;

    use super::*;

    /// Counts up to 6 by one or by two.
    struct Counter(fn() -> Vec<Property<Counter>>);

    impl Model for Counter {
        type State = u8;
        type Action = u8;

        fn init_states(&self) -> Vec<u8> {
            vec![0]
        }

        fn actions(&self, state: &u8, actions: &mut Vec<u8>) {
            actions.extend([1, 2].into_iter().filter(|step| state + step <= 6));
        }

        fn next_state(&self, state: &u8, step: u8) -> Option<u8> {
            Some(state + step)
        }

        fn properties(&self) -> Vec<Property<Counter>> {
            (self.0)()
        }
    }

    #[test]
    fn a_search_visits_everything_and_says_what_it_found() {
        let found = Exhaustive::search(
            Counter(|| {
                vec![
                    Property::always("small", |_, state| *state <= 6),
                    Property::always("odd or zero", |_, state| *state == 0 || state % 2 == 1),
                    Property::sometimes("six", |_, state| *state == 6),
                    Property::sometimes("seven", |_, state| *state == 7),
                ]
            }),
            1,
        );
        let found = found.unwrap();
        assert_eq!((found.unique, found.generated), (7, 12));
        let held: Vec<bool> = found.verdicts.iter().map(Verdict::holds).collect();
        assert_eq!(held, [true, false, true, false]);
        assert!(!found.holds());
    }

    #[test]
    fn a_search_that_may_have_ended_early_says_nothing() {
        let decided = Counter(|| vec![Property::sometimes("one", |_, state| *state == 1)]);
        assert_eq!(Exhaustive::search(decided, 1).err(), Some(Incomplete::NothingHeld));
        let liveness = Counter(|| vec![Property::eventually("six", |_, state| *state == 6)]);
        assert_eq!(Exhaustive::search(liveness, 1).err(), Some(Incomplete::Eventually("six")));
    }

    #[test]
    fn the_shortest_path_is_the_shortest() {
        let model = Counter(|| vec![Property::always("below five", |_, state| *state < 5)]);
        let path = shortest(&model, "below five").unwrap();
        assert_eq!(path.steps, [(0, 1), (1, 2), (3, 2)]);
        assert!(shortest(&model, "no such property").is_none());
    }
}
