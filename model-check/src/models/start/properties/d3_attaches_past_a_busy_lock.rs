//! D3: a start does not fail over the start lock beside a daemon that is ready.
//!
//! Promise: whoever has the start lock, and however long, keeps nobody from a daemon that is there.

use crate::models::start::Starting;
use crate::models::start::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "D3: a start does not fail over the start lock beside a daemon that is ready";

/// The promise.
pub fn promise() -> Promise<Starting> {
    Promise::always("D3", NAME, "spec/daemon.md, D3", holds)
}

fn holds(_: &Starting, state: &State) -> bool {
    !state.has_broken(Broken::PassedBy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut bad = Starting::CALM.beginning();
        assert!(holds(&Starting::CALM, &bad));
        bad.broke(Broken::PassedBy);
        assert!(!holds(&Starting::CALM, &bad));
    }
}
