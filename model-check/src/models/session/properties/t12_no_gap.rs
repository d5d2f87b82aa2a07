//! T12: a client takes no item but the next one.
//!
//! Seen where a message reaches the client.

use crate::models::session::Sessions;
use crate::models::session::state::{Rule, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "T12: a client takes no item but the next one";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::always("T12", NAME, "spec/session.md, T12", holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    !state.broken.has(Rule::GapTaken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Sessions::SMALL.beginning();
        assert!(holds(&Sessions::SMALL, &state));
        state.broken.note(Rule::GapTaken);
        assert!(!holds(&Sessions::SMALL, &state));
    }
}
