//! F2: no durable effect lands once a later ownership was granted.
//!
//! Promise 4: nothing that a deposed owner does later takes hold. Checked with the gate switched off as well.

use crate::models::fence::Fence;
use crate::models::fence::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "F2: no durable effect lands once a later ownership was granted";

/// The promise.
pub fn promise() -> Promise<Fence> {
    Promise::always("F2", NAME, "spec/fence.md, F2", holds)
}

fn holds(_: &Fence, state: &State) -> bool {
    !state.has_broken(Broken::STALE_LANDED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Fence::BARE.beginning();
        assert!(holds(&Fence::BARE, &state));
        state.broke(Broken::STALE_LANDED);
        assert!(!holds(&Fence::BARE, &state));
    }
}
