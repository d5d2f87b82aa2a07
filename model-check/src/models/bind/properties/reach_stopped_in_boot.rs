//! reached: a stop meets a load.

use crate::models::bind::Bind;
use crate::models::bind::state::{Model, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: a member is stopped while it loads";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::reached(NAME, holds)
}

fn holds(_: &Bind, state: &State) -> bool {
    state
        .running()
        .is_some_and(|running| running.members.iter().any(|m| m.ending && m.model == Model::Loading))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bind::properties::testing::*;
    use crate::models::bind::state::Process;

    #[test]
    fn it_holds_and_falls() {
        let mut good = bound();
        if let Process::Running(running) = &mut good.holder {
            running.members[0].model = Model::Loading;
            running.members[0].ending = true;
        }
        assert!(holds(&Bind::SMALL, &good));
        let bad = Bind::SMALL.beginning();
        assert!(!holds(&Bind::SMALL, &bad));
    }
}
