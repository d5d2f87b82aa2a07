//! T3: no session sees another's content.
//!
//! Each position of a session's cache was evaluated for this session, or was in a snapshot that it has asked for.

use crate::models::session::Sessions;
use crate::models::session::state::{Cells, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "T3: no session sees another's content";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::always("T3", NAME, "spec/session.md, T3", holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    state.sessions().all(|(owner, key, session)| {
        let cells = session.sequence().map_or(Cells::NONE, |sequence| *owner.cells(sequence));
        !session.claims_cache() || cells.cells().iter().all(|cell| cell.life() == key.life)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::session::properties::testing::state_with_text;
    use modeld_spec::session::effect::Sequence;

    #[test]
    fn it_holds_and_falls() {
        let good = state_with_text();
        assert!(holds(&Sessions::SMALL, &good));
        let mut bad = good;
        let Some(owner) = bad.current_mut() else { panic!("nobody owns") };
        *owner.cells_mut(Sequence(0)) = owner.cells(Sequence(0)).of_life(9);
        assert!(!holds(&Sessions::SMALL, &bad));
    }
}
