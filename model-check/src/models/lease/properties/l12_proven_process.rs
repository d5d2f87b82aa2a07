//! L12: only the process that the record named is killed, and only when asked.
//!
//! Seen at each kill: pid, start and namespaces, and the policy.

use crate::models::lease::Lease;
use crate::models::lease::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L12: only the process that the record named is killed, and only when asked";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always("L12", NAME, "spec/lease.md, L12; a lock that kills whoever has the pid", holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::WrongProcessKilled)
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
        bad.broke(Broken::WrongProcessKilled);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
