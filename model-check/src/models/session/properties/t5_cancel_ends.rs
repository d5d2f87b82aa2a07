//! T5: a cancelled operation begins nothing more.
//!
//! Seen where an effect begins: what is in flight at the cancel ends, one batch at most.

use crate::models::session::Sessions;
use crate::models::session::state::{Rule, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "T5: a cancelled operation begins nothing more";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::always("T5", NAME, "spec/session.md, T5", holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    !state.broken.has(Rule::CancelOverrun)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Sessions::SMALL.beginning();
        assert!(holds(&Sessions::SMALL, &state));
        state.broken.note(Rule::CancelOverrun);
        assert!(!holds(&Sessions::SMALL, &state));
    }
}
