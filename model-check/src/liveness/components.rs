//! Strongly connected components of what is open, and whether a goal can stay open in one for ever.
//!
//! Tarjan's algorithm without recursion: a component is found after all that it leads to, so the longest way out of it
//! is known at once.

use super::graph::{Open, View};

/// Where a goal stays open for ever.
pub(super) struct Fallen {
    /// The state that is entered first.
    pub(super) entry: u32,
    /// The states of the circle; only the entry where nothing happens any more.
    pub(super) component: Vec<u32>,
}

/// The first place (by the length of the way to it) where a goal stays open for ever, and the beats of the clock on
/// the longest way to where it is met.
pub(super) fn look(graph: View<'_>, open: &Open, classes: usize) -> (Option<Fallen>, Option<usize>) {
    let mut rank = vec![u32::MAX; graph.len()];
    for (position, node) in open.nodes.iter().enumerate() {
        rank[*node as usize] = position as u32;
    }
    let mut search = Search {
        graph,
        rank,
        all: if classes < 64 { (1 << classes) - 1 } else { u64::MAX },
        visited: vec![0; graph.len()],
        low: vec![0; graph.len()],
        component: vec![NONE; graph.len()],
        count: 0,
        stack: Vec::new(),
        longest: Vec::new(),
        fallen: None,
    };
    for node in &open.nodes {
        if search.visited[*node as usize] == 0 {
            search.from(*node);
        }
    }
    let due = open.nodes.iter().filter(|node| graph.is_due(**node));
    let beats = due.map(|node| search.longest[search.component[*node as usize] as usize]);
    let most = beats.max_by_key(|beats| beats.unwrap_or(usize::MAX)).unwrap_or(Some(0));
    (search.fallen, most)
}

struct Search<'a> {
    graph: View<'a>,
    /// The place of each open state in the order of their distance from the beginning.
    rank: Vec<u32>,
    /// The bits of all classes.
    all: u64,
    /// When each state was first seen, from 1.
    visited: Vec<u32>,
    /// The earliest state that it leads back to, by when it was seen.
    low: Vec<u32>,
    /// The component of each state whose component is known.
    component: Vec<u32>,
    count: u32,
    /// The states whose component is not yet known.
    stack: Vec<u32>,
    /// For each component the beats on the longest way from it to where the goal is met.
    longest: Vec<Option<usize>>,
    fallen: Option<Fallen>,
}

impl Search<'_> {
    fn from(&mut self, root: u32) {
        let mut path = vec![(root, 0)];
        self.visit(root);
        while let Some((node, next)) = path.last_mut() {
            let (node, number) = (*node, *next);
            *next += 1;
            if self.graph.degree(node) <= number {
                path.pop();
                if let Some((before, _)) = path.last() {
                    self.low[*before as usize] = self.low[*before as usize].min(self.low[node as usize]);
                }
                if self.low[node as usize] == self.visited[node as usize] {
                    self.found(node);
                }
                continue;
            }
            let next = self.graph.edge(node, number).filter(|edge| !self.graph.is_met(edge.to));
            let Some(edge) = next else { continue };
            let to = edge.to as usize;
            if self.visited[to] == 0 {
                self.visit(edge.to);
                path.push((edge.to, 0));
            } else if self.component[to] == NONE {
                self.low[node as usize] = self.low[node as usize].min(self.visited[to]);
            }
        }
    }

    fn visit(&mut self, node: u32) {
        self.count += 1;
        self.visited[node as usize] = self.count;
        self.low[node as usize] = self.count;
        self.stack.push(node);
    }

    /// Everything above `root` on the stack is a component.
    fn found(&mut self, root: u32) {
        let number = self.longest.len() as u32;
        let begin = self.stack.iter().rposition(|node| *node == root).unwrap_or(0);
        let component = self.stack.split_off(begin);
        for node in &component {
            self.component[*node as usize] = number;
        }
        let (mut taken, mut impossible, mut circle) = (0, 0, false);
        let mut longest = Some(0);
        for node in &component {
            impossible |= !self.graph.enabled(*node);
            for edge in self.graph.edges(*node) {
                let beat = usize::from(edge.beat);
                let rest = if self.graph.is_met(edge.to) {
                    Some(beat)
                } else if self.component[edge.to as usize] == number {
                    (taken, circle) = (taken | edge.class(), true);
                    if edge.beat { None } else { Some(0) }
                } else {
                    self.longest[self.component[edge.to as usize] as usize].map(|rest| rest + beat)
                };
                longest = longest.zip(rest).map(|(longest, rest): (usize, usize)| longest.max(rest));
            }
        }
        self.longest.push(longest);
        let fair = circle && (taken | impossible) & self.all == self.all;
        let stuck = component.iter().copied().filter(|node| self.graph.enabled(*node) == 0);
        if let Some(node) = stuck.min_by_key(|node| self.rank[*node as usize]) {
            self.fell(node, vec![node]);
        } else if fair && let Some(&entry) = component.iter().min_by_key(|node| self.rank[**node as usize]) {
            self.fell(entry, component);
        }
    }

    fn fell(&mut self, entry: u32, component: Vec<u32>) {
        let rank = |node: u32| self.rank[node as usize];
        if self.fallen.as_ref().is_none_or(|fallen| rank(entry) < rank(fallen.entry)) {
            self.fallen = Some(Fallen { entry, component });
        }
    }
}

/// Not known yet.
const NONE: u32 = u32::MAX;
