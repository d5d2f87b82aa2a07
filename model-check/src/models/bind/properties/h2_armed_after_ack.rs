//! H2: the watch is armed by an ack of the client that the holder belongs to, and by nothing else.

use crate::models::bind::Bind;
use crate::models::bind::names::{self, Whose};
use crate::models::bind::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "H2: a holder watches no connection on which its client has not said ack";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::always("H2", NAME, "spec/holder.md, H2", holds)
}

fn holds(_: &Bind, state: &State) -> bool {
    let Some(running) = state.running() else { return true };
    running.machine.lines().iter().filter(|line| line.is_armed()).all(|line| {
        let number = names::wire(line.conn);
        names::whose(number) == Whose::Client && state.wires[number].acked
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bind::properties::testing::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = bound();
        assert!(holds(&Bind::SMALL, &state));
        state.wires[0].acked = false;
        assert!(!holds(&Bind::SMALL, &state));
    }
}
