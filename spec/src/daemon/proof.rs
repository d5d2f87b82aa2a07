//! Proof that a process is the one that metadata names, and not one that has its pid by now.
//!
//! Implements D10. A pid alone proves nothing: it is given again, after a reboot to anybody, and even the start
//! time, counted from boot, can be met again on another boot.

use super::effect::ProcessSeen;
use crate::ids::{BootId, ProcessId};

/// A process as metadata names it, or as it names itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named<'a> {
    /// The process.
    pub process: ProcessId,
    /// The boot in which it lives or lived.
    pub boot: &'a BootId,
}

/// Whether `named` lives, seen from `here`; `found` is the start time of whatever process has its pid there, in
/// clock ticks since boot, `None` if none has, or only one that has ended and waits to be reaped.
pub fn prove(named: Named<'_>, here: Named<'_>, found: Option<u64>) -> ProcessSeen {
    if named.boot != here.boot {
        return ProcessSeen::Gone;
    }
    if !named.process.comparable_from(here.process) {
        return ProcessSeen::Unverifiable;
    }
    if found == Some(named.process.start_time) { ProcessSeen::Alive } else { ProcessSeen::Gone }
}
