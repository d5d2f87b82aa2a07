//! Specimen: a fence that compares names for equality, at the entry of a call, with the server's own name.
//!
//! The fence of the first design of this daemon, as published: an owner has a random name for its life; the record in
//! the lease file says the name and the address; a client puts the name that it read on each call, and the server
//! refuses a call that does not have *its* name. Whether the lease is still held is asked by the renewal alone, whenever it
//! comes to it.
//!
//! What is wrong: the two names that are compared are both of the past. A client that read the record before the
//! succession and an owner that has not noticed it agree with each other. And a name has no order: nobody who sees an
//! answer can tell whether it is older than another one. What is worse, a stream passes the fence once: its items
//! come from a deposed owner as long as that one likes.

use stateright::{Model, Property};

use super::Specimen;
use crate::story::Story;

/// One configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EqualityAtEntry {
    /// The time to live of a record, in ticks.
    pub ttl: u8,
    /// The last tick.
    pub horizon: u8,
    /// Whether the server asks for its lease, at the entry and at every item. The design does not.
    pub asks_lease: bool,
}

impl EqualityAtEntry {
    /// Two processes and one client suffice.
    pub const SMALL: EqualityAtEntry = EqualityAtEntry { ttl: 1, horizon: 2, asks_lease: false };
    /// What a stale client breaks.
    pub const CALLED: &'static str = "a call runs only at an owner that was not succeeded";
    /// What a stream breaks.
    pub const STREAMED: &'static str = "a call that was admitted by the owner gets items from the owner only";

    /// The stale client and the stale owner.
    pub fn called() -> Specimen<Self> {
        Specimen {
            id: "equality_at_entry",
            about: "a fence that compares the name on a call with the server's own: a stale client and a stale owner agree",
            model: Self::SMALL,
            falls: Self::CALLED,
            steps: 4,
        }
    }

    /// The stream that runs past the fence.
    pub fn streamed() -> Specimen<Self> {
        Specimen {
            id: "equality_at_entry_stream",
            about: "the same fence, asked at the entry only: a stream goes on under an owner that was succeeded",
            model: Self::SMALL,
            falls: Self::STREAMED,
            steps: 5,
        }
    }
}

/// One state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    tick: u8,
    /// Whose name is in the record, and when it was written.
    record: (usize, u8),
    processes: [At; 2],
    /// The name that the client has read.
    read: Option<usize>,
    /// The process that streams to the client, and whether it was the owner when it admitted the call.
    stream: Option<(usize, bool)>,
    /// Whether a call was admitted by an owner that was succeeded.
    called_deposed: bool,
    /// Whether an item of a call that was admitted rightly came from one.
    got_from_deposed: bool,
}

/// Where a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum At {
    /// It waits for the record to expire.
    Waits,
    /// It serves whoever says its name.
    Serves,
    /// Its renewal found another name in the record, and it has ended.
    Ended,
}

/// One transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A tick passes.
    Tick,
    /// A process finds the record expired and writes its own.
    Acquire(usize),
    /// The renewal of an owner comes to it.
    Renew(usize),
    /// The client reads the record.
    Read,
    /// The client calls the process whose name and address it has read.
    Call,
    /// The stream has another item.
    Item,
}

impl Model for EqualityAtEntry {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            tick: 0,
            record: (0, 0),
            processes: [At::Serves, At::Waits],
            read: None,
            stream: None,
            called_deposed: false,
            got_from_deposed: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.tick < self.horizon {
            actions.push(Action::Tick);
        }
        for (slot, at) in state.processes.iter().enumerate() {
            match at {
                At::Waits if self.is_expired(state) => actions.push(Action::Acquire(slot)),
                At::Serves => actions.push(Action::Renew(slot)),
                At::Waits | At::Ended => {}
            }
        }
        if state.read != Some(state.record.0) {
            actions.push(Action::Read);
        }
        if state.stream.is_none() && state.read.is_some_and(|named| self.serves(state, named)) {
            actions.push(Action::Call);
        }
        if state.stream.is_some_and(|(server, _)| self.serves(state, server)) {
            actions.push(Action::Item);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        let deposed = |server: usize| before.record.0 != server;
        match action {
            Action::Tick => state.tick += 1,
            Action::Acquire(slot) => {
                state.record = (slot, state.tick);
                *state.processes.get_mut(slot)? = At::Serves;
            }
            Action::Renew(slot) if before.record.0 == slot => state.record.1 = state.tick,
            Action::Renew(slot) => *state.processes.get_mut(slot)? = At::Ended,
            Action::Read => state.read = Some(before.record.0),
            Action::Call => {
                // The fence: the name on the call is the server's own, since it was sent to whoever has it.
                let server = before.read?;
                state.stream = Some((server, !deposed(server)));
                state.called_deposed |= deposed(server);
            }
            Action::Item => {
                let (server, rightly) = before.stream?;
                state.got_from_deposed |= rightly && deposed(server);
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(Self::CALLED, |_, state: &State| !state.called_deposed),
            Property::always(Self::STREAMED, |_, state: &State| !state.got_from_deposed),
            Property::sometimes("reached: a stream runs", |_, state: &State| state.stream.is_some()),
        ]
    }
}

impl EqualityAtEntry {
    fn is_expired(&self, state: &State) -> bool {
        state.record.1 + self.ttl <= state.tick
    }

    fn serves(&self, state: &State, slot: usize) -> bool {
        let lives = state.processes.get(slot) == Some(&At::Serves);
        lives && (!self.asks_lease || (state.record.0 == slot && !self.is_expired(state)))
    }
}

impl Story for EqualityAtEntry {
    fn lanes(&self) -> Vec<String> {
        ["process a", "process b", "client"].map(String::from).to_vec()
    }

    fn tell(&self, before: &State, action: &Action) -> (Option<usize>, String) {
        let name = crate::models::lease::names::letter;
        match *action {
            Action::Tick => (None, format!("tick {}", before.tick + 1)),
            Action::Acquire(slot) => {
                (Some(slot), "finds the record expired, writes its own: OWNS".to_string())
            }
            Action::Renew(slot) if before.record.0 == slot => (Some(slot), "renews".to_string()),
            Action::Renew(slot) => (Some(slot), "finds another name in the record, ends".to_string()),
            Action::Read => (Some(2), format!("reads the record: {}", name(before.record.0))),
            Action::Call => {
                let server = before.read.map_or('?', name);
                (Some(2), format!("calls {server} by the name {server}: equal, admitted"))
            }
            Action::Item => (
                Some(2),
                format!("gets an item from {}", before.stream.map_or('?', |(server, _)| name(server))),
            ),
        }
    }

    fn world(&self, state: &State) -> Vec<(&'static str, String)> {
        let (owner, at) = state.record;
        let record = format!("{}, until {}", crate::models::lease::names::letter(owner), at + self.ttl);
        vec![("clock", format!("tick {}", state.tick)), ("record", record)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::shortest::{Shortest, shortest};

    fn fall(model: EqualityAtEntry, property: &'static str) -> Shortest<EqualityAtEntry> {
        let property = model.property(property);
        shortest(&model, |state| !(property.condition)(&model, state))
    }

    #[test]
    fn a_stale_client_and_a_stale_owner_agree() {
        let specimen = EqualityAtEntry::called();
        let path = fall(specimen.model, specimen.falls).path().unwrap();
        assert_eq!(path.steps.len(), specimen.steps);
    }

    #[test]
    fn a_stream_runs_past_the_fence() {
        let specimen = EqualityAtEntry::streamed();
        let path = fall(specimen.model, specimen.falls).path().unwrap();
        assert_eq!(path.steps.len(), specimen.steps);
    }

    #[test]
    fn it_needs_a_server_that_does_not_ask_for_its_lease() {
        let asks = EqualityAtEntry { asks_lease: true, ..EqualityAtEntry::SMALL };
        for property in [EqualityAtEntry::CALLED, EqualityAtEntry::STREAMED] {
            assert!(matches!(fall(asks, property), Shortest::None { .. }), "{property}");
        }
    }
}
