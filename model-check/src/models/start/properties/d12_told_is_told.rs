//! D12: a daemon that was told to end does not wait for requests.
//!
//! Promise: a stop during the start wins.

use crate::models::start::Starting;
use crate::models::start::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "D12: a daemon that was told to end does not wait for requests";

/// The promise.
pub fn promise() -> Promise<Starting> {
    Promise::always("D12", NAME, "spec/daemon.md, D12", holds)
}

fn holds(_: &Starting, state: &State) -> bool {
    state.bodies().all(|(_, body)| !body.signalled || body.told || !body.waits())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::start::properties::testing::serving;

    #[test]
    fn it_holds_and_falls() {
        let mut bad = Starting::CALM.beginning();
        bad.children[0] = serving(0);
        assert!(holds(&Starting::CALM, &bad));
        if let Some(body) = &mut bad.children[0].body {
            body.signalled = true;
        }
        assert!(!holds(&Starting::CALM, &bad));
    }
}
