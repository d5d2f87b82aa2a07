//! T9: a client takes nothing of an older owner.
//!
//! Seen where a message reaches the client.

use crate::models::session::Sessions;
use crate::models::session::state::{Rule, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "T9: a client takes nothing of an older owner";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::always("T9", NAME, "spec/session.md, T9", holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    !state.broken.has(Rule::OldEpochTaken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Sessions::SMALL.beginning();
        assert!(holds(&Sessions::SMALL, &state));
        state.broken.note(Rule::OldEpochTaken);
        assert!(!holds(&Sessions::SMALL, &state));
    }
}
