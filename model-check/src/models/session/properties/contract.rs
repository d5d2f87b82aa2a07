//! contract: the machines are given what they ask for.
//!
//! The model's own duty: an answer that does not fit would make every other property worthless.

use crate::models::session::Sessions;
use crate::models::session::state::{Rule, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "contract: the machines are given what they ask for";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::always("contract", NAME, "the model", holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    !state.broken.has(Rule::Contract)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Sessions::SMALL.beginning();
        assert!(holds(&Sessions::SMALL, &state));
        state.broken.note(Rule::Contract);
        assert!(!holds(&Sessions::SMALL, &state));
    }
}
