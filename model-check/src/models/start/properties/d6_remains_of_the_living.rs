//! D6: what belongs to a living daemon is replaced and removed by nobody else.
//!
//! Promise: a daemon that lives can be found.

use crate::models::start::Starting;
use crate::models::start::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "D6: what belongs to a living daemon is replaced and removed by nobody else";

/// The promise.
pub fn promise() -> Promise<Starting> {
    Promise::always("D6", NAME, "spec/daemon.md, D6", holds)
}

fn holds(_: &Starting, state: &State) -> bool {
    !state.has_broken(Broken::RemainsOfLiving)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut bad = Starting::CALM.beginning();
        assert!(holds(&Starting::CALM, &bad));
        bad.broke(Broken::RemainsOfLiving);
        assert!(!holds(&Starting::CALM, &bad));
    }
}
