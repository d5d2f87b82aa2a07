//! F6: a call runs only at the ownership that it is meant for.
//!
//! Mutant M26: a name that is equal says who, and not since when.

use crate::models::fence::Fence;
use crate::models::fence::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "F6: a call runs only at the ownership that it is meant for";

/// The promise.
pub fn promise() -> Promise<Fence> {
    Promise::always("F6", NAME, "spec/fence.md, F6", holds)
}

fn holds(_: &Fence, state: &State) -> bool {
    !state.has_broken(Broken::MISDIRECTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Fence::BARE.beginning();
        assert!(holds(&Fence::BARE, &state));
        state.broke(Broken::MISDIRECTED);
        assert!(!holds(&Fence::BARE, &state));
    }
}
