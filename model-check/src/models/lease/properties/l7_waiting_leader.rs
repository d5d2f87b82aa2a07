//! L7: no leader is deposed for a lock that it never had.
//!
//! Seen at the write of the record: its owner waited for the lock and could begin effects.

use crate::models::lease::Lease;
use crate::models::lease::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L7: no leader is deposed for a lock that it never had";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always("L7", NAME, "spec/lease.md, L7", holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::LeaderDeposed)
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
        bad.broke(Broken::LeaderDeposed);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
