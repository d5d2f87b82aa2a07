//! L12: no process is taken for another.
//!
//! Seen at each inspection, by the instance that the record names: alive is told of nobody who has ended, gone of nobody who lives.

use crate::models::lease::Lease;
use crate::models::lease::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L12: no process is taken for another";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always(
        "L12",
        NAME,
        "spec/lease.md, L12; a lock that is held for ever by a pid that is used again",
        holds,
    )
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::ProcessMistaken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::lease::properties::testing::state_with_owner;

    #[test]
    fn it_holds_and_falls() {
        let good = state_with_owner();
        assert!(holds(&Lease::SMALL, &good));
        let mut bad = good.clone();
        bad.broke(Broken::ProcessMistaken);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
