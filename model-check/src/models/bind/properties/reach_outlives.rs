//! reached: a detached holder outlives its client.

use crate::models::bind::Bind;
use crate::models::bind::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: a detached holder serves though its client is dead";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::reached(NAME, holds)
}

fn holds(_: &Bind, state: &State) -> bool {
    !state.client.lives && state.running().is_some_and(|running| running.ready && running.waits())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bind::properties::testing::*;

    #[test]
    fn it_holds_and_falls() {
        let mut good = bound();
        good.client.lives = false;
        assert!(holds(&Bind::SMALL, &good));
        let bad = Bind::SMALL.beginning();
        assert!(!holds(&Bind::SMALL, &bad));
    }
}
