//! L8: no owner is fenced before its deadline without a successor.
//!
//! Seen at each fence: one failed renewal costs nothing.

use stateright::Property;

use crate::lease::Lease;
use crate::lease::state::{Broken, State};

/// The property's name.
pub(crate) const NAME: &str = "L8: no owner is fenced before its deadline without a successor";

/// The property.
pub(crate) fn property() -> Property<Lease> {
    Property::always(NAME, holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::FencedInVain)
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
        bad.broke(Broken::FencedInVain);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
