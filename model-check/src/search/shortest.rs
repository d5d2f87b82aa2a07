//! The shortest path to a violation.
//!
//! A breadth-first search of our own: that of stateright goes on to the end of its block of states and reports
//! the last violation in it, which is not the shortest. It ends with the first violation, and is for models that
//! are known to be broken, or small.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use stateright::Model;

/// A path from an initial state, each step with the state before it.
pub struct Path<M: Model> {
    /// The steps.
    pub steps: Vec<(M::State, M::Action)>,
    /// The state that they lead to.
    pub end: M::State,
}

/// What a search for a violation came to.
pub enum Shortest<M: Model> {
    /// The shortest path to one.
    Found(Path<M>),
    /// There is none: every state was looked at.
    None {
        /// How many there are.
        states: usize,
    },
    /// More states than it looks at.
    TooMany,
}

impl<M: Model> Shortest<M> {
    /// The path, if one was found.
    pub fn path(self) -> Option<Path<M>> {
        match self {
            Shortest::Found(path) => Some(path),
            Shortest::None { .. } | Shortest::TooMany => None,
        }
    }
}

/// Looks for the shortest path to a state that is `bad`.
pub fn shortest<M>(model: &M, bad: impl Fn(&M::State) -> bool) -> Shortest<M>
where
    M: Model,
    M::State: Clone + Hash,
    M::Action: Clone,
{
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
            return Shortest::Found(retrace(model, &origins, index, state));
        }
        if LIMIT < seen.len() {
            return Shortest::TooMany;
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
    Shortest::None { states: seen.len() }
}

fn retrace<M>(model: &M, origins: &[(usize, Option<M::Action>)], index: usize, end: M::State) -> Path<M>
where
    M: Model,
    M::State: Clone,
    M::Action: Clone,
{
    let mut actions = Vec::new();
    let mut at = index;
    while let Some((before, Some(action))) = origins.get(at) {
        actions.push(action.clone());
        at = *before;
    }
    actions.reverse();
    // Initial states stand at the beginning of `origins`, in their order.
    let mut state = model.init_states().into_iter().nth(at);
    let mut steps = Vec::new();
    for action in actions {
        let Some(before) = state else { break };
        state = model.next_state(&before, action.clone());
        steps.push((before, action));
    }
    Path { steps, end }
}

fn fingerprint(state: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

/// Whoever looks for a path to be read wants a small model: this many states take minutes and a few GiB.
const LIMIT: usize = 20_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::testing::Counter;

    #[test]
    fn the_shortest_path_is_the_shortest() {
        let model = Counter { promises: Vec::new, boundary: 6 };
        let path = shortest(&model, |state| 5 <= *state).path().unwrap();
        assert_eq!(path.steps, [(0, 1), (1, 2), (3, 2)]);
        assert_eq!(path.end, 5);
        assert!(matches!(shortest(&model, |state| 7 <= *state), Shortest::None { states: 7 }));
    }
}
