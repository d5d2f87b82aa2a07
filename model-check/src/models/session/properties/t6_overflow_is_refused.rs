//! T6: what does not fit is refused and what fits is not.
//!
//! Seen where an operation is asked for.

use crate::models::session::Sessions;
use crate::models::session::state::{Rule, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "T6: what does not fit is refused and what fits is not";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::always("T6", NAME, "spec/session.md, T6", holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    !state.broken.has(Rule::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Sessions::SMALL.beginning();
        assert!(holds(&Sessions::SMALL, &state));
        state.broken.note(Rule::Overflow);
        assert!(!holds(&Sessions::SMALL, &state));
    }
}
