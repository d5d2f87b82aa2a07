//! H3: who is not of the holder's user is refused before anything it says is read.

use crate::models::bind::Bind;
use crate::models::bind::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "H3: another user's process is told nothing but a refusal";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::always("H3", NAME, "spec/holder.md, H3", holds)
}

fn holds(_: &Bind, state: &State) -> bool {
    !state.broken.has(Broken::FOREIGNER_SERVED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bind::properties::testing::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = bound();
        assert!(holds(&Bind::SMALL, &state));
        state.broken.add(Broken::FOREIGNER_SERVED);
        assert!(!holds(&Bind::SMALL, &state));
    }
}
