//! L4: no gate is open beyond the deadline that its record says.
//!
//! A renewal counts from its beginning, for the owner and for everybody who reads the record.

use crate::models::lease::Lease;
use crate::models::lease::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L4: no gate is open beyond the deadline that its record says";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always("L4", NAME, "spec/lease.md, L4", holds)
}

fn holds(lease: &Lease, state: &State) -> bool {
    let Some(record) = &state.disk.record else { return true };
    state.processes.iter().enumerate().all(|(slot, process)| {
        let writes = |epoch| record.epoch == epoch && record.process == lease.process_id(slot, process);
        let owner = process.owner.as_deref().filter(|owner| writes(owner.epoch));
        owner.is_none_or(|owner| owner.gate.deadline() <= Some(record.deadline()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::lease::properties::testing::state_with_owner;

    #[test]
    fn it_holds_and_falls() {
        let good = state_with_owner();
        assert!(holds(&Lease::SMALL, &good));
        let mut bad = good;
        if let Some(owner) = bad.processes[0].owner.as_mut() {
            owner.gate =
                modeld_spec::lease::gate::GateWord::open_until(crate::models::lease::names::instant(9));
        }
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
