//! H1: nothing that a bound holder waits for is left when its client is dead.
//!
//! In a state where only choices and faults are left to happen, it would stay for ever. The same is stated for
//! cycles by [`owes_its_end`] and the fairness of each action ([`fairness`](crate::models::bind::actions::fairness)).

use crate::models::bind::Bind;
use crate::models::bind::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "H1: a bound holder whose client is dead does not stay";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::always("H1", NAME, "design brief, promise 11", holds)
}

fn holds(bind: &Bind, state: &State) -> bool {
    !(owes_its_end(bind, state) && bind.is_quiet(state))
}

/// Whether the holder has to end: it is to live as long as a client that is dead.
pub fn owes_its_end(bind: &Bind, state: &State) -> bool {
    bind.bound && !state.client.lives && state.running().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bind::properties::testing::*;
    use crate::models::bind::state::Process;

    #[test]
    fn it_holds_and_falls() {
        let mut state = bound();
        assert!(holds(&Bind::SMALL, &state));
        // It may still hear of the death.
        state.client.lives = false;
        assert!(holds(&Bind::SMALL, &state));
        if let Process::Running(running) = &mut state.holder {
            running.watching = false;
        }
        assert!(!holds(&Bind::SMALL, &state));
    }
}
