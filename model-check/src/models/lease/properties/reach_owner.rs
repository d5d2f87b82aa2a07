//! reached: somebody owns.
//!
//! An empty model passes every property of safety.

use crate::models::lease::Lease;
use crate::models::lease::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: somebody owns";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::reached(NAME, holds)
}

fn holds(lease: &Lease, state: &State) -> bool {
    lease.passing(state).next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::lease::properties::testing::state_with_owner;

    #[test]
    fn it_is_seen_and_not_seen() {
        let good = state_with_owner();
        assert!(holds(&Lease::SMALL, &good));
        let bad = Lease::SMALL.beginning();
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
