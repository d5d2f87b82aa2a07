//! The gate word: until when owned effects may begin. Fenced is final.
//!
//! ```text
//!     Open(deadline) --extended--> Open(later deadline)
//!        |  fenced                     |  fenced
//!        v                             v
//!     Fenced  (nothing leads out of it: L6)
//! ```
//!
//! Rules L5 and L6. One word, so that the implementation can keep it in one atomic.

use crate::time::{BootTime, Instants, Role};

/// Until when owned effects may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GateWord(u64);

impl GateWord {
    /// Nothing passes, now or later.
    pub const FENCED: GateWord = GateWord(0);

    /// Open until `deadline`. A deadline at the instant of booting is the same as fenced.
    pub const fn open_until(deadline: BootTime) -> Self {
        GateWord(deadline.as_nanos())
    }

    /// The word that [`bits`](Self::bits) gave.
    pub const fn from_bits(bits: u64) -> Self {
        GateWord(bits)
    }

    /// The word as a number, for an atomic.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// L5: whether an owned effect may begin at `now`.
    pub const fn admits(self, now: BootTime) -> bool {
        now.as_nanos() < self.0
    }

    /// L6: the word after a renewal that holds until `deadline`, seen complete at `now`; `None` if it changes
    /// nothing: once fenced or past its deadline a word stays as it is, and a deadline never moves back.
    pub const fn extended(self, deadline: BootTime, now: BootTime) -> Option<GateWord> {
        if self.admits(now) && self.0 < deadline.as_nanos() {
            Some(GateWord(deadline.as_nanos()))
        } else {
            None
        }
    }

    /// The deadline; `None` once fenced.
    pub const fn deadline(self) -> Option<BootTime> {
        if self.0 == 0 { None } else { Some(BootTime::from_nanos(self.0)) }
    }
}

impl Instants for GateWord {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        // Fenced is no instant: it stays.
        if let Some(mut deadline) = self.deadline() {
            change(Role::Until, &mut deadline);
            *self = GateWord::open_until(deadline);
        }
    }
}
