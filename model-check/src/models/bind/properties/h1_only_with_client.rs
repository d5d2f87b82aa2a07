//! H1: a bound holder ends only because its own client has ended, or asked, or never bound it in time.
//!
//! Watched where a holder begins to end (`holder.rs`): the client may die a moment later, and then nothing shows it.

use crate::models::bind::Bind;
use crate::models::bind::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "H1: a bound holder ends only with its client, or because it was asked to";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::always("H1", NAME, "spec/holder.md, H1", holds)
}

fn holds(_: &Bind, state: &State) -> bool {
    !state.broken.has(Broken::ENDED_IN_VAIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bind::properties::testing::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = bound();
        assert!(holds(&Bind::SMALL, &state));
        state.broken.add(Broken::ENDED_IN_VAIN);
        assert!(!holds(&Bind::SMALL, &state));
    }
}
