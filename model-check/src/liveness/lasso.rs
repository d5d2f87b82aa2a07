//! A way on which a goal never comes: to a circle, and round it.

use std::collections::{HashMap, HashSet, VecDeque};

use stateright::Model;

use super::components::Fallen;
use super::graph::{Open, View};
use crate::search::shortest::Path;
use crate::story::{self, Story, Tale};

/// A path, and where it goes on after its end.
pub struct Lasso<M: Model> {
    /// The way there, and once round.
    pub path: Path<M>,
    /// How many of its steps lead to the circle; `None` if nothing happens after its end.
    pub returns_to: Option<usize>,
}

impl<M> Lasso<M>
where
    M: Story<Action: std::fmt::Debug>,
{
    /// It in words.
    pub fn tell(&self, model: &M, goal: &str) -> Tale {
        Tale { returns_to: self.returns_to, ..story::tell(model, &self.path, Some(goal)) }
    }
}

/// The shortest way to where the goal stays open, and a way round through all that makes it fair.
pub(super) fn trace<M>(model: &M, graph: View<'_>, open: &Open, fallen: &Fallen, classes: usize) -> Lasso<M>
where
    M: Model<State: Clone, Action: Clone>,
{
    let (initial, mut ordinals) = stem(graph, open, fallen.entry);
    let length = ordinals.len();
    let circle = around(graph, fallen, classes);
    let returns_to = (!circle.is_empty()).then_some(length);
    ordinals.extend(circle);
    Lasso { path: replay(model, initial, &ordinals), returns_to }
}

/// The initial state, and which action is taken at each step to `node`.
fn stem(graph: View<'_>, open: &Open, node: u32) -> (usize, Vec<u16>) {
    let mut ordinals = Vec::new();
    let mut at = node;
    while let Some((before, ordinal)) = open.before[at as usize] {
        if before == at {
            break;
        }
        ordinals.push(ordinal);
        at = before;
    }
    loop {
        let (before, ordinal) = graph.parent(at);
        if before == at {
            ordinals.reverse();
            return (usize::from(ordinal), ordinals);
        }
        ordinals.push(ordinal);
        at = before;
    }
}

/// Which action is taken at each step round the circle, from its entry back to it.
fn around(graph: View<'_>, fallen: &Fallen, classes: usize) -> Vec<u16> {
    let inside: HashSet<u32> = fallen.component.iter().copied().collect();
    let within = |node: u32| graph.edges(node).filter(|edge| inside.contains(&edge.to));
    let mut ordinals = Vec::new();
    let mut at = fallen.entry;
    let mut owed: u64 = (0..classes).map(|class| 1 << class).sum();
    if within(at).next().is_none() {
        return ordinals;
    }
    loop {
        owed &= graph.enabled(at);
        if owed == 0 && at == fallen.entry && !ordinals.is_empty() {
            return ordinals;
        }
        // The nearest state in which a class that is owed is impossible, or step of one; at last the entry.
        let mut came: HashMap<u32, (u32, u16)> = HashMap::new();
        let mut queue = VecDeque::from([at]);
        let mut end = None;
        while let Some(node) = queue.pop_front() {
            for edge in within(node) {
                let pays = (edge.class() | !graph.enabled(edge.to)) & owed != 0;
                if pays || (owed == 0 && edge.to == fallen.entry) {
                    end = Some((node, edge));
                    break;
                }
                came.entry(edge.to).or_insert_with(|| {
                    queue.push_back(edge.to);
                    (node, edge.ordinal)
                });
            }
            if end.is_some() {
                break;
            }
        }
        let Some((last, edge)) = end else { return ordinals };
        let mut leg = vec![edge.ordinal];
        let mut node = last;
        while node != at {
            let Some((before, ordinal)) = came.get(&node) else { break };
            leg.push(*ordinal);
            node = *before;
        }
        leg.reverse();
        ordinals.extend(leg);
        owed &= !edge.class();
        at = edge.to;
    }
}

fn replay<M>(model: &M, initial: usize, ordinals: &[u16]) -> Path<M>
where
    M: Model<State: Clone, Action: Clone>,
{
    let mut steps = Vec::new();
    let mut state = model.init_states().swap_remove(initial);
    let mut actions = Vec::new();
    for ordinal in ordinals {
        actions.clear();
        model.actions(&state, &mut actions);
        let action = actions.swap_remove(usize::from(*ordinal));
        let Some(next) = model.next_state(&state, action.clone()) else { break };
        steps.push((state, action));
        state = next;
    }
    Path { steps, end: state }
}
