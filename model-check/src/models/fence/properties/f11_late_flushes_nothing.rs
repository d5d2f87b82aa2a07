//! F11: an owner whose time has passed when it ends flushes nothing.
//!
//! What it would write could only be refused.

use crate::models::fence::Fence;
use crate::models::fence::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "F11: an owner whose time has passed when it ends flushes nothing";

/// The promise.
pub fn promise() -> Promise<Fence> {
    Promise::always("F11", NAME, "spec/fence.md, F11", holds)
}

fn holds(_: &Fence, state: &State) -> bool {
    !state.has_broken(Broken::LATE_FLUSH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Fence::BARE.beginning();
        assert!(holds(&Fence::BARE, &state));
        state.broke(Broken::LATE_FLUSH);
        assert!(!holds(&Fence::BARE, &state));
    }
}
