//! What the thread keeps of a session beside the machine: who waits for what, and what it has done so far.

use std::collections::VecDeque;
use std::time::Instant;

use modeld_spec::error::Error;
use modeld_spec::ids::Epoch;
use modeld_spec::session::effect::{Answer, Failure, Ticket};
use modeld_spec::session::machine::Session;
use modeld_spec::session::report::{
    ContextReport, PrefixStatus, RestoreStatus, Room, SnapshotStatus, SuffixStatus,
};
use modeld_spec::session::snapshot::Refused;
use modeld_spec::session::table::Key;
use modeld_spec::session::tape::TokenCount;

use super::outputs::Outputs;
use super::writing::Writing;
use super::{Operate, Reply, answer, desk};
use crate::engine::session::SessionId;

/// A session's place on the thread.
pub(super) struct Seat {
    pub(super) id: SessionId,
    pub(super) key: Key,
    /// The operation under way.
    pub(super) job: Option<Job>,
    /// What was asked for while a cancelled operation ends, or another session is being restored.
    pub(super) waiting: VecDeque<Operate>,
    /// Who waits for its end.
    pub(super) closing: Vec<Reply<()>>,
    pub(super) outputs: Outputs,
    /// The contents of a snapshot that was read.
    pub(super) contents: Option<Vec<u8>>,
    /// Why the last effect failed.
    pub(super) cause: Option<String>,
    /// Why it is fatal.
    pub(super) fatal: Option<String>,
    prefilled_total: u64,
    reused_total: u64,
    generated_total: u64,
}

/// An operation under way.
pub(super) struct Job {
    pub(super) ticket: Ticket,
    pub(super) started: Instant,
    pub(super) goal: Goal,
    /// Whether its tokens are evaluated one by one.
    pub(super) exact: bool,
}

/// Who waits for an operation.
pub(super) enum Goal {
    Prefix(Reply<PrefixStatus>),
    Suffix { before: usize, suffix: usize, reply: Reply<SuffixStatus> },
    Decode(Box<Writing>),
    Snapshot(Reply<SnapshotStatus>),
    Restore(Reply<RestoreStatus>),
}

impl Seat {
    pub(super) fn new(id: SessionId, key: Key) -> Self {
        Seat {
            id,
            key,
            job: None,
            waiting: VecDeque::new(),
            closing: Vec::new(),
            outputs: Outputs::Gone,
            contents: None,
            cause: None,
            fatal: None,
            prefilled_total: 0,
            reused_total: 0,
            generated_total: 0,
        }
    }

    /// The decode under way.
    pub(super) fn writing(&mut self) -> Option<&mut Writing> {
        match &mut self.job {
            Some(Job { goal: Goal::Decode(writing), .. }) => Some(writing),
            _ => None,
        }
    }

    /// Whether its reader has no room: it waits, and nobody else does.
    pub(super) fn is_stalled(&self) -> bool {
        matches!(&self.job, Some(Job { goal: Goal::Decode(writing), .. }) if !writing.has_room())
    }

    /// The operation whose caller went away or asked for its end.
    pub(super) fn cancelled(&self) -> Option<Ticket> {
        let job = self.job.as_ref()?;
        job.is_cancelled().then_some(job.ticket)
    }

    /// Notes tokens that came into the cache.
    pub(super) fn prefilled(&mut self, count: usize) {
        self.prefilled_total += count as u64;
    }

    /// Gives the answer of the session to whoever waits for it. `gate`: why it ended, if the owner did.
    pub(super) fn answer(
        &mut self,
        session: &Session,
        said: Result<Answer, Failure>,
        epoch: Epoch,
        gate: Option<Error>,
    ) {
        let cause = self.cause.take();
        if said == Err(Failure::Fatal) {
            self.fatal = Some(cause.clone().unwrap_or_else(|| Failure::Fatal.to_string()));
        }
        let Some(Job { started, goal, .. }) = self.job.take() else { return };
        let (room, elapsed) = (room(session), started.elapsed());
        let said = said.map_err(|failure| self.error(failure, cause, gate));
        match (goal, said) {
            (Goal::Prefix(reply), Ok(Answer::Prefilled { reuse, .. })) => {
                self.reused_total += reuse.reused.0 + reuse.shared.0;
                let prefix = TokenCount::of(session.tape().prefix());
                answer(reply, Ok(PrefixStatus { epoch, reuse, prefix, room, elapsed }));
            }
            (Goal::Suffix { before, suffix, reply }, Ok(Answer::Prefilled { reuse, .. })) => {
                self.reused_total += reuse.reused.0 + reuse.shared.0;
                let (suffix, before) = (TokenCount::of(suffix), TokenCount::of(before));
                answer(reply, Ok(SuffixStatus { epoch, reuse, suffix, before, room, elapsed }));
            }
            (Goal::Decode(writing), Ok(Answer::Decoded { finish, generated, shifted })) => {
                self.generated_total += generated;
                writing.end(finish, (generated, shifted), room);
            }
            (Goal::Snapshot(reply), Ok(Answer::Saved { id, covers })) => {
                answer(reply, Ok(SnapshotStatus { epoch, id, covers, elapsed }));
            }
            (Goal::Restore(reply), Ok(Answer::Restored { covers })) => {
                answer(reply, Ok(RestoreStatus { epoch, covers, room, elapsed }));
            }
            (goal, Err(error)) => goal.fail(error),
            (goal, Ok(_)) => {
                let cause = "the session answered another operation than it was asked for".to_string();
                goal.fail(Error::Internal { cause });
            }
        }
    }

    /// What ExplainContext answers.
    pub(super) fn explain(&self, session: &Session, epoch: Epoch) -> ContextReport {
        ContextReport {
            epoch,
            room: room(session),
            prefix: TokenCount::of(session.tape().prefix()),
            end: TokenCount::of(session.tape().end()),
            operation: session.activity().operation(),
            prefilled_total: TokenCount(self.prefilled_total),
            reused_total: TokenCount(self.reused_total),
            generated_total: TokenCount(self.generated_total),
        }
    }

    fn error(&self, failure: Failure, cause: Option<String>, gate: Option<Error>) -> Error {
        let session = || self.id.to_string();
        match failure {
            Failure::Cancelled => Error::Cancelled,
            Failure::Closed => Error::SessionClosed { session: session() },
            Failure::Fenced => gate.unwrap_or(Error::Draining),
            Failure::Backend => Error::BackendFailed { cause: cause.unwrap_or_else(|| failure.to_string()) },
            Failure::Fatal => Error::SessionFatal {
                session: session(),
                cause: self.fatal.clone().unwrap_or_else(|| failure.to_string()),
            },
            Failure::Storage => desk::not_written(cause),
            Failure::Refused(refused) => Error::SnapshotRefused { cause: refusal(refused, cause) },
        }
    }
}

impl Job {
    /// An operation that is about to be asked for.
    pub(super) fn new(goal: Goal, started: Instant, exact: bool) -> Self {
        Job { ticket: Ticket::default(), started, goal, exact }
    }

    fn is_cancelled(&self) -> bool {
        match &self.goal {
            Goal::Prefix(reply) => reply.is_cancelled(),
            Goal::Suffix { reply, .. } => reply.is_cancelled(),
            Goal::Decode(writing) => writing.is_cancelled(),
            Goal::Snapshot(reply) => reply.is_cancelled(),
            Goal::Restore(reply) => reply.is_cancelled(),
        }
    }
}

impl Goal {
    /// Ends it with an error.
    pub(super) fn fail(self, error: Error) {
        match self {
            Goal::Prefix(reply) => answer(reply, Err(error)),
            Goal::Suffix { reply, .. } => answer(reply, Err(error)),
            Goal::Decode(writing) => writing.fail(error),
            Goal::Snapshot(reply) => answer(reply, Err(error)),
            Goal::Restore(reply) => answer(reply, Err(error)),
        }
    }
}

/// How much of a session's context is used.
fn room(session: &Session) -> Room {
    let (tape, limit) = (session.tape(), session.limit());
    let waiting = usize::from(session.pending().is_some());
    Room {
        resident: TokenCount::of(tape.resident()),
        available: TokenCount::of(limit.saturating_sub(tape.end() + waiting)),
        limit: TokenCount::of(limit),
    }
}

fn refusal(refused: Refused, cause: Option<String>) -> String {
    match cause {
        Some(cause) => format!("{refused}: {cause}"),
        None => refused.to_string(),
    }
}
