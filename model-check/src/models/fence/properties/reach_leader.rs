//! reached: a successor owns and waits for the lock.
//!
//! A search that never gets there shows nothing about what comes after it.

use crate::models::fence::Fence;
use crate::models::fence::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: a successor owns and waits for the lock";

/// The promise.
pub fn promise() -> Promise<Fence> {
    Promise::reached(NAME, holds)
}

fn holds(fence: &Fence, state: &State) -> bool {
    fence.slots().any(|slot| state.process(slot).leads && fence.is_open(state, slot))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_seen_and_not_seen() {
        let mut state = Fence::BARE.beginning();
        assert!(!holds(&Fence::BARE, &state));
        state.processes[0].leads = true;
        assert!(holds(&Fence::BARE, &state));
    }
}
