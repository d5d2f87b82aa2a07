//! H8: no member is loaded twice for one wish, and none beside another of its name.

use modeld_spec::holder::frame::Question;

use crate::models::bind::Bind;
use crate::models::bind::names::Name;
use crate::models::bind::state::{Model, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "H8: a wish is fulfilled once, and a name has one life at a time";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::always("H8", NAME, "spec/holder.md, H8", holds)
}

fn holds(bind: &Bind, state: &State) -> bool {
    let Some(running) = state.running() else { return true };
    let [first, second, again] = &running.members;
    let beside = bind.asks.iter().flatten().any(|question| {
        matches!(question, Question::Add { member: Name::First, .. })
            && first.model != Model::Nothing
            && second.model != Model::Nothing
    });
    first.loads <= 1 && second.loads + again.loads <= 1 && !beside
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bind::properties::testing::*;
    use crate::models::bind::state::Process;

    #[test]
    fn it_holds_and_falls() {
        let mut state = bound();
        assert!(holds(&Bind::SMALL, &state));
        if let Process::Running(running) = &mut state.holder {
            running.members[1].loads = 2;
        }
        assert!(!holds(&Bind::SMALL, &state));
    }
}
