//! One member of a holder: a named resident model with a socket of its own.
//!
//! ```text
//! Opening -> Starting -> Loading --up--> Running
//!    |                      |  \           |  \
//!    | no socket       stop |   \ fails    |   \ dies
//!    v                      v    v         v    v
//! Closing                Leaving   +---> Closing
//!    |                      |             ^  |
//!    v                      v             |  v
//!   left                  Ending --gone---+ left
//! ```
//!
//! The socket is there before the load begins and until the memory is back, so that a member that boots can be
//! asked and stopped (H7), and one that can't be reached has nothing in memory.

use super::effect::Effect;
use super::frame::{Fate, Ticket};

/// One member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Member<N> {
    /// Its name.
    pub name: N,
    /// The wish that brought it: names this life of the name.
    pub ticket: Ticket,
    /// How far it is.
    pub phase: Phase,
}

/// How far a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Its socket is to be opened.
    Opening,
    /// Its load is to begin.
    Starting,
    /// It loads.
    Loading,
    /// It serves.
    Running,
    /// Its end is to begin.
    Leaving,
    /// It ends.
    Ending,
    /// Its memory is back, and its socket is to be closed.
    Closing(Fate),
}

impl<N: Clone> Member<N> {
    /// A member that nothing was done for.
    pub(super) fn new(name: N, ticket: Ticket) -> Self {
        Member { name, ticket, phase: Phase::Opening }
    }

    /// H7: the member is to leave, however far it is. Only what loads or runs can be met here: all else is
    /// on its way to the one or out of the other before the holder listens again.
    pub(super) fn leave(&mut self) {
        if matches!(self.phase, Phase::Loading | Phase::Running) {
            self.phase = Phase::Leaving;
        }
    }

    /// What is to be done for it.
    pub(super) fn due(&self) -> Option<Effect<N>> {
        let name = || self.name.clone();
        match self.phase {
            Phase::Opening => Some(Effect::OpenSocket(name(), self.ticket)),
            Phase::Starting => Some(Effect::BeginLoad(name(), self.ticket)),
            Phase::Leaving => Some(Effect::EndMember(name(), self.ticket)),
            Phase::Closing(_) => Some(Effect::CloseSocket(name(), self.ticket)),
            Phase::Loading | Phase::Running | Phase::Ending => None,
        }
    }
}
