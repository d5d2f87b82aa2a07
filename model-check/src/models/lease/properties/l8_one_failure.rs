//! L8: one failed effect does not fence an owner that is never paused.
//!
//! Seen at each fence. Stated where time waits for everybody who has something to do, with one failure in all.

use crate::models::lease::Lease;
use crate::models::lease::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L8: one failed effect does not fence an owner that is never paused";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always("L8", NAME, "spec/lease.md, L8; a session that is lost by one failed renewal", holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::FencedForOneFailure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::lease::properties::testing::state_with_owner;

    #[test]
    fn it_holds_and_falls() {
        let good = state_with_owner();
        assert!(holds(&Lease::SMALL, &good));
        let mut bad = good.clone();
        bad.broke(Broken::FencedForOneFailure);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
