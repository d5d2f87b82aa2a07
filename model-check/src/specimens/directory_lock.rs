//! Specimen: a lease whose decision is guarded by a directory, which whoever finds it old removes.
//!
//! The algorithm of the first design of this daemon, as published: `mkdir` is the lock around read and write of
//! the record; a directory older than a fraction of the TTL counts as left behind and is removed; the record is
//! written and read back, and who reads its own name owns until its expiry; the token is a name, equal or not.
//!
//! What is wrong: a directory does not know who made it. A claimant that stalls while it has it finds out
//! nothing: somebody removes it and takes its place, and both are inside. Reading back one's own record proves
//! nothing either, because the other has read its own before.

use stateright::{Model, Property};

use crate::story::Story;

/// One configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectoryLock {
    /// How many processes there are.
    pub processes: usize,
    /// The time to live of a record, in ticks.
    pub ttl: u8,
    /// The age in ticks at which a directory counts as left behind.
    pub stale: u8,
    /// The last tick.
    pub horizon: u8,
}

impl DirectoryLock {
    /// Two processes suffice.
    pub const SMALL: DirectoryLock = DirectoryLock { processes: 2, ttl: 3, stale: 1, horizon: 2 };
    /// The property that falls.
    pub const NAME: &'static str = "at most one process believes to own";
    /// In how many steps it falls.
    pub const STEPS: usize = 11;
}

/// One state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    tick: u8,
    /// When the lock directory was made.
    directory: Option<u8>,
    /// Who wrote the record, and when.
    record: Option<(usize, u8)>,
    processes: Vec<At>,
}

/// Where a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum At {
    /// It is about to make the directory.
    Outside,
    /// It saw an old directory and is about to remove it.
    SawOldDirectory,
    /// It made the directory and is about to read the record.
    Inside,
    /// It saw no valid record and is about to write its own.
    SawNobody,
    /// It is about to read its record back.
    Written { at: u8 },
    /// It owns, and the directory is still there.
    Owns { since: u8 },
    /// It owns, and has removed the directory.
    OwnsOutside { since: u8 },
    /// Somebody else owns.
    Follows,
}

/// One transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A tick passes.
    Tick,
    /// A process takes its next step.
    Step(usize),
}

impl Model for DirectoryLock {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let processes = vec![At::Outside; self.processes];
        vec![State { tick: 0, directory: None, record: None, processes }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.tick < self.horizon {
            actions.push(Action::Tick);
        }
        for (slot, at) in state.processes.iter().enumerate() {
            let waits = *at == At::Outside && state.directory.is_some_and(|made| !self.is_old(state, made));
            if !waits && !matches!(at, At::OwnsOutside { .. } | At::Follows) {
                actions.push(Action::Step(slot));
            }
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        let Action::Step(slot) = action else {
            state.tick += 1;
            return Some(state);
        };
        let at = before.processes.get(slot).copied()?;
        let next = match at {
            At::Outside if before.directory.is_some() => At::SawOldDirectory,
            At::Outside => {
                state.directory = Some(state.tick);
                At::Inside
            }
            At::SawOldDirectory => {
                state.directory = None;
                At::Outside
            }
            At::Inside if self.is_valid(before) => {
                state.directory = None;
                At::Follows
            }
            At::Inside => At::SawNobody,
            At::SawNobody => {
                state.record = Some((slot, state.tick));
                At::Written { at: state.tick }
            }
            At::Written { at } if before.record.is_some_and(|(owner, _)| owner == slot) => {
                At::Owns { since: at }
            }
            At::Written { .. } => {
                state.directory = None;
                At::Follows
            }
            At::Owns { since } => {
                state.directory = None;
                At::OwnsOutside { since }
            }
            At::OwnsOutside { .. } | At::Follows => return None,
        };
        *state.processes.get_mut(slot)? = next;
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(Self::NAME, |model: &Self, state: &State| {
                state.processes.iter().filter(|at| model.owns(state, at)).count() <= 1
            }),
            Property::sometimes("reached: somebody owns", |model: &Self, state: &State| {
                state.processes.iter().any(|at| model.owns(state, at))
            }),
        ]
    }
}

impl DirectoryLock {
    fn is_old(&self, state: &State, made: u8) -> bool {
        self.stale <= state.tick - made
    }

    fn is_valid(&self, state: &State) -> bool {
        state.record.is_some_and(|(_, written)| state.tick < written + self.ttl)
    }

    fn owns(&self, state: &State, at: &At) -> bool {
        match at {
            At::Owns { since } | At::OwnsOutside { since } => state.tick < since + self.ttl,
            _ => false,
        }
    }
}

impl Story for DirectoryLock {
    fn lanes(&self) -> Vec<String> {
        (0..self.processes)
            .map(|slot| format!("process {}", crate::models::lease::names::letter(slot)))
            .collect()
    }

    fn tell(&self, before: &State, action: &Action) -> (Option<usize>, String) {
        let Action::Step(slot) = *action else { return (None, format!("tick {}", before.tick + 1)) };
        let told = match before.processes.get(slot) {
            Some(At::Outside) if before.directory.is_some() => "finds the directory, and it is old",
            Some(At::Outside) => "makes the directory: has the lock",
            Some(At::SawOldDirectory) => "removes the directory",
            Some(At::Inside) if self.is_valid(before) => "reads the record: valid, follows",
            Some(At::Inside) => "reads the record: none that is valid",
            Some(At::SawNobody) => "writes its record",
            Some(At::Written { .. }) => "reads the record back: its own, OWNS",
            Some(At::Owns { .. }) => "removes the directory",
            Some(At::OwnsOutside { .. } | At::Follows) | None => "does nothing",
        };
        (Some(slot), told.to_string())
    }

    fn world(&self, state: &State) -> Vec<(&'static str, String)> {
        let letter = crate::models::lease::names::letter;
        let directory = state.directory.map_or("none".to_string(), |made| format!("made at {made}"));
        let record = match state.record {
            None => "none".to_string(),
            Some((owner, at)) => format!("{}, written at {at}", letter(owner)),
        };
        vec![("clock", format!("tick {}", state.tick)), ("directory", directory), ("record", record)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::shortest::{Shortest, shortest};

    fn fall(model: DirectoryLock) -> Shortest<DirectoryLock> {
        let property = model.property(DirectoryLock::NAME);
        shortest(&model, |state| !(property.condition)(&model, state))
    }

    #[test]
    fn two_processes_and_a_pause_make_two_owners() {
        let path = fall(DirectoryLock::SMALL).path().unwrap();
        assert_eq!(path.steps.len(), DirectoryLock::STEPS);
    }

    #[test]
    fn it_needs_the_removal_of_an_old_directory() {
        let never = DirectoryLock { stale: DirectoryLock::SMALL.horizon + 1, ..DirectoryLock::SMALL };
        assert!(matches!(fall(never), Shortest::None { .. }));
    }
}
