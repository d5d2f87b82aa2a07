//! H9: a detached holder ends with its last member.

use crate::models::bind::Bind;
use crate::models::bind::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "H9: a detached holder without members does not stay";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::always("H9", NAME, "spec/holder.md, H9", holds)
}

fn holds(bind: &Bind, state: &State) -> bool {
    let idle = state.running().is_some_and(|running| running.machine.members().is_empty());
    !(!bind.bound && idle && bind.is_quiet(state))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bind::properties::testing::*;

    #[test]
    fn it_holds_and_falls() {
        let state = bound();
        let detached = Bind { bound: false, windows: false, ..Bind::SMALL };
        assert!(holds(&detached, &state));
        let (mutant, empty) = without_members();
        assert!(!holds(&mutant, &empty));
    }
}
