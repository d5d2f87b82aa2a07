//! reached: an added member comes up and its asker knows.

use modeld_spec::holder::ask;

use crate::models::bind::Bind;
use crate::models::bind::state::{Asker, Model, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: a member was added";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::reached(NAME, holds)
}

fn holds(_: &Bind, state: &State) -> bool {
    state.askers.iter().any(|asker| matches!(asker, Asker::Knows(ask::Outcome::Done)))
        && state.running().is_some_and(|running| running.members[1].model == Model::Loaded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bind::properties::testing::*;
    use crate::models::bind::state::Process;

    #[test]
    fn it_holds_and_falls() {
        let mut good = bound();
        good.askers[0] = Asker::Knows(ask::Outcome::Done);
        if let Process::Running(running) = &mut good.holder {
            running.members[1].model = Model::Loaded;
        }
        assert!(holds(&Bind::SMALL, &good));
        let bad = Bind::SMALL.beginning();
        assert!(!holds(&Bind::SMALL, &bad));
    }
}
