//! H7: an answer of `up` says that the model was in memory.

use crate::models::bind::Bind;
use crate::models::bind::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "H7: a member that is said to be up was up";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::always("H7", NAME, "spec/holder.md, H7", holds)
}

fn holds(_: &Bind, state: &State) -> bool {
    !state.broken.has(Broken::UP_TOO_SOON)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bind::properties::testing::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = bound();
        assert!(holds(&Bind::SMALL, &state));
        state.broken.add(Broken::UP_TOO_SOON);
        assert!(!holds(&Bind::SMALL, &state));
    }
}
