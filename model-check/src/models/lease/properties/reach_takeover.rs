//! reached: a crash is followed by a takeover before the expiry.
//!
//! L11: the lock says at once what the record says after the TTL.

use crate::models::lease::Lease;
use crate::models::lease::state::{Main, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: a crash is followed by a takeover before the expiry";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::reached(NAME, holds)
}

fn holds(lease: &Lease, state: &State) -> bool {
    let crashed = state.processes.iter().any(|process| process.main == Main::Crashed);
    let second = state.highest_owned.is_some_and(|epoch| 1 < epoch.get());
    crashed && second && state.tick < lease.ttl && state.passing(lease.mutant).next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::lease::properties::testing::state_with_owner;

    #[test]
    fn it_is_seen_and_not_seen() {
        let mut good = state_with_owner();
        good.highest_owned = good.highest_owned.and_then(modeld_spec::ids::Epoch::next);
        good.processes[1].main = Main::Crashed;
        assert!(holds(&Lease::SMALL, &good));
        let bad = Lease::SMALL.beginning();
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
