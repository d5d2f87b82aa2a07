//! T6: no session holds more than it has room for.
//!
//! What is resident is at most what was reserved when the session was opened.

use crate::models::session::Sessions;
use crate::models::session::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "T6: no session holds more than it has room for";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::always("T6", NAME, "spec/session.md, T6", holds)
}

fn holds(sessions: &Sessions, state: &State) -> bool {
    state.sessions().all(|(_, key, session)| {
        let clients = state.client.key == Some(key);
        let room = sessions.limits[usize::from(!clients)];
        session.tape().resident() <= room || sessions.client && !clients
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::session::properties::testing::state_with_text;

    #[test]
    fn it_holds_and_falls() {
        let state = state_with_text();
        assert!(holds(&Sessions::SMALL, &state));
        assert!(!holds(&Sessions { limits: [1, 1], ..Sessions::SMALL }, &state));
    }
}
