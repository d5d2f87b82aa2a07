//! Generating across owners: a session, its prompt, its items, and the same again at the next owner.
//!
//! What is accepted, how the next owner goes on and when to give up is decided in [`modeld_spec::follow`]; here it is performed.
//! An owner that dies ends its connections, so the loss is noticed at once; one that is stopped is noticed when the lease file names
//! its successor. Between owners the lease file is looked at every [`SEEK_LOOK`].

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use modeld_spec::error::Error;
use modeld_spec::follow::{Continuation, Follow};
use modeld_spec::ids::{Epoch, InstanceId};
use modeld_spec::session::params::DecodeParams;
use modeld_spec::session::report::{DecodeEnd, DecodeEvent, Logprobs, PrefixStatus, SuffixStatus};
use modeld_spec::session::tape::TokenId;
use modeld_spec::time::BootTime;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::client::{Client, OpenSession};
use super::error::ConnError;
use super::seek::{self, Ended, SEEK_LOOK};
use super::session::Session;
use crate::os::{BootClock, Clock};
use crate::transport::convert::Content;

/// What to generate.
#[derive(Clone, Debug)]
pub struct Request {
    /// On which model.
    pub open: OpenSession,
    /// The beginning of the tape, of which the owner reuses what is resident.
    pub prefix: Content,
    /// What comes behind it.
    pub suffix: Option<Content>,
    /// How.
    pub params: DecodeParams,
}

/// What happens while generating, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The owner loads the model.
    Loading {
        /// How much of it is loaded, from 0 to 1.
        fraction: f32,
    },
    /// A session is open.
    Opened {
        /// The epoch of its owner.
        epoch: Epoch,
        /// Its owner.
        instance: InstanceId,
    },
    /// The answer goes on at another owner; comes before its `Opened`.
    OwnerChanged {
        /// The epoch of the owner that was lost.
        from: Epoch,
        /// The epoch of the one that goes on.
        to: Epoch,
        /// From the loss to the open session.
        gap: Duration,
    },
    /// The prompt is on the tape.
    Prefilled {
        /// What became of the beginning.
        prefix: PrefixStatus,
        /// What became of the rest.
        suffix: Option<SuffixStatus>,
    },
    /// More of the answer.
    Item {
        /// The epoch in which it was produced.
        epoch: Epoch,
        /// How many tokens of the answer came before it, those of other owners included.
        index: u64,
        /// The text.
        text: String,
        /// The tokens.
        tokens: Vec<TokenId>,
        /// How likely each of them was, if that was asked for.
        logprobs: Vec<Logprobs>,
    },
    /// The end; nothing follows. Its text and tokens came as an `Item`.
    Finished(Totals),
}

/// A whole answer, in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Totals {
    /// How the last decode ended. Its counts are those of the last owner.
    pub end: DecodeEnd,
    /// Tokens of the answer, from all owners.
    pub tokens: u64,
    /// Tokens of the prompt that were resident at the first owner.
    pub reused: u64,
    /// Tokens of the prompt that were evaluated at the first owner.
    pub prefilled: u64,
    /// The epochs that served, in order.
    pub epochs: Vec<Epoch>,
    /// Items that this client refused because their epoch had been superseded.
    pub stale_items: u64,
}

/// An answer that is being generated. Dropped, it ends.
#[derive(Debug)]
pub struct Generation {
    events: mpsc::Receiver<Result<Event, ConnError>>,
    task: JoinHandle<()>,
}

impl Generation {
    pub(super) fn start(client: Client, request: Request) -> Self {
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let task = tokio::spawn(async move {
            let mut answer = Answer::new(client, request, sender);
            if let Err(error) = answer.run().await {
                // A reader that went away hears nothing.
                let _ = answer.events.send(Err(error)).await;
            }
        });
        Generation { events, task }
    }

    /// The next event; `None` after [`Event::Finished`] or an error. Cancel-safe.
    ///
    /// # Errors
    /// [`ConnError`]: why the answer does not go on.
    pub async fn next(&mut self) -> Option<Result<Event, ConnError>> {
        self.events.recv().await
    }
}

impl Stream for Generation {
    type Item = Result<Event, ConnError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_recv(context)
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        // The session goes with the task, and closes itself.
        self.task.abort();
    }
}

/// One answer on its way from owner to owner.
struct Answer {
    client: Client,
    request: Request,
    follow: Follow,
    events: mpsc::Sender<Result<Event, ConnError>>,
    /// The epoch that was lost last, and when.
    lost: Option<(Epoch, BootTime)>,
    /// What became of the prompt at the first owner: tokens reused and prefilled.
    prompt: Option<(u64, u64)>,
    /// Whether an owner was had and lost: then the next one is waited for.
    follows: bool,
}

impl Answer {
    fn new(client: Client, request: Request, events: mpsc::Sender<Result<Event, ConnError>>) -> Self {
        let DecodeParams { max_tokens, seed, .. } = request.params;
        let follow = Follow::new(max_tokens, seed, client.options().patience, BootClock.now());
        Answer { client, request, follow, events, lost: None, prompt: None, follows: false }
    }

    async fn run(&mut self) -> Result<(), ConnError> {
        loop {
            let ended = match self.turn().await {
                Ok(Some(end)) => return self.finish(end).await,
                // Nobody accepted can be asked yet.
                Ok(None) => None,
                Err(ended) => Some(ended),
            };
            self.settle(ended)?;
            sleep(SEEK_LOOK).await;
        }
    }

    /// Decides what a lost owner means for the answer.
    fn settle(&mut self, ended: Option<Ended>) -> Result<(), ConnError> {
        let Some(ended) = ended else { return seek::time_left(&self.follow) };
        if ended.error.loss().is_none() {
            return Err(ended.error);
        }
        // Before there was an owner there is none to wait for: whoever asked decides what to do about that.
        if !self.follows && !ended.error.answered().is_some_and(Error::is_owner_change) {
            return Err(ended.error);
        }
        self.follows = true;
        let last = self.follow.epochs().last().copied();
        if self.lost.map(|(lost, _)| lost) != last {
            self.lost = last.map(|last| (last, BootClock.now()));
        }
        seek::lost(&mut self.follow, ended)
    }

    /// Generates at the owner that the lease file names; `None` if that is not one that can go on.
    async fn turn(&mut self) -> Result<Option<DecodeEnd>, Ended> {
        let owner = seek::owner(&self.client, &mut self.follow, self.follows).await?;
        let Some(link) = owner else { return Ok(None) };
        let failed = Ended::at(link.answer().epoch);
        let events = self.events.clone();
        let progress = |fraction| {
            // A reader that is slow misses a step of the bar, no more.
            let _ = events.try_send(Ok(Event::Loading { fraction }));
        };
        let session = Session::open(&self.client, link, &self.request.open, progress);
        let session = session.await.map_err(failed)?;
        self.serve(session).await.map_err(failed)
    }

    async fn serve(&mut self, session: Session) -> Result<Option<DecodeEnd>, ConnError> {
        let before = self.follow.tokens().len() as u64;
        let Some(Continuation { tokens, max_tokens, seed }) = self.follow.opened(session.epoch()) else {
            return Ok(None);
        };
        self.follows = true;
        let (epoch, instance) = (session.epoch(), session.instance().clone());
        if let Some((from, at)) = self.lost.take().filter(|(from, _)| *from != epoch) {
            let gap = BootClock.now().since(at);
            self.tell(Event::OwnerChanged { from, to: epoch, gap }).await?;
        }
        self.tell(Event::Opened { epoch, instance }).await?;
        self.prefill(&session).await?;
        let params = DecodeParams { continues: tokens, max_tokens, seed, ..self.request.params.clone() };
        let mut items = session.decode(&params).await?;
        while let Some(item) = items.next().await {
            let item = item?;
            self.follow.item(item.epoch, item.index, &item.event)?;
            let index = before + item.index;
            let (text, tokens, logprobs, end) = match item.event {
                DecodeEvent::Text { text, tokens, logprobs } => (text, tokens, logprobs, None),
                DecodeEvent::End(mut end) => {
                    let logprobs = std::mem::take(&mut end.logprobs);
                    (end.text.clone(), end.tokens.clone(), logprobs, Some(end))
                }
            };
            if !text.is_empty() || !tokens.is_empty() {
                self.tell(Event::Item { epoch, index, text, tokens, logprobs }).await?;
            }
            if let Some(end) = end {
                // The answer is whole: a failure to close it first is one of the owner's, and the connection's end closes it.
                let _ = session.close().await;
                return Ok(Some(end));
            }
        }
        Ok(None)
    }

    async fn prefill(&mut self, session: &Session) -> Result<(), ConnError> {
        let prefix = session.ensure_prefix(&self.request.prefix).await?;
        let suffix = match &self.request.suffix {
            Some(content) => Some(session.prefill_suffix(content).await?),
            None => None,
        };
        let more = suffix.map_or((0, 0), |suffix| (suffix.reuse.reused.0, suffix.reuse.prefilled.0));
        self.prompt.get_or_insert((prefix.reuse.reused.0 + more.0, prefix.reuse.prefilled.0 + more.1));
        self.tell(Event::Prefilled { prefix, suffix }).await
    }

    async fn finish(&mut self, end: DecodeEnd) -> Result<(), ConnError> {
        let (reused, prefilled) = self.prompt.unwrap_or_default();
        let totals = Totals {
            end,
            tokens: self.follow.tokens().len() as u64,
            reused,
            prefilled,
            epochs: self.follow.epochs().to_vec(),
            stale_items: self.client.stale_items(),
        };
        self.tell(Event::Finished(totals)).await
    }

    /// Hands an event out, and waits for the reader to have room.
    async fn tell(&self, event: Event) -> Result<(), ConnError> {
        let told = self.events.send(Ok(event)).await;
        told.map_err(|_| ConnError::Call(crate::transport::error::Failed::Answered(Error::Cancelled)))
    }
}

/// How many events wait for their reader; a reader that is slower stalls its own session.
const EVENTS_MAX: usize = 32;
