//! L5: at most one process may begin owned effects.
//!
//! The deadline lies before the expiry, and the gate compares it with the clock whatever the process does.

use stateright::Property;

use crate::lease::Lease;
use crate::lease::state::State;

/// The property's name.
pub(crate) const NAME: &str = "L5: at most one process may begin owned effects";

/// The property.
pub(crate) fn property() -> Property<Lease> {
    Property::always(NAME, holds)
}

fn holds(lease: &Lease, state: &State) -> bool {
    state.passing(lease.mutant).count() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::testing::state_with_owner;

    #[test]
    fn it_holds_and_falls() {
        let good = state_with_owner();
        assert!(holds(&Lease::SMALL, &good));
        let mut bad = state_with_owner();
        let owner = bad.processes[0].owner.clone();
        bad.processes[1].owner = owner;
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
