//! H7: nothing is in memory of which the holder has no member: no load is adopted that nobody covers.

use crate::models::bind::Bind;
use crate::models::bind::names;
use crate::models::bind::state::{Model, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "H7: what is in memory belongs to a member that can be asked and stopped";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::always("H7", NAME, "spec/holder.md, H7", holds)
}

fn holds(_: &Bind, state: &State) -> bool {
    let Some(running) = state.running() else { return true };
    running.members.iter().enumerate().all(|(number, memory)| {
        memory.model == Model::Nothing
            || running.machine.members().iter().any(|member| names::place(member.ticket) == number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bind::properties::testing::*;
    use crate::models::bind::state::Process;

    #[test]
    fn it_holds_and_falls() {
        let mut state = bound();
        assert!(holds(&Bind::SMALL, &state));
        if let Process::Running(running) = &mut state.holder {
            running.members[1].model = Model::Loaded;
        }
        assert!(!holds(&Bind::SMALL, &state));
    }
}
