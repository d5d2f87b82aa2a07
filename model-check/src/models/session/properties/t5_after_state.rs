//! T5: a cancel leaves what it has to leave.
//!
//! Seen at each answer of a cancelled operation.

use crate::models::session::Sessions;
use crate::models::session::state::{Rule, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "T5: a cancel leaves what it has to leave";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::always("T5", NAME, "spec/session.md, T5", holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    !state.broken.has(Rule::CancelAfterState)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Sessions::SMALL.beginning();
        assert!(holds(&Sessions::SMALL, &state));
        state.broken.note(Rule::CancelAfterState);
        assert!(!holds(&Sessions::SMALL, &state));
    }
}
