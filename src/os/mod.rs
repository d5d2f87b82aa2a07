//! The seam to the operating system: clocks, processes, file systems.
//!
//! Everything that is particular to Linux is in `linux` and `alarm`; another system adds modules with the
//! same items.

use modeld_spec::time::BootTime;

#[cfg(target_os = "linux")]
mod alarm;
#[cfg(target_os = "linux")]
mod cpu;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use {alarm::Alarm, cpu::*, linux::*};

#[cfg(not(target_os = "linux"))]
compile_error!("modeld runs on Linux: another system needs its own modules beside src/os/linux.rs");

/// Tells the boot clock. A trait, so that a simulation can own the time.
pub trait Clock: Send + Sync {
    /// The current instant.
    fn now(&self) -> BootTime;
}
