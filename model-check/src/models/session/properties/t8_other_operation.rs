//! T8: a client takes nothing of another operation.
//!
//! Seen where a message reaches the client.

use crate::models::session::Sessions;
use crate::models::session::state::{Rule, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "T8: a client takes nothing of another operation";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::always("T8", NAME, "spec/session.md, T8", holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    !state.broken.has(Rule::OtherOperationTaken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Sessions::SMALL.beginning();
        assert!(holds(&Sessions::SMALL, &state));
        state.broken.note(Rule::OtherOperationTaken);
        assert!(!holds(&Sessions::SMALL, &state));
    }
}
