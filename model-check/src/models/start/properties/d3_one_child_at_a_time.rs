//! D3: one start at a time has a child.
//!
//! Promise: fifty concurrent starts make one process, and not fifty.

use crate::models::start::Starting;
use crate::models::start::state::{Starter, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "D3: one start at a time has a child";

/// The promise.
pub fn promise() -> Promise<Starting> {
    Promise::always("D3", NAME, "spec/daemon.md, D3", holds)
}

fn holds(_: &Starting, state: &State) -> bool {
    let has_child = |starter: &&Starter| matches!(starter, Starter::Running { child: Some(_), .. });
    state.starters.iter().filter(has_child).count() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut bad = Starting::CALM.beginning();
        assert!(holds(&Starting::CALM, &bad));
        for (life, starter) in (0..).zip(bad.starters.iter_mut().take(2)) {
            if let Starter::Running { child, .. } = starter {
                *child = Some(life);
            }
        }
        assert!(!holds(&Starting::CALM, &bad));
    }
}
