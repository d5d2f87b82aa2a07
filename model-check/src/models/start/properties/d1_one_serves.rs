//! D1: at most one daemon serves.
//!
//! Promise: whoever asks is answered by one daemon, and it is the one that can be found.

use crate::models::start::Starting;
use crate::models::start::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "D1: at most one daemon serves";

/// The promise.
pub fn promise() -> Promise<Starting> {
    Promise::always("D1", NAME, "spec/daemon.md, D1", holds)
}

fn holds(_: &Starting, state: &State) -> bool {
    state.bodies().filter(|(_, body)| body.serving).count() <= 1
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
        bad.children[1] = serving(1);
        assert!(!holds(&Starting::CALM, &bad));
    }
}
