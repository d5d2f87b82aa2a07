//! T13: what is shared was computed behind the same text.
//!
//! Seen at each sharing: the other sequence holds, up to the last position that is shared, what this session is to hold.

use crate::models::session::Sessions;
use crate::models::session::state::{Rule, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "T13: what is shared was computed behind the same text";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::always("T13", NAME, "spec/session.md, T13", holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    !state.broken.has(Rule::SharedOther)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Sessions::SMALL.beginning();
        assert!(holds(&Sessions::SMALL, &state));
        state.broken.note(Rule::SharedOther);
        assert!(!holds(&Sessions::SMALL, &state));
    }
}
