//! D2: a daemon that answers that it is ready can be reached.
//!
//! Promise: an endpoint that a start has printed is the one of its daemon.

use crate::models::start::Starting;
use crate::models::start::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "D2: a daemon that is ready can be reached";

/// The promise.
pub fn promise() -> Promise<Starting> {
    Promise::always("D2", NAME, "spec/daemon.md, D2", holds)
}

fn holds(_: &Starting, state: &State) -> bool {
    state.bodies().all(|(life, body)| !body.announced || state.disk.socket == Some(life))
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
        bad.disk.socket = Some(1);
        assert!(!holds(&Starting::CALM, &bad));
    }
}
