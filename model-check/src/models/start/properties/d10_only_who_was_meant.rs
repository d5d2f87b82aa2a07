//! D10: no signal reaches a process that was not meant.
//!
//! Promise: neither a stranger with a pid of old nor a daemon that was started since is signalled.

use crate::models::start::Starting;
use crate::models::start::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "D10: no signal reaches a process that was not meant";

/// The promise.
pub fn promise() -> Promise<Starting> {
    Promise::always("D10", NAME, "spec/daemon.md, D10", holds)
}

fn holds(_: &Starting, state: &State) -> bool {
    !state.has_broken(Broken::OtherSignalled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut bad = Starting::CALM.beginning();
        assert!(holds(&Starting::CALM, &bad));
        bad.broke(Broken::OtherSignalled);
        assert!(!holds(&Starting::CALM, &bad));
    }
}
