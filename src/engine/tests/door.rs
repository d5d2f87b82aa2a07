//! A door at which a test can hold the engine's threads.

use std::sync::{Condvar, Mutex};

use super::PATIENCE;

/// A door that a test opens and shuts, and that counts who came to it.
#[derive(Default)]
pub(super) struct Door {
    state: Mutex<(bool, usize)>,
    changed: Condvar,
}

impl Door {
    pub(super) fn shut(&self) {
        self.state.lock().unwrap().0 = true;
    }

    pub(super) fn open(&self) {
        self.state.lock().unwrap().0 = false;
        self.changed.notify_all();
    }

    /// Called on the engine thread.
    pub(super) fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.1 += 1;
        self.changed.notify_all();
        let (state, waited) = self.changed.wait_timeout_while(state, PATIENCE, |state| state.0).unwrap();
        assert!(!waited.timed_out());
        drop(state);
    }

    /// Waits until somebody stands before the door who was not counted at `seen`.
    pub(super) fn wait_for(&self, seen: usize) {
        let state = self.state.lock().unwrap();
        let (_state, waited) =
            self.changed.wait_timeout_while(state, PATIENCE, |state| state.1 <= seen).unwrap();
        assert!(!waited.timed_out());
    }

    pub(super) fn seen(&self) -> usize {
        self.state.lock().unwrap().1
    }
}
