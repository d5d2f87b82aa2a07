//! T12: what the client has taken is what its session says.
//!
//! Wherever the client waits for nothing and nothing was given up: also after an owner change.

use modeld_spec::session::operation::Activity;

use crate::models::session::Sessions;
use crate::models::session::names::Text;
use crate::models::session::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "T12: what the client has taken is what its session says";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::always("T12", NAME, "spec/session.md, T12", holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    let client = &state.client;
    let waits = client.operation.is_some() || client.reopen.is_some() || client.lost || !client.synced;
    let Some(key) = client.key.filter(|_| !waits) else { return true };
    let Some(session) = state.owner(key.epoch).and_then(|owner| owner.table.session(key)) else {
        return true;
    };
    let history = Text::of(client.reader.history().iter().copied());
    session.activity() != Activity::Idle || Text::of(session.text()) == history
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::session::properties::testing::state_with_text;

    #[test]
    fn it_holds_and_falls() {
        let mut state = state_with_text();
        assert!(holds(&Sessions::SMALL, &state));
        state.client.key = state.current().and_then(|owner| Some(owner.at(0)?.0));
        state.client.synced = true;
        assert!(!holds(&Sessions::SMALL, &state));
    }
}
