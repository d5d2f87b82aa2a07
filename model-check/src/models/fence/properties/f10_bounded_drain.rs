//! F10: no process lives on after the bound of its drain with something under way.
//!
//! Mutant M22: a stop that waits for ever. Claimed where nothing is paused or suspended: such a process can't even end.

use modeld_spec::fence::drain::Effect;

use crate::models::fence::Fence;
use crate::models::fence::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "F10: no process lives on after the bound of its drain with something under way";

/// The promise.
pub fn promise() -> Promise<Fence> {
    Promise::always("F10", NAME, "spec/fence.md, F10", holds)
}

fn holds(_: &Fence, state: &State) -> bool {
    !state.processes.iter().any(|process| match process.drain {
        Some((Effect::Await { until }, _)) => until < state.now() && !process.permits.is_drained(),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use modeld_spec::fence::drain::Drain;
    use modeld_spec::fence::permits::PermitWord;
    use modeld_spec::step::{Machine, Step};
    use modeld_spec::time::Observed;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Fence::BARE.beginning();
        let permits = PermitWord::OPEN.entered().unwrap().closed();
        let at = state.now();
        let Step::Do(_, drain) = Drain::start(at.after(Drain::patience(Fence::BARE.ttl()))) else { panic!() };
        let Step::Do(effect, drain) = drain.step(Observed { at, what: permits }) else { panic!() };
        state.processes[0].permits = permits;
        state.processes[0].drain = Some((effect, drain));
        assert!(holds(&Fence::BARE, &state));
        state.tick = 2;
        assert!(!holds(&Fence::BARE, &state));
    }
}
