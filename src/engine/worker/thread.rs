//! The loop of a model's thread.
//!
//! A round: take the commands that came, hear what was cancelled and what the desk has done, do what the sessions want, evaluate one
//! batch. What is wanted and what goes into a batch are decisions of [`modeld_spec::session`]. A session whose reader is slow is
//! left out until there is room. Without anything to do the thread sleeps; whoever brings something rings.
//!
//! Once the gate is closed, everything under way ends with the reason, and the model stays until the engine shuts down: freeing
//! is the owner's decision.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use modeld_spec::error::{Error, Stage};
use modeld_spec::session::batch::Scheduler;
use modeld_spec::session::draft::Drafts;
use modeld_spec::session::effect::{Ask, Refusal};
use modeld_spec::session::machine::Ending;
use modeld_spec::session::operation::{Admission, Operation};
use modeld_spec::session::table::{Key, Sharing, Table};
use modeld_spec::session::tape::{TokenCount, TokenId};

use super::desk::Desk;
use super::seat::{Goal, Job, Seat};
use super::writing::Writing;
use super::{Command, Control, Embedded, Opened, Operate, Reply, Workshop, answer};
use crate::engine::backend::{EvalError, Model};
use crate::engine::limits::Limits;
use crate::engine::mailbox::Receiver;
use crate::engine::session::{Prompt, SessionId};

/// Serves until the engine shuts down; the model is freed on return.
pub(in crate::engine) fn serve(
    model: Box<dyn Model>,
    commands: Receiver<Command>,
    control: Arc<Control>,
    workshop: Workshop,
) {
    let info = model.info();
    let sharing = NonZeroUsize::new(SHARED_TOKENS_MIN).map_or(Sharing::Off, Sharing::AtLeast);
    let epoch = control.gate.epoch();
    let table = Table::new(epoch, workshop.identity, info.sessions_max, info.sequences(), sharing);
    let seats = (0..info.sessions_max).map(|_| None).collect();
    let desk = Desk::new(workshop.snapshots, control.clone());
    let mut thread = Thread {
        commands,
        model,
        table,
        seats,
        scheduler: Scheduler::new(),
        desk,
        suspects: 0,
        reproducible: workshop.reproducible,
        control,
        limits: workshop.limits,
    };
    while thread.round() {}
}

pub(super) struct Thread {
    /// Closed first when a panic unwinds: who hears of it from a stream or a reply finds the model gone.
    commands: Receiver<Command>,
    pub(super) model: Box<dyn Model>,
    pub(super) table: Table,
    /// By place.
    pub(super) seats: Vec<Option<Seat>>,
    pub(super) scheduler: Scheduler,
    pub(super) desk: Desk,
    /// How many sessions are evaluated by themselves, because a batch of all of them failed.
    pub(super) suspects: usize,
    /// Whether tokens are evaluated one by one.
    pub(super) reproducible: bool,
    pub(super) control: Arc<Control>,
    pub(super) limits: Arc<Limits>,
}

impl Thread {
    /// One round; `false` at the end.
    fn round(&mut self) -> bool {
        while let Some(command) = self.commands.try_recv() {
            self.take(command);
        }
        self.close_orphans();
        self.take_from_desk();
        let closed = self.control.check().is_err();
        for key in self.keys() {
            if closed {
                self.table.end(key, Ending::Fenced);
            } else if let Some(ticket) = self.seat(key).and_then(Seat::cancelled) {
                self.table.cancel(key, ticket);
            }
            self.settle(key);
            self.resume(key);
        }
        if closed && self.control.is_draining() && self.seats.iter().all(Option::is_none) {
            return false;
        }
        if !self.evaluate() {
            self.sleep();
        }
        true
    }

    pub(super) fn seat(&self, key: Key) -> Option<&Seat> {
        self.seats.get(key.place)?.as_ref().filter(|seat| seat.key == key)
    }

    pub(super) fn seat_mut(&mut self, key: Key) -> Option<&mut Seat> {
        self.seats.get_mut(key.place)?.as_mut().filter(|seat| seat.key == key)
    }

    fn keys(&self) -> Vec<Key> {
        self.seats.iter().flatten().map(|seat| seat.key).collect()
    }

    /// Sleeps until somebody brings something. Something under way may also end by the deadline, which rings nobody's bell.
    fn sleep(&mut self) {
        let is_active = self.seats.iter().flatten().any(|seat| seat.job.is_some());
        self.control.bell().wait(if is_active { STALLED_LOOK } else { IDLE_LOOK });
    }

    fn take(&mut self, command: Command) {
        match command {
            Command::Open { context_tokens, reply } => {
                let opened = self.open(context_tokens);
                answer(reply, opened);
            }
            Command::Embed { prompt, reply } => {
                let embedded = self.embed(&prompt, &reply);
                answer(reply, embedded);
            }
            Command::Operate { session, what } => match self.find(&session) {
                Some(key) => self.operate(key, what),
                None => refuse(what, self.gone(&session)),
            },
        }
    }

    fn open(&mut self, context_tokens: Option<usize>) -> Result<Opened, Error> {
        self.control.check()?;
        if !self.model.info().capabilities.generates {
            let backend = format!("the model {}", self.model.info().facts.name);
            return Err(Error::UnsupportedFeature {
                backend,
                feature: "sessions: it only embeds".to_string(),
            });
        }
        let most = self.model.info().context_tokens;
        let context_tokens = context_tokens.unwrap_or(most);
        if most < context_tokens {
            let problem =
                format!("is {context_tokens} tokens, and the model is loaded with {most} for each session");
            return Err(Error::InvalidArgument { argument: "context".to_string(), problem });
        }
        let limit = self.seats.len() as u64;
        let key = self.table.open(context_tokens).map_err(|_| Error::TooManySessions { limit })?;
        let id = SessionId::random(self.control.gate.epoch());
        if let Some(seat) = self.seats.get_mut(key.place) {
            *seat = Some(Seat::new(id.clone(), key));
        }
        Ok(Opened { id, context_tokens, control: self.control.clone(), delivered: false })
    }

    /// Embeds a text. The sessions wait for it as for a batch: a text is bounded by what the model embeds at once.
    fn embed(&mut self, prompt: &Prompt, reply: &Reply<Embedded>) -> Result<Embedded, Error> {
        self.control.check()?;
        let started = Instant::now();
        if !self.model.info().capabilities.embeds {
            let backend = format!("the model {}", self.model.info().facts.name);
            return Err(Error::UnsupportedFeature { backend, feature: "embeddings".to_string() });
        }
        let tokens = self.tokenize(prompt, true)?;
        let control = self.control.clone();
        let stop = || control.check().is_err() || reply.is_cancelled();
        let permit = control.gate.pass_resident()?;
        let embedding = self.model.embed(permit, &tokens, &stop).map_err(|error| match error {
            EvalError::Stopped => control.check().err().unwrap_or(Error::Cancelled),
            EvalError::Failed(cause) => Error::BackendFailed { cause },
        })?;
        let (epoch, tokens) = (control.gate.epoch(), TokenCount::of(tokens.len()));
        Ok(Embedded { epoch, embedding, tokens, elapsed: started.elapsed() })
    }

    fn find(&self, session: &SessionId) -> Option<Key> {
        self.seats.iter().flatten().find(|seat| seat.id == *session).map(|seat| seat.key)
    }

    /// Why there is no such session. Fenced or shut down, all of them are gone, and that is why.
    fn gone(&self, session: &SessionId) -> Error {
        let closed = || Error::SessionClosed { session: session.to_string() };
        self.control.check().err().unwrap_or_else(closed)
    }

    fn operate(&mut self, key: Key, what: Operate) {
        let Some(id) = self.seat(key).map(|seat| seat.id.clone()) else { return };
        // What was cancelled ends before anything else begins.
        if let Some(ticket) = self.seat(key).and_then(Seat::cancelled) {
            self.table.cancel(key, ticket);
            self.settle(key);
        }
        let epoch = self.control.gate.epoch();
        let (Some(session), Some(seat)) =
            (self.table.session(key), self.seats.get_mut(key.place).and_then(Option::as_mut))
        else {
            // Its end met the fence.
            return refuse(what, self.gone(&id));
        };
        let id = || seat.id.to_string();
        match (session.activity().admits(what.operation()), what) {
            (_, Operate::Explain { reply }) => answer(reply, Ok(seat.explain(session, epoch))),
            (_, Operate::Text { reply }) => answer(reply, Ok(session.text().collect())),
            (_, Operate::Close { reply }) => {
                seat.closing.push(reply);
                self.table.end(key, Ending::Closed);
                self.settle(key);
            }
            (Admission::Begin, what) => self.begin(key, what),
            // One effect of the cancelled operation is on its way.
            (Admission::EndFirst, what) if seat.waiting.len() < WAITING_MAX => seat.waiting.push_back(what),
            (Admission::EndFirst, what) => {
                let (session, operation) = (id(), what.operation().to_string());
                refuse(what, Error::SessionBusy { session, operation });
            }
            (Admission::Busy(operation), what) => {
                refuse(what, Error::SessionBusy { session: id(), operation: operation.to_string() });
            }
            (Admission::Fatal, what) => {
                let error = match &seat.fatal {
                    Some(cause) => Error::SessionFatal { session: id(), cause: cause.clone() },
                    None => Error::SessionClosed { session: id() },
                };
                refuse(what, error);
            }
        }
    }

    /// Begins what was asked for while something else ended.
    fn resume(&mut self, key: Key) {
        let is_idle = self.table.session(key).is_some_and(|session| session.activity().operation().is_none());
        if is_idle && let Some(what) = self.seat_mut(key).and_then(|seat| seat.waiting.pop_front()) {
            self.operate(key, what);
        }
    }

    fn begin(&mut self, key: Key, what: Operate) {
        if let Err(error) = self.control.check() {
            return refuse(what, error);
        }
        if matches!(what, Operate::Restore { .. }) && self.is_restoring() {
            // One after the other: the spare sequence is all that a full house has.
            if let Some(seat) = self.seat_mut(key) {
                seat.waiting.push_back(what);
            }
            return;
        }
        let started = Instant::now();
        let Some(session) = self.table.session(key) else { return };
        let text: Vec<TokenId> = session.text().collect();
        let (before, at_start) = (session.tape().end(), text.is_empty());
        let (ask, goal) = match what {
            Operate::EnsurePrefix { prompt, reply } => match self.tokenize(&prompt, true) {
                Ok(tokens) => (Ask::Prefix(tokens), Goal::Prefix(reply)),
                Err(error) => return answer(reply, Err(error)),
            },
            Operate::PrefillSuffix { prompt, reply } => match self.tokenize(&prompt, at_start) {
                Ok(tokens) => {
                    let suffix = tokens.len();
                    (Ask::Suffix(tokens), Goal::Suffix { before, suffix, reply })
                }
                Err(error) => return answer(reply, Err(error)),
            },
            Operate::Decode { params, items, reply } => {
                match Writing::begin(&*self.model, &params, &text, items) {
                    Ok(writing) => {
                        let exact = params.exact;
                        let drafts = if exact { Drafts::NONE } else { params.drafts };
                        let (max_tokens, continues, shift) =
                            (params.max_tokens, params.continues, params.shift);
                        let ask = Ask::Decode { max_tokens, continues, drafts, shift };
                        let goal = Goal::Decode(Box::new(writing));
                        let refused = self.ask(key, &ask, Job::new(goal, started, exact));
                        return answer(reply, refused.map_or(Ok(()), |(_, error)| Err(error)));
                    }
                    Err((_, error)) => return answer(reply, Err(error)),
                }
            }
            Operate::Snapshot { reply } => (Ask::Snapshot, Goal::Snapshot(reply)),
            Operate::Restore { id, reply } => (Ask::Restore(id), Goal::Restore(reply)),
            Operate::Explain { .. } | Operate::Text { .. } | Operate::Close { .. } => return,
        };
        if let Some((goal, error)) = self.ask(key, &ask, Job::new(goal, started, false)) {
            goal.fail(error);
        }
    }

    /// Whether a session has the spare sequence.
    fn is_restoring(&self) -> bool {
        self.table.sessions().any(|(_, session)| session.spare().is_some())
    }

    /// Asks the session; gives the goal back where it refuses.
    fn ask(&mut self, key: Key, ask: &Ask, job: Job) -> Option<(Goal, Error)> {
        match self.table.ask(key, ask) {
            Ok(ticket) => {
                if let Some(seat) = self.seat_mut(key) {
                    seat.job = Some(Job { ticket, ..job });
                }
                self.settle(key);
                None
            }
            Err(refusal) => Some((job.goal, self.refusal(key, ask.operation(), refusal))),
        }
    }

    fn refusal(&self, key: Key, operation: Operation, refusal: Refusal) -> Error {
        let session = || self.seat(key).map_or_else(String::new, |seat| seat.id.to_string());
        match refusal {
            Refusal::Overflow { resident, additional, limit } => Error::ContextOverflow {
                stage: match operation {
                    Operation::EnsurePrefix => Stage::Prefix,
                    Operation::Decode => Stage::Decode,
                    _ => Stage::Suffix,
                },
                resident: resident.0,
                additional: additional.0,
                limit: limit.0,
            },
            Refusal::Empty => Error::InvalidArgument {
                argument: "decode".to_string(),
                problem: "needs a prompt: nothing is on the session's tape".to_string(),
            },
            Refusal::Shifted => Error::SnapshotFailed { cause: refusal.to_string() },
            Refusal::NoSequence => Error::TooManySessions { limit: self.seats.len() as u64 },
            Refusal::NotYet => Error::SessionBusy { session: session(), operation: operation.to_string() },
            Refusal::Busy(operation) => {
                Error::SessionBusy { session: session(), operation: operation.to_string() }
            }
            Refusal::Fatal => Error::SessionFatal { session: session(), cause: refusal.to_string() },
            Refusal::Closed => Error::SessionClosed { session: session() },
            Refusal::Fenced => self.control.check().err().unwrap_or(Error::Draining),
        }
    }

    fn tokenize(&self, prompt: &Prompt, beginning: bool) -> Result<Vec<TokenId>, Error> {
        let tokens = match prompt {
            Prompt::Text { text, control } => return self.model.tokenize(text, beginning, *control),
            Prompt::Tokens(tokens) => tokens,
        };
        let vocabulary = self.model.info().vocabulary;
        match tokens.iter().find(|token| usize::try_from(token.0).map_or(true, |id| vocabulary <= id)) {
            None => Ok(tokens.clone()),
            Some(token) => Err(Error::InvalidArgument {
                argument: "tokens".to_string(),
                problem: format!("has {token}, and the model has {vocabulary}"),
            }),
        }
    }

    fn take_from_desk(&mut self) {
        while let Some(done) = self.desk.done() {
            if let Some(seat) = self.seat_mut(done.key) {
                (seat.contents, seat.cause) = (done.contents, done.cause);
            }
            // T8: what nobody waits for any more changes nothing.
            let _ = self.table.seen(done.key, done.ticket, done.seen);
        }
    }

    /// Frees the place of a session of which nothing is left.
    pub(super) fn leave_if_gone(&mut self, key: Key) {
        if self.table.session(key).is_some() || self.seat(key).is_none() {
            return;
        }
        let Some(seat) = self.seats.get_mut(key.place).and_then(Option::take) else { return };
        let gone = || Error::SessionClosed { session: seat.id.to_string() };
        let why = self.control.check().err();
        for what in seat.waiting {
            refuse(what, why.clone().unwrap_or_else(gone));
        }
        for reply in seat.closing {
            answer(reply, Ok(()));
        }
    }

    fn close_orphans(&mut self) {
        let orphans = std::mem::take(&mut *self.control.orphans.lock());
        for key in orphans.iter().filter_map(|session| self.find(session)).collect::<Vec<_>>() {
            self.table.end(key, Ending::Closed);
            self.settle(key);
        }
    }
}

impl Operate {
    fn operation(&self) -> Operation {
        match self {
            Operate::EnsurePrefix { .. } => Operation::EnsurePrefix,
            Operate::PrefillSuffix { .. } => Operation::PrefillSuffix,
            Operate::Decode { .. } => Operation::Decode,
            Operate::Snapshot { .. } => Operation::Snapshot,
            Operate::Restore { .. } => Operation::Restore,
            Operate::Explain { .. } | Operate::Text { .. } => Operation::Explain,
            Operate::Close { .. } => Operation::Close,
        }
    }
}

fn refuse(what: Operate, error: Error) {
    match what {
        Operate::EnsurePrefix { reply, .. } => answer(reply, Err(error)),
        Operate::PrefillSuffix { reply, .. } => answer(reply, Err(error)),
        Operate::Decode { reply, .. } => answer(reply, Err(error)),
        Operate::Snapshot { reply } => answer(reply, Err(error)),
        Operate::Restore { reply, .. } => answer(reply, Err(error)),
        Operate::Explain { reply } => answer(reply, Err(error)),
        Operate::Text { reply } => answer(reply, Err(error)),
        Operate::Close { reply } => answer(reply, Err(error)),
    }
}

/// From how many tokens on another session's are shared: fewer are evaluated in the time of one batch anyway.
const SHARED_TOKENS_MIN: usize = 16;

/// Operations that wait for the end of a cancelled one.
const WAITING_MAX: usize = 4;

/// How often a thread whose readers are slow looks whether the deadline has passed.
const STALLED_LOOK: Duration = Duration::from_millis(20);

/// How often an idle thread looks around; whoever brings something rings, so this only bounds what a defect would cost.
const IDLE_LOOK: Duration = Duration::from_secs(1);
