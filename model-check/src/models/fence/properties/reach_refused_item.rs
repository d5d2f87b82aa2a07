//! reached: a client drops an item for its epoch.
//!
//! A search that never gets there shows nothing about what comes after it.

use crate::models::fence::Fence;
use crate::models::fence::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: a client drops an item for its epoch";

/// The promise.
pub fn promise() -> Promise<Fence> {
    Promise::reached(NAME, holds)
}

fn holds(_: &Fence, state: &State) -> bool {
    state.clients.iter().any(|client| client.refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_seen_and_not_seen() {
        let mut state = Fence::BARE.beginning();
        assert!(!holds(&Fence::BARE, &state));
        state.clients[0].refused = true;
        assert!(holds(&Fence::BARE, &state));
    }
}
