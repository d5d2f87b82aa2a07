//! H6: every start comes to an end, whatever becomes of the holder.
//!
//! Where only choices and faults are left to happen, no client that lives is in the middle of starting a holder or of
//! ending one, even if its own bounds on its waits never come.

use crate::models::bind::Bind;
use crate::models::bind::state::{Main, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "H6: a start and an end come to an end";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::always("H6", NAME, "spec/holder.md, H6", holds)
}

fn holds(bind: &Bind, state: &State) -> bool {
    !(matches!(state.client.main, Main::Spawning(_) | Main::Closing(_)) && bind.is_quiet(state))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bind::mutants::Mutant;
    use crate::models::bind::state::Process;
    use modeld_spec::holder::spawn::Seen;
    use modeld_spec::step::{Machine, Step};

    #[test]
    fn it_holds_and_falls() {
        let mut state = Bind::SMALL.beginning();
        assert!(holds(&Bind::SMALL, &state));
        if let Main::Spawning(spawn) = state.client.main
            && let Step::Do(_, spawn) = spawn.step(Seen::Done)
        {
            state.client.main = Main::Spawning(spawn);
        }
        state.holder = Process::Killed;
        assert!(holds(&Bind::SMALL, &state));
        let mutant = Bind { mutant: Some(Mutant::MissesTheChildsEnd), ..Bind::SMALL };
        assert!(!holds(&mutant, &state));
    }
}
