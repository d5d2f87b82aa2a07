//! S4: a member is one model.
//!
//! Two switches of one member at a time would leave two.

use modeld_spec::slot::table::Slots;

use crate::models::slot::Slot;
use crate::models::slot::names::{MEMBERS, member_of};
use crate::models::slot::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "S4: a member is one model";

/// The promise.
pub fn promise() -> Promise<Slot> {
    Promise::always("S4", NAME, "spec/slot.md, S4", holds)
}

fn holds(_: &Slot, state: &State) -> bool {
    let members = state.table.iter().flat_map(Slots::members);
    let mut of = [0; MEMBERS];
    members.for_each(|member| of[member_of(member.id)] += 1);
    of.iter().all(|members| *members <= 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use modeld_spec::slot::event::{Ask, AskId, Demand, Event, Gate, MemberId, ModelId, Wish};

    use crate::models::slot::names::ALIAS;
    use crate::models::slot::properties::testing::working;

    #[test]
    fn it_holds_and_falls() {
        let good = working();
        assert!(holds(&Slot::SMALL, &good));
        let mut bad = working();
        let other = Ask {
            id: AskId(99),
            member: MemberId(ALIAS),
            wish: Wish::Open(Demand { model: ModelId(0), bytes: 1 }),
        };
        let table = bad.table.as_mut().unwrap();
        assert!(!table.hear(Event::Asked(other), Gate::Open).is_empty());
        assert!(!holds(&Slot::SMALL, &bad));
    }
}
