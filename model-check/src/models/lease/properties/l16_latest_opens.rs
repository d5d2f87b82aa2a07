//! L16: a gate opens only under the latest epoch.
//!
//! Seen where a leader's gate opens, against the highest epoch ever owned.

use crate::models::lease::Lease;
use crate::models::lease::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L16: a gate opens only under the latest epoch";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always("L16", NAME, "spec/lease.md, L16", holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::OpenedStale)
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
        bad.broke(Broken::OpenedStale);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
