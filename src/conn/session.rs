//! A session at one owner, and the items of its decodes.

use std::collections::BTreeMap;

use modeld_spec::ids::{Epoch, InstanceId};
use modeld_spec::session::params::DecodeParams;
use modeld_spec::session::report::{
    ContextReport, DecodeEvent, PrefixStatus, RestoreStatus, SnapshotStatus, SuffixStatus,
};
use modeld_spec::session::snapshot::Digest;
use modeld_spec::session::tape::TokenId;

use super::client::{Client, OpenSession};
use super::error::ConnError;
use super::link::Link;
use crate::engine::backend::{Capabilities, ModelFacts};
use crate::engine::chat::Features;
use crate::engine::manifest::Claimed;
use crate::transport::convert::{self, Content, Malformed};
use crate::transport::proto;

/// A session at the owner of one epoch; it ends with the connection. Dropped, it is closed soon.
#[derive(Debug)]
pub struct Session {
    client: Client,
    link: Link,
    id: String,
    context_tokens: u64,
    facts: ModelFacts,
    capabilities: Capabilities,
    chat: Option<Features>,
    manifest: Claimed,
    /// The server keeps the session as long as this stream is open.
    _open: tonic::Streaming<proto::OpenSessionItem>,
}

/// The items of a decode, in order. Dropped before the last one, it cancels the decode.
#[derive(Debug)]
pub struct Items {
    client: Client,
    link: Link,
    stream: tonic::Streaming<proto::DecodeItem>,
    is_over: bool,
}

/// One item of a decode.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The epoch in which it was produced.
    pub epoch: Epoch,
    /// How many tokens of this decode came before it.
    pub index: u64,
    /// What it says.
    pub event: DecodeEvent,
}

impl Session {
    pub(super) async fn open(
        client: &Client,
        link: Link,
        request: &OpenSession,
        mut progress: impl FnMut(f32),
    ) -> Result<Self, ConnError> {
        use proto::open_session_item::Event;
        let request = proto::OpenSessionRequest {
            fence: link.fence(),
            model: request.model.clone(),
            context: request.context_tokens,
            backend: request.backend.clone(),
            settings: convert::settings_message(&request.settings),
            claimed: BTreeMap::from(request.claimed.clone()).into_iter().collect(),
        };
        let mut items = client.call(&link, async |mut calls| calls.open_session(request).await).await?;
        loop {
            let item = client.unless_superseded(link.answer().epoch, items.message()).await?;
            let item = item.map_err(|status| client.failed(&link, &status))?.ok_or(Malformed("session"))?;
            client.admit(item.epoch)?;
            match item.event.ok_or(Malformed("step of opening"))? {
                Event::Progress(fraction) => progress(fraction.clamp(0.0, 1.0)),
                Event::Opened(opened) => {
                    return Ok(Session {
                        client: client.clone(),
                        link,
                        id: opened.session,
                        context_tokens: opened.context,
                        facts: opened.facts.ok_or(Malformed("facts"))?.into(),
                        capabilities: opened.capabilities.unwrap_or_default().into(),
                        chat: opened.chat.map(Into::into),
                        manifest: Claimed::new(opened.manifest.into_iter().collect())
                            .map_err(|_| Malformed("manifest"))?,
                        _open: items,
                    });
                }
            }
        }
    }

    /// The epoch of its owner.
    pub fn epoch(&self) -> Epoch {
        self.link.answer().epoch
    }

    /// Its owner.
    pub fn instance(&self) -> &InstanceId {
        &self.link.answer().instance
    }

    /// Tokens that its context holds.
    pub fn context_tokens(&self) -> u64 {
        self.context_tokens
    }

    /// What the header of its model says.
    pub fn facts(&self) -> &ModelFacts {
        &self.facts
    }

    /// What its model can do.
    pub fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// What the chat template of its model knows; `None` if it has none.
    pub fn chat_features(&self) -> Option<Features> {
        self.chat
    }

    /// What its cache is computed with, to be claimed of another session; empty where the owner keeps no snapshots.
    pub fn manifest(&self) -> &Claimed {
        &self.manifest
    }

    /// Makes `content` the beginning of the tape; what of it is resident is reused. Dropping the future cancels it.
    ///
    /// # Errors
    /// [`ConnError`].
    pub async fn ensure_prefix(&self, content: &Content) -> Result<PrefixStatus, ConnError> {
        let request = proto::EnsurePrefixRequest {
            fence: self.link.fence(),
            session: self.id.clone(),
            content: Some(content.into()),
        };
        let call = self.client.call(&self.link, async |mut calls| calls.ensure_prefix(request).await);
        let status = PrefixStatus::try_from(call.await?)?;
        self.client.admit(status.epoch.get())?;
        Ok(status)
    }

    /// Puts `content` behind the end of the tape. Dropping the future cancels it.
    ///
    /// # Errors
    /// [`ConnError`].
    pub async fn prefill_suffix(&self, content: &Content) -> Result<SuffixStatus, ConnError> {
        let request = proto::PrefillSuffixRequest {
            fence: self.link.fence(),
            session: self.id.clone(),
            content: Some(content.into()),
        };
        let call = self.client.call(&self.link, async |mut calls| calls.prefill_suffix(request).await);
        let status = SuffixStatus::try_from(call.await?)?;
        self.client.admit(status.epoch.get())?;
        Ok(status)
    }

    /// Generates behind the end of the tape.
    ///
    /// # Errors
    /// [`ConnError`].
    pub async fn decode(&self, params: &DecodeParams) -> Result<Items, ConnError> {
        let request = proto::DecodeRequest {
            fence: self.link.fence(),
            session: self.id.clone(),
            ..convert::decode_request(params)
        };
        let stream = self.client.call(&self.link, async |mut calls| calls.decode(request).await).await?;
        Ok(Items { client: self.client.clone(), link: self.link.clone(), stream, is_over: false })
    }

    /// Writes the session to the owner's disk. The name that it gets can be restored at this owner and at later ones.
    ///
    /// # Errors
    /// [`ConnError`].
    pub async fn snapshot(&self) -> Result<SnapshotStatus, ConnError> {
        let request = proto::SnapshotRequest { fence: self.link.fence(), session: self.id.clone() };
        let call = self.client.call(&self.link, async |mut calls| calls.snapshot(request).await);
        let status = SnapshotStatus::try_from(call.await?)?;
        self.client.admit(status.epoch.get())?;
        Ok(status)
    }

    /// Puts a snapshot in the place of what the session has. If it is refused the session is as it was.
    ///
    /// # Errors
    /// [`ConnError`]; [`Error::SnapshotRefused`](modeld_spec::error::Error) says why.
    pub async fn restore(&self, snapshot: Digest) -> Result<RestoreStatus, ConnError> {
        let request = proto::RestoreRequest {
            fence: self.link.fence(),
            session: self.id.clone(),
            snapshot: snapshot.to_string(),
        };
        let call = self.client.call(&self.link, async |mut calls| calls.restore(request).await);
        let status = RestoreStatus::try_from(call.await?)?;
        self.client.admit(status.epoch.get())?;
        Ok(status)
    }

    /// The tokens of its text: all that was put on the tape and handed out, up to its end.
    ///
    /// # Errors
    /// [`ConnError`].
    pub async fn text(&self) -> Result<Vec<TokenId>, ConnError> {
        let (fence, session) = (self.link.fence(), self.id.clone());
        let request = proto::ExplainContextRequest { fence, session, tokens: true };
        let call = self.client.call(&self.link, async |mut calls| calls.explain_context(request).await);
        let answer = call.await?;
        self.client.admit(answer.epoch)?;
        Ok(answer.tokens.into_iter().map(TokenId).collect())
    }

    /// How the context is used.
    ///
    /// # Errors
    /// [`ConnError`].
    pub async fn explain(&self) -> Result<ContextReport, ConnError> {
        let (fence, session) = (self.link.fence(), self.id.clone());
        let request = proto::ExplainContextRequest { fence, session, tokens: false };
        let call = self.client.call(&self.link, async |mut calls| calls.explain_context(request).await);
        let report = ContextReport::try_from(call.await?)?;
        self.client.admit(report.epoch.get())?;
        Ok(report)
    }

    /// Closes it and waits until its part of the context is free.
    ///
    /// # Errors
    /// [`ConnError`]; the session is then closed with the connection.
    pub async fn close(self) -> Result<(), ConnError> {
        let request = proto::CloseSessionRequest { fence: self.link.fence(), session: self.id.clone() };
        let call = self.client.call(&self.link, async |mut calls| calls.close_session(request).await);
        let closed = call.await?;
        self.client.admit(closed.epoch)?;
        Ok(())
    }
}

impl Items {
    /// The next item; `None` after the last one. Cancel-safe.
    ///
    /// # Errors
    /// [`ConnError`]; nothing comes after it. An item of an epoch that was superseded is refused with
    /// [`Error::StaleEpoch`](modeld_spec::error::Error).
    pub async fn next(&mut self) -> Option<Result<Item, ConnError>> {
        if self.is_over {
            return None;
        }
        let item = self.receive().await;
        self.is_over = match &item {
            Ok(item) => matches!(item.event, DecodeEvent::End(_)),
            Err(_) => true,
        };
        Some(item)
    }

    async fn receive(&mut self) -> Result<Item, ConnError> {
        let epoch = self.link.answer().epoch;
        let received = self.client.unless_superseded(epoch, self.stream.message()).await?;
        let item = received.map_err(|status| self.client.failed(&self.link, &status))?;
        let item = item.ok_or(Malformed("end"))?;
        let (epoch, index) = (self.client.admit(item.epoch)?, item.index);
        Ok(Item { epoch, index, event: convert::decode_event(item)? })
    }
}
