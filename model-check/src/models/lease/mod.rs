//! The lease model: N processes on one data root, performing the machines of `modeld-spec`.
//!
//! One effect is one transition. The machines are part of the state and are stepped with what the modelled disk,
//! locks and clock answer; no decision of the protocol is made here. What is modelled beside them: files and
//! locks (`perform.rs`), the threads of a process (`step.rs`), and faults (`actions.rs`).
//!
//! Time has no end (`relative.rs`), unless a horizon is set. It passes freely: a process that takes no step while
//! ticks pass is paused, so every pause of every length, at every point and in every thread, is among the paths. With
//! `prompt`, time passes only while nobody has anything to do; that is what promptness is stated over.
//!
//! Not modelled: effects that begin before the deadline and land after it, damage to files, reboots, other time
//! namespaces.

pub mod actions;
mod configurations;
mod describe;
pub mod goals;
pub mod mutants;
pub mod names;
pub mod perform;
pub mod properties;
mod relative;
pub mod shared;
pub mod state;
mod step;

use modeld_spec::time::Ttl;
use stateright::{Model, Property};

use crate::configuration::Configuration;
use crate::liveness::{Assumption, Fairness, Goal, Lasting};
use crate::study::{self, Mutated, Promise, Study};
use actions::Action;
use mutants::Mutant;
use shared::Shared;
use state::{Budget, Disk, Main, Process, State};

/// One configuration of the model: its bounds, its faults.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// How many processes there are at a time.
    pub processes: usize,
    /// The time to live, in ticks.
    pub ttl: u8,
    /// The last tick, where there is one.
    pub horizon: Option<u8>,
    /// How many epochs can be granted, where that is bounded: beyond them the store says that none is left.
    pub epochs: Option<u8>,
    /// How many processes may crash, between any two effects.
    pub crashes: u8,
    /// How many times a new process takes the place of one that has ended.
    pub restarts: u8,
    /// How many effects may fail, having landed or not.
    pub failures: u8,
    /// How many times the residency lock file may be replaced by a new one.
    pub replacements: u8,
    /// How many owners may be paused for good. Where time waits for everybody (`prompt`) nobody is paused else.
    pub stops: u8,
    /// Whether the latch may stay taken for longer than a claimant waits.
    pub busy: bool,
    /// Whether a leader kills the process that has the lock.
    pub kill: bool,
    /// Whether time waits for everybody who has something to do.
    pub prompt: bool,
    /// A change that has to be noticed.
    pub mutant: Option<Mutant>,
}

impl Lease {
    /// Two processes, a crash, a restart, and pauses: the smallest that shows most of what can go wrong.
    pub const SMALL: Lease = Lease {
        processes: 2,
        ttl: 2,
        horizon: Some(3),
        epochs: None,
        crashes: 1,
        restarts: 1,
        failures: 0,
        replacements: 0,
        stops: 0,
        busy: false,
        kill: false,
        prompt: false,
        mutant: None,
    };

    /// The time to live.
    pub fn ttl(&self) -> Ttl {
        names::ttl(self.ttl)
    }

    /// The state in which every process begins to stand by on a fresh data root.
    pub fn beginning(&self) -> State {
        let mut state = State {
            tick: 0,
            disk: Disk { record: None, epochs: None, latch: None, residency: vec![None] },
            processes: Vec::new(),
            left: Budget {
                crashes: self.crashes,
                restarts: self.restarts,
                failures: self.failures,
                replacements: self.replacements,
                stops: self.stops,
            },
            highest_owned: None,
            broken: Vec::new(),
        };
        for slot in 0..self.processes {
            state.processes.push(Shared::new(Process {
                generation: 0,
                main: Main::Exited,
                owner: None,
                stopped: false,
            }));
            self.join(&mut state, slot);
        }
        state
    }
}

impl Model for Lease {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.beginning()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.enabled(state, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        self.apply(&mut next, action);
        relative::settle_since(state, &mut next, self.ttl());
        Some(next)
    }

    fn format_action(&self, action: &Action) -> String {
        action.to_string()
    }

    fn format_step(&self, state: &State, action: Action) -> Option<String> {
        let next = self.next_state(state, action)?;
        Some(format!("{next:#?}"))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        study::properties(self)
    }
}

impl Study for Lease {
    const NAME: &'static str = "lease";
    const ABOUT: &'static str =
        "processes on one data root: acquire, renew, keep, stand by, lead, evict, release";

    fn bounds(&self) -> String {
        let bound = |letter: &str, bound: Option<u8>| match bound {
            Some(bound) => format!("-{letter}{bound}"),
            None => String::new(),
        };
        format!("n{}{}-ttl{}{}", self.processes, bound("e", self.epochs), self.ttl, bound("h", self.horizon))
    }

    fn bounds_in_words(&self) -> String {
        let mut bounds = format!("{} processes, TTL of {} ticks", self.processes, self.ttl);
        if let Some(epochs) = self.epochs {
            bounds += &format!(", {epochs} epochs");
        }
        if let Some(horizon) = self.horizon {
            bounds += &format!(", {horizon} ticks");
        }
        bounds
    }

    fn faults(&self) -> Vec<&'static str> {
        let switches = [
            (!self.prompt, "pause"),
            (0 < self.crashes, "crash"),
            (0 < self.restarts, "restart"),
            (0 < self.failures, "I/O error"),
            (0 < self.replacements, "lock file replaced"),
            (0 < self.stops, "owner stopped"),
            (self.busy, "latch busy"),
            (self.kill, "kill policy"),
        ];
        switches.into_iter().filter_map(|(on, what)| on.then_some(what)).collect()
    }

    fn configurations() -> Vec<Configuration<Self>> {
        configurations::all()
    }

    fn promises(&self) -> Vec<Promise<Self>> {
        properties::of(self)
    }

    fn mutants() -> Vec<Mutated<Self>> {
        mutants::all()
    }

    fn goals(&self) -> Vec<Goal<Self>> {
        goals::goals()
    }

    fn fairness(&self, state: &State, action: &Action) -> Fairness {
        self.obliges(state, action)
    }

    fn assumptions(&self) -> Vec<Assumption> {
        self.assumed()
    }

    fn beat(action: &Action) -> bool {
        *action == Action::Tick
    }

    fn lasting() -> Vec<Lasting<Self>> {
        goals::lasting()
    }

    fn kind(action: &Action) -> &'static str {
        actions::kind(action)
    }

    fn marks() -> &'static [&'static str] {
        actions::KINDS
    }
}
