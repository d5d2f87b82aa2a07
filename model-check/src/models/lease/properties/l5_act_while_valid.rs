//! L5: an owned effect begins before the deadline.
//!
//! Seen at each act. The gate is asked at the act itself, and not only before it.

use crate::models::lease::Lease;
use crate::models::lease::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L5: an owned effect begins before the deadline";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always(
        "L5",
        NAME,
        "spec/lease.md, L5; an act without a look at the lease is not noticed by fencing alone",
        holds,
    )
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::ActedLate)
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
        bad.broke(Broken::ActedLate);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
