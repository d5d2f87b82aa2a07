//! S6: what is in memory was planned within the budget.
//!
//! By what each load was planned to take; S8 is about what it took.

use crate::models::slot::Slot;
use crate::models::slot::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "S6: what is in memory was planned within the budget";

/// The promise.
pub fn promise() -> Promise<Slot> {
    Promise::always("S6", NAME, "spec/slot.md, S6", holds)
}

fn holds(slot: &Slot, state: &State) -> bool {
    let present = state.engine.iter().zip(slot.needs).filter(|(work, _)| work.is_in_memory());
    present.map(|(_, need)| u16::from(need)).sum::<u16>() <= u16::from(slot.budget)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::slot::properties::testing::working;
    use crate::models::slot::state::Work;

    #[test]
    fn it_holds_and_falls() {
        let good = working();
        assert!(holds(&Slot::SMALL, &good));
        let mut bad = working();
        bad.engine[1] = Work::Resident { generation: 2, more: false };
        bad.engine[2] = Work::Freeing { generation: 3, more: false };
        assert!(!holds(&Slot::SMALL, &bad));
    }
}
