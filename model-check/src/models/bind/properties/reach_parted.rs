//! reached: versions part with a typed refusal.

use modeld_spec::holder::frame::Refusal;
use modeld_spec::holder::spawn::Problem;

use crate::models::bind::Bind;
use crate::models::bind::state::{Main, Over, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: a client learnt that there is no common version";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::reached(NAME, holds)
}

fn holds(_: &Bind, state: &State) -> bool {
    matches!(state.client.main, Main::Over(Over::Failed(Problem::Refused(Refusal::Versions(_)))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use modeld_spec::holder::frame::Versions;

    #[test]
    fn it_holds_and_falls() {
        let mut good = Bind::SMALL.beginning();
        good.client.main = Main::Over(Over::Failed(Problem::Refused(Refusal::Versions(Versions::OURS))));
        assert!(holds(&Bind::SMALL, &good));
        let bad = Bind::SMALL.beginning();
        assert!(!holds(&Bind::SMALL, &bad));
    }
}
