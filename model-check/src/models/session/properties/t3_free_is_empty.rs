//! T3: a sequence that is free is empty.
//!
//! Also while nobody uses it: what is left in it would be the next session's.

use modeld_spec::session::table::Use;

use crate::models::session::Sessions;
use crate::models::session::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "T3: a sequence that is free is empty";

/// The promise.
pub fn promise() -> Promise<Sessions> {
    Promise::always("T3", NAME, "spec/session.md, T3", holds)
}

fn holds(_: &Sessions, state: &State) -> bool {
    state.owners.iter().flatten().all(|owner| {
        let uses = owner.table.uses().iter().zip(&owner.cache);
        uses.into_iter().all(|(of, cells)| *of != Use::Free || cells.cells().is_empty())
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
        *owner.cells_mut(Sequence(1)) = *owner.cells(Sequence(0));
        assert!(!holds(&Sessions::SMALL, &bad));
    }
}
