//! L7: no leader is deposed for a lock that it never had.
//!
//! Seen at the write of the record: its owner waited for the lock and could begin effects.

use stateright::Property;

use crate::lease::Lease;
use crate::lease::state::{Broken, State};

/// The property's name.
pub(crate) const NAME: &str = "L7: no leader is deposed for a lock that it never had";

/// The property.
pub(crate) fn property() -> Property<Lease> {
    Property::always(NAME, holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::LeaderDeposed)
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
        bad.broke(Broken::LeaderDeposed);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
