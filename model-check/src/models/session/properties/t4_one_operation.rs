//! T4: one operation runs at a time and each is answered.
//!
//! Seen where an operation begins.

use crate::models::session::Sessions;
use crate::models::session::state::{Rule, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "T4: one operation runs at a time and each is answered";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::always("T4", NAME, "spec/session.md, T4", holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    !state.broken.has(Rule::TwoOperations)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Sessions::SMALL.beginning();
        assert!(holds(&Sessions::SMALL, &state));
        state.broken.note(Rule::TwoOperations);
        assert!(!holds(&Sessions::SMALL, &state));
    }
}
