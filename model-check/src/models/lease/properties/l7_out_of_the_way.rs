//! L7: no standby waits for the lock beside a leader that it saw wait.
//!
//! Seen where a standby begins to wait. One that waited before the leader came goes on, and lets go of what it gets.

use crate::models::lease::Lease;
use crate::models::lease::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L7: no standby waits for the lock beside a leader that it saw wait";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always("L7", NAME, "spec/lease.md, L7", holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::InTheLeadersWay)
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
        bad.broke(Broken::InTheLeadersWay);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
