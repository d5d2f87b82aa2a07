//! D2: ready is said by who serves, and a start succeeds by nobody else.
//!
//! Promise: an endpoint that a start has printed answers.

use crate::models::start::Starting;
use crate::models::start::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "D2: ready is said by who serves, and a start succeeds by nobody else";

/// The promise.
pub fn promise() -> Promise<Starting> {
    Promise::always("D2", NAME, "spec/daemon.md, D2", holds)
}

fn holds(_: &Starting, state: &State) -> bool {
    !state.has_broken(Broken::NotServing) && !state.has_broken(Broken::ReadyTooSoon)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut bad = Starting::CALM.beginning();
        assert!(holds(&Starting::CALM, &bad));
        bad.broke(Broken::NotServing);
        assert!(!holds(&Starting::CALM, &bad));
    }
}
