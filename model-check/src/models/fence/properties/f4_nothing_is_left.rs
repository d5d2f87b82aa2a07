//! F4: a durable effect that ends leaves nothing prepared.
//!
//! But where the removal itself has failed: that is for a later owner to sweep.

use crate::models::fence::Fence;
use crate::models::fence::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "F4: a durable effect that ends leaves nothing prepared";

/// The promise.
pub fn promise() -> Promise<Fence> {
    Promise::always("F4", NAME, "spec/fence.md, F4", holds)
}

fn holds(_: &Fence, state: &State) -> bool {
    !state.has_broken(Broken::LEFT_PREPARED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Fence::BARE.beginning();
        assert!(holds(&Fence::BARE, &state));
        state.broke(Broken::LEFT_PREPARED);
        assert!(!holds(&Fence::BARE, &state));
    }
}
