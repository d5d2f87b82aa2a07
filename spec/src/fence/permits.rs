//! The permit word: how many owned effects are under way, and whether another one may begin.
//!
//! ```text
//!     Open(n) --entered--> Open(n + 1) --left--> Open(n)
//!        | closed
//!        v
//!     Closed(n) --left--> Closed(n - 1) --...--> Closed(0): drained
//! ```
//!
//! Rule F9. One word, so that the implementation can keep it in one atomic. It counts; whether the lease is held is
//! the gate's to say, and an owned effect asks both: it enters here first, then passes the gate, and leaves at its
//! end or when the gate refuses it.

/// How many owned effects are under way, and whether more are let in. Closed is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PermitWord(u64);

impl PermitWord {
    /// Nothing is under way, and all may enter.
    pub const OPEN: PermitWord = PermitWord(0);

    /// The word that [`bits`](Self::bits) gave.
    pub const fn from_bits(bits: u64) -> Self {
        PermitWord(bits)
    }

    /// The word as a number, for an atomic.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// F9: the word once one more owned effect is under way; `None` if it may not begin, because the owner ends or
    /// because there are too many to be counted.
    pub const fn entered(self) -> Option<PermitWord> {
        if self.is_closed() || self.in_flight() == COUNT { None } else { Some(PermitWord(self.0 + 1)) }
    }

    /// The word once one owned effect has ended; `None` if none was under way, which is a defect of the caller.
    pub const fn left(self) -> Option<PermitWord> {
        if self.in_flight() == 0 { None } else { Some(PermitWord(self.0 - 1)) }
    }

    /// F9: the word that lets nothing more enter. What is under way goes on.
    pub const fn closed(self) -> PermitWord {
        PermitWord(self.0 | CLOSED)
    }

    /// How many owned effects are under way.
    pub const fn in_flight(self) -> u64 {
        self.0 & COUNT
    }

    /// Whether nothing more may enter.
    pub const fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    /// Whether nothing is under way and nothing can begin.
    pub const fn is_drained(self) -> bool {
        self.0 == CLOSED
    }
}

/// The bit that says that nothing more may enter.
const CLOSED: u64 = 1 << 63;
/// The bits that count.
const COUNT: u64 = CLOSED - 1;
