//! contract: no machine ends with a breach: the model performs what is asked.

use crate::models::bind::Bind;
use crate::models::bind::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "contract: no machine is given an answer that it had not asked for";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::always("contract", NAME, "spec/src/step.rs", holds)
}

fn holds(_: &Bind, state: &State) -> bool {
    !state.broken.has(Broken::CONTRACT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bind::properties::testing::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = bound();
        assert!(holds(&Bind::SMALL, &state));
        state.broken.add(Broken::CONTRACT);
        assert!(!holds(&Bind::SMALL, &state));
    }
}
