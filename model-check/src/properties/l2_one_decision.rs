//! L2: no claimant replaces the record of an owner that may begin effects.
//!
//! Seen at the write of the record; L5 sees the same a few steps later.

use stateright::Property;

use crate::lease::Lease;
use crate::lease::state::{Broken, State};

/// The property's name.
pub(crate) const NAME: &str = "L2: no claimant replaces the record of an owner that may begin effects";

/// The property.
pub(crate) fn property() -> Property<Lease> {
    Property::always(NAME, holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::OwnerDeposed)
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
        bad.broke(Broken::OwnerDeposed);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
