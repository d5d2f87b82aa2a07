//! The primitives that threads share: those of `std`, or loom's when the interleavings are explored.
//!
//! Code that takes its primitives from here runs under loom as it is. Time does not pass there: a wait with a bound ends only
//! when it is woken, so a lost wake-up that the bound would hide is found as a deadlock. What loom is to find is written
//! next to the sound step with [`seeded`].

#[cfg(all(test, modeld_loom))]
pub(crate) mod explore;
#[cfg(all(test, modeld_loom))]
pub(crate) mod seed;

use std::sync::PoisonError;
use std::time::Duration;

#[cfg(modeld_loom)]
use loom::sync as primitives;
#[cfg(not(modeld_loom))]
use std::sync as primitives;

pub(crate) use primitives::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
pub(crate) use primitives::{Arc, MutexGuard};

/// A lock that is not poisoned: what it guards is whole between two steps of whoever has it, also where one of them panics.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(primitives::Mutex<T>);

impl<T> Mutex<T> {
    /// A lock around `value`.
    pub(crate) fn new(value: T) -> Self {
        Mutex(primitives::Mutex::new(value))
    }

    /// Waits for the lock.
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place where a thread waits for a change of what a [`Mutex`] guards.
#[derive(Debug, Default)]
pub(crate) struct Condvar(primitives::Condvar);

impl Condvar {
    /// Gives the lock away until it is notified or `bound` has passed; it may also return for no reason.
    pub(crate) fn wait<'lock, T>(&self, lock: MutexGuard<'lock, T>, bound: Duration) -> MutexGuard<'lock, T> {
        self.0.wait_timeout(lock, bound).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Wakes the thread that waits.
    pub(crate) fn notify(&self) {
        self.0.notify_one();
    }
}

/// `seeded!(Name, sound, broken)` is `sound`. In the tests under loom it is `broken` while the twin with the seed of that name
/// runs: the same code with one step changed.
#[cfg(not(all(test, modeld_loom)))]
macro_rules! seeded {
    ($seed:ident, $sound:expr, $broken:expr) => {
        $sound
    };
}

#[cfg(all(test, modeld_loom))]
macro_rules! seeded {
    ($seed:ident, $sound:expr, $broken:expr) => {
        if $crate::sync::seed::is_sown($crate::sync::seed::Seed::$seed) { $broken } else { $sound }
    };
}

pub(crate) use seeded;
