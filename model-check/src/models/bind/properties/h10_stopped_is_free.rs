//! H10: an answer of `stopped` says that the memory is back.

use crate::models::bind::Bind;
use crate::models::bind::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "H10: what is said to be stopped has nothing in memory";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::always("H10", NAME, "spec/holder.md, H10", holds)
}

fn holds(_: &Bind, state: &State) -> bool {
    !state.broken.has(Broken::STOPPED_TOO_SOON)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bind::properties::testing::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = bound();
        assert!(holds(&Bind::SMALL, &state));
        state.broken.add(Broken::STOPPED_TOO_SOON);
        assert!(!holds(&Bind::SMALL, &state));
    }
}
