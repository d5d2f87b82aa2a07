//! reached: a handover completes.
//!
//! L9: the record is gone, and so is the process.

use crate::models::lease::Lease;
use crate::models::lease::state::{Main, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: a handover completes";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::reached(NAME, holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    state.disk.record.is_none() && state.processes.iter().any(|process| process.main == Main::Exited)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_seen_and_not_seen() {
        let mut good = Lease::SMALL.beginning();
        good.processes[0].main = Main::Exited;
        assert!(holds(&Lease::SMALL, &good));
        let bad = Lease::SMALL.beginning();
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
