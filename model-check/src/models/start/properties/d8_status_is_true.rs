//! D8: no status is false.
//!
//! Promise: what a status says was so while it looked.

use crate::models::start::Starting;
use crate::models::start::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "D8: no status is false";

/// The promise.
pub fn promise() -> Promise<Starting> {
    Promise::always("D8", NAME, "spec/daemon.md, D8", holds)
}

fn holds(_: &Starting, state: &State) -> bool {
    !state.has_broken(Broken::FalseStatus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut bad = Starting::CALM.beginning();
        assert!(holds(&Starting::CALM, &bad));
        bad.broke(Broken::FalseStatus);
        assert!(!holds(&Starting::CALM, &bad));
    }
}
