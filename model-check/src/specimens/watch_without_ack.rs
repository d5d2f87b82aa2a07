//! Specimen: a holder that begins to watch a connection as soon as something was said on it.
//!
//! The handshake of a bound holder as it is told in the seeds, without the acknowledgement that they put into it:
//! whoever connects to the control socket says something, is told the version, and from then on the end of that
//! connection is taken for the end of the client.
//!
//! What is wrong: the holder can't know whose connection it is, nor that its client means to keep it. A probe that
//! looks whether somebody listens ends the holder by hanging up; so does the client itself when a reply comes late
//! and it tries again on another connection. An acknowledgement heals the second ([`Watch::AfterAnyAck`]), and a
//! stray that says two things still ends the holder, because nobody looks at what is said.

use stateright::{Model, Property};

use crate::story::Story;

/// One configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchWithoutAck {
    /// When the holder begins to watch.
    pub watch: Watch,
    /// How many things a stray says before it hangs up; none if there is no stray.
    pub stray_says: u8,
    /// How often the client waits no longer for a reply.
    pub impatience: u8,
}

/// When a holder begins to watch a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// When something was said on it.
    AtOnce,
    /// When something was said on it, the version was sent, and something more was said.
    AfterAnyAck,
}

impl WatchWithoutAck {
    /// A stray that says one thing suffices.
    pub const SMALL: WatchWithoutAck = WatchWithoutAck { watch: Watch::AtOnce, stray_says: 1, impatience: 0 };
    /// A client that tries again suffices.
    pub const RETRY: WatchWithoutAck = WatchWithoutAck { watch: Watch::AtOnce, stray_says: 0, impatience: 1 };
    /// The property that falls.
    pub const NAME: &'static str = "a bound holder ends only when its client has ended";
    /// In how many steps it falls.
    pub const STEPS: usize = 6;
}

/// One state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    client: Client,
    impatience: u8,
    /// The client's first connection, its second, and the stray's.
    wires: [Wire; 3],
    holder: Holder,
}

/// What the client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Client {
    Connects(usize),
    SaysBind(usize),
    AwaitsVersion(usize),
    SaysAck(usize),
    /// It takes itself for bound.
    Bound,
    Dead,
}

/// A connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Wire {
    made: bool,
    accepted: bool,
    /// Things said on it that the holder has not read.
    unread: u8,
    /// How many it has read.
    read: u8,
    /// Things that were ever said on it.
    said: u8,
    hung_up: bool,
    watched: bool,
}

/// The holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Holder {
    Serves,
    Ended,
}

/// One transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The client takes its next step.
    Client,
    /// The client waits no longer, hangs up and tries again.
    TriesAgain,
    /// The client dies.
    Dies,
    /// The stray connects.
    StrayConnects,
    /// The stray says something.
    StraySays,
    /// The stray hangs up.
    StrayHangsUp,
    /// The holder accepts a connection.
    Accepts(usize),
    /// The holder reads what was said on a connection, and answers the first thing with its version.
    Reads(usize),
    /// The holder sees the end of a connection.
    SeesEnd(usize),
}

impl Model for WatchWithoutAck {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            client: Client::Connects(0),
            impatience: self.impatience,
            wires: [Wire::default(); 3],
            holder: Holder::Serves,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.holder == Holder::Ended {
            return;
        }
        if self.client_goes_on(state) {
            actions.push(Action::Client);
        }
        if let Client::AwaitsVersion(0) = state.client
            && 0 < state.impatience
        {
            actions.push(Action::TriesAgain);
        }
        if state.client != Client::Dead {
            actions.push(Action::Dies);
        }
        let stray = state.wires[STRAY];
        if 0 < self.stray_says && !stray.hung_up {
            match (stray.made, stray.said < self.stray_says) {
                (false, _) => actions.push(Action::StrayConnects),
                (true, true) => actions.extend([Action::StraySays, Action::StrayHangsUp]),
                (true, false) => actions.push(Action::StrayHangsUp),
            }
        }
        for (number, wire) in state.wires.iter().enumerate() {
            if wire.made && !wire.accepted {
                actions.push(Action::Accepts(number));
            } else if 0 < wire.unread {
                actions.push(Action::Reads(number));
            } else if wire.accepted && wire.hung_up {
                actions.push(Action::SeesEnd(number));
            }
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        match action {
            Action::Client => self.client_step(&mut state),
            Action::TriesAgain => {
                state.impatience -= 1;
                state.wires[0].hung_up = true;
                state.client = Client::Connects(1);
            }
            Action::Dies => {
                state.client = Client::Dead;
                state.wires[0].hung_up = true;
                state.wires[1].hung_up = true;
            }
            Action::StrayConnects => state.wires[STRAY].made = true,
            Action::StraySays => state.wires[STRAY].say(),
            Action::StrayHangsUp => state.wires[STRAY].hung_up = true,
            Action::Accepts(number) => state.wires[number].accepted = true,
            Action::Reads(number) => {
                let wire = &mut state.wires[number];
                wire.unread -= 1;
                wire.read += 1;
                let enough = match self.watch {
                    Watch::AtOnce => 1,
                    Watch::AfterAnyAck => 2,
                };
                wire.watched |= enough <= wire.read;
            }
            Action::SeesEnd(number) => {
                let wire = &mut state.wires[number];
                wire.accepted = false;
                wire.made = false;
                if wire.watched {
                    state.holder = Holder::Ended;
                }
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(Self::NAME, |_: &Self, state: &State| {
                state.holder == Holder::Serves || state.client == Client::Dead
            }),
            Property::sometimes("reached: the client is bound", |_: &Self, state: &State| {
                state.client == Client::Bound
            }),
        ]
    }
}

impl WatchWithoutAck {
    fn client_goes_on(&self, state: &State) -> bool {
        match state.client {
            Client::Connects(_) | Client::SaysBind(_) | Client::SaysAck(_) => true,
            Client::AwaitsVersion(number) => 0 < state.wires[number].read,
            Client::Bound | Client::Dead => false,
        }
    }

    fn client_step(&self, state: &mut State) {
        state.client = match state.client {
            Client::Connects(number) => {
                state.wires[number].made = true;
                Client::SaysBind(number)
            }
            Client::SaysBind(number) => {
                state.wires[number].say();
                Client::AwaitsVersion(number)
            }
            Client::AwaitsVersion(_) if self.watch == Watch::AtOnce => Client::Bound,
            Client::AwaitsVersion(number) => Client::SaysAck(number),
            Client::SaysAck(number) => {
                state.wires[number].say();
                Client::Bound
            }
            client @ (Client::Bound | Client::Dead) => client,
        };
    }
}

impl Wire {
    fn say(&mut self) {
        self.unread += 1;
        self.said += 1;
    }
}

/// The number of the stray's connection.
const STRAY: usize = 2;

impl Story for WatchWithoutAck {
    fn lanes(&self) -> Vec<String> {
        ["client", "holder", "stray"].map(String::from).to_vec()
    }

    fn tell(&self, before: &State, action: &Action) -> (Option<usize>, String) {
        let name = |number: usize| ["connection 1", "connection 2", "the stray's connection"][number];
        match *action {
            Action::Client => {
                let told = match before.client {
                    Client::Connects(number) => format!("connects: {}", name(number)),
                    Client::SaysBind(number) => format!("says bind on {}", name(number)),
                    Client::AwaitsVersion(_) => "reads the version".to_string(),
                    Client::SaysAck(number) => format!("says ack on {}", name(number)),
                    Client::Bound | Client::Dead => "does nothing".to_string(),
                };
                (Some(0), told)
            }
            Action::TriesAgain => (Some(0), "waits no longer: hangs up, tries again".to_string()),
            Action::Dies => (Some(0), "DIES".to_string()),
            Action::StrayConnects => (Some(2), "connects".to_string()),
            Action::StraySays => (Some(2), "says something".to_string()),
            Action::StrayHangsUp => (Some(2), "hangs up".to_string()),
            Action::Accepts(number) => (Some(1), format!("accepts {}", name(number))),
            Action::Reads(number) => (Some(1), format!("reads on {}, answers", name(number))),
            Action::SeesEnd(number) if before.wires[number].watched => {
                (Some(1), format!("sees the end of {}: ENDS", name(number)))
            }
            Action::SeesEnd(number) => (Some(1), format!("sees the end of {}", name(number))),
        }
    }

    fn world(&self, state: &State) -> Vec<(&'static str, String)> {
        let names = ["connection 1", "connection 2", "the stray's connection"];
        let watched: Vec<&str> = names
            .into_iter()
            .zip(state.wires)
            .filter_map(|(name, wire)| wire.watched.then_some(name))
            .collect();
        let watched = if watched.is_empty() { "nobody".to_string() } else { watched.join(", ") };
        vec![("client", format!("{:?}", state.client)), ("holder watches", watched)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::shortest::{Shortest, shortest};

    fn fall(model: WatchWithoutAck) -> Shortest<WatchWithoutAck> {
        let property = model.property(WatchWithoutAck::NAME);
        shortest(&model, |state| !(property.condition)(&model, state))
    }

    fn steps(model: WatchWithoutAck) -> Option<usize> {
        fall(model).path().map(|path| path.steps.len())
    }

    #[test]
    fn a_stray_that_hangs_up_ends_the_holder() {
        assert_eq!(steps(WatchWithoutAck::SMALL), Some(WatchWithoutAck::STEPS));
    }

    #[test]
    fn a_client_that_tries_again_ends_its_own_holder() {
        assert_eq!(steps(WatchWithoutAck::RETRY), Some(6));
    }

    #[test]
    fn an_ack_heals_the_retry_and_a_stray_that_says_one_thing() {
        for model in [WatchWithoutAck::SMALL, WatchWithoutAck::RETRY] {
            let acked = WatchWithoutAck { watch: Watch::AfterAnyAck, ..model };
            assert!(matches!(fall(acked), Shortest::None { .. }));
        }
    }

    #[test]
    fn an_ack_that_nobody_looks_at_is_not_enough() {
        let talks = WatchWithoutAck { watch: Watch::AfterAnyAck, stray_says: 2, impatience: 0 };
        assert_eq!(steps(talks), Some(8));
    }
}
