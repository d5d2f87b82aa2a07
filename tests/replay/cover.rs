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
    /// state with an edge left, and from there on for as long as another one is near.
    pub(crate) fn cover(&self) -> impl Iterator<Item = Vec<u32>> + '_ {
        let mut left = Left::all(self);
        let mut first = 0;
        std::iter::from_fn(move || {
            while left.at(first)?.is_none() {
                first += 1;
            }
            let mut path = self.way_to(first as u32);
            let mut at = 0;
            for index in &path {
                at = left.go(at, *index);
            }
            while path.len() < LONG
                && let Some(way) = left.way_on(at)
            {
                for index in way {
                    at = left.go(at, index);
                    path.push(index);
                }
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

/// The edges that no path has gone yet.
struct Left<'a> {
    graph: &'a Graph,
    gone: Vec<Vec<bool>>,
}

impl<'a> Left<'a> {
    fn all(graph: &'a Graph) -> Self {
        Left { graph, gone: graph.next.iter().map(|next| vec![false; next.len()]).collect() }
    }

    /// The first edge that is left at this state, if any; `None` beyond the last state.
    fn at(&self, state: usize) -> Option<Option<u32>> {
        let gone = self.gone.get(state)?;
        Some(gone.iter().position(|gone| !gone).map(|index| index as u32))
    }

    /// Goes an edge, and says where it leads.
    fn go(&mut self, state: usize, index: u32) -> usize {
        self.gone[state][index as usize] = true;
        self.graph.next[state][index as usize] as usize
    }

    /// The shortest way along an edge that is left, if there is one near.
    fn way_on(&self, state: usize) -> Option<Vec<u32>> {
        // Each state that was come to, with the place of the one before it and the edge between them.
        let mut seen = vec![(state as u32, 0, 0)];
        let mut place = 0;
        while let Some((at, ..)) = seen.get(place).copied() {
            if let Some(Some(index)) = self.at(at as usize) {
                let mut way = vec![index];
                while place != 0 {
                    let (_, before, index) = seen[place];
                    way.push(index);
                    place = before;
                }
                way.reverse();
                return Some(way);
            }
            for (index, next) in self.graph.next[at as usize].iter().enumerate() {
                if seen.len() < NEAR && seen.iter().all(|(known, ..)| known != next) {
                    seen.push((*next, place, index as u32));
                }
            }
            place += 1;
        }
        None
    }
}

fn fingerprint(state: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

/// How many states are looked at for another edge before a path ends.
const NEAR: usize = 200;
/// From how many steps on a path does not go on: what went wrong on it is to be read.
const LONG: usize = 2000;
