//! Reached: a stop finds that another daemon was started since.
//!
//! The race of a stop with a restart is among the paths.

use modeld_spec::daemon::stop::Outcome;

use crate::models::start::Starting;
use crate::models::start::state::{State, Stopper};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: a stop finds that another daemon was started since";

/// The promise.
pub fn promise() -> Promise<Starting> {
    Promise::reached(NAME, holds)
}

fn holds(_: &Starting, state: &State) -> bool {
    state.stoppers.iter().any(|one| matches!(one, Stopper::Ended(Outcome::Replaced(..))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use modeld_spec::daemon::stop::Rung;

    #[test]
    fn it_is_told_from_what_it_is_not() {
        let mut state = Starting::CALM.beginning();
        assert!(!holds(&Starting::CALM, &state));
        state.stoppers[0] = Stopper::Ended(Outcome::Replaced(0, Rung::Term));
        assert!(holds(&Starting::CALM, &state));
    }
}
