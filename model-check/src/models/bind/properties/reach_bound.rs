//! reached: the handshake comes to its end.

use crate::models::bind::Bind;
use crate::models::bind::state::{Main, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: a client is bound";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::reached(NAME, holds)
}

fn holds(_: &Bind, state: &State) -> bool {
    matches!(state.client.main, Main::Bound(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bind::properties::testing::*;

    #[test]
    fn it_holds_and_falls() {
        let good = bound();
        assert!(holds(&Bind::SMALL, &good));
        let bad = Bind::SMALL.beginning();
        assert!(!holds(&Bind::SMALL, &bad));
    }
}
