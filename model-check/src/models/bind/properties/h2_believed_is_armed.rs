//! H2: as long as the client that takes itself for bound and the holder live, the holder watches their connection.

use crate::models::bind::Bind;
use crate::models::bind::names;
use crate::models::bind::state::{Main, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "H2: a client takes itself for bound only while its connection is watched";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::always("H2", NAME, "spec/holder.md, H2", holds)
}

fn holds(_: &Bind, state: &State) -> bool {
    let (Main::Bound(number), Some(running)) = (&state.client.main, state.running()) else { return true };
    let wire = usize::from(*number);
    state.wires[wire].here
        && running.machine.lines().iter().any(|line| names::wire(line.conn) == wire && line.is_armed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bind::properties::testing::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = bound();
        assert!(holds(&Bind::SMALL, &state));
        state.client.main = Main::Bound(1);
        assert!(!holds(&Bind::SMALL, &state));
    }
}
