//! D5: a daemon that came too late for its starter does not stay.
//!
//! Promise: a start that was interrupted leaves nothing behind.

use crate::models::start::Starting;
use crate::models::start::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "D5: a daemon that came too late for its starter does not stay";

/// The promise.
pub fn promise() -> Promise<Starting> {
    Promise::always("D5", NAME, "spec/daemon.md, D5", holds)
}

fn holds(_: &Starting, state: &State) -> bool {
    state.bodies().all(|(_, body)| !body.announced || body.said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::start::properties::testing::serving;

    #[test]
    fn it_holds_and_falls() {
        let mut bad = Starting::CALM.beginning();
        assert!(holds(&Starting::CALM, &bad));
        bad.children[0] = serving(0);
        assert!(!holds(&Starting::CALM, &bad));
    }
}
