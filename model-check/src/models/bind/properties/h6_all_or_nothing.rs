//! H6: where a client says that it could not start or bind a holder, none runs.

use crate::models::bind::Bind;
use crate::models::bind::state::{Main, Over, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "H6: a start that failed leaves no holder behind";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::always("H6", NAME, "spec/holder.md, H6", holds)
}

fn holds(_: &Bind, state: &State) -> bool {
    !(matches!(state.client.main, Main::Over(Over::Failed(_))) && state.running().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bind::properties::testing::*;
    use modeld_spec::holder::spawn::Problem;

    #[test]
    fn it_holds_and_falls() {
        let mut state = bound();
        assert!(holds(&Bind::SMALL, &state));
        state.client.main = Main::Over(Over::Failed(Problem::Silent));
        assert!(!holds(&Bind::SMALL, &state));
    }
}
