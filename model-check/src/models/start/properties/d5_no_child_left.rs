//! D5: a start that has failed leaves no child.
//!
//! Promise: after a failed start things are as they were before it.

use crate::models::start::Starting;
use crate::models::start::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "D5: a start that has failed leaves no child";

/// The promise.
pub fn promise() -> Promise<Starting> {
    Promise::always("D5", NAME, "spec/daemon.md, D5", holds)
}

fn holds(_: &Starting, state: &State) -> bool {
    !state.has_broken(Broken::ChildLeft)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut bad = Starting::CALM.beginning();
        assert!(holds(&Starting::CALM, &bad));
        bad.broke(Broken::ChildLeft);
        assert!(!holds(&Starting::CALM, &bad));
    }
}
