//! L9: a record is removed after memory is back and the keeper ended, for good.
//!
//! Seen at each removal, and at each write of a renewal after it.

use stateright::Property;

use crate::lease::Lease;
use crate::lease::state::{Broken, State};

/// The property's name.
pub(crate) const NAME: &str = "L9: a record is removed after memory is back and the keeper ended, for good";

/// The property.
pub(crate) fn property() -> Property<Lease> {
    Property::always(NAME, holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::ReleasedTooSoon)
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
        bad.broke(Broken::ReleasedTooSoon);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
