//! D11: a stop reports the end of a daemon that has ended, and success while no daemon has the run lock.
//!
//! Promise: after a stop the memory is back.

use crate::models::start::Starting;
use crate::models::start::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str =
    "D11: a stop reports the end of a daemon that has ended, and success while no daemon has the run lock";

/// The promise.
pub fn promise() -> Promise<Starting> {
    Promise::always("D11", NAME, "spec/daemon.md, D11", holds)
}

fn holds(_: &Starting, state: &State) -> bool {
    !state.has_broken(Broken::StoppedWhileHeld) && !state.has_broken(Broken::EndedWhileAlive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut bad = Starting::CALM.beginning();
        assert!(holds(&Starting::CALM, &bad));
        bad.broke(Broken::StoppedWhileHeld);
        assert!(!holds(&Starting::CALM, &bad));
    }
}
