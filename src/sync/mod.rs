//! The primitives that threads share: those of `std`; loom's, which explores all interleavings of a few threads; or shuttle's,
//! which tries some of many.
//!
//! Code that takes its primitives from here runs under either as it is. Time does not pass there: a wait with a bound ends only
//! when it is woken, so a lost wake-up that the bound would hide is found as a deadlock. What is to be found is written
//! next to the sound step with [`seeded`].

#[cfg(all(test, modeld_loom))]
pub(crate) mod explore;
#[cfg(all(test, modeld_shuttle))]
pub(crate) mod sample;
#[cfg(all(test, any(modeld_loom, modeld_shuttle)))]
pub(crate) mod seed;

use std::io;
use std::sync::PoisonError;
use std::time::Duration;

#[cfg(modeld_loom)]
use loom::{sync as primitives, thread};
#[cfg(modeld_shuttle)]
use shuttle::{sync as primitives, thread};
#[cfg(not(any(modeld_loom, modeld_shuttle)))]
use std::{sync as primitives, thread};

pub(crate) use primitives::atomic::{AtomicBool, AtomicU64, Ordering};
pub(crate) use primitives::{Arc, MutexGuard};

/// Starts a thread of this name. It is not joined: whoever needs its end hears of it otherwise.
pub(crate) fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_string()).spawn(body).map(drop)
}

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
    /// Gives the lock away until it is notified and `waits` holds no more, or `bound` has passed.
    #[cfg(not(any(modeld_loom, modeld_shuttle)))]
    pub(crate) fn wait_while<'lock, T>(
        &self,
        lock: MutexGuard<'lock, T>,
        bound: Duration,
        waits: impl FnMut(&mut T) -> bool,
    ) -> MutexGuard<'lock, T> {
        self.0.wait_timeout_while(lock, bound, waits).unwrap_or_else(PoisonError::into_inner).0
    }

    /// As in the product, with a bound that never passes.
    #[cfg(any(modeld_loom, modeld_shuttle))]
    pub(crate) fn wait_while<'lock, T>(
        &self,
        mut lock: MutexGuard<'lock, T>,
        _bound: Duration,
        mut waits: impl FnMut(&mut T) -> bool,
    ) -> MutexGuard<'lock, T> {
        while waits(&mut lock) {
            lock = self.0.wait(lock).unwrap_or_else(PoisonError::into_inner);
        }
        lock
    }

    /// Wakes the thread that waits.
    pub(crate) fn notify(&self) {
        self.0.notify_one();
    }
}

/// `seeded!(Name, sound, broken)` is `sound`. In the tests under loom and shuttle it is `broken` while the twin with the seed
/// of that name runs: the same code with one step changed.
#[cfg(not(all(test, any(modeld_loom, modeld_shuttle))))]
macro_rules! seeded {
    ($seed:ident, $sound:expr, $broken:expr) => {
        $sound
    };
}

#[cfg(all(test, any(modeld_loom, modeld_shuttle)))]
macro_rules! seeded {
    ($seed:ident, $sound:expr, $broken:expr) => {
        if $crate::sync::seed::is_sown($crate::sync::seed::Seed::$seed) { $broken } else { $sound }
    };
}

pub(crate) use seeded;
