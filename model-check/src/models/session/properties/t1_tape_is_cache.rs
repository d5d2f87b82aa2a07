//! T1: what is on a tape is what is in its cache.
//!
//! A session that knows what its cache holds holds what its tape says, in order and nothing else.

use crate::models::session::Sessions;
use crate::models::session::names::Text;
use crate::models::session::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "T1: what is on a tape is what is in its cache";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::always("T1", NAME, "spec/session.md, T1", holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    state.sessions().all(|(owner, _, session)| {
        let cells = session.sequence().map(|sequence| owner.cells(sequence).text());
        !session.claims_cache() || cells == Some(Text::of(session.tape().tokens().iter().copied()))
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
        owner.cells_mut(Sequence(0)).truncate(0);
        assert!(!holds(&Sessions::SMALL, &bad));
    }
}
