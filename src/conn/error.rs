//! Why a client has no answer, and what can be done about it.

use std::time::Duration;

use modeld_spec::error::Error;
use modeld_spec::follow::{BadItem, GivenUp, Loss};
use modeld_spec::ids::{Epoch, InstanceId};
use modeld_spec::lease::record::ProtocolRange;
use modeld_spec::probe::State;

use crate::probe::ProbeError;
use crate::transport::convert::Malformed;
use crate::transport::endpoint::UnknownEndpoint;
use crate::transport::error::Failed;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ConnError {
    /// Nobody owns the data root, or nobody that could be asked; the state says how that is known.
    #[error("{0}")]
    NoOwner(Box<State>),
    /// Something could not be looked at.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// The owner serves nothing.
    #[error("the owner of epoch {0} serves no endpoint")]
    NoEndpoint(Epoch),
    /// The owner serves in a way that this version can't use.
    #[error(transparent)]
    Endpoint(#[from] UnknownEndpoint),
    /// The endpoint belongs to another user.
    #[error("the endpoint {endpoint} belongs to user {user}")]
    ForeignEndpoint {
        /// Where.
        endpoint: String,
        /// Whose it is.
        user: u32,
    },
    /// The owner's endpoint does not answer.
    #[error("the owner of epoch {epoch} does not answer at {endpoint}: {cause}")]
    Unreachable {
        /// The epoch of the record.
        epoch: Epoch,
        /// Where it should serve.
        endpoint: String,
        /// What happened.
        cause: String,
    },
    /// Somebody else answers where the owner should.
    #[error("{instance}, epoch {epoch}, answers where {expected_instance}, epoch {expected_epoch}, should")]
    SomebodyElse {
        /// Who the lease file names.
        expected_instance: InstanceId,
        /// Its epoch.
        expected_epoch: Epoch,
        /// Who answers.
        instance: String,
        /// The epoch of whoever answers; 0 if it names none.
        epoch: u64,
    },
    /// The owner is of a version that this one has no common language with.
    #[error(
        "the owner speaks protocol {} to {}, and this client {} to {}",
        .theirs.min, .theirs.max, ProtocolRange::CURRENT.min, ProtocolRange::CURRENT.max
    )]
    Protocol {
        /// What the owner speaks.
        theirs: ProtocolRange,
    },
    /// A call failed.
    #[error(transparent)]
    Call(#[from] Failed),
    /// The answer breaks the contract.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// An item that can't be one of this answer.
    #[error(transparent)]
    BadItem(#[from] BadItem),
    /// No owner could go on with the answer. The last failure is the source.
    #[error("the answer could not be finished: {why}")]
    GivenUp {
        /// Why not.
        why: GivenUp,
        /// What happened last.
        #[source]
        last: Option<Box<ConnError>>,
    },
}

impl ConnError {
    /// The failure with which the owner answered, if it did.
    pub fn answered(&self) -> Option<&Error> {
        match self {
            ConnError::Call(Failed::Answered(error)) => Some(error),
            _ => None,
        }
    }

    /// Whether the owner answered that it owns no more: the next one can be asked.
    pub fn is_owner_change(&self) -> bool {
        self.answered().is_some_and(Error::is_owner_change)
    }

    /// What the user can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            ConnError::NoOwner(state) => match state.as_ref() {
                State::Unreadable(_) => Some("start an owner, which repairs it: `modeld serve`".to_string()),
                State::Stale { .. } => {
                    Some("start an owner, which takes over: `modeld serve`".to_string())
                }
                _ => Some("start an owner: `modeld serve`".to_string()),
            },
            ConnError::Probe(_) => Some("pass a directory of yours with --data-root".to_string()),
            ConnError::NoEndpoint(_) | ConnError::Endpoint(_) | ConnError::Protocol { .. } => {
                Some("stop the owner and start one of this version: `modeld serve`".to_string())
            }
            ConnError::Unreachable { .. } => Some(
                "it may be stopped or stuck: wait until its lease expires, or end its process; `modeld status` names it"
                    .to_string(),
            ),
            ConnError::SomebodyElse { .. } => Some("ask again: the owner has just changed".to_string()),
            ConnError::Call(Failed::Answered(error)) => error.hint(),
            ConnError::Call(Failed::Lost(_)) => {
                Some("ask again who owns the data root: `modeld status`".to_string())
            }
            ConnError::GivenUp { why: GivenUp::NoOwner(_), .. } => {
                Some("start an owner and ask again: `modeld serve`".to_string())
            }
            ConnError::GivenUp { last: Some(last), .. } => last.hint(),
            ConnError::ForeignEndpoint { .. }
            | ConnError::Call(_)
            | ConnError::Malformed(_)
            | ConnError::BadItem(_)
            | ConnError::GivenUp { .. } => None,
        }
    }

    /// Whether the owner was lost, or is not ready: another one, or a later time, may do better.
    pub(super) fn is_loss(&self) -> bool {
        match self.loss() {
            Some(Loss::Connection) => true,
            Some(Loss::Owner(error)) => error.is_owner_change() || matches!(error, Error::DeviceBusy { .. }),
            None => false,
        }
    }

    /// What this means for an answer under way.
    pub(super) fn loss(&self) -> Option<Loss> {
        match self {
            ConnError::Call(Failed::Answered(error)) => Some(Loss::Owner(error.clone())),
            ConnError::NoOwner(_)
            | ConnError::Unreachable { .. }
            | ConnError::SomebodyElse { .. }
            | ConnError::Call(Failed::Lost(_))
            | ConnError::BadItem(_) => Some(Loss::Connection),
            ConnError::Probe(_)
            | ConnError::NoEndpoint(_)
            | ConnError::Endpoint(_)
            | ConnError::ForeignEndpoint { .. }
            | ConnError::Protocol { .. }
            | ConnError::Call(_)
            | ConnError::Malformed(_)
            | ConnError::GivenUp { .. } => None,
        }
    }
}

/// A call that was not answered in time.
pub(super) fn no_answer_within(bound: Duration) -> String {
    format!("no answer within {bound:?}")
}
