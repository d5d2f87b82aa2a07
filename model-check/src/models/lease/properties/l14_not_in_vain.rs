//! L14: who had the lock in vain does not wait for it again.
//!
//! Seen where a standby begins to wait: that would be no wait.

use crate::models::lease::Lease;
use crate::models::lease::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L14: who had the lock in vain does not wait for it again";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always("L14", NAME, "spec/lease.md, L14", holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::WaitsInVain)
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
        bad.broke(Broken::WaitsInVain);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
