//! T8: what comes late changes nothing.
//!
//! Seen at each late observation, cancel and call.

use crate::models::session::Sessions;
use crate::models::session::state::{Rule, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "T8: what comes late changes nothing";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::always("T8", NAME, "spec/session.md, T8", holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    !state.broken.has(Rule::LateTookHold)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Sessions::SMALL.beginning();
        assert!(holds(&Sessions::SMALL, &state));
        state.broken.note(Rule::LateTookHold);
        assert!(!holds(&Sessions::SMALL, &state));
    }
}
