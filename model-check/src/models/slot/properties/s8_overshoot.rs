//! S8: what took more than there is is freed.
//!
//! The excess itself can't be prevented: it is known when it has been taken.

use crate::models::slot::Slot;
use crate::models::slot::state::{State, Work};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "S8: what took more than there is is freed";

/// The promise.
pub fn promise() -> Promise<Slot> {
    Promise::always("S8", NAME, "spec/slot.md, S8", holds)
}

fn holds(slot: &Slot, state: &State) -> bool {
    let taken = |(work, need): (&Work, u8)| u16::from(need) + u16::from(work.is_more());
    let present = state.engine.iter().zip(slot.needs).filter(|(work, _)| work.is_in_memory());
    let goes = |work: &Work| matches!(work, Work::Freeing { more: true, .. });
    present.map(taken).sum::<u16>() <= u16::from(slot.budget) || state.engine.iter().any(goes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::slot::properties::testing::working;

    #[test]
    fn it_holds_and_falls() {
        let good = working();
        assert!(holds(&Slot::SMALL, &good));
        let mut bad = working();
        bad.engine[1] = Work::Resident { generation: 2, more: true };
        assert!(!holds(&Slot::SMALL, &bad));
    }
}
