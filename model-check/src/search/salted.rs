//! A model as stateright searches it: with a salt in every hash, each distinct state looked at once.
//!
//! stateright stops once it has decided its properties, and decides them state by state in passing. Here it is
//! given one property that holds, so that it never stops, and the promises are evaluated where it expands a
//! state, which it does exactly once for each distinct one: `expanded` equal to the number of distinct states is
//! the proof that nothing was left out. A boundary of the model is not asked for: bounds belong into its actions.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use stateright::{Model, Property};

use crate::coverage;
use crate::study::{Kind, Promise, Study};

/// The model that is given to stateright.
pub(super) struct Salted<S: Study> {
    pub(super) study: S,
    pub(super) salt: u64,
    pub(super) promises: Vec<Promise<S>>,
    pub(super) tally: Arc<Tally>,
}

/// What a search counts, and how it is told to stop.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Distinct states whose successors were asked for.
    pub(super) expanded: AtomicUsize,
    /// For each promise, whether a state was found: one in which it falls, one in which it is reached.
    pub(super) found: Vec<AtomicBool>,
    /// Whether nothing is to be expanded any more.
    pub(super) stop: AtomicBool,
}

impl Tally {
    pub(super) fn of(promises: usize) -> Self {
        Tally { found: (0..promises).map(|_| AtomicBool::new(false)).collect(), ..Tally::default() }
    }
}

/// A state whose hash depends on the salt of the search.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct State<T> {
    salt: u64,
    state: T,
}

impl<T: Hash> Hash for State<T> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.salt.hash(hasher);
        self.state.hash(hasher);
    }
}

impl<S: Study> Salted<S> {
    /// The representative of a state, for a search up to names.
    pub(super) fn representative(state: &State<S::State>) -> State<S::State> {
        match S::representative(&state.state) {
            Some(representative) => State { salt: state.salt, state: representative },
            None => state.clone(),
        }
    }

    fn look_at(&self, state: &S::State) {
        for (promise, found) in self.promises.iter().zip(&self.tally.found) {
            let holds = (promise.holds)(&self.study, state);
            match promise.kind {
                Kind::Always if !holds => {
                    found.store(true, Ordering::Relaxed);
                    self.tally.stop.store(true, Ordering::Relaxed);
                }
                Kind::Sometimes if holds && !found.load(Ordering::Relaxed) => {
                    found.store(true, Ordering::Relaxed);
                }
                _ => {}
            }
        }
    }
}

impl<S: Study> Model for Salted<S> {
    type State = State<S::State>;
    type Action = S::Action;

    fn init_states(&self) -> Vec<Self::State> {
        let salted = |state| State { salt: self.salt, state };
        self.study.init_states().into_iter().map(salted).collect()
    }

    fn actions(&self, state: &Self::State, actions: &mut Vec<Self::Action>) {
        if self.tally.stop.load(Ordering::Relaxed) {
            return;
        }
        self.tally.expanded.fetch_add(1, Ordering::Relaxed);
        self.look_at(&state.state);
        self.study.actions(&state.state, actions);
    }

    fn next_state(&self, state: &Self::State, action: Self::Action) -> Option<Self::State> {
        coverage::mark(S::kind(&action));
        let state = self.study.next_state(&state.state, action)?;
        Some(State { salt: self.salt, state })
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("the search goes on", |_, _| true)]
    }
}
