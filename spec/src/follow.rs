//! Following: one answer that survives its owners.
//!
//! ```text
//!     Seeking --asked--> Asking --opened--> Serving --last item--> Finished
//!        ^  |               |                  |
//!        |  '-- too long,   |                  |
//!        |      too often   |                  |
//!        |      v           |                  |
//!        |    given up      |                  |
//!        '------ lost ------'------- lost -----'
//! ```
//!
//! A client that was generating when its owner died opens a session at the next owner, puts the prompt and the tokens
//! received so far on its tape, and goes on. `Seeking` knows which epochs can serve it next, `Asking` that one of them was
//! reached and opens a session, perhaps loading for minutes, and `Serving` which item comes next. What is delivered is exactly what was accepted: nothing of an older epoch, nothing twice, no gap.
//!
//! With greedy sampling the answer is the one that a single owner would have given, but for the rounding of backends that
//! evaluate tokens together otherwise than one by one (see [`DecodeParams::exact`](crate::session::params::DecodeParams)). With a seed it is *an* answer: the
//! text so far stays, and the next owner draws from a seed made of the caller's and the number of tokens so far, since the
//! state of the random numbers died with the previous owner.
//!
//! Performs nothing and asks no time: instants come in. Gives up when no owner was found for the whole of the patience, or
//! when several owners in a row broke off without one more token: a prompt that kills owners must not be handed on.

use alloc::vec::Vec;
use core::time::Duration;

use crate::error::Error;
use crate::ids::Epoch;
use crate::session::report::DecodeEvent;
use crate::session::tape::TokenId;
use crate::time::BootTime;

/// The highest epoch seen. Nothing older is accepted, from whatever connection it comes (F8).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EpochWatch {
    highest: Option<Epoch>,
    refused: u64,
}

impl EpochWatch {
    /// Notes an answer of epoch `got`.
    ///
    /// # Errors
    /// [`Error::StaleEpoch`] if a later epoch was seen before; the answer is not to be used.
    pub fn admit(&mut self, got: Epoch) -> Result<(), Error> {
        match self.highest {
            Some(seen) if got < seen => {
                self.refused += 1;
                Err(Error::StaleEpoch { got, seen })
            }
            _ => {
                self.highest = Some(got);
                Ok(())
            }
        }
    }

    /// The highest epoch seen.
    pub fn highest(&self) -> Option<Epoch> {
        self.highest
    }

    /// How many answers were refused.
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

/// One answer, and who serves it.
#[derive(Clone, Debug)]
pub struct Follow {
    max_tokens: Option<u64>,
    seed: Option<u32>,
    patience: Duration,
    tokens: Vec<TokenId>,
    epochs: Vec<Epoch>,
    fruitless: u32,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Seeking { floor: Floor, since: BootTime },
    Asking { floor: Floor, since: BootTime },
    Serving { epoch: Epoch, next_index: u64 },
    Finished,
}

/// Which epochs can serve next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floor {
    /// Any.
    Any,
    /// This one or a later one: the connection was lost, not the ownership.
    From(Epoch),
    /// A later one only: this one has ended.
    Above(Epoch),
}

/// What the next owner is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continuation {
    /// The tokens that go on the tape behind the prompt; their text was delivered.
    pub tokens: Vec<TokenId>,
    /// How many more are wanted; `None`: no limit.
    pub max_tokens: Option<u64>,
    /// The seed for what comes.
    pub seed: Option<u32>,
}

/// Why an owner serves no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The connection ended or was never had; the owner may live.
    Connection,
    /// The owner says so.
    Owner(Error),
}

/// An answer that can't go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GivenUp {
    /// The failure is not about who owns.
    #[error(transparent)]
    Failed(#[from] Error),
    /// Nobody served for the whole of the patience.
    #[error("no owner served for {0:?}")]
    NoOwner(Duration),
    /// Owners were lost one after the other without one more token.
    #[error("{0} owners in a row were lost without one more token: the request may be what ends them")]
    Fruitless(u32),
}

/// An item that an honest owner of the session does not send.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadItem {
    /// Items are missing or repeated.
    #[error("an item that begins at token {got} came where token {expected} was next")]
    Gap {
        /// Where it should begin.
        expected: u64,
        /// Where it begins.
        got: u64,
    },
    /// It is of another epoch than the session.
    #[error("an item of epoch {got} came in a session of epoch {session}")]
    OtherEpoch {
        /// The epoch of the item.
        got: Epoch,
        /// The epoch of the session.
        session: Epoch,
    },
    /// No session is open.
    #[error("an item came where no session was open")]
    NotServing,
}

impl Follow {
    /// An answer of at most `max_tokens`, wanted at `now` by someone who waits for an owner as long as `patience`.
    pub fn new(max_tokens: Option<u64>, seed: Option<u32>, patience: Duration, now: BootTime) -> Self {
        let state = State::Seeking { floor: Floor::Any, since: now };
        Follow { max_tokens, seed, patience, tokens: Vec::new(), epochs: Vec::new(), fruitless: 0, state }
    }

    /// All tokens accepted so far.
    pub fn tokens(&self) -> &[TokenId] {
        &self.tokens
    }

    /// The epochs that served, in order.
    pub fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }

    /// Whether an owner of this epoch can serve next.
    pub fn accepts(&self, epoch: Epoch) -> bool {
        match self.state {
            State::Seeking { floor, .. } | State::Asking { floor, .. } => floor.admits(epoch),
            State::Serving { .. } | State::Finished => false,
        }
    }

    /// How much longer to look for an owner at `now`.
    ///
    /// # Errors
    /// [`GivenUp::NoOwner`] if the patience is used up.
    pub fn time_left(&self, now: BootTime) -> Result<Duration, GivenUp> {
        let (State::Seeking { since, .. } | State::Asking { since, .. }) = self.state else {
            return Ok(self.patience);
        };
        match self.patience.checked_sub(now.since(since)) {
            Some(left) if !left.is_zero() => Ok(left),
            _ => Err(GivenUp::NoOwner(self.patience)),
        }
    }

    /// An owner was reached and is asked to open a session.
    pub fn asked(&mut self) {
        if let State::Seeking { floor, since } = self.state {
            self.state = State::Asking { floor, since };
        }
    }

    /// A session was opened at the owner of `epoch`. `None` if that owner can't serve this answer.
    pub fn opened(&mut self, epoch: Epoch) -> Option<Continuation> {
        if !self.accepts(epoch) {
            return None;
        }
        if self.epochs.last() != Some(&epoch) {
            self.epochs.push(epoch);
        }
        self.state = State::Serving { epoch, next_index: 0 };
        let generated = self.tokens.len() as u64;
        Some(Continuation {
            tokens: self.tokens.clone(),
            max_tokens: self.max_tokens.map(|max| max.saturating_sub(generated)),
            // Another beginning of the random numbers: the same one would draw again what was drawn before.
            seed: self.seed.map(|seed| seed.wrapping_add(generated as u32)),
        })
    }

    /// Takes the next item of the stream: its tokens count as received, its text is to be delivered.
    ///
    /// # Errors
    /// [`BadItem`]; nothing was taken, and the session is to be given up as lost.
    pub fn item(&mut self, epoch: Epoch, index: u64, event: &DecodeEvent) -> Result<(), BadItem> {
        let State::Serving { epoch: session, next_index } = self.state else {
            return Err(BadItem::NotServing);
        };
        if epoch != session {
            return Err(BadItem::OtherEpoch { got: epoch, session });
        }
        if index != next_index {
            return Err(BadItem::Gap { expected: next_index, got: index });
        }
        let (tokens, end) = match event {
            DecodeEvent::Text { tokens, .. } => (tokens, false),
            DecodeEvent::End(end) => (&end.tokens, true),
        };
        if !tokens.is_empty() {
            self.fruitless = 0;
        }
        self.tokens.extend_from_slice(tokens);
        let next_index = next_index + tokens.len() as u64;
        self.state = if end { State::Finished } else { State::Serving { epoch, next_index } };
        Ok(())
    }

    /// The owner of `epoch`, which served or was asked to, was lost at `now`. Says which owners can go on.
    ///
    /// # Errors
    /// [`GivenUp`] if none can.
    pub fn lost(&mut self, epoch: Epoch, loss: Loss, now: BootTime) -> Result<Floor, GivenUp> {
        let broke_off = loss == Loss::Connection;
        let floor = match loss {
            Loss::Connection => Floor::From(epoch),
            Loss::Owner(Error::Fenced { epoch: ended }) => Floor::Above(ended.max(epoch)),
            Loss::Owner(Error::Draining) => Floor::Above(epoch),
            // Whoever answered in its place may be the next owner, or one that the caller has to wait out.
            Loss::Owner(Error::StaleFence { epoch: answering, .. }) => Floor::From(answering.max(epoch)),
            Loss::Owner(Error::StaleEpoch { seen, .. }) => Floor::From(seen),
            // The successor leads and waits for the memory of the owner that was lost. Who has not begun hears of it.
            Loss::Owner(Error::DeviceBusy { .. }) if !self.epochs.is_empty() => Floor::From(epoch),
            Loss::Owner(error) => return Err(GivenUp::Failed(error)),
        };
        let (floor, since) = match self.state {
            // What can't be reached or is not ready prolongs nothing; what has ended stays ended.
            State::Seeking { floor: before, since } => (before.and(floor), since),
            State::Asking { floor: before, since } if !broke_off => (before.and(floor), since),
            State::Asking { floor: before, .. } => (before.and(floor), now),
            State::Serving { .. } | State::Finished => (floor, now),
        };
        // An owner that says why it ends is not one that the request has killed.
        if broke_off && !matches!(self.state, State::Seeking { .. }) {
            self.fruitless += 1;
        }
        self.state = State::Seeking { floor, since };
        if FRUITLESS_MAX <= self.fruitless {
            return Err(GivenUp::Fruitless(self.fruitless));
        }
        self.time_left(now)?;
        Ok(floor)
    }
}

impl Floor {
    fn admits(self, epoch: Epoch) -> bool {
        match self {
            Floor::Any => true,
            Floor::From(lowest) => lowest <= epoch,
            Floor::Above(ended) => ended < epoch,
        }
    }

    /// The epochs that both allow.
    fn and(self, other: Floor) -> Floor {
        match (self, other) {
            (Floor::Any, floor) | (floor, Floor::Any) => floor,
            (Floor::From(a), Floor::From(b)) => Floor::From(a.max(b)),
            (Floor::Above(a), Floor::Above(b)) => Floor::Above(a.max(b)),
            (Floor::Above(ended), Floor::From(lowest)) | (Floor::From(lowest), Floor::Above(ended)) => {
                if lowest <= ended {
                    Floor::Above(ended)
                } else {
                    Floor::From(lowest)
                }
            }
        }
    }
}

/// After so many owners lost in a row without one more token the answer is given up.
///
/// Two may be chance, for instance a kill and a handover; a third points at the request.
pub const FRUITLESS_MAX: u32 = 3;

#[cfg(test)]
mod tests;
