//! F3: what lands was prepared to its end.
//!
//! A part of a snapshot is no snapshot.

use crate::models::fence::Fence;
use crate::models::fence::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "F3: what lands was prepared to its end";

/// The promise.
pub fn promise() -> Promise<Fence> {
    Promise::always("F3", NAME, "spec/fence.md, F3", holds)
}

fn holds(_: &Fence, state: &State) -> bool {
    !state.has_broken(Broken::TORN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Fence::BARE.beginning();
        assert!(holds(&Fence::BARE, &state));
        state.broke(Broken::TORN);
        assert!(!holds(&Fence::BARE, &state));
    }
}
