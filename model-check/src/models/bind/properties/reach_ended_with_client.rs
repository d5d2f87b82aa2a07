//! reached: the client dies, the holder drains and ends.

use modeld_spec::holder::effect::Why;

use crate::models::bind::Bind;
use crate::models::bind::state::{Process, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: a bound holder ended with its client, and nothing was in memory";

/// The promise.
pub fn promise() -> Promise<Bind> {
    Promise::reached(NAME, holds)
}

fn holds(_: &Bind, state: &State) -> bool {
    !state.client.lives && matches!(state.holder, Process::Ended { why: Why::ClientGone, drained: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut good = Bind::SMALL.beginning();
        good.client.lives = false;
        good.holder = Process::Ended { why: Why::ClientGone, drained: true };
        assert!(holds(&Bind::SMALL, &good));
        let bad = Bind::SMALL.beginning();
        assert!(!holds(&Bind::SMALL, &bad));
    }
}
