//! Clients are alike: which of them waits where makes no difference.

use std::hash::{DefaultHasher, Hash, Hasher};

use modeld_spec::slot::event::Ask;
use modeld_spec::slot::table::Slots;

use super::names::{CALLERS, ask_id, caller_of, serial_of};
use super::state::{Caller, State};

/// The state with its clients in the order of what they do and where the table has them.
pub(super) fn representative(state: &State) -> State {
    let mut order: [usize; CALLERS] = core::array::from_fn(|caller| caller);
    let keys: [(Caller, u64); CALLERS] =
        core::array::from_fn(|caller| (state.callers[caller], whereabouts(state, caller)));
    order.sort_by_key(|caller| core::cmp::Reverse(keys[*caller]));
    if order.is_sorted() {
        return state.clone();
    }
    renamed(state, order)
}

/// The state in which client `i` is what client `order[i]` was.
pub(super) fn renamed(state: &State, order: [usize; CALLERS]) -> State {
    let mut places = [0_usize; CALLERS];
    for (place, caller) in order.into_iter().enumerate() {
        places[caller] = place;
    }
    let rename = |id| places.get(caller_of(id)).map_or(id, |place| ask_id(*place, serial_of(id)));
    State {
        callers: order.map(|caller| state.callers[caller]),
        table: state.table.as_ref().map(|table| table.with_asks_renamed(rename)),
        ..state.clone()
    }
}

/// What the table has of a client, as a number that is the same for all clients of which it has the same: the sum,
/// as queues are in the order of their ids, of the hashes of each entry without the client's name.
fn whereabouts(state: &State, caller: usize) -> u64 {
    let hash = |entry: &dyn Fn(&mut DefaultHasher)| {
        let mut hasher = DefaultHasher::new();
        entry(&mut hasher);
        hasher.finish()
    };
    let nameless = |id| ask_id(0, serial_of(id));
    let mut sum = 0_u64;
    for (index, slot) in state.table.iter().flat_map(Slots::slots).enumerate() {
        for ask in slot.asks.iter().filter(|ask| caller_of(ask.id) == caller) {
            let ask = Ask { id: nameless(ask.id), ..*ask };
            sum = sum.wrapping_add(hash(&|hasher| (index, &ask).hash(hasher)));
        }
        for holder in slot.holders.iter().filter(|holder| caller_of(**holder) == caller) {
            sum = sum.wrapping_add(hash(&|hasher| (index, nameless(*holder)).hash(hasher)));
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stateright::Model;

    use super::*;
    use crate::models::slot::Slot;
    use crate::models::slot::names::Choice;
    use crate::search::exhaustive::{Exhaustive, Options};
    use crate::study::Kind;

    /// Three clients, of everything a little.
    const MIXED: Slot = Slot {
        callers: 3,
        asks: 2,
        menu: &[Choice::open(0), Choice::load(0), Choice::load_instead(1), Choice::UNLOAD],
        failures: 1,
        crashes: 1,
        fences: 1,
        hang_ups: true,
        slow: true,
        idle: true,
        ..Slot::SMALL
    };

    /// The state at the end of a walk that takes the `choices[i]`-th possible action in its `i`-th step.
    fn walk(choices: &[usize]) -> State {
        let mut state = MIXED.beginning();
        let mut actions = Vec::new();
        for choice in choices {
            actions.clear();
            MIXED.actions(&state, &mut actions);
            let Some(action) = actions.get(choice % actions.len().max(1)) else { break };
            state = MIXED.next_state(&state, *action).unwrap();
        }
        state
    }

    proptest! {
        #[test]
        fn a_representative_is_one_of_all_permutations(
            choices in prop::collection::vec(any::<usize>(), 0..60),
            order in Just([0, 1, 2, 3]).prop_shuffle(),
        ) {
            let state = walk(&choices);
            let one = representative(&state);
            prop_assert_eq!(&representative(&one), &one, "idempotent");
            let permuted = renamed(&state, order);
            prop_assert_eq!(&representative(&permuted), &one, "the same for all permutations");
            for promise in crate::models::slot::properties::of(&MIXED) {
                prop_assert_eq!((promise.holds)(&MIXED, &state), (promise.holds)(&MIXED, &one), "{}", promise.says);
            }
        }
    }

    fn verdicts(slot: &Slot, symmetric: bool) -> (usize, Vec<(&'static str, bool)>) {
        let options = Options { symmetric, ..Options::plain() };
        let found = Exhaustive::search(slot, options, |_| {}).unwrap();
        let verdicts = found.verdicts.iter().map(|verdict| (verdict.says, verdict.holds));
        (found.counts.unique, verdicts.collect())
    }

    #[test]
    fn the_symmetric_and_the_plain_search_agree() {
        for slot in [
            Slot { callers: 3, hang_ups: true, failures: 1, progress: true, ..Slot::SMALL },
            Slot { asks: 1, callers: 3, crashes: 0, fences: 0, ..MIXED },
        ] {
            let (plain, all) = verdicts(&slot, false);
            let (symmetric, some) = verdicts(&slot, true);
            assert_eq!(all, some);
            assert!(symmetric * 2 < plain, "{symmetric} of {plain}");
        }
    }

    #[test]
    fn what_falls_in_the_plain_search_falls_in_the_symmetric_one() {
        use crate::study::{Expected, Study};
        let goals = MIXED.goals();
        for mutated in Slot::mutants() {
            // What a goal notices never falls.
            let lasts = |by| goals.iter().any(|goal| goal.says == by);
            let falls = matches!(mutated.expected, Expected::Killed { by, .. } if !lasts(by));
            let fallen: Vec<_> = [false, true]
                .into_iter()
                .map(|symmetric| {
                    let options = Options { symmetric, ..Options::plain() };
                    Exhaustive::search(&mutated.model, options, |_| {}).is_err()
                })
                .collect();
            assert_eq!(fallen, [falls, falls], "{}", mutated.id);
        }
        assert!(
            crate::models::slot::properties::of(&MIXED).iter().any(|promise| promise.kind == Kind::Sometimes)
        );
    }
}
