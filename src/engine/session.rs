//! A session as its users hold it, and the stream of a decode.
//!
//! Dropping the future of an operation, or the stream, cancels it; what is on the tape after it is what is in the KV cache,
//! and the next operation may begin at once. Dropping a [`Session`] does not close it: it is one of several handles.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use modeld_spec::error::Error;
use modeld_spec::ids::Epoch;
use modeld_spec::session::params::DecodeParams;
use modeld_spec::session::report::{
    ContextReport, DecodeEnd, DecodeEvent, DecodeItem, PrefixStatus, RestoreStatus, SnapshotStatus,
    SuffixStatus,
};
use modeld_spec::session::snapshot::Digest;
use modeld_spec::session::tape::TokenId;
use uuid::Uuid;

use super::backend::ModelInfo;
use super::chat::{self, ChatMessage};
use super::handoff::{Reader, Taken, handoff};
use super::manifest::Manifest;
use super::service::Table;
use super::worker::{Operate, Worker};

/// Names a session: the epoch it belongs to and 128 random bits, so that it can't be guessed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(String);

impl SessionId {
    /// The id that a client sent; any text is one, and one that was not given out names no session.
    pub fn from_text(text: impl Into<String>) -> Self {
        SessionId(text.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn random(epoch: Epoch) -> Self {
        SessionId(format!("{epoch}.{}", Uuid::new_v4().simple()))
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What goes on the tape of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// Text.
    Text {
        /// The text.
        text: String,
        /// Whether texts of control tokens in it (`<|im_end|>`) become those tokens. A rendered chat needs it; text of a user
        /// that is not trusted should not have it.
        control: bool,
    },
    /// Tokens as they are: nothing is put in front of them.
    Tokens(Vec<TokenId>),
}

impl Prompt {
    /// Text in which control tokens count.
    pub fn rendered(text: impl Into<String>) -> Self {
        Prompt::Text { text: text.into(), control: true }
    }

    /// Text that is nothing but text.
    pub fn literal(text: impl Into<String>) -> Self {
        Prompt::Text { text: text.into(), control: false }
    }
}

/// A handle to one session of a resident model.
#[derive(Clone)]
pub struct Session {
    pub(super) id: SessionId,
    pub(super) context_tokens: usize,
    pub(super) worker: Worker,
    pub(super) table: Arc<Table>,
}

impl Session {
    /// Its name.
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// The epoch it belongs to: it ends with it.
    pub fn epoch(&self) -> Epoch {
        self.worker.epoch()
    }

    /// The model.
    pub fn info(&self) -> &ModelInfo {
        self.worker.info()
    }

    /// What its cache is computed with; `None` where nothing is kept on disk, and no file was digested.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.worker.manifest()
    }

    /// Tokens of context that it has.
    pub fn context_tokens(&self) -> usize {
        self.context_tokens
    }

    /// Makes `prompt` the beginning of the tape; what of it is there already is not evaluated again.
    ///
    /// # Errors
    /// [`Error::ContextOverflow`] before anything is changed; [`Error::SessionBusy`], [`Error::SessionClosed`],
    /// [`Error::SessionFatal`]; [`Error::InvalidArgument`] for too long a text; [`Error::BackendFailed`];
    /// [`Error::Fenced`], [`Error::Draining`].
    pub async fn ensure_prefix(&self, prompt: Prompt) -> Result<PrefixStatus, Error> {
        self.worker.check_prompt(&prompt)?;
        self.worker.operate(&self.id, |reply| Operate::EnsurePrefix { prompt, reply }).await
    }

    /// Puts `prompt` behind the tape's end: behind the prefix after [`Session::ensure_prefix`], else behind all that came.
    ///
    /// # Errors
    /// As [`Session::ensure_prefix`].
    pub async fn prefill_suffix(&self, prompt: Prompt) -> Result<SuffixStatus, Error> {
        self.worker.check_prompt(&prompt)?;
        self.worker.operate(&self.id, |reply| Operate::PrefillSuffix { prompt, reply }).await
    }

    /// Generates behind the tape's end, streaming. A decode that follows on a decode goes on where that one ended.
    ///
    /// # Errors
    /// As [`Session::ensure_prefix`]; [`Error::InvalidArgument`] if the tape is empty.
    pub async fn decode(&self, params: DecodeParams) -> Result<DecodeStream, Error> {
        let control = self.worker.control();
        let room = self.worker.limits().stream_items;
        let (items, reader) = handoff(room, control.bell().clone(), control.gate.clone());
        let stream = DecodeStream { reader, worker: self.worker.clone() };
        self.worker.operate(&self.id, |reply| Operate::Decode { params, items, reply }).await?;
        Ok(stream)
    }

    /// Writes the session to disk: its tape, and what the cache holds of it. The name that it gets is the digest of what is
    /// written, and whoever is allowed to ask the owner can restore it.
    ///
    /// # Errors
    /// [`Error::SnapshotFailed`]; as [`Session::ensure_prefix`].
    pub async fn snapshot(&self) -> Result<SnapshotStatus, Error> {
        self.worker.operate(&self.id, |reply| Operate::Snapshot { reply }).await
    }

    /// Puts a snapshot in the place of what the session has. If it is refused the session is as it was.
    ///
    /// # Errors
    /// [`Error::SnapshotRefused`]; as [`Session::ensure_prefix`].
    pub async fn restore(&self, id: Digest) -> Result<RestoreStatus, Error> {
        self.worker.operate(&self.id, |reply| Operate::Restore { id, reply }).await
    }

    /// What is on the tape and how much room is left; also while another operation runs.
    ///
    /// # Errors
    /// [`Error::SessionClosed`], [`Error::Fenced`], [`Error::Draining`].
    pub async fn explain(&self) -> Result<ContextReport, Error> {
        self.worker.operate(&self.id, |reply| Operate::Explain { reply }).await
    }

    /// The tokens of its text: the tape up to its end, and the token behind it that was handed out; also while another operation runs.
    ///
    /// # Errors
    /// As [`Session::explain`].
    pub async fn text(&self) -> Result<Vec<TokenId>, Error> {
        self.worker.operate(&self.id, |reply| Operate::Text { reply }).await
    }

    /// Ends the session and frees its part of the cache; an operation under way ends with [`Error::SessionClosed`].
    ///
    /// # Errors
    /// [`Error::SessionClosed`] if it was closed before; [`Error::Fenced`], [`Error::Draining`].
    pub async fn close(&self) -> Result<(), Error> {
        let closed = self.worker.operate(&self.id, |reply| Operate::Close { reply }).await;
        self.table.remove(&self.id);
        closed
    }

    /// The text that the model's own chat template makes of `messages`; give it to [`Prompt::rendered`].
    ///
    /// # Errors
    /// [`Error::UnsupportedFeature`] if the model has no template; [`Error::InvalidArgument`] if the template refuses
    /// the messages or they are too long.
    pub fn render_chat(&self, messages: &[ChatMessage]) -> Result<String, Error> {
        chat::render(self.info(), messages, true, self.worker.limits().text_bytes_max)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The items of a decode, in order; the last one is [`DecodeEvent::End`] or an error.
///
/// Each item passes the gate when it is taken: after a fence nothing comes but [`Error::Fenced`]. A reader that does not read
/// stalls this session alone. Dropping the stream cancels the decode.
#[derive(Debug)]
pub struct DecodeStream {
    reader: Reader<DecodeItem, Result<DecodeEnd, Error>>,
    worker: Worker,
}

impl DecodeStream {
    /// The next item; `None` after the last one. Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<DecodeItem, Error>> {
        poll_fn(|context| self.poll_item(context)).await
    }

    /// Asks for the end: it comes with what was generated so far and the reason
    /// [`Cancelled`](modeld_spec::session::finish::FinishReason::Cancelled).
    pub fn cancel(&self) {
        self.reader.cancel();
    }

    fn poll_item(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<DecodeItem, Error>>> {
        self.reader.poll_next(context).map(|taken| {
            let item = match taken {
                Taken::Item(item) => Ok(item),
                Taken::End(end) => {
                    end.map(|end| DecodeItem { epoch: self.worker.epoch(), event: DecodeEvent::End(end) })
                }
                Taken::BrokenOff => Err(self.worker.gone()),
                Taken::Refused(closed) => Err(closed.into()),
                Taken::Over => return None,
            };
            Some(item)
        })
    }
}

impl Stream for DecodeStream {
    type Item = Result<DecodeItem, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_item(context)
    }
}
