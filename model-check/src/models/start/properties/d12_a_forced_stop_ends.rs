//! D12: a stop that may kill leaves nobody running.
//!
//! Promise: a wedged daemon can be got rid of.

use crate::models::start::Starting;
use crate::models::start::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "D12: a stop that may kill leaves nobody running";

/// The promise.
pub fn promise() -> Promise<Starting> {
    Promise::always("D12", NAME, "spec/daemon.md, D12", holds)
}

fn holds(_: &Starting, state: &State) -> bool {
    !state.has_broken(Broken::LeftRunning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut bad = Starting::CALM.beginning();
        assert!(holds(&Starting::CALM, &bad));
        bad.broke(Broken::LeftRunning);
        assert!(!holds(&Starting::CALM, &bad));
    }
}
