//! Opening a session: the load that others may wait for too, the session, and then as long as that is open.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use modeld_spec::error::Error;
use modeld_spec::ids::Epoch;
use tokio::sync::mpsc;
use tonic::Status;

use super::calls::off_thread;
use super::connection::Connection;
use super::error::to_status;
use super::proto;
use super::server::Service;
use crate::engine::chat::Features;
use crate::engine::manifest::{Claimed, Manifest};
use crate::engine::{LoadPhase, OpenRequest, Session};

/// The stream of OpenSession: progress, the session, and nothing more as long as that is open. Dropped, it closes the session.
pub(super) struct Opening {
    steps: mpsc::Receiver<Result<Step, Error>>,
    connection: Arc<Connection>,
    epoch: Epoch,
    state: OpeningState,
}

enum OpeningState {
    /// No session yet.
    Loading(Arc<Service>),
    /// The session with this id, and what ends it: an error if the server stops, none if it was closed.
    Open(String, Pin<Box<dyn Future<Output = Option<Error>> + Send>>),
    /// The stream has ended, and the session was closed, or is the engine's to end.
    Ended,
}

impl Opening {
    /// Begins to open what `request` asks for.
    pub(super) fn start(
        service: Arc<Service>,
        request: proto::OpenSessionRequest,
        connection: Arc<Connection>,
    ) -> Self {
        let (sender, steps) = mpsc::channel(STEPS_MAX);
        let epoch = service.gate.epoch();
        tokio::spawn(open(service.clone(), request, connection.clone(), sender));
        Opening { steps, connection, epoch, state: OpeningState::Loading(service) }
    }

    fn poll_event(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<proto::open_session_item::Event, Error>>> {
        use proto::open_session_item::Event;
        match &mut self.state {
            OpeningState::Loading(service) => match ready!(self.steps.poll_recv(context)) {
                None => Poll::Ready(None),
                Some(Err(error)) => Poll::Ready(Some(Err(error))),
                Some(Ok(Step::Progress(fraction))) => Poll::Ready(Some(Ok(Event::Progress(fraction)))),
                Some(Ok(Step::Opened(session, opened))) => {
                    let stopping = service.stopping();
                    Poll::Ready(Some(self.connection.adopt(session).map(|closed| {
                        let end = async {
                            tokio::select! {
                                _ = closed => None,
                                () = stopping => Some(Error::Draining),
                            }
                        };
                        self.state = OpeningState::Open(opened.session.clone(), Box::pin(end));
                        Event::Opened(opened)
                    })))
                }
            },
            OpeningState::Open(_, end) => {
                let end = ready!(end.as_mut().poll(context));
                self.state = OpeningState::Ended;
                Poll::Ready(end.map(Err))
            }
            OpeningState::Ended => Poll::Ready(None),
        }
    }
}

impl Stream for Opening {
    type Item = Result<proto::OpenSessionItem, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let epoch = self.epoch.get();
        let event = ready!(self.poll_event(context));
        Poll::Ready(event.map(|event| match event {
            Ok(event) => Ok(proto::OpenSessionItem { epoch, event: Some(event) }),
            Err(error) => Err(to_status(&error)),
        }))
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        // Closed first: what is sent after it comes back to its sender.
        self.steps.close();
        while let Ok(step) = self.steps.try_recv() {
            if let Ok(Step::Opened(session, _)) = step {
                self.connection.close(session);
            }
        }
        // A server that stops has ended the stream, and lets what runs in the session come to its end.
        if let OpeningState::Open(id, _) = &self.state
            && let Some(session) = self.connection.give_up(id)
        {
            self.connection.close(session);
        }
    }
}

/// A step of opening a session.
enum Step {
    Progress(f32),
    Opened(Session, Box<proto::SessionOpened>),
}

/// Loads and opens, as long as somebody listens.
async fn open(
    service: Arc<Service>,
    request: proto::OpenSessionRequest,
    connection: Arc<Connection>,
    steps: mpsc::Sender<Result<Step, Error>>,
) {
    let opened = tokio::select! {
        biased;
        () = steps.closed() => return,
        opened = load_and_open(&service, request, &steps) => opened,
    };
    let step = opened.map(|(session, opened)| Step::Opened(session, Box::new(opened)));
    if let Err(mpsc::error::SendError(Ok(Step::Opened(session, _)))) = steps.send(step).await {
        connection.close(session);
    }
}

async fn load_and_open(
    service: &Arc<Service>,
    request: proto::OpenSessionRequest,
    steps: &mpsc::Sender<Result<Step, Error>>,
) -> Result<(Session, proto::SessionOpened), Error> {
    let context_tokens = request.context.map(|context| usize::try_from(context).unwrap_or(usize::MAX));
    // Finding out which model it is reads the disk.
    let loader = service.clone();
    let (request, mut loading) = off_thread(move || {
        let request = OpenRequest {
            context_tokens,
            backend: request.backend,
            claimed: Claimed::new(request.claimed.into_iter().collect())?,
            ..loader.wanted(&request.model, request.settings)?
        };
        let loading = loader.engine.load(&request)?;
        Ok((request, loading))
    })
    .await?;
    let mut told = 0.0;
    loop {
        let progress = loading.progress().await;
        if progress.phase != LoadPhase::Loading {
            break;
        }
        if told < progress.fraction {
            told = progress.fraction;
            // Nobody listens any more: then this is dropped at its next await.
            let _ = steps.send(Ok(Step::Progress(told))).await;
        }
    }
    let model = loading.ready().await?;
    // A template that was not asked for before is compiled and tried.
    let templates = service.clone();
    let features = off_thread(move || Ok(templates.chat_features(&model))).await?;
    // Nothing is waited for behind this: a session that nobody takes is closed by whoever drops it.
    let session = service.engine.open_session(&request).await?;
    let opened = opened(&session, features);
    Ok((session, opened))
}

fn opened(session: &Session, chat: Option<Features>) -> proto::SessionOpened {
    let info = session.info();
    let manifest = session.manifest().map(Manifest::fields).unwrap_or_default();
    proto::SessionOpened {
        session: session.id().to_string(),
        context: session.context_tokens() as u64,
        path: info.path.to_string_lossy().into_owned(),
        facts: Some(info.facts.clone().into()),
        vocabulary: info.vocabulary as u64,
        manifest: manifest.into_iter().collect(),
        capabilities: Some(info.capabilities.into()),
        chat: chat.map(Into::into),
    }
}

/// How many steps of opening a session wait for their reader.
const STEPS_MAX: usize = 4;
