//! The sessions of one model, and which sequence of its cache each has.
//!
//! ```text
//!     Free -- open, restore --> Taken -- cleared --------> Free
//!                                 '-- can't be cleared --> Retired, until the model is unloaded
//! ```
//!
//! A sequence is empty when it is free (T3): it is cleared when a session ends or fails or a restore gives it back, and one
//! that could not be cleared is not used again. A session has a [`Key`] that no later session gets, so that a handle of
//! a former one, or something late of it, meets nothing (T8).

use alloc::vec;
use alloc::vec::Vec;

use crate::ids::Epoch;
use crate::session::effect::{Ask, Effect, Refusal, Seen, Sequence, Ticket};
use crate::session::machine::{Ending, Session, Stale};
use crate::session::snapshot::Digest;

/// All sessions of one resident model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Table {
    epoch: Epoch,
    identity: Digest,
    lives: u32,
    uses: Vec<Use>,
    sessions: Vec<Option<(Key, Session)>>,
}

/// Names a session among all that there ever are: of this owner, in this place, and by a number that no later one of the
/// owner has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The owner.
    pub epoch: Epoch,
    /// Its place in the table.
    pub place: usize,
    /// How many sessions were opened before it, and itself.
    pub life: u32,
}

/// What a sequence of the cache is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Use {
    /// Nothing, and it is empty.
    Free,
    /// A session has it.
    Taken,
    /// It could not be emptied.
    Retired,
}

impl Table {
    /// No sessions of this owner yet; `places` at once at most, in a cache with `sequences` sequences, all of which are empty. More sequences than
    /// places leave one for a restore while all places are taken.
    pub fn new(epoch: Epoch, identity: Digest, places: usize, sequences: usize) -> Self {
        Table { epoch, identity, lives: 0, uses: vec![Use::Free; sequences], sessions: vec![None; places] }
    }

    /// Opens a session with room for `limit` tokens.
    ///
    /// # Errors
    /// [`Refusal::NoSequence`].
    pub fn open(&mut self, limit: usize) -> Result<Key, Refusal> {
        let place = self.sessions.iter().position(Option::is_none).ok_or(Refusal::NoSequence)?;
        let sequence = self.take().ok_or(Refusal::NoSequence)?;
        self.lives += 1;
        let key = Key { epoch: self.epoch, place, life: self.lives };
        if let Some(session) = self.sessions.get_mut(place) {
            *session = Some((key, Session::new(self.identity, sequence, limit)));
        }
        Ok(key)
    }

    /// The session; `None` once it is gone.
    pub fn session(&self, key: Key) -> Option<&Session> {
        let (found, session) = self.sessions.get(key.place)?.as_ref()?;
        (*found == key).then_some(session)
    }

    /// All sessions, by place.
    pub fn sessions(&self) -> impl Iterator<Item = (Key, &Session)> {
        self.sessions.iter().flatten().map(|(key, session)| (*key, session))
    }

    /// What each sequence is used for.
    pub fn uses(&self) -> &[Use] {
        &self.uses
    }

    /// Begins an operation. See [`Session::ask`].
    ///
    /// # Errors
    /// [`Refusal`]; nothing was changed.
    pub fn ask(&mut self, key: Key, ask: &Ask) -> Result<Ticket, Refusal> {
        self.session(key).ok_or(Refusal::Closed)?;
        let spare = if matches!(ask, Ask::Restore(_)) { self.take() } else { None };
        let session = self.session_mut(key).ok_or(Refusal::Closed)?;
        let asked = session.ask(ask, spare);
        if let (Err(_), Some(spare)) = (asked, spare) {
            self.set(spare, Use::Free);
        }
        asked
    }

    /// The caller of an operation went away. See [`Session::cancel`].
    pub fn cancel(&mut self, key: Key, ticket: Ticket) {
        if let Some(session) = self.session_mut(key) {
            session.cancel(ticket);
        }
    }

    /// The session is to end.
    pub fn end(&mut self, key: Key, ending: Ending) {
        if let Some(session) = self.session_mut(key) {
            session.end(ending);
        }
        self.remove_gone(key);
    }

    /// Puts what a session wants in flight. See [`Session::begin`].
    pub fn begin(&mut self, key: Key, most: usize) -> Option<Effect> {
        self.session_mut(key)?.begin(most)
    }

    /// Takes what was seen of the effect in flight. See [`Session::seen`].
    ///
    /// # Errors
    /// [`Stale`]; nothing was changed.
    pub fn seen(&mut self, key: Key, ticket: Ticket, seen: Seen) -> Result<(), Stale> {
        let freed = self.session_mut(key).ok_or(Stale)?.seen(ticket, seen)?;
        if let Some(freed) = freed {
            self.set(freed.sequence, if freed.empty { Use::Free } else { Use::Retired });
        }
        self.remove_gone(key);
        Ok(())
    }

    fn session_mut(&mut self, key: Key) -> Option<&mut Session> {
        let (found, session) = self.sessions.get_mut(key.place)?.as_mut()?;
        (*found == key).then_some(session)
    }

    fn take(&mut self) -> Option<Sequence> {
        let index = self.uses.iter().position(|of| *of == Use::Free)?;
        let sequence = Sequence(u32::try_from(index).ok()?);
        self.set(sequence, Use::Taken);
        Some(sequence)
    }

    fn set(&mut self, sequence: Sequence, to: Use) {
        if let Some(of) = self.uses.get_mut(sequence.0 as usize) {
            *of = to;
        }
    }

    fn remove_gone(&mut self, key: Key) {
        if self.session(key).is_some_and(Session::is_gone)
            && let Some(place) = self.sessions.get_mut(key.place)
        {
            *place = None;
        }
    }
}
