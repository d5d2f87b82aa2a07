//! The calls of the service, one by one: fence, engine, answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use modeld_spec::error::Error;
use modeld_spec::ids::Epoch;
use modeld_spec::session::report::{DecodeEvent, DecodeItem};
use tokio::sync::mpsc;
use tonic::{Request, Response, Status};

use super::connection::{Connection, Connections, Turn};
use super::convert;
use super::error::to_status;
use super::proto;
use super::proto::modeld_server::Modeld;
use super::server::Service;
use crate::engine::backend::Settings;
use crate::engine::chat::ChatMessage;
use crate::engine::{DecodeStream, LoadPhase, OpenRequest, Prompt, Session};

/// Performs the calls of all connections.
pub(super) struct Calls {
    service: Arc<Service>,
    connections: Arc<Connections>,
}

impl Calls {
    pub(super) fn new(service: Arc<Service>, connections: Arc<Connections>) -> Self {
        Calls { service, connections }
    }

    fn admit(&self, fence: Option<proto::Fence>) -> Result<(), Status> {
        self.service.admit(fence).map_err(|error| to_status(&error))
    }

    async fn operation(
        &self,
        connection: &Connection,
        fence: Option<proto::Fence>,
        id: &str,
    ) -> Result<(Session, Option<Turn>), Status> {
        self.admit(fence)?;
        connection.operation(id).await.map_err(|error| to_status(&error))
    }
}

#[tonic::async_trait]
impl Modeld for Calls {
    async fn health(
        &self,
        _request: Request<proto::HealthRequest>,
    ) -> Result<Response<proto::HealthResponse>, Status> {
        Ok(Response::new(self.service.health()))
    }

    async fn status(
        &self,
        request: Request<proto::StatusRequest>,
    ) -> Result<Response<proto::StatusResponse>, Status> {
        self.admit(request.into_inner().fence)?;
        Ok(Response::new(self.service.status(self.connections.count())))
    }

    async fn describe(
        &self,
        request: Request<proto::DescribeRequest>,
    ) -> Result<Response<proto::DescribeResponse>, Status> {
        let request = request.into_inner();
        self.admit(request.fence)?;
        let service = self.service.clone();
        let described = off_thread(move || service.engine.describe(&service.model(&request.model)?)).await;
        let facts = described.map_err(|error| to_status(&error))?;
        let epoch = self.service.gate.epoch().get();
        Ok(Response::new(proto::DescribeResponse { epoch, facts: Some(facts.into()) }))
    }

    type OpenSessionStream = Opening;

    async fn open_session(
        &self,
        request: Request<proto::OpenSessionRequest>,
    ) -> Result<Response<Opening>, Status> {
        let connection = connection(&request)?;
        let request = request.into_inner();
        self.admit(request.fence.clone())?;
        let (sender, steps) = mpsc::channel(STEPS_MAX);
        tokio::spawn(open(self.service.clone(), request, connection.clone(), sender));
        let epoch = self.service.gate.epoch();
        let state = OpeningState::Loading(self.service.clone());
        Ok(Response::new(Opening { steps, connection, epoch, state }))
    }

    async fn ensure_prefix(
        &self,
        request: Request<proto::EnsurePrefixRequest>,
    ) -> Result<Response<proto::EnsurePrefixResponse>, Status> {
        let connection = connection(&request)?;
        let request = request.into_inner();
        let (session, _turn) = self.operation(&connection, request.fence, &request.session).await?;
        let prompt = prompt(&session, request.content).map_err(|error| to_status(&error))?;
        let status = session.ensure_prefix(prompt).await.map_err(|error| to_status(&error))?;
        Ok(Response::new(status.into()))
    }

    async fn prefill_suffix(
        &self,
        request: Request<proto::PrefillSuffixRequest>,
    ) -> Result<Response<proto::PrefillSuffixResponse>, Status> {
        let connection = connection(&request)?;
        let request = request.into_inner();
        let (session, _turn) = self.operation(&connection, request.fence, &request.session).await?;
        let prompt = prompt(&session, request.content).map_err(|error| to_status(&error))?;
        let status = session.prefill_suffix(prompt).await.map_err(|error| to_status(&error))?;
        Ok(Response::new(status.into()))
    }

    type DecodeStream = Decoding;

    async fn decode(&self, request: Request<proto::DecodeRequest>) -> Result<Response<Decoding>, Status> {
        let connection = connection(&request)?;
        let mut request = request.into_inner();
        let (session, turn) = self.operation(&connection, request.fence.take(), &request.session).await?;
        let params = convert::decode_params(request).map_err(|error| to_status(&error))?;
        let items = session.decode(params).await.map_err(|error| to_status(&error))?;
        Ok(Response::new(Decoding { items, next_index: 0, turn }))
    }

    async fn explain_context(
        &self,
        request: Request<proto::ExplainContextRequest>,
    ) -> Result<Response<proto::ExplainContextResponse>, Status> {
        let connection = connection(&request)?;
        let request = request.into_inner();
        self.admit(request.fence)?;
        let session = connection.session(&request.session).map_err(|error| to_status(&error))?;
        let report = session.explain().await.map_err(|error| to_status(&error))?;
        Ok(Response::new(report.into()))
    }

    async fn close_session(
        &self,
        request: Request<proto::CloseSessionRequest>,
    ) -> Result<Response<proto::CloseSessionResponse>, Status> {
        let connection = connection(&request)?;
        let request = request.into_inner();
        self.admit(request.fence)?;
        if let Some(session) = connection.give_up(&request.session) {
            match session.close().await {
                Ok(()) | Err(Error::SessionClosed { .. }) => {}
                Err(error) => return Err(to_status(&error)),
            }
        }
        Ok(Response::new(proto::CloseSessionResponse { epoch: self.service.gate.epoch().get() }))
    }
}

/// A step of opening a session.
enum Step {
    Progress(f32),
    Opened(Session),
}

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
                Some(Ok(Step::Opened(session))) => {
                    let opened = opened(&session);
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
            if let Ok(Step::Opened(session)) = step {
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

/// The stream of Decode: the engine's items, numbered by the tokens before them. Dropped, it cancels the decode.
pub(super) struct Decoding {
    items: DecodeStream,
    next_index: u64,
    /// Until the last item. Dropped after the items, so that the decode is cancelled before the next operation begins.
    turn: Option<Turn>,
}

impl Stream for Decoding {
    type Item = Result<proto::DecodeItem, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(Pin::new(&mut self.items).poll_next(context));
        Poll::Ready(item.map(|item| {
            if !matches!(&item, Ok(DecodeItem { event: DecodeEvent::Text { .. }, .. })) {
                self.turn = None;
            }
            let item = item.map_err(|error| to_status(&error))?;
            let index = self.next_index;
            self.next_index += match &item.event {
                DecodeEvent::Text { tokens, .. } => tokens.len() as u64,
                DecodeEvent::End(end) => end.tokens.len() as u64,
            };
            Ok(convert::decode_item(item.epoch, index, item.event))
        }))
    }
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
    if let Err(mpsc::error::SendError(Ok(Step::Opened(session)))) = steps.send(opened.map(Step::Opened)).await
    {
        connection.close(session);
    }
}

async fn load_and_open(
    service: &Arc<Service>,
    request: proto::OpenSessionRequest,
    steps: &mpsc::Sender<Result<Step, Error>>,
) -> Result<Session, Error> {
    let context_tokens = request.context.map(|context| usize::try_from(context).unwrap_or(usize::MAX));
    // Finding out which model it is reads the disk.
    let loader = service.clone();
    let (request, mut loading) = off_thread(move || {
        let model = loader.model(&request.model)?;
        let request = OpenRequest {
            member: request.model,
            model,
            context_tokens,
            backend: request.backend,
            settings: Settings::default(),
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
    loading.ready().await?;
    service.engine.open_session(&request).await
}

fn opened(session: &Session) -> proto::SessionOpened {
    let info = session.info();
    proto::SessionOpened {
        session: session.id().to_string(),
        context: session.context_tokens() as u64,
        path: info.path.to_string_lossy().into_owned(),
        facts: Some(info.facts.clone().into()),
        vocabulary: info.vocabulary as u64,
    }
}

/// What goes on the tape of `session`.
fn prompt(session: &Session, content: Option<proto::Content>) -> Result<Prompt, Error> {
    use proto::content::Content;
    match content.and_then(|content| content.content) {
        Some(Content::Text(proto::Text { text, control })) => Ok(Prompt { text, control }),
        Some(Content::Chat(chat)) => {
            let message = |message: proto::ChatMessage| ChatMessage::new(message.role, message.content);
            let messages: Vec<ChatMessage> = chat.messages.into_iter().map(message).collect();
            session.render_chat(&messages).map(Prompt::rendered)
        }
        None => Err(Error::InvalidArgument {
            argument: "content".to_string(),
            problem: "is missing, or of a kind that this version does not know".to_string(),
        }),
    }
}

fn connection<T>(request: &Request<T>) -> Result<Arc<Connection>, Status> {
    let connection = request.extensions().get::<Arc<Connection>>().cloned();
    connection.ok_or_else(|| {
        to_status(&Error::Internal { cause: "the call came without its connection".to_string() })
    })
}

/// Does what reads the disk where it keeps nobody else waiting.
async fn off_thread<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(act).await;
    done.unwrap_or_else(|_| Err(Error::Internal { cause: "the call panicked".to_string() }))
}

/// How many steps of opening a session wait for their reader.
const STEPS_MAX: usize = 4;
