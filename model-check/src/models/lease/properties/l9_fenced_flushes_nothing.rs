//! L9: an owner that is fenced flushes nothing.
//!
//! Seen at each flush. What is on its way when the deadline comes is refused where it lands.

use crate::models::lease::Lease;
use crate::models::lease::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L9: an owner that is fenced flushes nothing";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always("L9", NAME, "spec/lease.md, L9", holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::FlushedFenced)
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
        bad.broke(Broken::FlushedFenced);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
