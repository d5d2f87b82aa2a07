//! H9: a detached holder outlives its client and every connection.

use crate::models::bind::Bind;
use crate::models::bind::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "H9: a detached holder never ends because a connection or a process ended";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::always("H9", NAME, "spec/holder.md, H9", holds)
}

fn holds(_: &Bind, state: &State) -> bool {
    !state.broken.has(Broken::DETACHED_ENDED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bind::properties::testing::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = bound();
        assert!(holds(&Bind::SMALL, &state));
        state.broken.add(Broken::DETACHED_ENDED);
        assert!(!holds(&Bind::SMALL, &state));
    }
}
