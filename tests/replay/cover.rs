//! The graph of a configuration, and paths that go along every edge of it.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use model_check::models::lease::Lease;
use stateright::Model;

/// The complete graph: for each state the states that its actions lead to, in the order of the actions.
pub(crate) struct Graph {
    next: Vec<Vec<u32>>,
    /// How each state was first reached: from which, by which action.
    origins: Vec<(u32, u32)>,
}

impl Graph {
    /// Explores the model to the end.
    pub(crate) fn explore(model: &Lease) -> Self {
        let mut numbers: HashMap<u64, u32> = HashMap::new();
        let mut graph = Graph { next: Vec::new(), origins: vec![(0, 0)] };
        let mut queue = VecDeque::from(model.init_states());
        assert_eq!(queue.len(), 1, "one beginning");
        numbers.extend(queue.iter().map(|state| (fingerprint(state), 0)));
        let mut actions = Vec::new();
        while let Some(state) = queue.pop_front() {
            let from = graph.next.len() as u32;
            let mut next = Vec::new();
            model.actions(&state, &mut actions);
            for (index, action) in actions.drain(..).enumerate() {
                let after = model.next_state(&state, action).expect("every action leads somewhere");
                let new = numbers.len() as u32;
                let number = *numbers.entry(fingerprint(&after)).or_insert(new);
                if number == new {
                    graph.origins.push((from, index as u32));
                    queue.push_back(after);
                }
                next.push(number);
            }
            graph.next.push(next);
        }
        graph
    }

    /// How many states it has.
    pub(crate) fn states(&self) -> usize {
        self.next.len()
    }

    /// How many edges it has.
    pub(crate) fn edges(&self) -> usize {
        self.next.iter().map(Vec::len).sum()
    }

    /// Paths from the beginning, by indices of actions, on which every edge lies: each goes the shortest way to a
    /// state with an edge left, and from there on for as long as there are any.
    pub(crate) fn cover(&self) -> impl Iterator<Item = Vec<u32>> + '_ {
        let mut gone: Vec<Vec<bool>> = self.next.iter().map(|next| vec![false; next.len()]).collect();
        let mut first = 0;
        std::iter::from_fn(move || {
            while gone.get(first)?.iter().all(|gone| *gone) {
                first += 1;
            }
            let mut path = self.way_to(first as u32);
            let mut at = 0;
            for index in &path {
                gone[at][*index as usize] = true;
                at = self.next[at][*index as usize] as usize;
            }
            while let Some(index) = gone[at].iter().position(|gone| !gone) {
                gone[at][index] = true;
                path.push(index as u32);
                at = self.next[at][index] as usize;
            }
            Some(path)
        })
    }

    fn way_to(&self, state: u32) -> Vec<u32> {
        let mut path = Vec::new();
        let mut at = state;
        while at != 0 {
            let (from, index) = self.origins[at as usize];
            path.push(index);
            at = from;
        }
        path.reverse();
        path
    }
}

fn fingerprint(state: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}
