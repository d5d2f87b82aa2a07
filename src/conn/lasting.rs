//! A session that outlives its owners: opened again at the next one, from its last snapshot or by prefill.
//!
//! ```text
//!     at an owner -- lost --> looking -- Reopen: open, restore, prefix --> at the next owner
//!         '--- an operation was given up: the tape is made the history again
//! ```
//!
//! What the client has taken is its *history* ([`Reader`]): the tokens of its prompts, as the owner made them, and those that were handed
//! out. Whatever becomes of an owner, or of an operation that is dropped or fails, the next operation begins behind exactly
//! that (T12). How a session is opened again is decided by [`Reopen`], and which owner is next by [`Follow`]; both are performed
//! here. An operation under way is done again from its beginning, a decode goes on behind its last token.
//!
//! It waits for an owner as long as [`Options::patience`](super::Options::patience). It writes no snapshot by itself.

use std::time::Duration;

use modeld_spec::error::Error;
use modeld_spec::follow::{Continuation, Follow};
use modeld_spec::ids::Epoch;
use modeld_spec::session::effect::{Answer, Item as Taken, Ticket};
use modeld_spec::session::params::DecodeParams;
use modeld_spec::session::reader::{Made, NotTaken, Reader, Stamp};
use modeld_spec::session::reopen::{Effect, Outcome, Reopen, Seen, Source};
use modeld_spec::session::report::{ContextReport, DecodeEvent, PrefixStatus, SnapshotStatus, SuffixStatus};
use modeld_spec::session::snapshot::Digest;
use modeld_spec::session::tape::{Reuse, TokenCount, TokenId};
use modeld_spec::step::{Machine, Step};
use modeld_spec::time::BootTime;
use tokio::time::sleep;

use super::client::{Client, OpenSession};
use super::error::ConnError;
use super::link::Link;
use super::seek::{self, Ended, SEEK_LOOK};
use super::session::{Item, Items, Session};
use crate::engine::Prompt;
use crate::os::{BootClock, Clock};
use crate::transport::convert::{Content, Malformed};
use crate::transport::error::Failed;

/// A session that follows the ownership. One operation at a time.
#[derive(Debug)]
pub struct LastingSession {
    client: Client,
    open: OpenSession,
    /// At the owner at hand; `None` between two owners.
    session: Option<Session>,
    reader: Reader,
    snapshot: Option<Digest>,
    /// Whether an operation began and was not heard to its end: the tape may hold more than the history, or less.
    unsure: bool,
    life: u32,
    ticket: Ticket,
    lost: Option<(Epoch, BootTime)>,
    reopened: Vec<Reopened>,
}

/// A session was opened again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reopened {
    /// The epoch of the owner that was lost.
    pub from: Epoch,
    /// The epoch of the owner that has it now.
    pub to: Epoch,
    /// What it was opened from.
    pub source: Source,
    /// What became of the history there.
    pub reuse: Reuse,
    /// From the loss to the tape that is as it was.
    pub gap: Duration,
}

impl LastingSession {
    pub(super) async fn open(
        client: &Client,
        open: OpenSession,
        progress: impl FnMut(f32),
    ) -> Result<Self, ConnError> {
        let session = client.open_session(&open, progress).await?;
        Ok(LastingSession {
            client: client.clone(),
            open,
            session: Some(session),
            reader: Reader::new(),
            snapshot: None,
            unsure: false,
            life: 0,
            ticket: Ticket::default(),
            lost: None,
            reopened: Vec::new(),
        })
    }

    /// The tokens that are on its tape, at whatever owner.
    pub fn history(&self) -> &[TokenId] {
        self.reader.history()
    }

    /// How often and from what it was opened again, in order.
    pub fn reopened(&self) -> &[Reopened] {
        &self.reopened
    }

    /// The snapshot from which it would be opened again.
    pub fn snapshot_at_hand(&self) -> Option<Digest> {
        self.snapshot
    }

    /// The session at the owner at hand; `None` between two owners.
    pub fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// Makes `content` the beginning of the tape; what of it is resident is reused.
    ///
    /// # Errors
    /// [`ConnError`]; [`ConnError::GivenUp`] if no owner came. The history is as it was.
    pub async fn ensure_prefix(&mut self, content: &Content) -> Result<PrefixStatus, ConnError> {
        let mut turn = self.turn();
        loop {
            let (session, stamp) = self.begin(&mut turn).await?;
            let answered = session.ensure_prefix(content).await;
            let answered = with_text(session, answered).await;
            if let Some(status) = self.take(&mut turn, stamp, answered)? {
                return Ok(status);
            }
        }
    }

    /// Puts `content` behind the end of the tape.
    ///
    /// # Errors
    /// As [`LastingSession::ensure_prefix`].
    pub async fn prefill_suffix(&mut self, content: &Content) -> Result<SuffixStatus, ConnError> {
        let mut turn = self.turn();
        loop {
            let (session, stamp) = self.begin(&mut turn).await?;
            let answered = session.prefill_suffix(content).await;
            let answered = with_text(session, answered).await;
            if let Some(status) = self.take(&mut turn, stamp, answered)? {
                return Ok(status);
            }
        }
    }

    /// Writes the session to disk: from there it is opened again after an owner change, as far as it holds the history.
    ///
    /// # Errors
    /// As [`LastingSession::ensure_prefix`].
    pub async fn snapshot(&mut self) -> Result<SnapshotStatus, ConnError> {
        let mut turn = self.turn();
        loop {
            let (session, stamp) = self.begin(&mut turn).await?;
            let answered = session.snapshot().await;
            let answered = answered.map(|status| (status, None));
            if let Some(status) = self.take(&mut turn, stamp, answered)? {
                self.snapshot = Some(status.id);
                return Ok(status);
            }
        }
    }

    /// How the context is used.
    ///
    /// # Errors
    /// As [`LastingSession::ensure_prefix`].
    pub async fn explain(&mut self) -> Result<ContextReport, ConnError> {
        let mut turn = self.turn();
        loop {
            let (session, stamp) = self.begin(&mut turn).await?;
            let answered = session.explain().await;
            let answered = answered.map(|status| (status, None));
            if let Some(status) = self.take(&mut turn, stamp, answered)? {
                return Ok(status);
            }
        }
    }

    /// Generates behind the end of the tape; the context can't shift. With what it goes on at the next owner is its own business: [`DecodeParams::continues`] counts
    /// for nothing.
    pub fn decode(&mut self, params: DecodeParams) -> Writing<'_> {
        let follow = self.follow(params.max_tokens, params.seed);
        let base = self.history().len();
        Writing { lasting: self, params, follow, base, stage: Stage::Waiting }
    }

    /// Closes it and waits until its part of the context is free.
    ///
    /// # Errors
    /// [`ConnError`]; the session is then closed with the connection.
    pub async fn close(self) -> Result<(), ConnError> {
        match self.session {
            Some(session) => session.close().await,
            None => Ok(()),
        }
    }

    /// An operation that is about to be asked for.
    fn turn(&self) -> Turn {
        Turn { follow: self.follow(None, None), base: self.history().len() }
    }

    /// The session at whoever owns, with the history on its tape, for an operation that begins.
    async fn begin(&mut self, turn: &mut Turn) -> Result<(&Session, Stamp), ConnError> {
        self.serve(&mut turn.follow, turn.base).await?;
        let stamp = self.begins();
        self.unsure = true;
        let session = self.session.as_ref().ok_or(Malformed("session"))?;
        Ok((session, stamp))
    }

    /// Takes what an operation has answered, and what it made of the text; `None` if it is to be done again at another owner.
    fn take<T>(
        &mut self,
        turn: &mut Turn,
        stamp: Stamp,
        answered: Result<(T, Option<Vec<TokenId>>), ConnError>,
    ) -> Result<Option<T>, ConnError> {
        match answered {
            Ok((answer, text)) => {
                self.reader.answer(stamp, text.map_or(Made::Nothing, Made::Text)).map_err(not_taken)?;
                self.unsure = false;
                Ok(Some(answer))
            }
            Err(error) => self.ended(&mut turn.follow, error).map(|()| None),
        }
    }

    /// Sees to it that a session is open whose tape is the first `base` tokens of the history. Gives what a decode goes on with.
    async fn serve(&mut self, follow: &mut Follow, base: usize) -> Result<Continuation, ConnError> {
        loop {
            if self.session.is_none() {
                match self.seek(follow, base).await {
                    Ok(()) => {}
                    Err(Some(ended)) => seek::lost(follow, ended)?,
                    // Nobody accepted can be asked yet.
                    Err(None) => seek::time_left(follow)?,
                }
            } else if self.unsure {
                let settled = self.settle(base).await;
                match settled {
                    Ok(()) => self.unsure = false,
                    Err(error) => self.ended(follow, error)?,
                }
            }
            let epoch = self.session.as_ref().filter(|_| !self.unsure).map(Session::epoch);
            if let Some(continuation) = epoch.and_then(|epoch| follow.opened(epoch)) {
                return Ok(continuation);
            }
            sleep(SEEK_LOOK).await;
        }
    }

    /// Makes the tape what it was before an operation that was given up.
    async fn settle(&self, base: usize) -> Result<(), ConnError> {
        match &self.session {
            Some(session) => session.ensure_prefix(&self.known(base)).await.map(drop),
            None => Ok(()),
        }
    }

    /// Opens the session again at the owner that the lease file names. Without an [`Ended`], that is not one that can go on.
    async fn seek(&mut self, follow: &mut Follow, base: usize) -> Result<(), Option<Ended>> {
        let owner = seek::owner(&self.client, follow, true).await.map_err(Some)?;
        let Some(link) = owner else { return Err(None) };
        let epoch = link.answer().epoch;
        let (session, source, reuse) =
            self.reopen(link, base).await.map_err(|error| Some(Ended { epoch, error }))?;
        if let Some((from, at)) = self.lost.take() {
            let gap = BootClock.now().since(at);
            self.reopened.push(Reopened { from, to: epoch, source, reuse, gap });
        }
        self.session = Some(session);
        self.life += 1;
        self.unsure = false;
        Ok(())
    }

    async fn reopen(&self, link: Link, base: usize) -> Result<(Session, Source, Reuse), ConnError> {
        let mut again = Again { lasting: self, link, base, session: None, reuse: None, failed: None };
        let mut step = Reopen::start(self.snapshot, TokenCount::of(base));
        let outcome = loop {
            match step {
                Step::Do(effect, machine) => step = machine.step(again.perform(effect).await),
                Step::Done(outcome) => break outcome,
            }
        };
        match (outcome, again.session, again.reuse) {
            (Outcome::Reopened(source), Some(session), Some(reuse)) => Ok((session, source, reuse)),
            _ => Err(again.failed.unwrap_or(Malformed("answer to the opening of a known session").into())),
        }
    }

    /// An operation has ended with an error: the owner is lost, or the error is the caller's.
    fn ended(&mut self, follow: &mut Follow, error: ConnError) -> Result<(), ConnError> {
        let Some(epoch) = self.session.as_ref().map(Session::epoch) else { return Ok(()) };
        self.reader.gives_up();
        seek::lost(follow, Ended { epoch, error })?;
        self.session = None;
        if self.lost.is_none() {
            self.lost = Some((epoch, BootClock.now()));
        }
        Ok(())
    }

    /// The operation that begins is the one that is waited for.
    fn begins(&mut self) -> Stamp {
        let epoch = self.session.as_ref().map_or(Epoch::FIRST, Session::epoch);
        self.ticket = Ticket(self.ticket.0.wrapping_add(1));
        let stamp = Stamp { epoch, life: self.life, ticket: self.ticket };
        self.reader.awaits(stamp);
        stamp
    }

    fn follow(&self, max_tokens: Option<u64>, seed: Option<u32>) -> Follow {
        Follow::new(max_tokens, seed, self.client.options().patience, BootClock.now())
    }

    fn known(&self, base: usize) -> Content {
        let tokens = self.history().iter().take(base).copied().collect();
        Content::Prompt(Prompt::Tokens(tokens))
    }
}

/// An operation on its way to an owner.
struct Turn {
    follow: Follow,
    /// Tokens of the history that it begins behind.
    base: usize,
}

/// An answer, and the text after it.
async fn with_text<T>(
    session: &Session,
    answered: Result<T, ConnError>,
) -> Result<(T, Option<Vec<TokenId>>), ConnError> {
    Ok((answered?, Some(session.text().await?)))
}

/// What performs the effects of opening a session again.
struct Again<'a> {
    lasting: &'a LastingSession,
    link: Link,
    base: usize,
    session: Option<Session>,
    reuse: Option<Reuse>,
    /// Why the last effect failed.
    failed: Option<ConnError>,
}

impl Again<'_> {
    async fn perform(&mut self, effect: Effect) -> Seen {
        let seen = match (effect, &self.session) {
            (Effect::Open, _) => {
                let LastingSession { client, open, .. } = self.lasting;
                let opened = Session::open(client, self.link.clone(), open, |_| {}).await;
                opened.map(|session| {
                    self.session = Some(session);
                    Seen::Opened
                })
            }
            (Effect::Restore(id), Some(session)) => {
                let restored = session.restore(id).await;
                restored.map(|status| Seen::Answered(Answer::Restored { covers: status.covers }))
            }
            (Effect::Prefix, Some(session)) => {
                let prefilled = session.ensure_prefix(&self.lasting.known(self.base)).await;
                prefilled.map(|PrefixStatus { reuse, prefix, .. }| {
                    self.reuse = Some(reuse);
                    Seen::Answered(Answer::Prefilled { reuse, end: prefix })
                })
            }
            (Effect::Restore(_) | Effect::Prefix, None) => Ok(Seen::Failed),
        };
        seen.unwrap_or_else(|error| {
            let seen = if error.is_loss() { Seen::Lost } else { Seen::Failed };
            self.failed = Some(error);
            seen
        })
    }
}

/// A decode of a lasting session, which goes on at the next owner. Dropped before its end, what was not taken is taken back.
#[derive(Debug)]
pub struct Writing<'a> {
    lasting: &'a mut LastingSession,
    params: DecodeParams,
    follow: Follow,
    /// Tokens of the history before it.
    base: usize,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// For an owner, or for the session to be opened again.
    Waiting,
    /// Items come; so many tokens of this decode came from owners before.
    Running(Box<Items>, Stamp, u64),
    Over,
}

impl Writing<'_> {
    /// The next item; `None` after the last one. An item's index counts the tokens of all owners, the counts and times of the end are
    /// the last owner's. Cancel-safe.
    ///
    /// # Errors
    /// [`ConnError`]; nothing comes after it.
    pub async fn next(&mut self) -> Option<Result<Item, ConnError>> {
        loop {
            let Stage::Running(items, stamp, before) = &mut self.stage else {
                match self.stage {
                    Stage::Over => return None,
                    _ => match self.begin().await {
                        Ok(()) => continue,
                        Err(error) => return self.fail(error),
                    },
                }
            };
            let (stamp, before) = (*stamp, *before);
            let taken = match items.next().await {
                Some(Ok(item)) => self.take(stamp, item),
                Some(Err(error)) => Err(error),
                None => Err(Malformed("end").into()),
            };
            match taken {
                Ok(item) => return Some(Ok(Item { index: before + item.index, ..item })),
                Err(error) => {
                    self.stage = Stage::Waiting;
                    if let Err(error) = self.lasting.ended(&mut self.follow, error) {
                        return self.fail(error);
                    }
                }
            }
        }
    }

    async fn begin(&mut self) -> Result<(), ConnError> {
        if self.params.shift {
            // What went would be missing from the history, and with it the session could not be opened again.
            let problem = "can't be had in a session that is opened again at the next owner".to_string();
            let error = Error::InvalidArgument { argument: "shift".to_string(), problem };
            return Err(ConnError::Call(Failed::Answered(error)));
        }
        let lasting = &mut *self.lasting;
        let Continuation { tokens, max_tokens, seed } = lasting.serve(&mut self.follow, self.base).await?;
        let stamp = lasting.begins();
        let Some(session) = &lasting.session else { return Ok(()) };
        let before = tokens.len() as u64;
        lasting.unsure = true;
        let params = DecodeParams { continues: tokens, max_tokens, seed, ..self.params.clone() };
        match session.decode(&params).await {
            Ok(items) => self.stage = Stage::Running(Box::new(items), stamp, before),
            Err(error) => lasting.ended(&mut self.follow, error)?,
        }
        Ok(())
    }

    fn take(&mut self, stamp: Stamp, item: Item) -> Result<Item, ConnError> {
        self.follow.item(item.epoch, item.index, &item.event)?;
        let (tokens, is_end) = match &item.event {
            DecodeEvent::Text { tokens, .. } => (tokens, false),
            DecodeEvent::End(end) => (&end.tokens, true),
        };
        let mut index = item.index;
        for token in tokens {
            let taken = Taken { ticket: stamp.ticket, index, token: *token };
            self.lasting.reader.item(stamp, taken).map_err(not_taken)?;
            index += 1;
        }
        if is_end {
            self.lasting.reader.answer(stamp, Made::Items(index)).map_err(not_taken)?;
            self.lasting.unsure = false;
            self.stage = Stage::Over;
        }
        Ok(item)
    }

    fn fail(&mut self, error: ConnError) -> Option<Result<Item, ConnError>> {
        self.stage = Stage::Over;
        Some(Err(error))
    }
}

/// What is not taken is not this session's, or not this owner's.
fn not_taken(error: NotTaken) -> ConnError {
    match error {
        NotTaken::Epoch(error) => ConnError::Call(Failed::Answered(error)),
        NotTaken::OtherOperation | NotTaken::Gap { .. } => Malformed("item").into(),
    }
}
