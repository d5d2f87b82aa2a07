//! Specimen: a daemon that locks its metadata file, and replaces that file by renaming another one over it.
//!
//! The algorithm of the background start that this daemon's was modelled on, as published: the metadata is written
//! to a temporary file and renamed over its path, so that no reader finds half of it; then the file at that path is
//! locked, for as long as the daemon lives, and a lock that can't be had means that another daemon is there. At the
//! end the file is removed and the lock dropped.
//!
//! What is wrong: a lock is on a file, and a rename gives its name to another one. Who writes first and locks then
//! puts a file in the place of the one that was locked, and locks that: both have "the" lock, each on its own file.
//! The first daemon's file has no name any more, so that nobody can find it; and when it ends it removes the file of
//! the other one.

use stateright::{Model, Property};

use crate::story::Story;

/// One configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenamedLock {
    /// How many daemons are started.
    pub daemons: usize,
    /// Whether the lock is on a file of its own, which nobody renames, and is taken before anything is written: what
    /// this daemon does.
    pub lock_apart: bool,
}

impl RenamedLock {
    /// Two daemons suffice.
    pub const SMALL: RenamedLock = RenamedLock { daemons: 2, lock_apart: false };
    /// The property that falls.
    pub const NAME: &'static str = "at most one daemon has the lock";
    /// In how many steps it falls.
    pub const STEPS: usize = 6;
}

/// One state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The file that has the name, by who wrote it.
    named: Option<usize>,
    /// Who has the lock on each file, by who wrote the file; the last one is the lock file of its own.
    locks: Vec<Option<usize>>,
    daemons: Vec<At>,
}

/// Where a daemon is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum At {
    /// It is about to write its metadata to a temporary file and rename that over the path (or, with a lock apart,
    /// to take the lock).
    Outside,
    /// It is about to open the file at the path.
    Written,
    /// It is about to lock the file that it has opened, which this one wrote.
    Opened { file: usize },
    /// It has the lock, and is the daemon.
    Serves,
    /// Another one has the lock.
    GaveUp,
}

/// A daemon takes its next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step(usize);

impl Model for RenamedLock {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            named: None,
            locks: vec![None; self.daemons + 1],
            daemons: vec![At::Outside; self.daemons],
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Step>) {
        let moves = |at: &At| !matches!(at, At::Serves | At::GaveUp);
        let slots = state.daemons.iter().enumerate().filter(|(_, at)| moves(at));
        actions.extend(slots.map(|(slot, _)| Step(slot)));
    }

    fn next_state(&self, before: &State, Step(slot): Step) -> Option<State> {
        let mut state = before.clone();
        let next = match before.daemons.get(slot).copied()? {
            At::Outside if self.lock_apart => match lock(&mut state, self.daemons, slot) {
                true => {
                    state.named = Some(slot);
                    At::Serves
                }
                false => At::GaveUp,
            },
            At::Outside => {
                state.named = Some(slot);
                At::Written
            }
            At::Written => match before.named {
                Some(file) => At::Opened { file },
                None => At::GaveUp,
            },
            At::Opened { file } => match lock(&mut state, file, slot) {
                true => At::Serves,
                // It found another one in its way, and has removed the file as it thinks that it is its own.
                false => {
                    state.named = None;
                    At::GaveUp
                }
            },
            At::Serves | At::GaveUp => return None,
        };
        *state.daemons.get_mut(slot)? = next;
        Some(state)
    }

    fn format_action(&self, Step(slot): &Step) -> String {
        format!("daemon {} takes its next step", letter(*slot))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(Self::NAME, |_: &Self, state: &State| {
                state.daemons.iter().filter(|at| **at == At::Serves).count() <= 1
            }),
            Property::sometimes("reached: somebody has the lock", |_: &Self, state: &State| {
                state.daemons.contains(&At::Serves)
            }),
        ]
    }
}

/// Takes the lock on a file if it is free.
fn lock(state: &mut State, file: usize, slot: usize) -> bool {
    match state.locks.get_mut(file) {
        Some(holder @ None) => {
            *holder = Some(slot);
            true
        }
        Some(Some(_)) | None => false,
    }
}

fn letter(slot: usize) -> char {
    u8::try_from(slot).map_or('?', |slot| char::from(b'a'.saturating_add(slot)))
}

impl Story for RenamedLock {
    fn lanes(&self) -> Vec<String> {
        (0..self.daemons).map(|slot| format!("daemon {}", letter(slot))).collect()
    }

    fn tell(&self, before: &State, Step(slot): &Step) -> (Option<usize>, String) {
        let told = match before.daemons.get(*slot) {
            Some(At::Outside) if self.lock_apart => "locks the lock file, and writes".to_string(),
            Some(At::Outside) => "renames its metadata over the path".to_string(),
            Some(At::Written) => match before.named {
                Some(file) => format!("opens the path: the file of {}", letter(file)),
                None => "opens the path: nothing is there".to_string(),
            },
            Some(At::Opened { file }) => match before.locks.get(*file) {
                Some(None) => format!("locks the file of {}: SERVES", letter(*file)),
                _ => format!("finds the file of {} locked: gives up", letter(*file)),
            },
            Some(At::Serves | At::GaveUp) | None => "does nothing".to_string(),
        };
        (Some(*slot), told)
    }

    fn world(&self, state: &State) -> Vec<(&'static str, String)> {
        let named = state.named.map_or("none".to_string(), |file| format!("the file of {}", letter(file)));
        let locked: Vec<String> = state
            .locks
            .iter()
            .enumerate()
            .filter_map(|(file, holder)| Some((file, (*holder)?)))
            .map(|(file, holder)| format!("{}'s by {}", letter(file), letter(holder)))
            .collect();
        let locked = if locked.is_empty() { "none".to_string() } else { locked.join(", ") };
        vec![("at the path", named), ("locked files", locked)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::shortest::{Shortest, shortest};

    fn fall(model: RenamedLock) -> Shortest<RenamedLock> {
        let property = model.property(RenamedLock::NAME);
        shortest(&model, |state| !(property.condition)(&model, state))
    }

    #[test]
    fn two_starts_make_two_daemons() {
        let path = fall(RenamedLock::SMALL).path().unwrap();
        assert_eq!(path.steps.len(), RenamedLock::STEPS);
    }

    #[test]
    fn a_lock_file_of_its_own_that_is_locked_before_anything_is_written_lets_one_in() {
        let apart = RenamedLock { lock_apart: true, ..RenamedLock::SMALL };
        assert!(matches!(fall(apart), Shortest::None { .. }));
    }
}
