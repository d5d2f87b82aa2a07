//! The bind model: a client, the holder that it starts, others who ask it something, and strays.
//!
//! The machines of `modeld_spec::holder` are part of the state and are stepped with what the modelled kernel and
//! engine answer; no decision of the protocol is made here. One effect is one transition, and so is each thing that
//! is heard: whoever takes no step is paused, so every pause of every length is among the paths. What is
//! modelled beside the machines: connections as pairs of queues with an end (`state.rs`), what can happen
//! (`actions.rs`), the holder's world (`holder.rs`), that of whoever talks to it (`peers.rs`).
//!
//! There is no clock. A deadline that stands may come at any moment (`windows`), and somebody who waits for a reply
//! may lose patience at any moment, a bounded number of times. Waiting for members on two budgets is a machine of
//! its own that needs a clock; it is checked by the tests of the specification.

pub mod actions;
mod configurations;
mod describe;
pub mod goals;
mod holder;
mod marks;
pub mod mutants;
pub mod names;
mod peers;
pub mod properties;
pub mod state;

use modeld_spec::holder::frame::Question;
use modeld_spec::holder::serve::{Life, Limits};
use modeld_spec::holder::spawn::Spawn;
use modeld_spec::step::Step;
use stateright::{Model, Property};

use crate::configuration::Configuration;
use crate::coverage;
use crate::liveness::{Assumption, Fairness, Goal, Lasting};
use crate::study::{self, Mutated, Promise, Study};
use actions::Action;
use mutants::Mutant;
use names::{Name, TOKEN, WIRES};
use state::{Asker, Broken, Budget, Client, Main, Over, Process, State, Wire};

/// One configuration of the model: its bounds, its faults.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bind {
    /// Whether the holder is bound to its client.
    pub bound: bool,
    /// Whether the holder begins with a member.
    pub hosts: bool,
    /// The versions that the client and the askers speak.
    pub client_versions: (u8, u8),
    /// The versions that the holder speaks.
    pub holder_versions: (u8, u8),
    /// What the askers ask.
    pub asks: [Option<Question<Name>>; 2],
    /// How many strays there are.
    pub strays: u8,
    /// Whether they are another user's.
    pub foreign: bool,
    /// How many connections the holder serves.
    pub lines: u8,
    /// How many members it has room for.
    pub members: u8,
    /// Whether deadlines of the holder come.
    pub windows: bool,
    /// Whether the client may end the holder that it is bound to.
    pub closes: bool,
    /// Whether another process has copies of the client's connections, so that they don't end with it.
    pub leaks: bool,
    /// Whether the client's process can't be told from another one by the holder.
    pub unverifiable: bool,
    /// Whether the client's pid may be used again.
    pub reuses: bool,
    /// Whether the holder's direct parent is a wrapper between it and the client.
    pub wrapped: bool,
    /// How often the other faults may happen.
    pub budget: Budget,
    /// A change that has to be noticed.
    pub mutant: Option<Mutant>,
}

impl Bind {
    /// A client that starts a holder, binds it and may die: the smallest that shows anything.
    pub const SMALL: Bind = Bind {
        bound: true,
        hosts: true,
        client_versions: (1, 2),
        holder_versions: (1, 2),
        asks: [None, None],
        strays: 0,
        foreign: false,
        lines: 8,
        members: 4,
        windows: true,
        closes: false,
        leaks: false,
        unverifiable: false,
        reuses: false,
        wrapped: false,
        budget: Budget {
            impatience: 0,
            deaths: 1,
            crashes: 0,
            words: 0,
            babble: 0,
            failures: 0,
            terminations: 0,
            wrappers: 0,
        },
        mutant: None,
    };

    /// Whether this is the mutant in play.
    pub(super) fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// What the client wants of the holder's life.
    fn life(&self) -> Life {
        if self.bound { Life::Bound(TOKEN) } else { Life::Detached }
    }

    /// What the holder takes on.
    fn limits(&self) -> Limits {
        Limits {
            lines: if self.is(Mutant::NoLineLimit) { u8::MAX } else { self.lines },
            members: if self.is(Mutant::NoMemberLimit) { u8::MAX } else { self.members },
            departed: if self.is(Mutant::ForgetsDeparted) { 0 } else { 4 },
        }
    }

    /// The state in which the client is about to start the holder.
    pub fn beginning(&self) -> State {
        let main = match Spawn::start(self.life(), names::versions(self.client_versions)) {
            Step::Do(_, spawn) => Main::Spawning(spawn),
            Step::Done(_) => Main::Over(Over::Died),
        };
        State {
            client: Client { lives: true, asked: false, main },
            askers: [Asker::Idle, Asker::Idle],
            holder: Process::None,
            wires: [Wire::UNUSED; WIRES],
            left: self.budget,
            reused: false,
            broken: Broken::default(),
        }
    }
}

impl Model for Bind {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.beginning()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.enabled(state, &mut |action| {
            actions.push(action);
            true
        });
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

impl Study for Bind {
    const NAME: &'static str = "bind";
    const ABOUT: &'static str =
        "a client and the holder that it starts: bind, retry, add and stop members, die at any step";

    fn bounds(&self) -> String {
        let askers = self.asks.iter().flatten().count();
        let life = if self.bound { "bound" } else { "detached" };
        format!("{life}-m{}-a{askers}-s{}-i{}", u8::from(self.hosts), self.strays, self.budget.impatience)
    }

    fn bounds_in_words(&self) -> String {
        let askers = self.asks.iter().flatten().count();
        let life = if self.bound { "bound" } else { "detached" };
        format!(
            "{life} holder with {} members, {askers} askers, {} strays with {} words, {} timeouts of clients",
            u8::from(self.hosts),
            self.strays,
            self.budget.words,
            self.budget.impatience
        )
    }

    fn faults(&self) -> Vec<&'static str> {
        let left = self.budget;
        let switches = [
            (true, "pause"),
            (0 < left.deaths, "client dies"),
            (0 < left.crashes, "holder crashes"),
            (0 < left.impatience, "late replies"),
            (0 < self.strays, "stray connections"),
            (self.foreign, "another user's process"),
            (self.windows, "deadlines come"),
            (self.leaks, "connections outlive the client"),
            (self.unverifiable, "client can't be told"),
            (self.reuses, "pid reuse"),
            (self.wrapped, "wrapper as parent"),
            (self.client_versions != self.holder_versions, "version skew"),
            (0 < left.failures, "loads fail"),
            (0 < left.babble, "client says what does not fit"),
            (0 < left.terminations, "user ends the holder"),
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
        marks::kind(action)
    }

    fn marks() -> &'static [&'static str] {
        marks::MARKS
    }

    fn goals(&self) -> Vec<Goal<Self>> {
        goals::goals()
    }

    fn fairness(&self, _: &State, action: &Action) -> Fairness {
        Self::obliges(action)
    }

    fn assumptions(&self) -> Vec<Assumption> {
        Self::assumed()
    }

    fn lasting() -> Vec<Lasting<Self>> {
        goals::lasting()
    }
}

/// Leaves a mark of coverage.
fn mark(what: &'static str) {
    coverage::mark(what);
}
