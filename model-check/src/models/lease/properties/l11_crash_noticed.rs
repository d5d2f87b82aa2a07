//! L11: no time passes between a crash and the takeover by a standby.
//!
//! Stated where time waits for everybody who has something to do (`prompt`), without I/O errors. Where an owner
//! may be paused for good, a standby that keeps out of its successor's way may take its patience to notice.

use crate::models::lease::Lease;
use crate::models::lease::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L11: no time passes between a crash and the takeover by a standby";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always("L11", NAME, "spec/lease.md, L11", holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::DeadOwnerWaitedFor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::lease::properties::testing::state_with_owner;

    #[test]
    fn it_holds_and_falls() {
        let good = state_with_owner();
        assert!(holds(&Lease::SMALL, &good));
        let mut bad = good;
        bad.broke(Broken::DeadOwnerWaitedFor);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
