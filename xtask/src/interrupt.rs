//! Ctrl-C, and the polite ways of asking a process to end, as a flag that long operations look at.
//!
//! A command that has something to clean up (processes, unfinished files) installs it; the others keep the
//! default, which is to end at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::failure::{Failure, OrFail, Result};

/// Whether the person who started the command wants it to end.
#[derive(Clone, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Replaces the default reaction to Ctrl-C, a closed terminal and `kill` by raising the flag.
    pub(crate) fn install() -> Result<Interrupt> {
        let interrupt = Interrupt::default();
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&interrupt.0))
                .or_fail(|| format!("could not watch for signal {signal}"))?;
        }
        Ok(interrupt)
    }

    /// Fails once the flag is up.
    pub(crate) fn check(&self) -> Result<()> {
        // Nothing is published with the flag, so no order is needed.
        if self.0.load(Ordering::Relaxed) { Err(Failure::interrupted()) } else { Ok(()) }
    }

    /// Raises the flag, as a signal would.
    #[cfg(test)]
    pub(crate) fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
