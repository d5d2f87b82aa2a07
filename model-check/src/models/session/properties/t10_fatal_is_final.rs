//! T10: nothing of a fatal session is used again.
//!
//! Seen where an operation or an effect begins in a session whose cache nobody will ever know.

use crate::models::session::Sessions;
use crate::models::session::state::{Rule, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "T10: nothing of a fatal session is used again";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::always("T10", NAME, "spec/session.md, T10", holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    !state.broken.has(Rule::FatalUsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Sessions::SMALL.beginning();
        assert!(holds(&Sessions::SMALL, &state));
        state.broken.note(Rule::FatalUsed);
        assert!(!holds(&Sessions::SMALL, &state));
    }
}
