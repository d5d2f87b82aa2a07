//! The graph of a model, kept: for each state what follows it once faults have stopped, and how it was reached.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use stateright::Model;

use super::Fairness;

/// What is to be known of the states and actions of a model.
pub(super) struct Claims<'a, M: Model> {
    /// Where each goal is due.
    pub(super) due: Vec<fn(&M, &M::State) -> bool>,
    /// Where each goal is met.
    pub(super) met: Vec<fn(&M, &M::State) -> bool>,
    /// What is left out for each goal.
    pub(super) without: Vec<fn(&M::Action) -> bool>,
    pub(super) fairness: &'a dyn Fn(&M::State, &M::Action) -> Fairness,
    pub(super) beat: fn(&M::Action) -> bool,
}

/// Every state that can be reached, faults included, and every step that is not a fault.
pub(super) struct Graph {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
}

struct Node {
    /// The state from which it was first reached, and by which of the actions there; at the beginning itself, and
    /// which of the initial states it is.
    parent: (u32, u16),
    /// How many steps from the beginning.
    depth: u32,
    /// Where its edges begin.
    edges: u32,
    /// The goals that are due, by bit.
    due: u32,
    /// The goals that are met, by bit.
    met: u32,
}

/// A step that is not a fault.
#[derive(Clone, Copy)]
pub(super) struct Edge {
    /// Where it leads.
    pub(super) to: u32,
    /// Which of the actions it is.
    pub(super) ordinal: u16,
    /// The bit of its class; [`NONE`] if it has none.
    class: u8,
    /// Whether it is a beat of the clock.
    pub(super) beat: bool,
    /// The goals for which it is left out, by bit.
    without: u32,
}

/// A graph as one goal sees it.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    graph: &'a Graph,
    /// The bit of the goal.
    goal: u32,
}

/// The states in which a goal is due, or on the way from one in which it was, and not met.
pub(super) struct Open {
    /// The states, in the order of their distance from the beginning.
    pub(super) nodes: Vec<u32>,
    /// For each state of the graph, the state before it on the shortest way here, and the action; itself where the
    /// goal fell due.
    pub(super) before: Vec<Option<(u32, u16)>>,
}

impl Graph {
    /// Explores `model`; `None` if there are more than `limit` states.
    pub(super) fn explore<M>(model: &M, claims: &Claims<'_, M>, limit: usize) -> Option<Self>
    where
        M: Model<State: Hash>,
    {
        let mut graph = Graph { nodes: Vec::new(), edges: Vec::new() };
        let mut known: HashMap<(u64, u64), u32> = HashMap::new();
        let mut queue = VecDeque::new();
        for (position, state) in model.init_states().into_iter().enumerate() {
            let index = graph.nodes.len() as u32;
            if known.insert(fingerprint(&state), index).is_none() {
                graph.nodes.push(claims.node(model, &state, (index, position as u16), 0));
                queue.push_back(state);
            }
        }
        let mut actions = Vec::new();
        let mut index = 0;
        while let Some(state) = queue.pop_front() {
            graph.nodes[index].edges = graph.edges.len() as u32;
            let depth = graph.nodes[index].depth + 1;
            model.actions(&state, &mut actions);
            for (ordinal, action) in actions.drain(..).enumerate() {
                let fairness = (claims.fairness)(&state, &action);
                let (without, beat) =
                    (bits(&claims.without, |without| without(&action)), (claims.beat)(&action));
                let Some(next) = model.next_state(&state, action) else { continue };
                let to = *known.entry(fingerprint(&next)).or_insert_with(|| {
                    graph.nodes.push(claims.node(model, &next, (index as u32, ordinal as u16), depth));
                    queue.push_back(next);
                    graph.nodes.len() as u32 - 1
                });
                let class = match fairness {
                    Fairness::Fault => continue,
                    Fairness::Free => NONE,
                    Fairness::Fair(class) => class as u8,
                };
                graph.edges.push(Edge { to, ordinal: ordinal as u16, class, beat, without });
            }
            if limit < graph.nodes.len() {
                return None;
            }
            index += 1;
        }
        Some(graph)
    }

    /// How many states there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The graph as the goal of this number sees it.
    pub(super) fn view(&self, goal: usize) -> View<'_> {
        View { graph: self, goal: 1 << goal }
    }
}

impl<M: Model> Claims<'_, M> {
    fn node(&self, model: &M, state: &M::State, parent: (u32, u16), depth: u32) -> Node {
        let due = bits(&self.due, |due| due(model, state));
        let met = bits(&self.met, |met| met(model, state));
        Node { parent, depth, edges: 0, due, met }
    }
}

impl<'a> View<'a> {
    /// How many states there are.
    pub(super) fn len(self) -> usize {
        self.graph.nodes.len()
    }

    /// How many steps there are from a state, those that are left out among them.
    pub(super) fn degree(self, node: u32) -> usize {
        self.all(node).len()
    }

    /// The step of this number from a state, unless it is left out.
    pub(super) fn edge(self, node: u32, number: usize) -> Option<Edge> {
        self.all(node).get(number).copied().filter(|edge| edge.without & self.goal == 0)
    }

    /// What follows a state.
    pub(super) fn edges(self, node: u32) -> impl Iterator<Item = Edge> + 'a {
        self.all(node).iter().copied().filter(move |edge| edge.without & self.goal == 0)
    }

    /// The classes of which an action is possible in a state.
    pub(super) fn enabled(self, node: u32) -> u64 {
        self.edges(node).map(Edge::class).fold(0, |all, class| all | class)
    }

    /// Whether the goal is met in a state.
    pub(super) fn is_met(self, node: u32) -> bool {
        self.graph.nodes[node as usize].met & self.goal != 0
    }

    /// Whether the goal falls due in a state.
    pub(super) fn is_due(self, node: u32) -> bool {
        self.graph.nodes[node as usize].due & self.goal != 0
    }

    /// The state before a state on the shortest way from the beginning, and the action; an initial state has itself,
    /// and its place among them.
    pub(super) fn parent(self, node: u32) -> (u32, u16) {
        self.graph.nodes[node as usize].parent
    }

    /// Where the goal is open, each state with the shortest way to it.
    pub(super) fn open(self) -> Open {
        let mut before = vec![None; self.len()];
        let mut nodes = Vec::new();
        // Two queues, both in the order of distance: where it falls due, and where it is open since.
        let falls = |node: &u32| self.is_due(*node) && !self.is_met(*node);
        let mut due = (0..self.len() as u32).filter(falls).peekable();
        let mut since: VecDeque<(u32, u32)> = VecDeque::new();
        loop {
            let depth = |node: &u32| self.graph.nodes[*node as usize].depth;
            let is_due_next = match (due.peek(), since.front()) {
                (Some(node), Some((_, distance))) => depth(node) <= *distance,
                (node, _) => node.is_some(),
            };
            let next =
                if is_due_next { due.next().map(|node| (node, depth(&node))) } else { since.pop_front() };
            let Some((node, distance)) = next else { return Open { nodes, before } };
            if is_due_next {
                before[node as usize] = Some((node, 0));
            }
            nodes.push(node);
            for edge in self.edges(node) {
                if !self.is_met(edge.to) && !self.is_due(edge.to) && before[edge.to as usize].is_none() {
                    before[edge.to as usize] = Some((node, edge.ordinal));
                    since.push_back((edge.to, distance + 1));
                }
            }
        }
    }

    fn all(self, node: u32) -> &'a [Edge] {
        let begin = self.graph.nodes[node as usize].edges as usize;
        let end = self
            .graph
            .nodes
            .get(node as usize + 1)
            .map_or(self.graph.edges.len(), |next| next.edges as usize);
        &self.graph.edges[begin..end]
    }
}

impl Edge {
    /// The bit of its class, if it has one.
    pub(super) fn class(self) -> u64 {
        if self.class == NONE { 0 } else { 1 << self.class }
    }
}

/// A bit for each of the goals.
fn bits<T>(goals: &[T], is: impl Fn(&T) -> bool) -> u32 {
    goals.iter().enumerate().map(|(number, goal)| u32::from(is(goal)) << number).sum()
}

/// Two hashes of 64 bits each: a graph with a wrong edge would be judged wrongly, unlike a search that misses a state.
fn fingerprint(state: &impl Hash) -> (u64, u64) {
    let hash = |salt: u64| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        state.hash(&mut hasher);
        hasher.finish()
    };
    (hash(0), hash(1))
}

/// No class.
const NONE: u8 = 64;
