//! D13: nothing is decided upon a look that failed.
//!
//! Promise: one I/O error is neither a free lock nor an end.

use crate::models::start::Starting;
use crate::models::start::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "D13: nothing is decided upon a look that failed";

/// The promise.
pub fn promise() -> Promise<Starting> {
    Promise::always("D13", NAME, "spec/daemon.md, D13", holds)
}

fn holds(_: &Starting, state: &State) -> bool {
    !state.has_broken(Broken::DecidedUponFailure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut bad = Starting::CALM.beginning();
        assert!(holds(&Starting::CALM, &bad));
        bad.broke(Broken::DecidedUponFailure);
        assert!(!holds(&Starting::CALM, &bad));
    }
}
