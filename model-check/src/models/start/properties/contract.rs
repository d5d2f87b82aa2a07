//! The contract: no machine is given an answer that it had not asked for.
//!
//! A property of the model itself: a breach would be a defect of whoever performs the effects.

use crate::models::start::Starting;
use crate::models::start::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "contract: every machine gets the answers that it asked for";

/// The promise.
pub fn promise() -> Promise<Starting> {
    Promise::always("contract", NAME, "modeld_spec::step::Breach", holds)
}

fn holds(_: &Starting, state: &State) -> bool {
    !state.has_broken(Broken::Contract)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut bad = Starting::CALM.beginning();
        assert!(holds(&Starting::CALM, &bad));
        bad.broke(Broken::Contract);
        assert!(!holds(&Starting::CALM, &bad));
    }
}
