//! The capacity plan: what has to go so that a model fits, or why it does not.
//!
//! Rule S6. A pure function of the budget, the demand and what there is. It does not know what a load took in the end;
//! that is checked when it is known (S8).

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::event::{ModelId, Old};

/// A model that takes memory, or is about to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Resident {
    /// Which.
    pub model: ModelId,
    /// Bytes that it takes or was promised.
    pub bytes: u64,
    /// What may become of it.
    pub standing: Standing,
}

/// What may become of what takes memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It stays: it is used, being loaded, or protected by a switch.
    InUse,
    /// Nobody uses it: it can be evicted.
    Idle,
    /// It goes already; its memory comes back.
    Leaving,
}

/// What goes so that a model fits. The load begins when its memory is back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Plan {
    /// Idle models to evict, least needed first; none of them could be spared.
    pub evicts: Vec<ModelId>,
    /// The model of the same member, if it is given up first.
    pub gives_up: Option<ModelId>,
}

/// Why a model does not fit, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum NoRoom {
    /// It fits in no case.
    #[error("it needs {need} bytes and the whole budget is {budget}")]
    TooLarge {
        /// What it needs.
        need: u64,
        /// The budget.
        budget: u64,
    },
    /// What is used leaves too little.
    #[error("it needs {need} bytes, {in_use} of {budget} are in use, and {idle} could be evicted")]
    Taken {
        /// What it needs.
        need: u64,
        /// The budget.
        budget: u64,
        /// What stays.
        in_use: u64,
        /// What would be evicted.
        idle: u64,
    },
    /// It fits only if the model of the same member is unloaded first, and that was not allowed.
    #[error(
        "it needs {need} bytes of {budget}, and fits only if the {old} bytes of the member's model go first"
    )]
    OnlyInstead {
        /// What it needs.
        need: u64,
        /// The budget.
        budget: u64,
        /// What the member's model takes.
        old: u64,
    },
}

/// The plan for `need` more bytes.
///
/// `residents` are in the order of their last use, the least needed first. `old` is the model of the same member, one of those
/// in use, where that could be given up, and whether it may be.
///
/// # Errors
/// [`NoRoom`] with the numbers, if no plan fits. Nothing is evicted for a load that does not fit in the end.
pub fn plan(
    budget: u64,
    need: u64,
    old: Option<(ModelId, Old)>,
    residents: &[Resident],
) -> Result<Plan, NoRoom> {
    if budget < need {
        return Err(NoRoom::TooLarge { need, budget });
    }
    let (in_use, idle) = match evictions(budget, need, residents) {
        Ok(evicts) => return Ok(Plan { evicts, gives_up: None }),
        Err(sums) => sums,
    };
    let taken = NoRoom::Taken { need, budget, in_use, idle };
    let Some((model, leave)) = old else { return Err(taken) };
    let old_bytes = residents.iter().filter(|resident| resident.model == model).map(|old| old.bytes).sum();
    let others: Vec<Resident> =
        residents.iter().copied().filter(|resident| resident.model != model).collect();
    match (evictions(budget, need, &others), leave) {
        (Ok(evicts), Old::MayGoFirst) => Ok(Plan { evicts, gives_up: Some(model) }),
        (Ok(_), Old::Stays) => Err(NoRoom::OnlyInstead { need, budget, old: old_bytes }),
        (Err(_), _) => Err(taken),
    }
}

/// What to evict so that `need` fits beside what stays; else what stays, and what could be evicted.
fn evictions(budget: u64, need: u64, residents: &[Resident]) -> Result<Vec<ModelId>, (u64, u64)> {
    let sum = |standing| {
        let counted = residents.iter().filter(move |resident| resident.standing == standing);
        counted.fold(0_u64, |sum, resident| sum.saturating_add(resident.bytes))
    };
    let (in_use, idle) = (sum(Standing::InUse), sum(Standing::Idle));
    // What may stay of the idle ones.
    let Some(room) = budget.checked_sub(need).and_then(|rest| rest.checked_sub(in_use)) else {
        return Err((in_use, idle));
    };
    // From the most needed one on, each stays that still fits: what does not could not be spared.
    let mut kept = 0_u64;
    let mut evicts = Vec::new();
    for resident in residents.iter().rev().filter(|resident| resident.standing == Standing::Idle) {
        match kept.checked_add(resident.bytes).filter(|sum| *sum <= room) {
            Some(sum) => kept = sum,
            None => evicts.push(resident.model),
        }
    }
    evicts.reverse();
    Ok(evicts)
}
