//! D9: damaged metadata does not stay damaged beside its daemon.
//!
//! Promise: a daemon that serves can be found and stopped, whatever was done to its files.

use modeld_spec::daemon::effect::{Content, Phase, Said};

use crate::models::start::Starting;
use crate::models::start::state::{Life, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "D9: damaged metadata does not stay damaged beside its daemon";

/// The promise.
pub fn promise() -> Promise<Starting> {
    Promise::always("D9", NAME, "spec/daemon.md, D9", holds)
}

fn holds(model: &Starting, state: &State) -> bool {
    let told = |life: Life| state.disk.metadata == Content::Says(Said { who: life, phase: Phase::Running });
    let lost = state.bodies().any(|(life, body)| state.is_ready(life) && body.waits() && !told(life));
    !lost || !model.is_quiet(state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::start::mutants::Mutant;
    use crate::models::start::properties::testing::serving;
    use crate::models::start::state::Starter;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Starting::CALM.beginning();
        state.starters = [const { Starter::Absent }; 3];
        state.children[0] = serving(0);
        assert!(holds(&Starting::CALM, &state));
        let never = Starting { mutant: Some(Mutant::NeverRestores), ..Starting::CALM };
        assert!(!holds(&never, &state));
    }
}
