//! The intervals that the table counts in, and the look at the gate: a thread that sleeps while nothing is loaded.

use std::sync::Weak;
use std::time::{Duration, Instant};

use modeld_spec::slot::event::Event;

use super::Driver;
use crate::engine::bell::Bell;
use crate::sync::spawn;

/// Passes ticks on.
pub(in crate::engine) struct Ticker {
    idle: Option<Duration>,
    drain: Duration,
    bell: Bell,
}

impl Ticker {
    /// `idle`: how long a model that nobody uses stays at least; `None`: for ever.
    pub(super) fn new(idle: Option<Duration>, drain: Duration) -> Self {
        Ticker { idle: idle.map(|idle| idle.max(SHORTEST)), drain: drain.max(SHORTEST), bell: Bell::new() }
    }

    /// Starts the thread, which ends with the driver. Without one, nothing is unloaded by itself, and a drain lasts.
    pub(super) fn start(&self, driver: Weak<Driver>) {
        let (idle, drain, bell) = (self.idle, self.drain, self.bell.clone());
        let _ = spawn("modeld-slots", move || {
            let now = Instant::now();
            let mut next = (idle.map(|idle| now + idle), now + drain);
            loop {
                let Some(driver) = driver.upgrade() else { return };
                let is_idle = driver.threads() == 0;
                let now = Instant::now();
                if !is_idle {
                    driver.hear(Event::Look);
                }
                if next.0.is_some_and(|due| due <= now) {
                    next.0 = idle.map(|idle| now + idle);
                    driver.hear(Event::IdleTick);
                }
                if next.1 <= now {
                    next.1 = now + drain;
                    driver.hear(Event::DrainTick);
                }
                let due = next.0.map_or(next.1, |idle| idle.min(next.1));
                // Not kept while it sleeps: whoever drops the last one must not wait for a tick.
                drop(driver);
                let wait =
                    if is_idle { NOTHING_LOADED } else { due.saturating_duration_since(now).min(LOOK) };
                bell.wait(wait);
            }
        });
    }

    /// Something was loaded, or everything ends.
    pub(super) fn wake(&self) {
        self.bell.ring();
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.wake();
    }
}

/// How soon the memory of a fenced owner goes if nobody asks for that: its daemon does, at once.
const LOOK: Duration = Duration::from_millis(500);

/// Whoever loads wakes the thread; this only bounds what a defect would cost.
const NOTHING_LOADED: Duration = Duration::from_secs(60);

/// Shorter intervals would be a busy loop.
const SHORTEST: Duration = Duration::from_millis(10);
