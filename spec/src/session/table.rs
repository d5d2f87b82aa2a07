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
use core::num::NonZeroUsize;

use crate::ids::Epoch;
use crate::session::effect::{Ask, Effect, Refusal, Seen, Sequence, Ticket};
use crate::session::machine::{Ending, Session, Stale};
use crate::session::snapshot::Digest;
use crate::session::tape::TokenId;

/// All sessions of one resident model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Table {
    epoch: Epoch,
    identity: Digest,
    sharing: Sharing,
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

/// Whether sessions take from each other what they would evaluate both (T13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sharing {
    /// They don't: this cache can't, or results must not depend on who else is there.
    Off,
    /// They do, from so many tokens on: fewer are evaluated sooner.
    AtLeast(NonZeroUsize),
}

/// What a session wants of the next batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wish {
    /// Which session.
    pub key: Key,
    /// How many tokens, guesses included.
    pub tokens: usize,
    /// What for.
    pub part: Part,
}

/// What a session wants tokens evaluated for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The next token of a text.
    Generate,
    /// A prompt.
    Prompt,
    /// A prompt that another session is evaluating: it waits and takes it from there (T13).
    Follow {
        /// Which session.
        leader: Key,
    },
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
    pub fn new(epoch: Epoch, identity: Digest, places: usize, sequences: usize, sharing: Sharing) -> Self {
        let (uses, sessions) = (vec![Use::Free; sequences], vec![None; places]);
        Table { epoch, identity, sharing, lives: 0, uses, sessions }
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

    /// What a session wants; `None` while an effect is in flight, and where it waits to be asked.
    pub fn wants(&self, key: Key) -> Option<Effect> {
        let session = self.session(key)?;
        let (to, position) = (session.sequence(), session.tape().resident());
        match (self.donor(key, session), to) {
            (Some((from, count)), Some(to)) => Some(Effect::Share { from, to, position, count }),
            _ => session.wants(),
        }
    }

    /// Puts what a session [`wants`](Self::wants) in flight, an evaluation with `most` tokens at most.
    pub fn begin(&mut self, key: Key, most: usize) -> Option<Effect> {
        let donor = self.donor(key, self.session(key)?);
        let session = self.session_mut(key)?;
        if let Some((from, count)) = donor {
            session.share(from, count);
        }
        session.begin(most)
    }

    /// What the sessions want of the next batch, by place. Who wants something else is not among them.
    pub fn wishes(&self) -> impl Iterator<Item = Wish> {
        self.sessions().filter_map(|(key, session)| {
            let Some(Effect::Evaluate { count: tokens, .. }) = self.wants(key) else { return None };
            let part = match self.leader(key, session) {
                _ if session.is_generating() => Part::Generate,
                Some(leader) => Part::Follow { leader },
                None => Part::Prompt,
            };
            Some(Wish { key, tokens, part })
        })
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

    /// The sequence that holds most of what a session would evaluate next, behind the same tokens, and how many it can take from there: never the
    /// last one, whose outputs it needs.
    fn donor(&self, key: Key, session: &Session) -> Option<(Sequence, usize)> {
        let Sharing::AtLeast(least) = self.sharing else { return None };
        if !session.may_share() {
            return None;
        }
        let most = session.feed().len().checked_sub(1)?;
        let count = |other: &Session| {
            let tape = other.tape();
            common(session, tape.tokens().iter().take(tape.exact())).min(most)
        };
        let others = self.sessions().filter(|(other, session)| *other != key && session.claims_cache());
        let best = others.map(|(_, other)| (count(other), other)).max_by_key(|(count, _)| *count);
        best.filter(|(count, _)| least.get() <= *count)
            .and_then(|(count, other)| Some((other.sequence()?, count)))
    }

    /// The session in a place before that is about to evaluate what this one would evaluate next. Who comes first is nobody's
    /// follower, so all get on.
    fn leader(&self, key: Key, session: &Session) -> Option<Key> {
        let Sharing::AtLeast(least) = self.sharing else { return None };
        if !session.may_share() {
            return None;
        }
        let most = session.feed().len().checked_sub(1)?;
        let leads = |other: &Session| {
            let (tape, is_exact) = (other.tape(), other.tape().exact() == other.tape().resident());
            let planned = tape.tokens().iter().chain(other.feed());
            is_exact
                && !other.is_generating()
                && !other.feed().is_empty()
                && least.get() <= common(session, planned).min(most)
        };
        let mut before = self.sessions().take_while(|(other, _)| other.place < key.place);
        before.find(|(_, other)| leads(other)).map(|(other, _)| other)
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

/// How many tokens `other` has in common with what `session` would evaluate next, if it begins with all that is resident there.
fn common<'a>(session: &Session, other: impl Iterator<Item = &'a TokenId>) -> usize {
    let resident = session.tape().tokens();
    let planned = resident.iter().chain(session.feed());
    let same = planned.zip(other).take_while(|(planned, other)| planned == other).count();
    same.saturating_sub(resident.len())
}
