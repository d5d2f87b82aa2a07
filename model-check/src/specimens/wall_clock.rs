//! Specimen: a lease whose expiry is judged on the wall clock.
//!
//! The other half of the first design of this daemon, as published: the record says in wall-clock time when it was
//! renewed, and everybody holds it against the wall clock of the moment. The decision itself is made under a sound
//! lock here, so that nothing but the clock is to blame.
//!
//! What is wrong: the wall clock is set, by people and by the network. The owner measures its own time to live on
//! the clock that does not step, as every program does that sleeps for a while; a claimant reads the record after
//! the clock was put forward, finds it expired, and both own. Put back, the clock makes the record of an owner that
//! died valid for as long again.

use stateright::{Model, Property};

use crate::story::Story;

/// One configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WallClock {
    /// How many processes there are.
    pub processes: usize,
    /// The time to live of a record, in ticks.
    pub ttl: u8,
    /// The last tick.
    pub horizon: u8,
    /// By how many ticks the wall clock may be put forward, once.
    pub step: u8,
}

impl WallClock {
    /// Two processes and one step of the clock suffice.
    pub const SMALL: WallClock = WallClock { processes: 2, ttl: 2, horizon: 2, step: 2 };
    /// The property that falls.
    pub const NAME: &'static str = "at most one process believes to own by the time that has passed";
    /// In how many steps it falls.
    pub const STEPS: usize = 3;
}

/// One state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The time that has passed.
    tick: u8,
    /// How far the wall clock was put forward.
    forward: u8,
    /// Who wrote the record, and when by the wall clock.
    record: Option<(usize, u8)>,
    /// Since when each process owns, by the time that has passed.
    owners: Vec<Option<u8>>,
}

/// One transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A tick passes.
    Tick,
    /// Somebody sets the wall clock.
    SetClock,
    /// A process reads the record under the lock and, if that has expired, writes its own.
    Claim(usize),
}

impl Model for WallClock {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State { tick: 0, forward: 0, record: None, owners: vec![None; self.processes] }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.tick < self.horizon {
            actions.push(Action::Tick);
        }
        if state.forward == 0 && 0 < self.step {
            actions.push(Action::SetClock);
        }
        let claims = |slot: &usize| !self.is_valid(state) && !self.owns(state, *slot);
        actions.extend((0..self.processes).filter(claims).map(Action::Claim));
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        match action {
            Action::Tick => state.tick += 1,
            Action::SetClock => state.forward = self.step,
            Action::Claim(slot) => {
                state.record = Some((slot, before.tick + before.forward));
                *state.owners.get_mut(slot)? = Some(before.tick);
            }
        }
        Some(state)
    }

    fn format_action(&self, action: &Action) -> String {
        match action {
            Action::Tick => "time passes".to_string(),
            Action::SetClock => "the wall clock is set".to_string(),
            Action::Claim(slot) => format!("process {} claims", letter(*slot)),
        }
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(Self::NAME, |model: &Self, state: &State| {
                (0..model.processes).filter(|slot| model.owns(state, *slot)).count() <= 1
            }),
            Property::sometimes("reached: somebody owns", |model: &Self, state: &State| {
                (0..model.processes).any(|slot| model.owns(state, slot))
            }),
        ]
    }
}

impl WallClock {
    /// Whether the record is valid, by the wall clock.
    fn is_valid(&self, state: &State) -> bool {
        state.record.is_some_and(|(_, written)| state.tick + state.forward < written + self.ttl)
    }

    /// Whether a process owns, by the time that has passed since it wrote its record.
    fn owns(&self, state: &State, slot: usize) -> bool {
        state.owners.get(slot).copied().flatten().is_some_and(|since| state.tick < since + self.ttl)
    }
}

fn letter(slot: usize) -> char {
    u8::try_from(slot).map_or('?', |slot| char::from(b'a'.saturating_add(slot)))
}

impl Story for WallClock {
    fn lanes(&self) -> Vec<String> {
        (0..self.processes).map(|slot| format!("process {}", letter(slot))).collect()
    }

    fn tell(&self, before: &State, action: &Action) -> (Option<usize>, String) {
        match *action {
            Action::Tick => (None, format!("tick {}", before.tick + 1)),
            Action::SetClock => (None, format!("the wall clock is put forward by {} ticks", self.step)),
            Action::Claim(slot) => {
                let found = match before.record {
                    None => "no record".to_string(),
                    Some((owner, _)) => format!("the record of {} expired", letter(owner)),
                };
                (Some(slot), format!("finds {found}, writes its own: OWNS"))
            }
        }
    }

    fn world(&self, state: &State) -> Vec<(&'static str, String)> {
        let record = match state.record {
            None => "none".to_string(),
            Some((owner, at)) => format!("{}, renewed at {at}", letter(owner)),
        };
        let wall = state.tick + state.forward;
        vec![("time", format!("tick {}", state.tick)), ("wall clock", wall.to_string()), ("record", record)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::shortest::{Shortest, shortest};

    fn fall(model: WallClock) -> Shortest<WallClock> {
        let property = model.property(WallClock::NAME);
        shortest(&model, |state| !(property.condition)(&model, state))
    }

    #[test]
    fn a_clock_that_is_put_forward_makes_two_owners() {
        let path = fall(WallClock::SMALL).path().unwrap();
        assert_eq!(path.steps.len(), WallClock::STEPS);
    }

    #[test]
    fn it_needs_the_step_of_the_clock() {
        assert!(matches!(fall(WallClock { step: 0, ..WallClock::SMALL }), Shortest::None { .. }));
    }
}
