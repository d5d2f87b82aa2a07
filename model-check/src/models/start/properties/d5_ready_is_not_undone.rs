//! D5: no start ends a daemon that was ready.
//!
//! Promise: a start that loses patience takes nothing away from another one that has attached meanwhile.

use crate::models::start::Starting;
use crate::models::start::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "D5: no start ends a daemon that was ready";

/// The promise.
pub fn promise() -> Promise<Starting> {
    Promise::always("D5", NAME, "spec/daemon.md, D5", holds)
}

fn holds(_: &Starting, state: &State) -> bool {
    !state.has_broken(Broken::ReadyKilled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut bad = Starting::CALM.beginning();
        assert!(holds(&Starting::CALM, &bad));
        bad.broke(Broken::ReadyKilled);
        assert!(!holds(&Starting::CALM, &bad));
    }
}
