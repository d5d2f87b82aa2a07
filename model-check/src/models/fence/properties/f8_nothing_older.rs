//! F8: a client accepts nothing of an epoch older than one it has seen.
//!
//! Promise 4: at any item of a stream, from whatever connection.

use crate::models::fence::Fence;
use crate::models::fence::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "F8: a client accepts nothing of an epoch older than one it has seen";

/// The promise.
pub fn promise() -> Promise<Fence> {
    Promise::always("F8", NAME, "spec/fence.md, F8", holds)
}

fn holds(_: &Fence, state: &State) -> bool {
    !state.has_broken(Broken::OLDER_ACCEPTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Fence::BARE.beginning();
        assert!(holds(&Fence::BARE, &state));
        state.broke(Broken::OLDER_ACCEPTED);
        assert!(!holds(&Fence::BARE, &state));
    }
}
