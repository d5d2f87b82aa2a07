//! The slot model: clients that ask one daemon for its models, over the table of slots of `modeld-spec`.
//!
//! The table is part of the state; it hears what the modelled clients, engine, disk and gate do, one event a
//! transition, and its effects are performed in that transition, in their order. What an effect sets going (a mark, a
//! load, the freeing of memory) ends in a transition of its own, whenever it likes. A crash can fall between any two of
//! them; it can't fall between the effects of one event, which makes no difference on disk: the one effect that is durable
//! at once is the removal of a mark, and to die before it is to die before the event.
//!
//! Clients are alike, so that states that differ in their names only are one (`symmetry.rs`). What they ask for is on the
//! menu of a configuration. Memory is counted in small numbers.
//!
//! Not modelled: two daemons at a time (the lease is for that), loads that never end, asks that overtake each other on one
//! connection.

pub mod actions;
mod configurations;
mod describe;
mod engine;
pub mod goals;
mod judge;
mod lies;
mod marks;
pub mod mutants;
pub mod names;
pub mod properties;
pub mod state;
mod step;
mod symmetry;

use modeld_spec::slot::table::Slots;
use stateright::{Model, Property};

use crate::configuration::Configuration;
use crate::liveness::{Assumption, Fairness, Goal, Lasting};
use crate::study::{self, Mutated, Promise, Study};
use actions::Action;
use mutants::Mutant;
use names::{CALLERS, Choice, MEMBERS, MODELS};
use state::{Budget, Caller, Ghost, Stage, State, Work};

/// One configuration of the model: its bounds, its faults.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    /// How many clients there are.
    pub callers: u8,
    /// How often each asks.
    pub asks: u8,
    /// What they ask for.
    pub menu: &'static [Choice],
    /// What each model takes.
    pub needs: [u8; MODELS],
    /// How much memory there is.
    pub budget: u8,
    /// How many loads may fail.
    pub failures: u8,
    /// How many loads may take one more than was planned.
    pub overshoots: u8,
    /// How often the daemon may die.
    pub crashes: u8,
    /// How often the gate may close.
    pub fences: u8,
    /// How often the disk may begin to fail.
    pub disk_failures: u8,
    /// How many ends of loads may be reported twice.
    pub echoes: u8,
    /// Whether clients that wait may hang up.
    pub hang_ups: bool,
    /// Whether clients may work for ever.
    pub slow: bool,
    /// Whether idle intervals pass.
    pub idle: bool,
    /// Whether loads say how far they are.
    pub progress: bool,
    /// A change that has to be noticed.
    pub mutant: Option<Mutant>,
}

impl Slot {
    /// Two clients that open one model, without faults.
    pub const SMALL: Slot = Slot {
        callers: 2,
        asks: 1,
        menu: &[Choice::open(0)],
        needs: [1; MODELS],
        budget: 2,
        failures: 0,
        overshoots: 0,
        crashes: 0,
        fences: 0,
        disk_failures: 0,
        echoes: 0,
        hang_ups: false,
        slow: false,
        idle: false,
        progress: false,
        mutant: None,
    };

    /// The state in which a daemon has started on a fresh data root.
    pub fn beginning(&self) -> State {
        let mut callers = [Caller { left: 0, stage: Stage::Idle }; CALLERS];
        for caller in callers.iter_mut().take(usize::from(self.callers)) {
            caller.left = self.asks;
        }
        State {
            table: Some(Slots::new(u64::from(self.budget), [])),
            callers,
            engine: [Work::None; MODELS],
            gate_closed: false,
            noticed: false,
            marks: 0,
            disk_fails: false,
            echo: None,
            left: Budget {
                failures: self.failures,
                crashes: self.crashes,
                fences: self.fences,
                overshoots: self.overshoots,
                disk_failures: self.disk_failures,
                echoes: self.echoes,
            },
            ghost: Ghost {
                ended_a_process: 0,
                excused: 0,
                owed: 0,
                wanted: [0; MEMBERS],
                drained_for: [0; MODELS],
                broken: 0,
            },
        }
    }

    /// What liveness is stated over, beside [`Slot::is_obliged`]: that nobody waits. From every state on, if no fault happens
    /// any more, it is reached.
    pub fn is_everybody_answered(state: &State) -> bool {
        !state.somebody_waits()
    }
}

impl Model for Slot {
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

impl Study for Slot {
    const NAME: &'static str = "slot";
    const ABOUT: &'static str = "the models of a daemon: single-flight loads, switches, capacity, idle unload, crashed loads, the fence";

    fn bounds(&self) -> String {
        let wants = self.menu.len();
        format!("c{}-a{}-w{wants}-m{}", self.callers, self.asks, self.budget)
    }

    fn bounds_in_words(&self) -> String {
        let menu: Vec<String> = self.menu.iter().map(ToString::to_string).collect();
        format!(
            "{} clients that ask {} times each for one of: {}; models of {:?} in a memory of {}",
            self.callers,
            self.asks,
            menu.join(", "),
            self.needs,
            self.budget
        )
    }

    fn faults(&self) -> Vec<&'static str> {
        let switches = [
            (0 < self.failures, "load fails"),
            (0 < self.overshoots, "load takes more"),
            (0 < self.crashes, "crash"),
            (0 < self.fences, "fence"),
            (0 < self.disk_failures, "disk fails"),
            (0 < self.echoes, "end reported twice"),
            (self.hang_ups, "hang-up"),
            (self.slow, "slow client"),
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

    fn kind(action: &Action) -> &'static str {
        action.kind()
    }

    fn marks() -> &'static [&'static str] {
        marks::ALL
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
        *action == Action::DrainTick
    }

    fn lasting() -> Vec<Lasting<Self>> {
        goals::lasting()
    }

    fn representative(state: &State) -> Option<State> {
        Some(symmetry::representative(state))
    }
}
