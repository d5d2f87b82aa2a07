//! The seam to the operating system: clocks, processes, file systems.
//!
//! Everything that is particular to Linux is in `linux` and `alarm`; another system adds modules with the
//! same items.

use std::io;

use modeld_spec::time::BootTime;

#[cfg(target_os = "linux")]
mod alarm;
#[cfg(target_os = "linux")]
mod cpu;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
pub use {alarm::BootAlarm, cpu::*, linux::*, memory::*};

#[cfg(not(target_os = "linux"))]
compile_error!("modeld runs on Linux: another system needs its own modules beside src/os/linux.rs");

/// Tells the boot clock. A trait, so that a simulation can own the time.
pub trait Clock: Send + Sync {
    /// The current instant.
    fn now(&self) -> BootTime;
}

/// A clock that can be waited on. Whoever owns the time owns the waits as well.
pub trait Timer: Clock {
    /// A silent alarm on this clock.
    ///
    /// # Errors
    /// What the system says, for instance when no descriptor is left.
    fn alarm(&self) -> io::Result<Box<dyn Alarm>>;
}

/// Waits for an instant, or until it is rung. One waiter, any number of ringers.
pub trait Alarm: Send + Sync {
    /// Ends the current wait, or the next one if nobody waits.
    fn ring(&self);

    /// Waits until `until` at the latest; returns early when rung.
    ///
    /// # Errors
    /// What the system says.
    fn wait(&self, until: BootTime) -> io::Result<()>;
}
