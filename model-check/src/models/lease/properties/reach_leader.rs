//! reached: a leader waits for the memory of a paused owner.
//!
//! L7: it owns, and may load nothing yet.

use crate::models::lease::Lease;
use crate::models::lease::state::{Owner, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: a leader waits for the memory of a paused owner";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::reached(NAME, holds)
}

fn holds(lease: &Lease, state: &State) -> bool {
    lease.leased(state).any(|slot| {
        let waits = |owner: &Owner| owner.awaits.is_some() && !owner.open;
        let leads = state.processes[slot].owner.as_deref().is_some_and(waits);
        leads && state.processes.iter().any(|process| process.resident())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::lease::properties::testing::state_with_owner;

    #[test]
    fn it_is_seen_and_not_seen() {
        let mut good = state_with_owner();
        good.processes[1].owner = good.processes[0].owner.clone();
        if let Some(owner) = good.processes[0].owner.as_mut() {
            (owner.open, owner.resident, owner.awaits) = (false, false, Some(0));
        }
        assert!(holds(&Lease::SMALL, &good));
        let bad = Lease::SMALL.beginning();
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
