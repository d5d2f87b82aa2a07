//! T14: what is handed out was chosen.
//!
//! Seen at each item: its token is the one that the outputs gave, whatever was guessed.

use crate::models::session::Sessions;
use crate::models::session::state::{Rule, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "T14: what is handed out was chosen";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::always("T14", NAME, "spec/session.md, T14", holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    !state.broken.has(Rule::NotChosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Sessions::SMALL.beginning();
        assert!(holds(&Sessions::SMALL, &state));
        state.broken.note(Rule::NotChosen);
        assert!(!holds(&Sessions::SMALL, &state));
    }
}
