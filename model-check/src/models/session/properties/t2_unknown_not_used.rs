//! T2: nothing goes on in a cache of which nobody knows what it holds.
//!
//! Seen where an operation or an effect begins.

use crate::models::session::Sessions;
use crate::models::session::state::{Rule, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "T2: nothing goes on in a cache of which nobody knows what it holds";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::always("T2", NAME, "spec/session.md, T2", holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    !state.broken.has(Rule::UnsureUsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Sessions::SMALL.beginning();
        assert!(holds(&Sessions::SMALL, &state));
        state.broken.note(Rule::UnsureUsed);
        assert!(!holds(&Sessions::SMALL, &state));
    }
}
