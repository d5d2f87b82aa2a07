//! What the machine has now: the kernel's estimate, the control groups that this process is in, and its own share.
//!
//! Pages of a file that is mapped count as available, because the kernel can drop them; what this process has beyond such pages is its
//! own, and is there for models whatever else happens. So the budget is its own memory and a share of what is available.

use super::MemoryLimits;
#[cfg(not(any(modeld_loom, modeld_shuttle)))]
use crate::os;

/// Nobody's figures: an exploration must not depend on the machine that it runs on.
#[cfg(any(modeld_loom, modeld_shuttle))]
mod os {
    pub(super) fn available_memory() -> Option<u64> {
        None
    }

    pub(super) fn own_memory() -> Option<u64> {
        None
    }
}

/// Bytes that all models together may have. If the machine does not say, what the limits say counts alone.
pub(in crate::engine) fn budget(limits: &MemoryLimits) -> u64 {
    budget_of(limits, os::available_memory(), os::own_memory())
}

/// Bytes of this process that it has for itself: what a load adds to them is what it took, but for the pages of its file, which the kernel
/// drops when it needs to, and which llama.cpp copies if its kernels want another layout. `None` if the system does not say.
pub(in crate::engine) fn own_bytes() -> Option<u64> {
    os::own_memory()
}

fn budget_of(limits: &MemoryLimits, available: Option<u64>, own: Option<u64>) -> u64 {
    let most = limits.max.unwrap_or(u64::MAX);
    let Some(available) = available else { return most };
    let share = u128::from(available) * u128::from(limits.share.min(100)) / 100;
    let share = u64::try_from(share).unwrap_or(u64::MAX);
    share.saturating_add(own.unwrap_or(0)).saturating_sub(limits.reserve).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s6_the_budget_is_a_share_of_what_is_there() {
        let limits = MemoryLimits { max: None, reserve: 10, share: 90 };
        assert_eq!(budget_of(&limits, Some(1000), Some(50)), 940);
        assert_eq!(budget_of(&limits, Some(5), Some(0)), 0);
        assert_eq!(budget_of(&MemoryLimits { max: Some(100), ..limits }, Some(1000), None), 100);
        assert_eq!(budget_of(&MemoryLimits { max: Some(100), ..limits }, None, None), 100);
        assert_eq!(budget_of(&MemoryLimits { share: 255, ..limits }, Some(u64::MAX), Some(9)), u64::MAX - 10);
    }

    #[cfg(not(any(modeld_loom, modeld_shuttle)))]
    #[test]
    fn this_machine_has_some() {
        assert!(0 < budget(&MemoryLimits { reserve: 0, ..MemoryLimits::default() }));
        assert!(0 < own_bytes().unwrap());
    }
}
