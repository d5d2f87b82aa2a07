//! F3: what is reported as done has landed, and what is reported as not done has not.
//!
//! Of an unknown outcome nothing is claimed.

use crate::models::fence::Fence;
use crate::models::fence::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "F3: what is reported as done has landed, and what is reported as not done has not";

/// The promise.
pub fn promise() -> Promise<Fence> {
    Promise::always("F3", NAME, "spec/fence.md, F3", holds)
}

fn holds(_: &Fence, state: &State) -> bool {
    !state.has_broken(Broken::MISREPORTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Fence::BARE.beginning();
        assert!(holds(&Fence::BARE, &state));
        state.broke(Broken::MISREPORTED);
        assert!(!holds(&Fence::BARE, &state));
    }
}
