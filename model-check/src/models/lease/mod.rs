//! The lease model: N processes on one data root, performing the machines of `modeld-spec`.
//!
//! One effect is one transition. The machines are part of the state and are stepped with what the modelled disk,
//! locks and clock answer; no decision of the protocol is made here. What is modelled beside them: files and
//! locks (`perform.rs`), the threads of a process (`step.rs`), and faults (`actions.rs`, `faults.rs`). Rules about single
//! steps are watched where the step happens (`watch.rs`).
//!
//! Time has no end (`relative.rs`), unless a horizon is set. It passes freely: a process that takes no step while
//! ticks pass is paused, so every pause of every length, at every point and in every thread, is among the paths. With
//! `prompt`, time passes only while nobody has anything to do; that is what promptness is stated over.
//!
//! Not modelled: effects that begin before the deadline and land after it.

pub mod actions;
mod configurations;
mod describe;
mod falsify;
pub mod faults;
pub mod goals;
mod marks;
pub mod mutants;
pub mod names;
pub mod perform;
pub mod properties;
mod relative;
pub mod shared;
pub mod state;
mod step;
mod watch;

use modeld_spec::lease::evict::Policy;
use modeld_spec::time::Ttl;
use stateright::{Model, Property};

use crate::configuration::Configuration;
use crate::liveness::{Assumption, Fairness, Goal, Lasting};
use crate::study::{self, Mutated, Promise, Study};
use actions::Action;
use faults::Loses;
use mutants::Mutant;
use shared::Shared;
use state::{Budget, Copied, Disk, Main, Process, State};

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
    /// Whether they fail for want of permission or of room as well.
    pub kinds: bool,
    /// How many files may be lost, damaged or replaced.
    pub losses: u8,
    /// Which.
    pub loses: Loses,
    /// How many owners, or processes that have the latch, may be paused for good. Where time waits for everybody
    /// (`prompt`) nobody is paused else.
    pub stops: u8,
    /// How many times the machine is suspended for a tick.
    pub suspends: u8,
    /// How many times somebody sets the wall clock, which no machine reads.
    pub wall_steps: u8,
    /// How many times the machine boots again, files and all.
    pub reboots: u8,
    /// How many times the power fails.
    pub power_cuts: u8,
    /// How many faults of any sort may happen in all, where that is bounded too.
    pub faults: Option<u8>,
    /// Whether the latch may stay taken for longer than a claimant waits.
    pub busy: bool,
    /// Whether the latch keeps nobody out, as when its file is deleted and made anew.
    pub unlatched: bool,
    /// What a leader does about the process that has the lock, where it is asked.
    pub policy: Option<Policy>,
    /// Whether the last process lives in namespaces of its own, of pids and of time: its clock is a TTL ahead.
    pub foreign: bool,
    /// The time to live of the last process, in ticks, where it is another.
    pub last_ttl: Option<u8>,
    /// Whether a process that takes the place of another has its pid.
    pub pid_reuse: bool,
    /// Whether the story may begin with what others left: records, grants, lock files that nobody has.
    pub remains: bool,
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
        horizon: None,
        epochs: None,
        crashes: 1,
        restarts: 1,
        failures: 0,
        kinds: false,
        losses: 0,
        loses: Loses::NOTHING,
        stops: 0,
        suspends: 0,
        wall_steps: 0,
        reboots: 0,
        power_cuts: 0,
        faults: None,
        busy: false,
        unlatched: false,
        policy: None,
        foreign: false,
        last_ttl: None,
        pid_reuse: false,
        remains: false,
        prompt: false,
        mutant: None,
    };

    /// The time to live.
    pub fn ttl(&self) -> Ttl {
        names::ttl(self.ttl)
    }

    /// The longest time to live in play.
    pub fn longest_ttl(&self) -> Ttl {
        self.last_ttl.map_or(self.ttl(), |last| self.ttl().max(names::ttl(last)))
    }

    /// The state in which every process begins to stand by on a fresh data root.
    pub fn beginning(&self) -> State {
        let mut state = State {
            tick: 0,
            boot: 1,
            wall: 0,
            disk: Disk {
                record: None,
                torn: false,
                epochs: None,
                copy: Copied::Empty,
                latch: None,
                residency: vec![None],
            },
            processes: Vec::new(),
            left: Budget {
                crashes: self.crashes,
                restarts: self.restarts,
                failures: self.failures,
                losses: self.losses,
                stops: self.stops,
                suspends: self.suspends,
                wall_steps: self.wall_steps,
                reboots: self.reboots,
                power_cuts: self.power_cuts,
                any: self.faults,
            },
            highest_owned: None,
            broken: Vec::new(),
        };
        for slot in 0..self.processes {
            state.processes.push(Shared::new(Process {
                generation: 0,
                started: 0,
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
        self.beginnings()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.enabled(state, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        self.apply(&mut next, action);
        relative::settle_since(state, &mut next, self.longest_ttl());
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
        let (epochs, horizon) = (bound("e", self.epochs), bound("h", self.horizon));
        format!("n{}{epochs}-ttl{}{horizon}", self.processes, self.ttl)
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
        let lost = 0 < self.losses;
        let switches = [
            (!self.prompt, "pause"),
            (0 < self.crashes, "crash"),
            (0 < self.restarts, "restart"),
            (0 < self.failures && !self.kinds, "EIO"),
            (0 < self.failures && self.kinds, "EIO, EACCES, ENOSPC"),
            (lost && self.loses.record, "record lost or torn"),
            (lost && self.loses.epochs, "grants or copy lost"),
            (lost && self.loses.lock_file, "lock file replaced"),
            (lost && self.loses.everything, "data root emptied"),
            (0 < self.stops, "stopped for good"),
            (0 < self.suspends, "suspend"),
            (0 < self.wall_steps, "wall clock set"),
            (0 < self.reboots, "reboot"),
            (0 < self.power_cuts, "power cut"),
            (self.busy, "latch busy"),
            (self.unlatched, "latch replaced"),
            (self.policy == Some(Policy::Kill), "kill policy"),
            (self.foreign, "other namespaces"),
            (self.last_ttl.is_some(), "unequal TTLs"),
            (self.pid_reuse, "pid reused"),
            (self.remains, "stale remains"),
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
        marks::ALL
    }
}
