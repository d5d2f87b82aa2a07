//! H11: a connection that is neither watched nor has an open question is ended.

use modeld_spec::holder::line::Line;

use crate::models::bind::Bind;
use crate::models::bind::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "H11: no connection on which nothing is said stays";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::always("H11", NAME, "spec/holder.md, H11", holds)
}

fn holds(bind: &Bind, state: &State) -> bool {
    let idle = state.running().is_some_and(|running| running.machine.lines().iter().any(Line::is_bounded));
    !(bind.windows && idle && bind.is_quiet(state))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bind::mutants::Mutant;
    use crate::models::bind::properties::testing::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = bound();
        assert!(holds(&Bind::SMALL, &state));
        let mutant = Bind { mutant: Some(Mutant::SilentLinesStay), ..Bind::SMALL };
        add_silent_line(&mut state);
        assert!(holds(&Bind::SMALL, &state));
        assert!(!holds(&mutant, &state));
    }
}
