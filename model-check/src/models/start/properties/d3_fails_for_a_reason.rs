//! D3: a start fails over a fault or a stop, and over nothing else.
//!
//! Promise: fifty concurrent starts are fifty successes. Another start, a status probe and damaged metadata are no
//! reason to fail.

use modeld_spec::daemon::start::Outcome;

use crate::models::start::Starting;
use crate::models::start::state::{Starter, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "D3: a start fails over a fault or a stop, and over nothing else";

/// The promise.
pub fn promise() -> Promise<Starting> {
    Promise::always("D3", NAME, "spec/daemon.md, D3", holds)
}

fn holds(_: &Starting, state: &State) -> bool {
    let failed = |starter: &Starter| matches!(starter, Starter::Ended(Outcome::Failed(_)));
    state.excused || !state.starters.iter().any(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use modeld_spec::daemon::start::Why;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Starting::CALM.beginning();
        assert!(holds(&Starting::CALM, &state));
        state.starters[0] = Starter::Ended(Outcome::Failed(Why::NotServing));
        assert!(!holds(&Starting::CALM, &state));
        state.excused = true;
        assert!(holds(&Starting::CALM, &state));
    }
}
