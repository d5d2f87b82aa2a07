//! L6: a gate that lets nothing pass is never opened again.
//!
//! Seen at each extension of a gate.

use stateright::Property;

use crate::lease::Lease;
use crate::lease::state::{Broken, State};

/// The property's name.
pub(crate) const NAME: &str = "L6: a gate that lets nothing pass is never opened again";

/// The property.
pub(crate) fn property() -> Property<Lease> {
    Property::always(NAME, holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::GateReopened)
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
        bad.broke(Broken::GateReopened);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
