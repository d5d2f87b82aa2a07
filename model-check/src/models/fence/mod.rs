//! The fence model: owned effects of every kind, which pass the gate and land later, under owners that succeed each other.
//!
//! The machines of `modeld_spec::fence` and the release, the gate word, the watch over epochs and the answer that
//! follows its owners are run as they are; no decision of the protocol is made here. Succession is abstracted to what
//! the lease model shows of it: a claimant is granted an epoch under the latch, once the record is gone and the lock
//! free, or the record has expired, or its owner is dead; a renewal counts from before its write. Each effect of a
//! durable commit, of a release and of a drain is one transition, and so are the beginning and the landing of every
//! other owned effect.
//!
//! Time is a bounded number of ticks, four to a TTL, so that the margin is one tick. It passes freely but for three
//! things that a process which is not paused does in time: what nothing checks where it lands takes no longer than
//! the margin, a drain wakes at its bound, and a renewal that has written the record moves the gate. A pause lifts them
//! for one process, a suspend for all, and an effect that is stuck never ends.
//!
//! Each of the two defences can be switched off: with `gate_off` everything begins at any time, with `fence_off` every
//! durable effect lands. What the other has to show for itself is then seen alone.
//!
//! Not modelled: two durable effects of one process at once, several models in one process, other time namespaces.

pub mod actions;
mod calls;
mod configurations;
mod describe;
mod durable;
pub mod mutants;
pub mod properties;
pub mod releases;
pub mod state;
mod step;

use modeld_spec::fence::entry::Here;
use modeld_spec::fence::permits::PermitWord;
use modeld_spec::lease::gate::GateWord;
use modeld_spec::time::{BootTime, Ttl};
use stateright::{Model, Property};

use crate::configuration::Configuration;
use crate::models::lease::names;
use crate::study::{self, Mutated, Promise, Study};
use actions::Action;
use mutants::Mutant;
use state::{Broken, Budget, CLIENTS, Client, Life, Process, Record, SLOTS, State, Store, Work, ownership};

/// One configuration of the model: its bounds, its faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fence {
    /// How many processes there are.
    pub processes: u8,
    /// How many clients there are.
    pub clients: u8,
    /// The last tick.
    pub horizon: u8,
    /// How much work there is, and how many faults.
    pub budget: Budget,
    /// Whether a client may call with a record that it read before, and at an address that has another owner.
    pub stale: bool,
    /// Whether the latch may stay taken for longer than anybody waits.
    pub busy: bool,
    /// Whether the gate lets everything begin.
    pub gate_off: bool,
    /// Whether every durable effect lands.
    pub fence_off: bool,
    /// A change that has to be noticed.
    pub mutant: Option<Mutant>,
}

impl Fence {
    /// Two processes, of which the first owns; nothing to do, and no fault.
    pub const BARE: Fence = Fence {
        processes: 2,
        clients: 0,
        horizon: 5,
        budget: Budget {
            loads: 0,
            items: 0,
            writes: 0,
            sweeps: 0,
            renewals: 0,
            calls: 0,
            handovers: 0,
            rejoins: 0,
            crashes: 0,
            pauses: 0,
            suspends: 0,
            stuck: 0,
            failures: 0,
            removals: 0,
            power: 0,
        },
        stale: false,
        busy: false,
        gate_off: false,
        fence_off: false,
        mutant: None,
    };

    /// The time to live: four ticks.
    pub fn ttl(&self) -> Ttl {
        names::ttl(4)
    }

    /// When an owner whose renewal counts from `stamp` stops, as a gate is told.
    fn gate_until(&self, stamp: u8) -> BootTime {
        let renewed = names::instant(stamp);
        match self.mutant {
            Some(Mutant::NoMargin) => self.ttl().expiry(renewed),
            _ => self.ttl().deadline(renewed),
        }
    }

    /// Whether the time of this owner has passed, by the rule and not by its gate.
    pub fn is_late(&self, state: &State, process: &Process) -> bool {
        self.gate_until(process.proven) <= state.now()
    }

    /// Whether this record may be taken.
    fn is_expired(&self, state: &State, record: &Record) -> bool {
        self.ttl().expiry(names::instant(record.renewed)) <= state.now()
    }

    /// What a process is checked against when it wants to begin `work`, or to admit a call.
    fn here(&self, state: &State, slot: u8, work: Option<Work>) -> Here<u8> {
        let process = state.process(slot);
        let open = GateWord::open_until(BootTime::from_nanos(u64::MAX));
        let item = matches!(work, Some(Work::Item(_)));
        let (mut gate, mut permits, mut now) = (process.gate, process.permits, state.now());
        match self.mutant {
            _ if self.gate_off => gate = open,
            Some(Mutant::GateNotAsked) if !item => gate = open,
            Some(Mutant::ItemTrustsEntry) if item => gate = open,
            Some(Mutant::GateIgnoresDeadline) if gate != GateWord::FENCED => gate = open,
            Some(Mutant::ClockStandsInSuspend) => now = names::instant(state.tick - state.suspended),
            Some(Mutant::PermitsStayOpen) => permits = PermitWord::from_bits(permits.in_flight()),
            _ => {}
        }
        Here { ownership: ownership(slot, process.epoch), gate, permits, now }
    }

    /// Whether the gate of a process lets owned effects begin.
    pub fn is_open(&self, state: &State, slot: u8) -> bool {
        let process = state.process(slot);
        let here = self.here(state, slot, None);
        process.runs() && process.owns() && here.gate.admits(here.now)
    }

    /// Whether nothing is wrong with time and with the durations of effects.
    pub fn is_timely(&self) -> bool {
        self.budget.pauses == 0 && self.budget.suspends == 0
    }

    /// The slots of the processes.
    pub fn slots(&self) -> impl Iterator<Item = u8> + use<> {
        0..self.processes
    }

    /// The state in which the first process owns epoch 1 and the others stand by.
    pub fn beginning(&self) -> State {
        let mut processes = [Process::NONE; SLOTS];
        for slot in self.slots() {
            processes[usize::from(slot)].life = Life::Standby;
        }
        processes[0] = Process {
            life: Life::Owning,
            epoch: 1,
            ordinal: 1,
            gate: GateWord::open_until(self.gate_until(0)),
            ..Process::NONE
        };
        State {
            tick: 0,
            suspended: 0,
            record: Some(Record { slot: 0, epoch: 1, renewed: 0, awaits: false }),
            highest: 1,
            grants: 1,
            latch: None,
            residency: Some(0),
            store: Store { place: 0, synced: 0, reported: 0, writes: 0, prepared: [0; SLOTS] },
            processes,
            clients: [Client::NEW; CLIENTS],
            left: self.budget,
            broken: Broken::NOTHING,
        }
    }
}

impl Model for Fence {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.beginning()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.enabled(state, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = *state;
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

impl Study for Fence {
    const NAME: &'static str = "fence";
    const ABOUT: &'static str = "owned effects that pass the gate and land later, clients that see epochs, and the order of a handover";

    fn bounds(&self) -> String {
        format!("n{}-c{}-h{}", self.processes, self.clients, self.horizon)
    }

    fn bounds_in_words(&self) -> String {
        let Budget { loads, items, writes, calls, .. } = self.budget;
        format!(
            "{} processes, {} clients, TTL of 4 ticks, {} ticks, {loads} loads, {items} items, {writes} writes, \
             {calls} calls",
            self.processes, self.clients, self.horizon
        )
    }

    fn faults(&self) -> Vec<&'static str> {
        let budget = self.budget;
        let switches = [
            (0 < budget.crashes, "crash"),
            (0 < budget.pauses, "pause"),
            (0 < budget.suspends, "suspend"),
            (0 < budget.stuck, "effect that never ends"),
            (0 < budget.failures, "I/O error"),
            (0 < budget.removals, "lease files removed"),
            (0 < budget.power, "power loss"),
            (self.stale, "client with a stale record"),
            (self.busy, "latch busy"),
            (self.gate_off, "gate off"),
            (self.fence_off, "fence off"),
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
        actions::MARKS
    }
}
