//! H5: no connection of a client without a common version is greeted, and the client is neither bound nor served.

use modeld_spec::holder::line::Stage;

use crate::models::bind::Bind;
use crate::models::bind::names::{self, Whose};
use crate::models::bind::state::{Main, Over, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "H5: who has no common version with the holder gets nowhere";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::always("H5", NAME, "spec/holder.md, H5", holds)
}

fn holds(bind: &Bind, state: &State) -> bool {
    let (ours, theirs) = (names::versions(bind.holder_versions), names::versions(bind.client_versions));
    if ours.common(theirs).is_some() {
        return true;
    }
    let lines = state.running().map_or(&[][..], |running| running.machine.lines());
    let stray = |number| names::whose(number) == Whose::Stray;
    lines.iter().all(|line| line.stage == Stage::Silent || stray(names::wire(line.conn)))
        && !matches!(state.client.main, Main::Bound(_) | Main::Over(Over::Detached))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bind::properties::testing::*;

    #[test]
    fn it_holds_and_falls() {
        let state = bound();
        assert!(holds(&Bind::SMALL, &state));
        let parted = Bind { holder_versions: (3, 4), ..Bind::SMALL };
        assert!(!holds(&parted, &state));
    }
}
