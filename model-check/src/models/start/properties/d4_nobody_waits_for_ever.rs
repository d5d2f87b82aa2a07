//! D4: nobody waits without a bound.
//!
//! Promise: a start and a stop end, whatever becomes of the child. What they wait for comes, or its bound does.

use crate::models::start::Starting;
use crate::models::start::state::{Starter, State, Stopper};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "D4: nobody waits without a bound";

/// The promise.
pub fn promise() -> Promise<Starting> {
    Promise::always("D4", NAME, "spec/daemon.md, D4", holds)
}

fn holds(model: &Starting, state: &State) -> bool {
    let starts = |starter: &Starter| matches!(starter, Starter::Running { frozen: false, .. });
    let stops = |stopper: &Stopper| matches!(stopper, Stopper::Running(_));
    let unfinished = state.starters.iter().any(starts) || state.stoppers.iter().any(stops);
    !state.found || !unfinished || !model.is_quiet(state) || model.has_bound(state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::start::mutants::Mutant;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Starting::CALM.beginning();
        assert!(holds(&Starting::CALM, &state));
        // Both wait for a lock that nobody will drop.
        state.disk.start_lock = Some(2);
        assert!(holds(&Starting::CALM, &state));
        let endless = Starting { mutant: Some(Mutant::StartLockWithoutBound), ..Starting::CALM };
        assert!(!holds(&endless, &state));
    }
}
