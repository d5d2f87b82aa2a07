//! H11: connections that are served and members never exceed their limits.

use crate::models::bind::Bind;
use crate::models::bind::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "H11: a holder takes on no more connections and members than it has limits for";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::always("H11", NAME, "spec/holder.md, H11", holds)
}

fn holds(bind: &Bind, state: &State) -> bool {
    let Some(running) = state.running() else { return true };
    // One that is over the limit is there until it was told so.
    let served = running.machine.lines().iter().filter(|line| !line.is_parting()).count();
    served <= usize::from(bind.lines) && running.machine.members().len() <= usize::from(bind.members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bind::properties::testing::*;

    #[test]
    fn it_holds_and_falls() {
        let state = bound();
        assert!(holds(&Bind::SMALL, &state));
        let narrow = Bind { lines: 0, ..Bind::SMALL };
        assert!(!holds(&narrow, &state));
    }
}
