//! T11: a restore gives what was saved.
//!
//! Seen where a session takes over what was loaded.

use crate::models::session::Sessions;
use crate::models::session::state::{Rule, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "T11: a restore gives what was saved";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::always("T11", NAME, "spec/session.md, T11", holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    !state.broken.has(Rule::RestoredOther)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Sessions::SMALL.beginning();
        assert!(holds(&Sessions::SMALL, &state));
        state.broken.note(Rule::RestoredOther);
        assert!(!holds(&Sessions::SMALL, &state));
    }
}
