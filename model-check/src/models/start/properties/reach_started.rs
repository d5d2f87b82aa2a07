//! Reached: a start has a daemon of its own.
//!
//! What is promised of starts is promised of starts that succeed, too.

use modeld_spec::daemon::start::Outcome;

use crate::models::start::Starting;
use crate::models::start::state::{Starter, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: a start has a daemon of its own";

/// The promise.
pub fn promise() -> Promise<Starting> {
    Promise::reached(NAME, holds)
}

fn holds(_: &Starting, state: &State) -> bool {
    state.starters.iter().any(|one| matches!(one, Starter::Ended(Outcome::Started(_))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_from_what_it_is_not() {
        let mut state = Starting::CALM.beginning();
        assert!(!holds(&Starting::CALM, &state));
        state.starters[0] = Starter::Ended(Outcome::Started(0));
        assert!(holds(&Starting::CALM, &state));
    }
}
