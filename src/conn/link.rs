//! One connection to one owner in one epoch.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use modeld_spec::lease::record::{ProtocolRange, Record};
use tokio::net::UnixStream;
use tokio::time::timeout;
use tonic::transport::{self, Channel, Uri};

use super::error::{ConnError, no_answer_within};
use crate::os;
use crate::probe::Answer;
use crate::transport::endpoint::Endpoint;
use crate::transport::error::from_status;
use crate::transport::proto;
use crate::transport::proto::modeld_client::ModeldClient;
use crate::transport::server::MESSAGE_BYTES_MAX;

/// A connection whose other end was found to be who the lease file says.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    calls: ModeldClient<Channel>,
    answer: Answer,
}

impl Link {
    /// Connects to the owner of `record` and asks it who it is, within `answer_max` in all.
    ///
    /// # Errors
    /// [`ConnError`]: nobody answers, or somebody else.
    pub(crate) async fn connect(record: &Record, answer_max: Duration) -> Result<Self, ConnError> {
        let text = record.meta.endpoint.as_deref().ok_or(ConnError::NoEndpoint(record.epoch))?;
        let endpoint: Endpoint = text.parse()?;
        let connected = timeout(answer_max, connect(record, &endpoint)).await;
        connected.unwrap_or_else(|_| Err(unreachable(record, &endpoint, no_answer_within(answer_max))))
    }

    /// Who is at the other end.
    pub(crate) fn answer(&self) -> &Answer {
        &self.answer
    }

    /// For whom the calls of this connection are meant.
    pub(super) fn fence(&self) -> Option<proto::Fence> {
        let Answer { instance, epoch, .. } = &self.answer;
        Some(proto::Fence { instance: instance.to_string(), epoch: epoch.get() })
    }

    /// The calls.
    pub(crate) fn calls(&self) -> ModeldClient<Channel> {
        self.calls.clone()
    }

    /// Whether this is the connection that a new one to the owner of `record` would be.
    pub(super) fn leads_to(&self, record: &Record) -> bool {
        record.belongs_to(&self.answer.instance, self.answer.epoch)
    }
}

async fn connect(record: &Record, endpoint: &Endpoint) -> Result<Link, ConnError> {
    let lost = |cause: String| unreachable(record, endpoint, cause);
    let socket = UnixStream::connect(endpoint.path()).await.map_err(|error| lost(error.to_string()))?;
    let user = socket.peer_cred().map_err(|error| lost(error.to_string()))?.uid();
    if !trusts(user, os::user_id()) {
        return Err(ConnError::ForeignEndpoint { endpoint: endpoint.to_string(), user });
    }
    let channel = once(socket).await.map_err(|error| lost(error.to_string()))?;
    let mut calls = ModeldClient::new(channel)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    let health = calls.health(proto::HealthRequest {}).await;
    let health = health.map_err(|status| lost(from_status(&status).to_string()))?.into_inner();
    if health.instance != record.instance.as_str() || health.epoch != record.epoch.get() {
        return Err(ConnError::SomebodyElse {
            expected_instance: record.instance.clone(),
            expected_epoch: record.epoch,
            instance: health.instance,
            epoch: health.epoch,
        });
    }
    let theirs = ProtocolRange { min: health.protocol_min, max: health.protocol_max };
    if ProtocolRange::CURRENT.common(theirs).is_none() {
        return Err(ConnError::Protocol { theirs });
    }
    let answer = Answer {
        instance: record.instance.clone(),
        epoch: record.epoch,
        serving: health.serving,
        backend: health.backend,
    };
    Ok(Link { calls, answer })
}

/// A channel over this socket and no other: when the connection ends, calls fail, instead of reaching whoever serves at
/// the same place by then.
async fn once(socket: UnixStream) -> Result<Channel, transport::Error> {
    let socket = Mutex::new(Some(socket));
    let connector = tower::service_fn(move |_: Uri| {
        let socket = socket.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ended = || io::Error::new(io::ErrorKind::NotConnected, "the connection has ended");
        std::future::ready(socket.map(TokioIo::new).ok_or_else(ended))
    });
    // The name is never looked up: it only fills the header field that HTTP wants.
    transport::Endpoint::from_static("http://modeld").connect_with_connector(connector).await
}

fn unreachable(record: &Record, endpoint: &Endpoint, cause: String) -> ConnError {
    ConnError::Unreachable { epoch: record.epoch, endpoint: endpoint.to_string(), cause }
}

/// Whether a server of user `peer` is believed by a client of user `us`. Root looks at the servers of all users.
fn trusts(peer: u32, us: u32) -> bool {
    peer == us || peer == 0 || us == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{PATIENCE, TestOwner, data_root, until};

    #[test]
    fn a_server_of_another_user_is_not_believed() {
        assert!(trusts(1000, 1000) && trusts(0, 1000) && trusts(1000, 0));
        assert!(!trusts(1001, 1000));
    }

    #[tokio::test]
    async fn a_lost_connection_is_not_made_anew() {
        let (_directory, root) = data_root();
        let owner = TestOwner::start(&root, 1);
        let record = owner.record();
        let link = Link::connect(&record, PATIENCE).await.unwrap();
        let path = record.meta.endpoint.as_deref().unwrap().parse::<Endpoint>().unwrap();
        owner.kill();
        until("the end of the owner", || std::os::unix::net::UnixStream::connect(path.path()).is_err()).await;
        // Somebody else serves at the same place.
        let _other = crate::transport::Listener::bind(path.path()).unwrap();
        let failed = link.calls().health(proto::HealthRequest {}).await.unwrap_err();
        assert!(matches!(from_status(&failed), crate::transport::error::Failed::Lost(_)), "{failed}");
    }
}
