//! T1: a token is chosen by the outputs behind its tape.
//!
//! Seen at each choice.

use crate::models::session::Sessions;
use crate::models::session::state::{Rule, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "T1: a token is chosen by the outputs behind its tape";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::always("T1", NAME, "spec/session.md, T1", holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    !state.broken.has(Rule::StaleOutputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Sessions::SMALL.beginning();
        assert!(holds(&Sessions::SMALL, &state));
        state.broken.note(Rule::StaleOutputs);
        assert!(!holds(&Sessions::SMALL, &state));
    }
}
