//! L6: no renewal goes on to write at or after the deadline.
//!
//! Seen where a renewal asks for the write. The write itself may land later: what was begun in time is not called back.

use crate::models::lease::Lease;
use crate::models::lease::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L6: no renewal goes on to write at or after the deadline";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always(
        "L6",
        NAME,
        "spec/lease.md, L6; a leader elector that renews an expired lease brings it back to life",
        holds,
    )
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::RenewedLate)
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
        bad.broke(Broken::RenewedLate);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
