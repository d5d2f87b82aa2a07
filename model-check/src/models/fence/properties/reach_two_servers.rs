//! reached: two owners after each other serve one answer.
//!
//! A search that never gets there shows nothing about what comes after it.

use crate::models::fence::Fence;
use crate::models::fence::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: two owners after each other serve one answer";

/// The promise.
pub fn promise() -> Promise<Fence> {
    Promise::reached(NAME, holds)
}

fn holds(_: &Fence, state: &State) -> bool {
    state.clients.iter().any(|client| 2 <= client.served_by)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_seen_and_not_seen() {
        let mut state = Fence::BARE.beginning();
        assert!(!holds(&Fence::BARE, &state));
        state.clients[0].served_by = 2;
        assert!(holds(&Fence::BARE, &state));
    }
}
