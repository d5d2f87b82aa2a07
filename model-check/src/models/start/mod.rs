//! The model of the start: starters, stoppers and status probes around one state directory, and the daemons in it.
//!
//! One effect is one transition. The machines of `modeld-spec` are part of the state and are stepped with what the
//! modelled state directory and processes answer; no decision of the protocol is made here. What is modelled beside
//! them: files, locks, channels, pids and signals (`perform.rs`), and faults (`actions.rs`).
//!
//! There is no clock. A bound may come once nothing else can; with `slow` it may come at any time, so that every
//! pause of every length is among the paths. A status probe looks again and again for ever.
//!
//! Not modelled: time as a number (how long each bound is), other namespaces, and a lock file that is removed.

pub mod actions;
mod configurations;
mod describe;
pub mod goals;
pub mod mutants;
mod perform;
pub mod properties;
pub mod state;
mod step;

use modeld_spec::daemon::effect::Content;
use modeld_spec::daemon::serve::Serve;
use modeld_spec::daemon::status::Status;
use modeld_spec::daemon::stop::{Stop, Terms};
use modeld_spec::step::Step;
use modeld_spec::time::BootTime;
use stateright::{Model, Property};

use crate::configuration::Configuration;
use crate::liveness::{Assumption, Fairness, Goal, Lasting};
use crate::study::{self, Mutated, Promise, Study};
use actions::{Action, Remains};
use mutants::Mutant;
use state::{
    Body, Budget, CHILDREN, Channel, Child, Disk, Look, PROBES, Probe, STARTERS, STOPPERS, Starter, State,
    Stopper,
};

/// One configuration of the model: its bounds, its faults.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Starting {
    /// How many starters there are, at most [`STARTERS`].
    pub starters: usize,
    /// How many stoppers there are, at most [`STOPPERS`].
    pub stoppers: usize,
    /// How many status probes there are, at most [`PROBES`].
    pub probes: usize,
    /// How many children there may ever be, a daemon in the foreground among them, at most [`CHILDREN`].
    pub children: usize,
    /// Whether a daemon is started in the foreground beside the starters.
    pub foreground: bool,
    /// Whether stoppers may kill.
    pub force: bool,
    /// Whether children report progress.
    pub progress: bool,
    /// How many starters may crash, between any two effects.
    pub crashes: u8,
    /// How many starters may be paused for good.
    pub pauses: u8,
    /// How many daemons may die, between any two effects.
    pub deaths: u8,
    /// How many daemons may hang.
    pub hangs: u8,
    /// How many effects may fail.
    pub failures: u8,
    /// How many times the metadata may be damaged or removed.
    pub damages: u8,
    /// How many pids of dead daemons may be given to strangers.
    pub reuses: u8,
    /// Whether every bound may come at any time.
    pub slow: bool,
    /// Whether a daemon of this boot may have left something behind.
    pub remains: bool,
    /// Whether the machine may have been rebooted under a daemon.
    pub reboot: bool,
    /// A change that has to be noticed.
    pub mutant: Option<Mutant>,
}

impl Starting {
    /// Two starters, and nothing goes wrong.
    pub const CALM: Starting = Starting {
        starters: 2,
        stoppers: 0,
        probes: 0,
        children: 2,
        foreground: false,
        force: true,
        progress: false,
        crashes: 0,
        pauses: 0,
        deaths: 0,
        hangs: 0,
        failures: 0,
        damages: 0,
        reuses: 0,
        slow: false,
        remains: false,
        reboot: false,
        mutant: None,
    };

    /// The state in which everybody begins on a state directory that nobody has looked into.
    pub fn beginning(&self) -> State {
        let mut state = State {
            found: false,
            disk: Disk { start_lock: None, run_lock: None, metadata: Content::Absent, socket: None },
            starters: [const { Starter::Absent }; STARTERS],
            stoppers: [const { Stopper::Absent }; STOPPERS],
            probes: [const { Probe::Absent }; PROBES],
            children: [const { Child::UNBORN }; CHILDREN],
            strangers: 0,
            left: Budget {
                crashes: self.crashes,
                pauses: self.pauses,
                deaths: self.deaths,
                hangs: self.hangs,
                failures: self.failures,
                damages: self.damages,
                reuses: self.reuses,
            },
            excused: false,
            broken: 0,
        };
        for starter in state.starters.iter_mut().take(self.starters) {
            if let Step::Do(_, machine) = step::begin() {
                *starter = Starter::Running { machine, child: None, frozen: false, witness: None };
            }
        }
        let terms = Terms { grace: core::time::Duration::ZERO, until: BootTime::ZERO, force: self.force };
        for stopper in state.stoppers.iter_mut().take(self.stoppers) {
            if let Step::Do(_, machine) = Stop::start(terms) {
                *stopper = Stopper::Running(machine);
            }
        }
        for probe in state.probes.iter_mut().take(self.probes) {
            if let Step::Do(_, machine) = Status::start() {
                *probe = Probe::Looking(Look::new(machine));
            }
        }
        if let (true, Step::Do(_, machine)) = (self.foreground, Serve::start(0)) {
            state.children[0] = Child {
                born: true,
                said: false,
                body: Some(Body::new(machine, None)),
                channel: Channel::CLOSED,
            };
        }
        if !self.remains && !self.reboot {
            self.apply(&mut state, Action::Find(Remains::Nothing));
        }
        state
    }
}

impl Model for Starting {
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

impl Study for Starting {
    const NAME: &'static str = "start";
    const ABOUT: &'static str = "start, status and stop of the daemon around one state directory";

    fn bounds(&self) -> String {
        format!("s{}-t{}-p{}-c{}", self.starters, self.stoppers, self.probes, self.children)
    }

    fn bounds_in_words(&self) -> String {
        let foreground = if self.foreground { ", one of them in the foreground" } else { "" };
        format!(
            "{} starters, {} stoppers, {} status probes, {} daemons{foreground}",
            self.starters, self.stoppers, self.probes, self.children
        )
    }

    fn faults(&self) -> Vec<&'static str> {
        let switches = [
            (0 < self.crashes, "starter crashes"),
            (0 < self.pauses, "starter paused for good"),
            (0 < self.deaths, "daemon dies"),
            (0 < self.hangs, "daemon hangs"),
            (0 < self.failures, "I/O error"),
            (0 < self.damages, "metadata damaged"),
            (0 < self.reuses, "pid used again"),
            (self.slow, "slow"),
            (self.remains, "stale remains"),
            (self.reboot, "reboot"),
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
        actions::kind(action)
    }

    fn marks() -> &'static [&'static str] {
        configurations::MARKS
    }

    fn goals(&self) -> Vec<Goal<Self>> {
        goals::goals()
    }

    fn fairness(&self, _: &State, action: &Action) -> Fairness {
        self.obliges(action)
    }

    fn assumptions(&self) -> Vec<Assumption> {
        self.assumed()
    }

    fn lasting() -> Vec<Lasting<Self>> {
        goals::lasting()
    }
}
