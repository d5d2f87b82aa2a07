//! T7: an answer says what was done.
//!
//! Seen at each answer: what was reused is the longest common prefix, and counts are those of the cache.

use crate::models::session::Sessions;
use crate::models::session::state::{Rule, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "T7: an answer says what was done";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::always("T7", NAME, "spec/session.md, T7", holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    !state.broken.has(Rule::AnswerInexact)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Sessions::SMALL.beginning();
        assert!(holds(&Sessions::SMALL, &state));
        state.broken.note(Rule::AnswerInexact);
        assert!(!holds(&Sessions::SMALL, &state));
    }
}
