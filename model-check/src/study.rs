//! What a model offers to every command: configurations, promises, mutants, and its steps in words.

use std::fmt::Debug;
use std::hash::Hash;

use stateright::{Expectation, Model, Property};

use crate::configuration::Configuration;
use crate::liveness::{Assumption, Fairness, Goal, Lasting};
use crate::story::Story;

/// A model of a protocol, with everything that is claimed about it.
pub trait Study:
    Story<
        State: Clone + Debug + Eq + Hash + Send + Sync + 'static,
        Action: Clone + Debug + PartialEq + Send + Sync + 'static,
    > + Clone
    + Send
    + Sync
    + 'static
{
    /// Its name, as in `check lease`.
    const NAME: &'static str;
    /// What it is a model of, in a sentence.
    const ABOUT: &'static str;

    /// The bounds, as part of a configuration's name: `n2-e2-ttl2`.
    fn bounds(&self) -> String;

    /// The bounds in words: "2 processes, 2 epochs, TTL of 2 ticks".
    fn bounds_in_words(&self) -> String;

    /// The faults that are in play.
    fn faults(&self) -> Vec<&'static str>;

    /// Every configuration that is checked.
    fn configurations() -> Vec<Configuration<Self>>;

    /// What has to hold, and what has to happen.
    fn promises(&self) -> Vec<Promise<Self>>;

    /// Small changes, each of which a promise has to notice.
    fn mutants() -> Vec<Mutated<Self>>;

    /// The sort of an action, as a mark of coverage: "lease: crash".
    fn kind(action: &Self::Action) -> &'static str;

    /// Every mark that the searches of a profile have to leave, kinds of actions included (see
    /// [`coverage`](crate::coverage)).
    fn marks() -> &'static [&'static str];

    /// What has to come at last, once faults have stopped.
    fn goals(&self) -> Vec<Goal<Self>> {
        Vec::new()
    }

    /// Whether an action that is possible in a state is a fault, or has to be done at last.
    fn fairness(&self, _: &Self::State, _: &Self::Action) -> Fairness {
        Fairness::Free
    }

    /// The classes of actions that are weakly fair; [`Fairness::Fair`] counts them from 0.
    fn assumptions(&self) -> Vec<Assumption> {
        Vec::new()
    }

    /// Whether an action is a beat of the clock, in which responses are counted.
    fn beat(_: &Self::Action) -> bool {
        false
    }

    /// The configurations whose goals are checked, each with what they come to.
    fn lasting() -> Vec<Lasting<Self>> {
        Vec::new()
    }

    /// The same state for all states that differ in the names of the participants only, where that is so.
    /// It has to be idempotent, and the promises must not tell the states apart.
    fn representative(_: &Self::State) -> Option<Self::State> {
        None
    }
}

/// Something that is claimed about every state, or about some state.
pub struct Promise<S: Model> {
    /// The rule that it belongs to, as in the chapter: `L1`.
    pub id: &'static str,
    /// The claim, which begins with the id: `L1: at most one process has resident state`.
    pub says: &'static str,
    /// Where the claim comes from.
    pub source: &'static str,
    /// Whether it holds always, or has to be reached.
    pub kind: Kind,
    /// The predicate.
    pub holds: fn(&S, &S::State) -> bool,
}

/// What a promise claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It holds in every state.
    Always,
    /// There is a state in which it holds: what never happens proves nothing.
    Sometimes,
}

impl Kind {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Always => "always",
            Kind::Sometimes => "sometimes",
        }
    }
}

impl<S: Model> Promise<S> {
    /// A claim about every state.
    pub fn always(
        id: &'static str,
        says: &'static str,
        source: &'static str,
        holds: fn(&S, &S::State) -> bool,
    ) -> Self {
        Promise { id, says, source, kind: Kind::Always, holds }
    }

    /// A claim about some state. It belongs to no rule: it says that the search got there.
    pub fn reached(says: &'static str, holds: fn(&S, &S::State) -> bool) -> Self {
        Promise { id: "reached", says, source: "coverage", kind: Kind::Sometimes, holds }
    }
}

/// A model with a small change, and what becomes of it.
pub struct Mutated<S> {
    /// Its name.
    pub id: &'static str,
    /// What was changed, in a sentence.
    pub change: &'static str,
    /// The smallest configuration in which it shows.
    pub model: S,
    /// What has to become of it.
    pub expected: Expected,
}

/// What has to become of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// A promise falls.
    Killed {
        /// The promise.
        by: &'static str,
        /// The length of the shortest path to it.
        steps: usize,
    },
    /// Nothing falls in a complete search, and that is as it should be.
    Equivalent {
        /// Why.
        reason: &'static str,
    },
}

/// The promises as stateright has them, for [`Model::properties`] and the explorer.
pub fn properties<S: Study>(study: &S) -> Vec<Property<S>> {
    let property = |promise: Promise<S>| Property {
        expectation: match promise.kind {
            Kind::Always => Expectation::Always,
            Kind::Sometimes => Expectation::Sometimes,
        },
        name: promise.says,
        condition: promise.holds,
    };
    study.promises().into_iter().map(property).collect()
}
