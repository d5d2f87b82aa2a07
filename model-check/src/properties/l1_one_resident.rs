//! L1: at most one process has resident state.
//!
//! Promise: a model is never in memory twice, even when the previous owner is paused.

use stateright::Property;

use crate::lease::Lease;
use crate::lease::state::State;

/// The property's name.
pub(crate) const NAME: &str = "L1: at most one process has resident state";

/// The property.
pub(crate) fn property() -> Property<Lease> {
    Property::always(NAME, holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    state.processes.iter().filter(|process| process.resident()).count() <= 1
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
