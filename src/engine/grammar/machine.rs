//! The grammar as a machine that reads bytes: its states are made when they are met.
//!
//! A state is the set of all places where a text can stand at once. A place is a stack of symbols still to read, kept as a list of
//! pairs (top, rest) of which equal ones are one, so that comparing stacks is comparing numbers. Each step from a state
//! is computed once.

use std::collections::{HashMap, HashSet};

use super::Invalid;
use super::program::{Program, Symbol, contains};

/// A state of the machine that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct StateId(u32);

impl StateId {
    /// Nothing can follow, and the text can't end either.
    pub(super) const DEAD: StateId = StateId(0);
}

/// A stack: [`EMPTY`], or the number of a pair.
type StackId = u32;

/// The machine.
pub(super) struct Machine {
    program: Program,
    /// By number, from 1: where it goes on, and the stack below.
    pairs: Vec<(u32, StackId)>,
    pair_ids: HashMap<(u32, StackId), StackId>,
    /// By state: its stacks, in order.
    states: Vec<Box<[StackId]>>,
    state_ids: HashMap<Box<[StackId]>, StateId>,
    /// By state and class of bytes: the next state, or [`UNKNOWN`].
    next: Vec<u32>,
}

impl Machine {
    /// The machine and its first state.
    pub(super) fn new(program: Program) -> Result<(Self, StateId), Invalid> {
        let mut machine = Machine {
            program,
            pairs: Vec::new(),
            pair_ids: HashMap::new(),
            states: Vec::new(),
            state_ids: HashMap::new(),
            next: Vec::new(),
        };
        machine.clear();
        let mut stacks = Closure::default();
        for start in machine.program.rules[machine.program.root as usize].clone() {
            machine.reach(start, EMPTY, &mut stacks)?;
        }
        let start = machine.state(stacks)?;
        Ok((machine, start))
    }

    /// Whether a text may end in the state.
    pub(super) fn is_complete(&self, state: StateId) -> bool {
        self.states[state.0 as usize].first() == Some(&EMPTY)
    }

    /// The state after these bytes.
    pub(super) fn walk(&mut self, mut state: StateId, bytes: &[u8]) -> Result<StateId, Invalid> {
        for byte in bytes {
            state = self.step(state, *byte)?;
        }
        Ok(state)
    }

    /// The state after this byte.
    pub(super) fn step(&mut self, state: StateId, byte: u8) -> Result<StateId, Invalid> {
        let class = usize::from(self.program.classes[usize::from(byte)]);
        let slot = state.0 as usize * self.program.class_count + class;
        if self.next[slot] != UNKNOWN {
            return Ok(StateId(self.next[slot]));
        }
        let mut after = Closure::default();
        for stack in self.states[state.0 as usize].clone() {
            if stack == EMPTY {
                continue;
            }
            let (place, below) = self.pairs[stack as usize];
            if let Symbol::Byte(set) = self.program.symbols[place as usize]
                && contains(&self.program.sets[set as usize], byte)
            {
                self.reach(place + 1, below, &mut after)?;
            }
        }
        let after = self.state(after)?;
        self.next[slot] = after.0;
        Ok(after)
    }

    /// Whether so many states are known that it is time to forget them.
    pub(super) fn is_full(&self) -> bool {
        STATES_KEPT < self.states.len() || PAIRS_KEPT < self.pairs.len()
    }

    /// Forgets every state but this one, which has another name afterwards.
    pub(super) fn forget_but(&mut self, state: StateId) -> StateId {
        let stacks: Vec<Vec<u32>> =
            self.states[state.0 as usize].iter().map(|stack| self.unwound(*stack)).collect();
        self.clear();
        let mut kept: Vec<StackId> = stacks
            .into_iter()
            .map(|places| places.into_iter().rev().fold(EMPTY, |below, place| self.pair(place, below)))
            .collect();
        kept.sort_unstable();
        self.intern(kept)
    }

    /// Adds the stacks that are reached when the text goes on at `place` with `below` to do afterwards.
    fn reach(&mut self, place: u32, below: StackId, out: &mut Closure) -> Result<(), Invalid> {
        let mut todo = vec![(place, below)];
        while let Some((place, below)) = todo.pop() {
            if !out.seen.insert((place, below)) {
                continue;
            }
            if STACKS_MAX < out.seen.len() {
                return Err(Invalid::TooLarge { what: "ways to read a text at once", most: STACKS_MAX });
            }
            match self.program.symbols[place as usize] {
                Symbol::Byte(_) => {
                    let stack = self.pair(place, below);
                    out.stacks.push(stack);
                }
                Symbol::End if below == EMPTY => out.stacks.push(EMPTY),
                Symbol::End => todo.push(self.pairs[below as usize]),
                Symbol::Rule(rule) => {
                    // A rule in the last place needs no return: repetitions do not grow the stack.
                    let last = self.program.symbols[place as usize + 1] == Symbol::End;
                    let back = if last { below } else { self.pair(place + 1, below) };
                    todo.extend(self.program.rules[rule as usize].iter().map(|start| (*start, back)));
                }
            }
        }
        Ok(())
    }

    fn pair(&mut self, place: u32, below: StackId) -> StackId {
        let pairs = &mut self.pairs;
        *self.pair_ids.entry((place, below)).or_insert_with(|| {
            pairs.push((place, below));
            pairs.len() as StackId - 1
        })
    }

    fn state(&mut self, closure: Closure) -> Result<StateId, Invalid> {
        let mut stacks = closure.stacks;
        stacks.sort_unstable();
        stacks.dedup();
        if STATES_MAX <= self.states.len() || PAIRS_MAX < self.pairs.len() {
            return Err(Invalid::TooLarge { what: "states for one token", most: STATES_MAX });
        }
        Ok(self.intern(stacks))
    }

    fn intern(&mut self, stacks: Vec<StackId>) -> StateId {
        let stacks = stacks.into_boxed_slice();
        if let Some(state) = self.state_ids.get(&stacks) {
            return *state;
        }
        let state = StateId(self.states.len() as u32);
        self.states.push(stacks.clone());
        self.next.resize(self.states.len() * self.program.class_count, UNKNOWN);
        self.state_ids.insert(stacks, state);
        state
    }

    /// The places of a stack, the top first.
    fn unwound(&self, mut stack: StackId) -> Vec<u32> {
        let mut places = Vec::new();
        while stack != EMPTY {
            let (place, below) = self.pairs[stack as usize];
            places.push(place);
            stack = below;
        }
        places
    }

    /// Knows the dead state and nothing else.
    fn clear(&mut self) {
        self.pairs = vec![(0, EMPTY)];
        self.pair_ids.clear();
        self.states.clear();
        self.state_ids.clear();
        self.next.clear();
        self.intern(Vec::new());
    }
}

/// What is reached without reading a byte.
#[derive(Default)]
struct Closure {
    stacks: Vec<StackId>,
    seen: HashSet<(u32, StackId)>,
}

/// The stack with nothing on it: the text may end.
const EMPTY: StackId = 0;

/// A step that was not computed.
const UNKNOWN: u32 = u32::MAX;

/// Places a text can stand at once: a grammar that needs more is ambiguous beyond use.
const STACKS_MAX: usize = 1 << 14;

/// States that are kept from token to token.
const STATES_KEPT: usize = 1 << 12;

/// Pairs that are kept from token to token.
const PAIRS_KEPT: usize = 1 << 16;

/// States at most, those met for one token included.
const STATES_MAX: usize = 1 << 16;

/// Pairs at most, likewise.
const PAIRS_MAX: usize = 1 << 20;
