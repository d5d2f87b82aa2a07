//! H5: a connection on which no version was agreed upon gets refusals only.

use crate::models::bind::Bind;
use crate::models::bind::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "H5: nothing is done for a connection without a common version";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::always("H5", NAME, "spec/holder.md, H5", holds)
}

fn holds(_: &Bind, state: &State) -> bool {
    !state.broken.has(Broken::SERVED_WITHOUT_VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bind::properties::testing::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = bound();
        assert!(holds(&Bind::SMALL, &state));
        state.broken.add(Broken::SERVED_WITHOUT_VERSION);
        assert!(!holds(&Bind::SMALL, &state));
    }
}
