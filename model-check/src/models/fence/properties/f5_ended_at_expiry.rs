//! F5: what nothing checks where it lands has ended when a successor may act.
//!
//! Mutant M03: why the deadline lies before the expiry. Claimed where nothing is paused, suspended or stuck.

use crate::models::fence::Fence;
use crate::models::fence::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "F5: what nothing checks where it lands has ended when a successor may act";

/// The promise.
pub fn promise() -> Promise<Fence> {
    Promise::always("F5", NAME, "spec/fence.md, F5", holds)
}

fn holds(fence: &Fence, state: &State) -> bool {
    let acts = |ordinal| {
        fence.slots().any(|slot| ordinal < state.process(slot).ordinal && fence.is_open(state, slot))
    };
    !fence.slots().any(|slot| {
        let process = state.process(slot);
        process.native.is_some() && acts(process.ordinal)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::fence::state::{Native, Work};

    #[test]
    fn it_holds_and_falls() {
        let mut state = Fence::BARE.beginning();
        state.processes[0].native = Some(Native { work: Work::Load, begun: 0, stuck: false });
        assert!(holds(&Fence::BARE, &state));
        state.processes[1] = state.processes[0];
        state.processes[1].ordinal = 2;
        assert!(!holds(&Fence::BARE, &state));
    }
}
