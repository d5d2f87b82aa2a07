//! L6: a gate that lets nothing pass is never opened again.
//!
//! Seen at each extension of a gate.

use crate::models::lease::Lease;
use crate::models::lease::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L6: a gate that lets nothing pass is never opened again";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always("L6", NAME, "spec/lease.md, L6", holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::GateReopened)
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
        bad.broke(Broken::GateReopened);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
