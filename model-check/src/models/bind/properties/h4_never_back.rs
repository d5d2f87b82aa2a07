//! H4: an ack that comes late changes nothing.

use crate::models::bind::Bind;
use crate::models::bind::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "H4: the watch never goes back to an earlier attempt";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::always("H4", NAME, "spec/holder.md, H4", holds)
}

fn holds(_: &Bind, state: &State) -> bool {
    let Some(running) = state.running() else { return true };
    let armed = running.machine.lines().iter().filter(|line| line.is_armed());
    armed.into_iter().all(|line| running.armed.is_none_or(|latest| u32::from(latest) <= line.conn.0))
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
            running.armed = Some(1);
        }
        assert!(!holds(&Bind::SMALL, &state));
    }
}
