//! A client's side of its session: which answers and items it takes, and the text that they make.
//!
//! Everything that an owner says carries a [`Stamp`]. What is of an owner older than one that was heard of, of another session, or
//! of an operation that the client does not wait for any more, is late and taken for nothing (T8, T9). What is taken is the
//! *history*: the text that the client has seen, and that the next owner has to go on from (T12).

use alloc::vec::Vec;

use crate::error::Error;
use crate::follow::EpochWatch;
use crate::ids::Epoch;
use crate::session::effect::{Item, Ticket};
use crate::session::tape::TokenId;

/// Which operation of which session of which owner something belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// The owner.
    pub epoch: Epoch,
    /// The session: see [`Key`](super::table::Key).
    pub life: u32,
    /// The operation.
    pub ticket: Ticket,
}

/// Something that is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It is of an owner older than one that was heard of.
    #[error(transparent)]
    Epoch(Error),
    /// It is of an operation that is not waited for.
    #[error("something came of an operation that nobody waits for")]
    OtherOperation,
    /// Items are missing or repeated: the stream is to be given up.
    #[error("item {got} or the end came where item {expected} was next")]
    Gap {
        /// The item that was next.
        expected: u64,
        /// The item that came, or how many there were.
        got: u64,
    },
}

/// What an operation has made of the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Made {
    /// It is this.
    Text(Vec<TokenId>),
    /// So many items were put behind it.
    Items(u64),
    /// What it was, as far as its client can tell.
    Nothing,
}

/// A client of one session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reader {
    watch: EpochWatch,
    awaited: Option<(Stamp, u64)>,
    history: Vec<TokenId>,
}

impl Reader {
    /// Nothing seen.
    pub fn new() -> Self {
        Reader::default()
    }

    /// The text that the client has seen.
    pub fn history(&self) -> &[TokenId] {
        &self.history
    }

    /// The operation that the client waits for.
    pub fn awaited(&self) -> Option<Stamp> {
        self.awaited.map(|(stamp, _)| stamp)
    }

    /// How many items of it were taken.
    pub fn next_item(&self) -> u64 {
        self.awaited.map_or(0, |(_, next)| next)
    }

    /// An owner was heard of: nothing older is taken from here on.
    ///
    /// # Errors
    /// [`NotTaken::Epoch`] if a later one was heard of before.
    pub fn heard_of(&mut self, epoch: Epoch) -> Result<(), NotTaken> {
        self.watch.admit(epoch).map_err(NotTaken::Epoch)
    }

    /// The client waits for this operation from here on, and for no other.
    pub fn awaits(&mut self, stamp: Stamp) {
        self.awaited = Some((stamp, 0));
    }

    /// The client waits for nothing.
    pub fn gives_up(&mut self) {
        self.awaited = None;
    }

    /// Takes an item of a decode.
    ///
    /// # Errors
    /// [`NotTaken`]; nothing was taken.
    pub fn item(&mut self, stamp: Stamp, item: Item) -> Result<(), NotTaken> {
        let expected = self.admit(stamp)?;
        if item.index != expected {
            return Err(NotTaken::Gap { expected, got: item.index });
        }
        self.history.push(item.token);
        self.awaited = Some((stamp, expected + 1));
        Ok(())
    }

    /// Takes the end of an operation.
    ///
    /// # Errors
    /// [`NotTaken`]; nothing was taken.
    pub fn answer(&mut self, stamp: Stamp, made: Made) -> Result<(), NotTaken> {
        let taken = self.admit(stamp)?;
        match made {
            Made::Items(got) if got != taken => return Err(NotTaken::Gap { expected: taken, got }),
            Made::Text(history) => self.history = history,
            Made::Items(_) | Made::Nothing => {}
        }
        self.awaited = None;
        Ok(())
    }

    fn admit(&mut self, stamp: Stamp) -> Result<u64, NotTaken> {
        self.heard_of(stamp.epoch)?;
        match self.awaited {
            Some((awaited, next)) if awaited == stamp => Ok(next),
            _ => Err(NotTaken::OtherOperation),
        }
    }
}
