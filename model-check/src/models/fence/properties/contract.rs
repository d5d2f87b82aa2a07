//! contract: no machine is given an answer that does not fit.
//!
//! A breach would hide whatever comes after it.

use crate::models::fence::Fence;
use crate::models::fence::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "contract: no machine is given an answer that does not fit";

/// The promise.
pub fn promise() -> Promise<Fence> {
    Promise::always("contract", NAME, "spec/src/step.rs", holds)
}

fn holds(_: &Fence, state: &State) -> bool {
    !state.has_broken(Broken::CONTRACT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Fence::BARE.beginning();
        assert!(holds(&Fence::BARE, &state));
        state.broke(Broken::CONTRACT);
        assert!(!holds(&Fence::BARE, &state));
    }
}
