//! Reached: a stop has ended a daemon.
//!
//! What is promised of stops is promised of stops that had something to do.

use modeld_spec::daemon::stop::Outcome;

use crate::models::start::Starting;
use crate::models::start::state::{State, Stopper};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: a stop has ended a daemon";

/// The promise.
pub fn promise() -> Promise<Starting> {
    Promise::reached(NAME, holds)
}

fn holds(_: &Starting, state: &State) -> bool {
    state.stoppers.iter().any(|one| matches!(one, Stopper::Ended(Outcome::Stopped(Some(_)))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use modeld_spec::daemon::stop::Rung;

    #[test]
    fn it_is_told_from_what_it_is_not() {
        let mut state = Starting::CALM.beginning();
        assert!(!holds(&Starting::CALM, &state));
        state.stoppers[0] = Stopper::Ended(Outcome::Stopped(Some((0, Rung::Asked))));
        assert!(holds(&Starting::CALM, &state));
    }
}
