//! The server: takes calls from the wire to the engine.
//!
//! ```text
//!     socket -> whose process? -> gRPC -> fence -> gate -> engine -> epoch on the answer
//! ```
//!
//! Each call but Health first proves that it is meant for this owner and this epoch, and then that the lease is held. What
//! streams carries the epoch on each item, and the engine lets an item out only while the gate is open. A call that its caller
//! drops is cancelled; a panic ends its own call. What arrives is bounded: message, header and connection, streams on each.
//!
//! It decides nothing about ownership. It does not end running work at a shutdown by itself: the engine does
//! ([`Engine::shutdown`]), and whatever is still connected after [`DRAIN_MAX`] is cut off.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use modeld_spec::error::Error;
use modeld_spec::ids::InstanceId;
use modeld_spec::lease::record::ProtocolRange;
use tokio::sync::{mpsc, watch};
use tokio::time::{Sleep, timeout};
use tonic::transport::Server;

use super::calls::Calls;
use super::connection::{Connections, Wire, close_sessions};
use super::listen::Listener;
use super::proto;
use super::proto::modeld_server::ModeldServer;
use crate::engine::backend::ModelInfo;
use crate::engine::chat::{Chat, Features, Templates};
use crate::engine::{Engine, OpenRequest};
use crate::os::{BootClock, Clock};
use crate::owner::gate::Gate;

/// What is served: the engine of one owner in one epoch.
pub struct Service {
    pub(super) instance: InstanceId,
    pub(super) gate: Arc<Gate>,
    pub(super) engine: Arc<Engine>,
    resolve: Box<Resolve>,
    templates: Templates,
    stopping: watch::Sender<bool>,
}

/// Tells the file of a model from what a client calls it.
type Resolve = dyn Fn(&str) -> Result<PathBuf, Error> + Send + Sync;

/// A server that ended otherwise than it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The server could not go on.
    #[error("the server failed")]
    Server(#[from] tonic::transport::Error),
    /// Connections were open that did not end although they were cut off.
    #[error("connections did not end within {0:?}")]
    Stuck(Duration),
}

impl Service {
    /// The engine of `instance`, guarded by `gate`. `resolve` tells the file of a model from what a client calls it, and which
    /// files a client may have loaded at all.
    pub fn new(
        instance: InstanceId,
        gate: Arc<Gate>,
        engine: Arc<Engine>,
        resolve: impl Fn(&str) -> Result<PathBuf, Error> + Send + Sync + 'static,
    ) -> Self {
        let (resolve, stopping) = (Box::new(resolve), watch::Sender::new(false));
        Service { instance, gate, engine, resolve, templates: Templates::default(), stopping }
    }

    /// Whether a call is meant for this owner, and whether this still is one.
    pub(super) fn admit(&self, fence: Option<proto::Fence>) -> Result<(), Error> {
        let fence = fence.unwrap_or_default();
        if fence.instance != self.instance.as_str() || fence.epoch != self.gate.epoch().get() {
            return Err(Error::StaleFence {
                expected_instance: fence.instance,
                expected_epoch: fence.epoch,
                instance: self.instance.clone(),
                epoch: self.gate.epoch(),
            });
        }
        self.gate.pass().map(drop)?;
        if *self.stopping.borrow() { Err(Error::Draining) } else { Ok(()) }
    }

    /// Resolves when the server stops.
    pub(super) fn stopping(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stopping = self.stopping.subscribe();
        async move {
            // A service that is gone has stopped.
            let _ = stopping.wait_for(|stopping| *stopping).await;
        }
    }

    /// The file of the model that a client calls `name`.
    pub(super) fn model(&self, name: &str) -> Result<PathBuf, Error> {
        let invalid = |problem: &str| Error::InvalidArgument {
            argument: "model".to_string(),
            problem: problem.to_string(),
        };
        match name.len() {
            0 => Err(invalid("is missing")),
            length if MODEL_BYTES_MAX < length => Err(invalid("is longer than 4096 bytes")),
            _ if name.contains('\0') => Err(invalid("has a zero byte in it")),
            _ => (self.resolve)(name),
        }
    }

    /// The model that a client calls `name`, evaluated with these settings. Evaluated otherwise it is another one, of another name.
    pub(super) fn wanted(&self, name: &str, settings: Option<proto::Settings>) -> Result<OpenRequest, Error> {
        let settings = super::convert::settings(settings)?;
        Ok(OpenRequest {
            member: format!("{name}{settings}"),
            settings,
            ..OpenRequest::new(self.model(name)?)
        })
    }

    /// What is known of the model that a client calls `name`. Reads the disk.
    pub(super) fn describe(&self, name: &str) -> Result<proto::DescribeResponse, Error> {
        let path = self.model(name)?;
        let facts = self.engine.describe(&path)?;
        let resident = self.engine.resident(&path);
        Ok(proto::DescribeResponse {
            epoch: self.gate.epoch().get(),
            facts: Some(facts.into()),
            devices: self.engine.devices().into_iter().map(Into::into).collect(),
            capabilities: resident.as_ref().map(|model| model.capabilities.into()),
            chat: resident.and_then(|model| self.chat_features(&model)).map(Into::into),
        })
    }

    /// What the chat template of `model` knows; `None` if it has none that can be used.
    pub(super) fn chat_features(&self, model: &ModelInfo) -> Option<Features> {
        self.templates.of(model).ok().map(|template| template.features())
    }

    /// The text that the chat template of `model` makes of `chat`.
    pub(super) fn render(&self, model: &ModelInfo, chat: &Chat) -> Result<String, Error> {
        self.templates.of(model)?.render(chat, self.engine.limits().text_bytes_max)
    }

    pub(super) fn health(&self) -> proto::HealthResponse {
        let serving = self.gate.pass().is_ok() && !*self.stopping.borrow();
        proto::HealthResponse {
            instance: self.instance.to_string(),
            epoch: self.gate.epoch().get(),
            serving,
            backend: self.engine.backend().to_string(),
            protocol_min: ProtocolRange::CURRENT.min,
            protocol_max: ProtocolRange::CURRENT.max,
        }
    }

    pub(super) fn status(&self, connections: usize) -> proto::StatusResponse {
        let lease_left = self.gate.deadline().map(|deadline| deadline.since(BootClock.now()));
        proto::StatusResponse {
            epoch: self.gate.epoch().get(),
            instance: self.instance.to_string(),
            version: env!("CARGO_PKG_VERSION").to_string(),
            pid: std::process::id(),
            backend: self.engine.backend().to_string(),
            resident: self.gate.is_resident(),
            lease_left_ns: super::convert::nanos(lease_left.unwrap_or_default()),
            connections: connections as u64,
            models: self.engine.models().into_iter().map(Into::into).collect(),
            budget: self.engine.budget(),
        }
    }
}

/// Serves until `shutdown` resolves; then takes no more calls, gives those under way [`DRAIN_MAX`] to end, and cuts off the rest.
///
/// End the work of the engine at the same time, so that what streams ends with [`Error::Draining`]: its clients go on at the next
/// owner at once. When this returns, no connection is left and the socket's file is gone.
///
/// # Errors
/// [`ServeError`].
pub async fn serve(
    listener: Listener,
    service: Service,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let (closer, closing) = mpsc::unbounded_channel();
    let closing = tokio::spawn(close_sessions(closing));
    let ended = run(listener, service, Connections::new(closer), shutdown).await;
    // With the last connection the last sender has gone: what is left is to be closed.
    let _ = timeout(SEVER_MAX, closing).await;
    ended
}

async fn run(
    listener: Listener,
    service: Service,
    connections: Connections,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let (service, connections) = (Arc::new(service), Arc::new(connections));
    let calls = ModeldServer::new(Calls::new(service.clone(), connections.clone()))
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    let incoming = Incoming { listener, connections: connections.clone(), pause: None };
    let server = Server::builder()
        .max_concurrent_streams(STREAMS_MAX)
        .http2_max_header_list_size(HEADER_BYTES_MAX)
        .timeout(CALL_MAX)
        .add_service(calls)
        .serve_with_incoming_shutdown(incoming, service.stopping());
    let mut server = pin!(server);
    tokio::select! {
        ended = &mut server => return Ok(ended?),
        () = shutdown => {}
    }
    service.stopping.send_replace(true);
    if let Ok(ended) = timeout(DRAIN_MAX, &mut server).await {
        return Ok(ended?);
    }
    connections.sever();
    let ended = timeout(SEVER_MAX, server).await.map_err(|_| ServeError::Stuck(SEVER_MAX))?;
    Ok(ended?)
}

/// The connections that are to be served. The server drops it when it stops, and with it the socket: whoever connects then is
/// refused at once.
struct Incoming {
    listener: Listener,
    connections: Arc<Connections>,
    /// Until when nothing is accepted after a failure.
    pause: Option<Pin<Box<Sleep>>>,
}

impl Stream for Incoming {
    type Item = io::Result<Wire>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Wire>>> {
        loop {
            if let Some(pause) = &mut self.pause {
                if pause.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                self.pause = None;
            }
            match self.listener.poll_accept(context) {
                Poll::Pending => return Poll::Pending,
                // One connection too many is closed by dropping it.
                Poll::Ready(Ok(socket)) => {
                    if let Some(wire) = self.connections.take(socket) {
                        return Poll::Ready(Some(Ok(wire)));
                    }
                }
                // Out of descriptors or memory: the connection stays in the queue, so trying again at once would spin.
                Poll::Ready(Err(_)) => self.pause = Some(Box::pin(tokio::time::sleep(ACCEPT_PAUSE))),
            }
        }
    }
}

/// The largest message, in bytes: what the engine takes as one text.
pub const MESSAGE_BYTES_MAX: usize = 4 << 20;

/// How long calls under way may take to end at a shutdown.
pub const DRAIN_MAX: Duration = Duration::from_secs(5);

/// How long connections that were cut off may take to end: their tasks only have to run once.
const SEVER_MAX: Duration = Duration::from_secs(5);

/// How long a call may take to its answer, a stream to its first item: the prefill of a very large prompt on a slow machine. A client
/// that wants less says so in its call.
const CALL_MAX: Duration = Duration::from_secs(3600);

/// Calls at once on one connection: a client needs one for each of its sessions.
const STREAMS_MAX: u32 = 64;

/// The header fields of one call, in bytes.
const HEADER_BYTES_MAX: u32 = 16 << 10;

/// The longest name of a model, in bytes: a path on Linux.
const MODEL_BYTES_MAX: usize = 4096;

/// How long nothing is accepted after a failure to accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
