//! Reached: a start has a daemon of its own after another one has died.
//!
//! What a crash leaves behind is in nobody's way.

use modeld_spec::daemon::start::Outcome;

use crate::models::start::Starting;
use crate::models::start::state::{Starter, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: a start has a daemon of its own after another one has died";

/// The promise.
pub fn promise() -> Promise<Starting> {
    Promise::reached(NAME, holds)
}

fn holds(_: &Starting, state: &State) -> bool {
    let died = |life: usize| state.children.get(life).is_some_and(|child| child.said && child.body.is_none());
    let started = |starter: &Starter| matches!(starter, Starter::Ended(Outcome::Started(life)) if 0 < *life && state.lives(*life));
    died(0) && state.starters.iter().any(started)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::start::properties::testing::serving;

    #[test]
    fn it_is_told_from_what_it_is_not() {
        let mut state = Starting::CALM.beginning();
        assert!(!holds(&Starting::CALM, &state));
        state.children[0].said = true;
        state.children[1] = serving(1);
        state.starters[0] = Starter::Ended(Outcome::Started(1));
        assert!(holds(&Starting::CALM, &state));
    }
}
