//! reached: a durable effect lands and is done.
//!
//! A search that never gets there shows nothing about what comes after it.

use crate::models::fence::Fence;
use crate::models::fence::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: a durable effect lands and is done";

/// The promise.
pub fn promise() -> Promise<Fence> {
    Promise::reached(NAME, holds)
}

fn holds(_: &Fence, state: &State) -> bool {
    state.store.reported != 0 && state.store.reported == state.store.place
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::fence::state::Store;

    #[test]
    fn it_is_seen_and_not_seen() {
        let mut state = Fence::BARE.beginning();
        assert!(!holds(&Fence::BARE, &state));
        state.store = Store { place: 1, reported: 1, ..state.store };
        assert!(holds(&Fence::BARE, &state));
    }
}
