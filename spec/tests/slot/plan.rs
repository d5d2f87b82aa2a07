//! The capacity plan: examples, and what holds of every plan.

use modeld_spec::slot::event::{ModelId, Old};
use modeld_spec::slot::plan::{NoRoom, Plan, Resident, Standing, plan};
use proptest::prelude::*;

fn resident(model: u16, bytes: u64, standing: Standing) -> Resident {
    Resident { model: ModelId(model), bytes, standing }
}

#[test]
fn the_least_needed_goes_first_and_nothing_goes_in_vain() {
    let residents = [
        resident(1, 30, Standing::Idle),
        resident(2, 10, Standing::Idle),
        resident(3, 20, Standing::Idle),
        resident(4, 30, Standing::InUse),
    ];
    let evicts = |need| plan(100, need, None, &residents).map(|plan| plan.evicts);
    assert_eq!(evicts(10), Ok(vec![]));
    assert_eq!(evicts(20), Ok(vec![ModelId(1)]));
    assert_eq!(evicts(50), Ok(vec![ModelId(1), ModelId(2)]));
    assert_eq!(evicts(70), Ok(vec![ModelId(1), ModelId(2), ModelId(3)]));
    assert_eq!(evicts(71), Err(NoRoom::Taken { need: 71, budget: 100, in_use: 30, idle: 60 }));
    assert_eq!(evicts(101), Err(NoRoom::TooLarge { need: 101, budget: 100 }));
}

#[test]
fn what_leaves_counts_as_gone() {
    let residents = [resident(1, 90, Standing::Leaving)];
    assert_eq!(plan(100, 100, None, &residents), Ok(Plan::default()));
}

#[test]
fn sums_that_no_number_holds_are_refused() {
    let residents = [resident(1, u64::MAX, Standing::InUse), resident(2, u64::MAX, Standing::Idle)];
    assert!(matches!(plan(u64::MAX, 1, None, &residents), Err(NoRoom::Taken { .. })));
}

fn residents() -> impl Strategy<Value = Vec<Resident>> {
    let standing = prop_oneof![Just(Standing::InUse), Just(Standing::Idle), Just(Standing::Leaving)];
    let one = (0_u64..40, standing);
    prop::collection::vec(one, 0..7).prop_map(|all| {
        (0_u16..).zip(all).map(|(model, (bytes, standing))| resident(model, bytes, standing)).collect()
    })
}

/// What is in memory when everything that the plan says has gone.
fn rest(residents: &[Resident], gone: &[ModelId]) -> u64 {
    let stays =
        |resident: &&Resident| resident.standing != Standing::Leaving && !gone.contains(&resident.model);
    residents.iter().filter(stays).map(|resident| resident.bytes).sum()
}

proptest! {
    #[test]
    fn s6_a_plan_keeps_to_the_budget(residents in residents(), budget in 0_u64..120, need in 0_u64..120, old in 0_u16..9, may in any::<bool>()) {
        let leave = if may { Old::MayGoFirst } else { Old::Stays };
        let old = residents
            .iter()
            .find(|resident| resident.model.0 == old && resident.standing == Standing::InUse)
            .map(|resident| (resident.model, leave));
        match plan(budget, need, old, &residents) {
            Ok(found) => {
                let gone: Vec<ModelId> = found.evicts.iter().copied().chain(found.gives_up).collect();
                prop_assert!(rest(&residents, &gone) + need <= budget);
                prop_assert!(found.gives_up.is_none() || (may && found.gives_up == old.map(|(model, _)| model)));
                // It gives up only what it can't do without.
                prop_assert!(found.gives_up.is_none() || plan(budget, need, None, &residents).is_err());
            }
            Err(NoRoom::TooLarge { .. }) => prop_assert!(budget < need),
            Err(NoRoom::OnlyInstead { .. }) => {
                prop_assert!(!may);
                let allowed = old.map(|(model, _)| (model, Old::MayGoFirst));
                prop_assert!(plan(budget, need, allowed, &residents).is_ok());
            }
            Err(NoRoom::Taken { in_use, idle, .. }) => {
                prop_assert!(budget < in_use + need);
                prop_assert_eq!(in_use + idle, rest(&residents, &[]));
            }
        }
    }

    #[test]
    fn s6_a_plan_evicts_nothing_that_could_be_spared(residents in residents(), budget in 0_u64..120, need in 0_u64..120) {
        if let Ok(found) = plan(budget, need, None, &residents) {
            for spared in &found.evicts {
                let others: Vec<ModelId> = found.evicts.iter().copied().filter(|model| model != spared).collect();
                prop_assert!(budget < rest(&residents, &others) + need, "{:?} could stay", spared);
                let one = residents.iter().find(|resident| resident.model == *spared);
                prop_assert_eq!(one.map(|resident| resident.standing), Some(Standing::Idle));
            }
            // In the order of need, and the same every time.
            prop_assert!(found.evicts.is_sorted());
            prop_assert_eq!(plan(budget, need, None, &residents), Ok(found));
        }
    }
}
