//! Liveness: what has to come at last, once faults stop.
//!
//! stateright's `eventually` misses what never comes where a path runs in a circle or joins another one. Here the
//! graph of a small configuration is explored to the end and kept (`graph`), faults are taken out of it, and a goal
//! falls if a state in which it is due leads, past every state in which it is met,
//!
//! * to a state in which nobody who is obliged has anything to do, or
//! * into a circle that is fair: each class of actions that is weakly fair is taken on it, or is impossible in one of
//!   its states.
//!
//! Weakly fair means: what stays possible is done at last. What is fair, and what is a fault, each model says
//! ([`Study::fairness`]), with a sentence for each class. A strongly connected component
//! has a fair circle if and only if the circle through all of it is fair, so components are all that is looked at.
//!
//! Where no goal falls, the longest way to it in beats of the clock is what a response is bounded by
//! ([`Lasts::beats`]): no counter in the state, hence none that could end the search.

mod components;
mod graph;
mod lasso;

use stateright::Model;

use crate::configuration::Profile;
use crate::study::Study;
use graph::{Claims, Graph, View};
pub use lasso::Lasso;

/// What has to come, from where.
pub struct Goal<S: Model> {
    /// The rule that it belongs to: `L11`.
    pub id: &'static str,
    /// The claim, which begins with the id: `L11: who wants to own, and may, owns at last`.
    pub says: &'static str,
    /// Where the claim comes from.
    pub source: &'static str,
    /// Where it is due.
    pub from: fn(&S, &S::State) -> bool,
    /// Where it is met.
    pub to: fn(&S, &S::State) -> bool,
    /// What is not done either once faults have stopped, as it would make the claim pointless: an owner that is asked
    /// to hand over keeps nothing.
    pub without: fn(&S::Action) -> bool,
}

/// Whether an action has to be done at last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fairness {
    /// It is a fault: it stops.
    Fault,
    /// Nobody is obliged to it.
    Free,
    /// It belongs to the class of this number, which is weakly fair (see [`Assumption`]).
    Fair(usize),
}

/// A class of actions that is assumed to be weakly fair; its number is its place in the model's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assumption {
    /// Its name.
    pub class: String,
    /// The assumption in a sentence.
    pub says: String,
}

/// A small configuration, and what its goals come to.
pub struct Lasting<S: 'static> {
    /// What it is for, in a word.
    pub name: &'static str,
    /// When it is checked.
    pub profile: Profile,
    /// The model.
    pub model: S,
    /// The states that it has.
    pub states: usize,
    /// By what each goal says: the beats of the clock that it takes at most; `None` where there is no bound.
    pub responses: &'static [(&'static str, Option<usize>)],
}

impl<S: Study> Lasting<S> {
    /// Its name with its bounds, as in `crash-n2-ttl2`.
    pub fn id(&self) -> String {
        format!("{}-{}", self.name, self.model.bounds())
    }
}

/// What became of a goal.
pub enum Verdict<S: Model> {
    /// It is met from wherever it is due.
    Lasts(Lasts),
    /// It is not.
    Falls(Lasso<S>),
}

/// What was found of a model.
pub struct Checked<S: Model> {
    /// The states that it has.
    pub states: usize,
    /// What became of each goal.
    pub goals: Vec<(Goal<S>, Verdict<S>)>,
}

/// What was found of a goal that is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lasts {
    /// The states from which, or on the way from which, the goal was still to come.
    pub due: usize,
    /// The beats of the clock that it takes at most; `None` if there is no bound.
    pub beats: Option<usize>,
}

/// What becomes of each goal of `study`, of those whose claim is `only`, if that is given; `None` if there are more
/// states than are looked at.
pub fn check<S: Study>(study: &S, only: Option<&str>) -> Option<Checked<S>> {
    let goals: Vec<Goal<S>> =
        study.goals().into_iter().filter(|goal| only.is_none_or(|only| goal.says == only)).collect();
    let claims = Claims {
        due: goals.iter().map(|goal| goal.from).collect(),
        met: goals.iter().map(|goal| goal.to).collect(),
        without: goals.iter().map(|goal| goal.without).collect(),
        fairness: &|state, action| study.fairness(state, action),
        beat: S::beat,
    };
    let graph = Graph::explore(study, &claims, LIMIT)?;
    let classes = study.assumptions().len();
    let judged = goals.into_iter().enumerate();
    let judge = |(number, goal)| (goal, judge(study, graph.view(number), classes));
    Some(Checked { states: graph.len(), goals: judged.map(judge).collect() })
}

fn judge<M>(model: &M, graph: View<'_>, classes: usize) -> Verdict<M>
where
    M: Model<State: Clone, Action: Clone>,
{
    let open = graph.open();
    let (fallen, beats) = components::look(graph, &open, classes);
    match fallen {
        Some(fallen) => Verdict::Falls(lasso::trace(model, graph, &open, &fallen, classes)),
        None => Verdict::Lasts(Lasts { due: open.nodes.len(), beats }),
    }
}

/// The graph is kept in memory: about 80 bytes a state and 12 an edge.
const LIMIT: usize = 20_000_000;

#[cfg(test)]
mod tests;
