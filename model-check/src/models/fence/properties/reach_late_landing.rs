//! reached: a durable effect is refused where it lands, having passed the gate.
//!
//! A search that never gets there shows nothing about what comes after it.

use modeld_spec::fence::commit::Effect;

use crate::models::fence::Fence;
use crate::models::fence::state::{Durable, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: a durable effect is refused where it lands, having passed the gate";

/// The promise.
pub fn promise() -> Promise<Fence> {
    Promise::reached(NAME, holds)
}

fn holds(_: &Fence, state: &State) -> bool {
    state.processes.iter().any(|process| {
        let refused = |durable: Durable| durable.effect == Effect::Discard && !durable.landed;
        process.ordinal < state.grants && process.durable.is_some_and(refused)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::fence::state::ownership;
    use modeld_spec::fence::commit::Commit;
    use modeld_spec::step::Step;

    #[test]
    fn it_is_seen_and_not_seen() {
        let mut state = Fence::BARE.beginning();
        assert!(!holds(&Fence::BARE, &state));
        let Step::Do(_, commit) = Commit::start(ownership(0, 1)) else { panic!() };
        let durable = Durable {
            effect: Effect::Discard,
            commit,
            write: 1,
            landed: false,
            torn: false,
            left: false,
            flush: false,
            early: (false, 0),
        };
        state.grants = 2;
        state.processes[0].durable = Some(durable);
        assert!(holds(&Fence::BARE, &state));
    }
}
