//! F6: an item is produced only for a session of this ownership and load.
//!
//! What was opened before is gone with its state.

use crate::models::fence::Fence;
use crate::models::fence::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "F6: an item is produced only for a session of this ownership and load";

/// The promise.
pub fn promise() -> Promise<Fence> {
    Promise::always("F6", NAME, "spec/fence.md, F6", holds)
}

fn holds(_: &Fence, state: &State) -> bool {
    !state.has_broken(Broken::GONE_SESSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Fence::BARE.beginning();
        assert!(holds(&Fence::BARE, &state));
        state.broke(Broken::GONE_SESSION);
        assert!(!holds(&Fence::BARE, &state));
    }
}
