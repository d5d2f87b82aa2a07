//! no machine is given an answer that it had not asked for.
//!
//! A defect of the model itself, or of a machine that ends in a breach without cause.

use crate::models::lease::Lease;
use crate::models::lease::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "contract: no machine is given an answer that it had not asked for";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always("contract", NAME, "spec/src/step.rs, Breach", holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::Contract)
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
        bad.broke(Broken::Contract);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
