//! reached: a crash is followed by a takeover before the expiry.
//!
//! L11: the lock says at once what the record says after the TTL.

use modeld_spec::lease::effect::Effect;

use crate::models::lease::Lease;
use crate::models::lease::names;
use crate::models::lease::state::{Main, Process, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "reached: a crash is followed by a takeover before the expiry";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::reached(NAME, holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    let Some(record) = &state.disk.record else { return false };
    let valid = state.now() < record.ttl.expiry(record.renewed_at);
    let crashed = state.processes.iter().enumerate().any(|(slot, process)| {
        process.main == Main::Crashed && names::instance(slot, process.generation) == record.instance
    });
    let replaces =
        |process: &Process| matches!(process.main, Main::Attempting { effect: Effect::ReplaceRecord(_), .. });
    valid && crashed && state.processes.iter().any(|process| replaces(process))
}

#[cfg(test)]
mod tests {
    use stateright::Model;

    use super::*;
    use crate::models::lease::actions::{Action, Fate};
    use crate::models::lease::properties::testing::state_with_owner;
    use crate::models::lease::state::Thread;

    #[test]
    fn it_is_seen_and_not_seen() {
        let lease = Lease::SMALL;
        let mut good = lease.next_state(&state_with_owner(), Action::Crash(0)).unwrap();
        assert!(!holds(&lease, &good));
        let b = |effect| Action::Perform { slot: 1, thread: Thread::Main, effect, fate: Fate::Done };
        let path = ["take latch", "read record", "try residency", "read epochs", "claim epoch"];
        for effect in path {
            good = lease.next_state(&good, b(effect)).unwrap();
        }
        assert!(holds(&lease, &good));
        let expired = (0..3).fold(good, |state, _| lease.next_state(&state, Action::Tick).unwrap());
        assert!(!holds(&lease, &expired));
    }
}
