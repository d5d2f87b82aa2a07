//! D7: only daemons have the run lock.
//!
//! Promise: a status never makes a start fail, and is seen by no other status.

use crate::models::start::Starting;
use crate::models::start::state::{Holder, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "D7: only daemons have the run lock";

/// The promise.
pub fn promise() -> Promise<Starting> {
    Promise::always("D7", NAME, "spec/daemon.md, D7", holds)
}

fn holds(_: &Starting, state: &State) -> bool {
    !matches!(state.disk.run_lock, Some(Holder::Probe(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut bad = Starting::CALM.beginning();
        assert!(holds(&Starting::CALM, &bad));
        bad.disk.run_lock = Some(Holder::Probe(0));
        assert!(!holds(&Starting::CALM, &bad));
    }
}
