//! A slot: one load of one model, from the wait for its room until its memory is back.
//!
//! ```text
//!     Room --> Marking --> Loading --> Ready --> Draining --> Freeing --> (gone)
//!      |          |           |          |  <--expired--'        ^
//!      v          v           v          '---- idle, evicted ----|
//!    (gone)    Dropping    Breaking ---------- loaded after all -'
//!                 |           |
//!               (gone)      (gone)
//! ```
//!
//! | phase | what goes on | takes memory | who waits in `asks` |
//! |---|---|---|---|
//! | `Room` | what was evicted for it is being freed | no, promised | for this load |
//! | `Marking` | its mark is being written | no, promised | for this load |
//! | `Loading` | the load | yes | for this load |
//! | `Ready` | it serves, `holders` work | yes | nobody |
//! | `Draining` | no new work begins | yes | for the unload, or for what comes after it |
//! | `Dropping` | as `Marking`, and nobody wants the load any more | no | for a load after it |
//! | `Breaking` | as `Loading`, and nobody wants the load any more | yes | for a load after it |
//! | `Freeing` | its memory is coming back | yes | for the unload, or for a load after it |
//!
//! There is one slot a model (S1): who asks while one is ending waits for its end.

use alloc::vec::Vec;

use super::event::{Ask, AskId, Generation, ModelId, Wish};

/// One load of one model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The model.
    pub model: ModelId,
    /// The load.
    pub generation: Generation,
    /// Where it is.
    pub phase: Phase,
    /// Bytes that were planned.
    pub planned: u64,
    /// Bytes that it takes or was promised.
    pub bytes: u64,
    /// How far its load is, from 0 to 100.
    pub percent: u8,
    /// Who waits, by [`AskId`].
    pub asks: Vec<Ask>,
    /// Who works on it, by [`AskId`].
    pub holders: Vec<AskId>,
    /// Whether it is owed to its member, whoever waits (S4).
    pub restore: bool,
}

/// Where a slot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// It waits for the memory of others.
    Room,
    /// Its mark is being written.
    Marking,
    /// It is being loaded.
    Loading,
    /// It serves.
    Ready(Quiet),
    /// It serves those who work on it, and nobody else.
    Draining {
        /// Since when.
        since: Quiet,
        /// What is to be loaded in its place, if it is given up for that.
        instead: Option<ModelId>,
    },
    /// As [`Phase::Marking`], for nobody.
    Dropping,
    /// As [`Phase::Loading`], for nobody.
    Breaking,
    /// It is being freed.
    Freeing,
}

/// How long something has lasted, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quiet {
    /// No tick has passed.
    Fresh,
    /// One has: with the next one it has lasted for at least a whole interval.
    Once,
}

impl Slot {
    /// Whether work could end by unloading it: it is ready and nobody works on it.
    pub fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Ready(_)) && self.holders.is_empty()
    }

    /// Whether it is on its way out for good: its memory comes back.
    pub fn is_leaving(&self) -> bool {
        matches!(self.phase, Phase::Dropping | Phase::Breaking | Phase::Freeing)
    }

    /// Whether somebody wants the model.
    pub(super) fn is_wanted(&self) -> bool {
        self.restore || self.asks.iter().any(|ask| ask.wish != Wish::Unload)
    }

    /// Somebody waits.
    pub(super) fn join(&mut self, ask: Ask) {
        let place = self.asks.partition_point(|other| other.id < ask.id);
        self.asks.insert(place, ask);
    }

    /// Somebody works.
    pub(super) fn hold(&mut self, ask: AskId) {
        let place = self.holders.partition_point(|other| *other < ask);
        self.holders.insert(place, ask);
    }

    /// S3: this ask waits no more. Whether it did.
    pub(super) fn forget_ask(&mut self, gone: AskId) -> bool {
        let before = self.asks.len();
        self.asks.retain(|ask| ask.id != gone);
        self.asks.len() < before
    }

    /// S3: this ask works no more. Whether it did.
    pub(super) fn forget_holder(&mut self, gone: AskId) -> bool {
        let before = self.holders.len();
        self.holders.retain(|holder| *holder != gone);
        self.holders.len() < before
    }
}
