//! H10: no question waits for nothing: where only choices and faults are left, nobody waits for a living holder, and no
//! open connection is owed a reply.

use crate::models::bind::Bind;
use crate::models::bind::state::{Asker, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "H10: whoever asks is answered";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::always("H10", NAME, "spec/holder.md, H10", holds)
}

fn holds(bind: &Bind, state: &State) -> bool {
    let asking = state.askers.iter().any(|asker| matches!(asker, Asker::Asking(_)));
    let owed = state.wires.iter().any(|wire| wire.here && wire.peer && 0 < wire.owed);
    !((asking || (owed && state.running().is_some())) && bind.is_quiet(state))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bind::properties::testing::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = bound();
        assert!(holds(&Bind::SMALL, &state));
        settle(&mut state);
        state.wires[0].owed = 1;
        assert!(!holds(&Bind::SMALL, &state));
    }
}
