//! reached: somebody owns.
//!
//! An empty model passes every property of safety.

use stateright::Property;

use crate::lease::Lease;
use crate::lease::state::State;

/// The property's name.
pub(crate) const NAME: &str = "reached: somebody owns";

/// The property.
pub(crate) fn property() -> Property<Lease> {
    Property::sometimes(NAME, holds)
}

fn holds(lease: &Lease, state: &State) -> bool {
    state.passing(lease.mutant).next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::testing::state_with_owner;

    #[test]
    fn it_is_seen_and_not_seen() {
        let good = state_with_owner();
        assert!(holds(&Lease::SMALL, &good));
        let bad = Lease::SMALL.beginning();
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
