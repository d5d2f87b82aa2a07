//! The calls of the service, one by one: fence, engine, answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use modeld_spec::error::Error;
use modeld_spec::session::report::{DecodeEvent, DecodeItem};
use modeld_spec::slot::event::Old;
use tonic::{Request, Response, Status};

use super::connection::{Connection, Connections, Turn};
use super::convert::{self, Content};
use super::error::to_status;
use super::opening::Opening;
use super::proto;
use super::proto::modeld_server::Modeld;
use super::server::Service;
use crate::engine::{DecodeStream, OpenRequest, Prompt, Session};

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

    /// What goes on the tape of `session`.
    async fn prompt(&self, session: &Session, content: Option<proto::Content>) -> Result<Prompt, Status> {
        let chat = match convert::content(content).map_err(|error| to_status(&error))? {
            Content::Prompt(prompt) => return Ok(prompt),
            Content::Chat(chat) => chat,
        };
        let (service, model) = (self.service.clone(), session.info().clone());
        // A template may take its time, up to a bound.
        let rendered = off_thread(move || service.render(&model, &chat)).await;
        rendered.map(Prompt::rendered).map_err(|error| to_status(&error))
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
        let described = off_thread(move || service.describe(&request.model)).await;
        Ok(Response::new(described.map_err(|error| to_status(&error))?))
    }

    async fn load_model(
        &self,
        request: Request<proto::LoadModelRequest>,
    ) -> Result<Response<proto::LoadModelResponse>, Status> {
        let mut request = request.into_inner();
        self.admit(request.fence.take())?;
        let old = if request.instead { Old::MayGoFirst } else { Old::Stays };
        let service = self.service.clone();
        let asked = off_thread(move || {
            let mut wanted = service.wanted(&request.model, request.settings)?;
            wanted.context_tokens =
                request.context.map(|context| usize::try_from(context).unwrap_or(usize::MAX));
            wanted.backend = request.backend;
            wanted.member = request.name.unwrap_or(wanted.member);
            let loading = service.engine.load_explicitly(&wanted, old)?;
            Ok((wanted.member, loading))
        });
        let (name, loading) = asked.await.map_err(|error| to_status(&error))?;
        let info = loading.ready().await.map_err(|error| to_status(&error))?;
        let plan = loading.plan().unwrap_or_default();
        let answer = proto::LoadModelResponse {
            epoch: self.service.gate.epoch().get(),
            name,
            facts: Some(info.facts.clone().into()),
            evicted: plan.evicts.into_iter().chain(plan.gives_up).collect(),
        };
        Ok(Response::new(answer))
    }

    async fn unload_model(
        &self,
        request: Request<proto::UnloadModelRequest>,
    ) -> Result<Response<proto::UnloadModelResponse>, Status> {
        let request = request.into_inner();
        self.admit(request.fence)?;
        self.service.engine.unload(&request.name).await.map_err(|error| to_status(&error))?;
        Ok(Response::new(proto::UnloadModelResponse { epoch: self.service.gate.epoch().get() }))
    }

    type OpenSessionStream = Opening;

    async fn open_session(
        &self,
        request: Request<proto::OpenSessionRequest>,
    ) -> Result<Response<Opening>, Status> {
        let connection = connection(&request)?;
        let request = request.into_inner();
        self.admit(request.fence.clone())?;
        Ok(Response::new(Opening::start(self.service.clone(), request, connection)))
    }

    async fn ensure_prefix(
        &self,
        request: Request<proto::EnsurePrefixRequest>,
    ) -> Result<Response<proto::EnsurePrefixResponse>, Status> {
        let connection = connection(&request)?;
        let request = request.into_inner();
        let (session, _turn) = self.operation(&connection, request.fence, &request.session).await?;
        let prompt = self.prompt(&session, request.content).await?;
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
        let prompt = self.prompt(&session, request.content).await?;
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

    async fn snapshot(
        &self,
        request: Request<proto::SnapshotRequest>,
    ) -> Result<Response<proto::SnapshotResponse>, Status> {
        let connection = connection(&request)?;
        let request = request.into_inner();
        let (session, _turn) = self.operation(&connection, request.fence, &request.session).await?;
        let status = session.snapshot().await.map_err(|error| to_status(&error))?;
        Ok(Response::new(status.into()))
    }

    async fn restore(
        &self,
        request: Request<proto::RestoreRequest>,
    ) -> Result<Response<proto::RestoreResponse>, Status> {
        let connection = connection(&request)?;
        let request = request.into_inner();
        let (session, _turn) = self.operation(&connection, request.fence, &request.session).await?;
        let id = convert::snapshot_name(&request.snapshot).map_err(|error| to_status(&error))?;
        let status = session.restore(id).await.map_err(|error| to_status(&error))?;
        Ok(Response::new(status.into()))
    }

    async fn embed(
        &self,
        request: Request<proto::EmbedRequest>,
    ) -> Result<Response<proto::EmbedResponse>, Status> {
        let mut request = request.into_inner();
        self.admit(request.fence.take())?;
        let service = self.service.clone();
        let asked = off_thread(move || embedding(&service, request)).await;
        let (request, prompt) = asked.map_err(|error| to_status(&error))?;
        let embedded = self.service.engine.embed(&request, prompt).await;
        Ok(Response::new(embedded.map_err(|error| to_status(&error))?.into()))
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
        let mut answer = proto::ExplainContextResponse::from(report);
        if request.tokens {
            let text = session.text().await.map_err(|error| to_status(&error))?;
            answer.tokens = convert::ids(&text);
        }
        Ok(Response::new(answer))
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

fn connection<T>(request: &Request<T>) -> Result<Arc<Connection>, Status> {
    let connection = request.extensions().get::<Arc<Connection>>().cloned();
    connection.ok_or_else(|| {
        to_status(&Error::Internal { cause: "the call came without its connection".to_string() })
    })
}

/// What is to be embedded, and on which model. Finding that out reads the disk.
fn embedding(service: &Service, request: proto::EmbedRequest) -> Result<(OpenRequest, Prompt), Error> {
    let Content::Prompt(prompt) = convert::content(request.content)? else {
        let problem = "is a chat, and only texts and tokens can be embedded".to_string();
        return Err(Error::InvalidArgument { argument: "content".to_string(), problem });
    };
    let context = request.context.map(|context| usize::try_from(context).unwrap_or(usize::MAX));
    let open = OpenRequest {
        context_tokens: context,
        backend: request.backend,
        ..service.wanted(&request.model, request.settings)?
    };
    Ok((open, prompt))
}

/// Does what reads the disk where it keeps nobody else waiting.
pub(super) async fn off_thread<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(act).await;
    done.unwrap_or_else(|_| Err(Error::Internal { cause: "the call panicked".to_string() }))
}
