//! Restoring a snapshot: what was read is verified, loaded into a spare sequence, compared, and only then the session's.

use core::mem;

use super::Session;
use crate::session::effect::{Answer, Failure, Seen};
use crate::session::snapshot::{Digest, Refused};
use crate::session::state::State;
use crate::session::tape::{Tape, TokenId};

impl Session {
    /// What follows on the reading of the snapshot that was `asked` for.
    pub(super) fn read(&self, asked: Digest, seen: Seen) -> State {
        let verified = match seen {
            Seen::Read(Ok((head, found))) => {
                head.verify(asked, found, self.identity, self.limit).map(|tape| (tape, head.pending))
            }
            Seen::Read(Err(refused)) => Err(refused),
            _ => Err(Refused::Unreadable),
        };
        match verified {
            Ok((tape, pending)) => State::Load(tape, pending),
            Err(refused) => State::Return(Err(Failure::Refused(refused))),
        }
    }

    /// What follows on the load of a snapshot into the spare sequence.
    pub(super) fn loaded(&mut self, tape: Tape, pending: Option<TokenId>, seen: Seen) -> State {
        match seen {
            Seen::Loaded(length) if length == tape.resident() => {
                // The only point at which a restore changes the session. Its old sequence is given back next.
                mem::swap(&mut self.sequence, &mut self.spare);
                (self.tape, self.pending, self.outputs) = (tape, pending, 0);
                State::Return(Ok(Answer::Restored { covers: self.covers() }))
            }
            // T11: the session's own sequence was not touched.
            Seen::Loaded(_) => State::Return(Err(Failure::Refused(Refused::Unproven))),
            _ => State::Return(Err(Failure::Backend)),
        }
    }
}
