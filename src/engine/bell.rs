//! A bell by which a thread sleeps until there may be something to do.
//!
//! It remembers that it was rung: who brings something first puts it where the thread looks and rings then; the thread first hears the
//! bell and looks then. So nothing lies there unseen, and several rings are one. It says nothing of what was brought.

use std::time::Duration;

use crate::sync::{Arc, Condvar, Mutex, seeded};

/// Wakes one thread. All clones are the same bell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bell(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_rung: bool,
    /// Whether the thread must be woken: most rings find it at work, and cost no system call.
    is_asleep: bool,
}

impl Bell {
    /// A bell that was not rung.
    pub(crate) fn new() -> Self {
        Bell::default()
    }

    /// Lets the thread look around: at once if it sleeps, else when it would.
    pub(crate) fn ring(&self) {
        let is_asleep = {
            let mut state = self.0.state.lock();
            state.is_rung = seeded!(BellWithoutMemory, true, state.is_asleep);
            state.is_asleep
        };
        if is_asleep {
            self.0.changed.notify();
        }
    }

    /// Sleeps until it is rung, at most for `bound`; returns at once if it was rung since the last time. For one thread alone. Gives
    /// whether it was rung.
    pub(crate) fn wait(&self, bound: Duration) -> bool {
        let mut state = self.0.state.lock();
        state = self.0.changed.wait_while(state, bound, |state| {
            state.is_asleep = !state.is_rung;
            state.is_asleep
        });
        // The bound may have passed.
        state.is_asleep = false;
        std::mem::take(&mut state.is_rung)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_remembers_one_ring() {
        let bell = Bell::new();
        assert!(!bell.wait(Duration::ZERO));
        bell.ring();
        bell.clone().ring();
        assert!(bell.wait(Duration::ZERO), "a ring before the wait counts");
        assert!(!bell.wait(Duration::from_millis(1)), "and two of them are one");
    }

    #[test]
    fn it_wakes_a_thread_that_sleeps() {
        let bell = Bell::new();
        let sleeper = {
            let bell = bell.clone();
            std::thread::spawn(move || bell.wait(Duration::from_secs(60)))
        };
        bell.ring();
        assert!(sleeper.join().unwrap());
    }
}
