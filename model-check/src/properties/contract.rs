//! no machine is given an answer that it had not asked for.
//!
//! A defect of the model itself, or of a machine that ends in a breach without cause.

use stateright::Property;

use crate::lease::Lease;
use crate::lease::state::{Broken, State};

/// The property's name.
pub(crate) const NAME: &str = "no machine is given an answer that it had not asked for";

/// The property.
pub(crate) fn property() -> Property<Lease> {
    Property::always(NAME, holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::Contract)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::testing::state_with_owner;

    #[test]
    fn it_holds_and_falls() {
        let good = state_with_owner();
        assert!(holds(&Lease::SMALL, &good));
        let mut bad = good;
        bad.broke(Broken::Contract);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
