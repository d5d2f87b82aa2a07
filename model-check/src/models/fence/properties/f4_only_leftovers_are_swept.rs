//! F4: an owner sweeps only what an earlier one has left.
//!
//! Mutant M20: an owner that was deposed goes on clearing up.

use crate::models::fence::Fence;
use crate::models::fence::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "F4: an owner sweeps only what an earlier one has left";

/// The promise.
pub fn promise() -> Promise<Fence> {
    Promise::always("F4", NAME, "spec/fence.md, F4", holds)
}

fn holds(_: &Fence, state: &State) -> bool {
    !state.has_broken(Broken::SWEPT_TOO_MUCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Fence::BARE.beginning();
        assert!(holds(&Fence::BARE, &state));
        state.broke(Broken::SWEPT_TOO_MUCH);
        assert!(!holds(&Fence::BARE, &state));
    }
}
