//! Between the messages of the wire and the types of the program. Whatever comes in is checked here, once.
//!
//! What a client sends and what a server answers fail differently: a bad request is the caller's mistake and is named to
//! him ([`Error::InvalidArgument`]), a bad answer is a defect of the other side ([`Malformed`]).

mod choose;
mod content;
mod model;

use std::time::Duration;

use modeld_spec::error::Error;
use modeld_spec::ids::Epoch;
use modeld_spec::session::finish::FinishReason;
use modeld_spec::session::operation::Operation;
use modeld_spec::session::report::{
    ContextReport, DecodeEnd, DecodeEvent, Logprob, Logprobs, PrefixStatus, RestoreStatus, Room,
    SnapshotStatus, SuffixStatus,
};
use modeld_spec::session::snapshot::{Digest, InvalidDigest};
use modeld_spec::session::tape::{Reuse, ReuseReason, TokenCount, TokenId};

pub(super) use self::choose::decode_params;
pub(crate) use self::choose::decode_request;
pub use self::content::Content;
pub(super) use self::content::content;
pub(super) use self::model::settings;
pub(crate) use self::model::{embedded, settings_message};
use super::proto;
use crate::engine::{ModelPhase, ModelStatus};

/// An answer that breaks the contract of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the owner's answer has no valid {0}")]
pub struct Malformed(pub &'static str);

/// The snapshot that a client calls `name`.
pub(super) fn snapshot_name(name: &str) -> Result<Digest, Error> {
    name.parse().map_err(|error: InvalidDigest| Error::InvalidArgument {
        argument: "snapshot".to_string(),
        problem: format!("is no name of one: {error}"),
    })
}

/// The epoch of an answer.
pub(crate) fn epoch(number: u64) -> Result<Epoch, Malformed> {
    Epoch::new(number).ok_or(Malformed("epoch"))
}

/// The item of a decode that begins at token `index`.
pub(super) fn decode_item(epoch: Epoch, index: u64, event: DecodeEvent) -> proto::DecodeItem {
    let (text, tokens, probable, end) = match event {
        DecodeEvent::Text { text, tokens, logprobs } => (text, tokens, logprobs, None),
        DecodeEvent::End(mut end) => {
            let (text, tokens) = (std::mem::take(&mut end.text), std::mem::take(&mut end.tokens));
            let probable = std::mem::take(&mut end.logprobs);
            (text, tokens, probable, Some(decode_end(&end)))
        }
    };
    let logprobs = probable.iter().map(proto::Logprobs::from).collect();
    proto::DecodeItem { epoch: epoch.get(), index, text, tokens: ids(&tokens), logprobs, end }
}

pub(crate) fn decode_event(item: proto::DecodeItem) -> Result<DecodeEvent, Malformed> {
    let tokens = item.tokens.into_iter().map(TokenId).collect();
    let logprobs = item.logprobs.into_iter().map(Logprobs::try_from).collect::<Result<Vec<_>, _>>()?;
    let Some(end) = item.end else {
        return Ok(DecodeEvent::Text { text: item.text, tokens, logprobs });
    };
    use proto::decode_end::Finish;
    let finish = match end.finish.ok_or(Malformed("finish reason"))? {
        Finish::EndOfGeneration(_) => FinishReason::EndOfGeneration,
        Finish::Length(_) => FinishReason::Length,
        Finish::StopString(_) => FinishReason::StopString,
        Finish::ContextFull(full) => {
            FinishReason::ContextFull { resident: TokenCount(full.resident), limit: TokenCount(full.limit) }
        }
        Finish::Cancelled(_) => FinishReason::Cancelled,
    };
    Ok(DecodeEvent::End(DecodeEnd {
        logprobs,
        text: item.text,
        tokens,
        finish,
        prompt_tokens: TokenCount(end.prompt_tokens),
        generated_tokens: TokenCount(end.generated_tokens),
        shifted: TokenCount(end.shifted),
        seed: end.seed,
        room: room(end.room)?,
        first_token: end.first_token_ns.map(Duration::from_nanos),
        elapsed: Duration::from_nanos(end.elapsed_ns),
    }))
}

impl From<PrefixStatus> for proto::EnsurePrefixResponse {
    fn from(status: PrefixStatus) -> Self {
        proto::EnsurePrefixResponse {
            epoch: status.epoch.get(),
            reuse: Some(status.reuse.into()),
            prefix: status.prefix.0,
            room: Some(status.room.into()),
            elapsed_ns: nanos(status.elapsed),
        }
    }
}

impl TryFrom<proto::EnsurePrefixResponse> for PrefixStatus {
    type Error = Malformed;
    fn try_from(answer: proto::EnsurePrefixResponse) -> Result<Self, Malformed> {
        Ok(PrefixStatus {
            epoch: epoch(answer.epoch)?,
            reuse: reuse(answer.reuse)?,
            prefix: TokenCount(answer.prefix),
            room: room(answer.room)?,
            elapsed: Duration::from_nanos(answer.elapsed_ns),
        })
    }
}

impl From<SuffixStatus> for proto::PrefillSuffixResponse {
    fn from(status: SuffixStatus) -> Self {
        proto::PrefillSuffixResponse {
            epoch: status.epoch.get(),
            reuse: Some(status.reuse.into()),
            suffix: status.suffix.0,
            before: status.before.0,
            room: Some(status.room.into()),
            elapsed_ns: nanos(status.elapsed),
        }
    }
}

impl TryFrom<proto::PrefillSuffixResponse> for SuffixStatus {
    type Error = Malformed;
    fn try_from(answer: proto::PrefillSuffixResponse) -> Result<Self, Malformed> {
        Ok(SuffixStatus {
            epoch: epoch(answer.epoch)?,
            reuse: reuse(answer.reuse)?,
            suffix: TokenCount(answer.suffix),
            before: TokenCount(answer.before),
            room: room(answer.room)?,
            elapsed: Duration::from_nanos(answer.elapsed_ns),
        })
    }
}

impl From<SnapshotStatus> for proto::SnapshotResponse {
    fn from(status: SnapshotStatus) -> Self {
        proto::SnapshotResponse {
            epoch: status.epoch.get(),
            snapshot: status.id.to_string(),
            covers: status.covers.0,
            elapsed_ns: nanos(status.elapsed),
        }
    }
}

impl TryFrom<proto::SnapshotResponse> for SnapshotStatus {
    type Error = Malformed;
    fn try_from(answer: proto::SnapshotResponse) -> Result<Self, Malformed> {
        Ok(SnapshotStatus {
            epoch: epoch(answer.epoch)?,
            id: answer.snapshot.parse().map_err(|_| Malformed("snapshot"))?,
            covers: TokenCount(answer.covers),
            elapsed: Duration::from_nanos(answer.elapsed_ns),
        })
    }
}

impl From<RestoreStatus> for proto::RestoreResponse {
    fn from(status: RestoreStatus) -> Self {
        proto::RestoreResponse {
            epoch: status.epoch.get(),
            covers: status.covers.0,
            room: Some(status.room.into()),
            elapsed_ns: nanos(status.elapsed),
        }
    }
}

impl TryFrom<proto::RestoreResponse> for RestoreStatus {
    type Error = Malformed;
    fn try_from(answer: proto::RestoreResponse) -> Result<Self, Malformed> {
        Ok(RestoreStatus {
            epoch: epoch(answer.epoch)?,
            covers: TokenCount(answer.covers),
            room: room(answer.room)?,
            elapsed: Duration::from_nanos(answer.elapsed_ns),
        })
    }
}

impl From<ContextReport> for proto::ExplainContextResponse {
    fn from(report: ContextReport) -> Self {
        proto::ExplainContextResponse {
            epoch: report.epoch.get(),
            room: Some(report.room.into()),
            prefix: report.prefix.0,
            end: report.end.0,
            operation: report.operation.map(|operation| operation.to_string()),
            prefilled_total: report.prefilled_total.0,
            reused_total: report.reused_total.0,
            generated_total: report.generated_total.0,
            tokens: Vec::new(),
        }
    }
}

impl TryFrom<proto::ExplainContextResponse> for ContextReport {
    type Error = Malformed;
    fn try_from(answer: proto::ExplainContextResponse) -> Result<Self, Malformed> {
        let operation = match answer.operation {
            Some(text) => {
                let known = OPERATIONS.into_iter().find(|operation| operation.to_string() == text);
                Some(known.ok_or(Malformed("operation"))?)
            }
            None => None,
        };
        Ok(ContextReport {
            epoch: epoch(answer.epoch)?,
            room: room(answer.room)?,
            prefix: TokenCount(answer.prefix),
            end: TokenCount(answer.end),
            operation,
            prefilled_total: TokenCount(answer.prefilled_total),
            reused_total: TokenCount(answer.reused_total),
            generated_total: TokenCount(answer.generated_total),
        })
    }
}

impl From<ModelStatus> for proto::ModelStatus {
    fn from(status: ModelStatus) -> Self {
        proto::ModelStatus {
            path: status.path.to_string_lossy().into_owned(),
            fraction: status.fraction,
            ready: status.ready,
            sessions: status.sessions as u64,
            phase: phase(status.phase).to_string(),
            names: status.members,
            generation: status.generation,
            planned_bytes: status.planned_bytes,
            bytes: status.bytes,
        }
    }
}

impl TryFrom<proto::ModelStatus> for ModelStatus {
    type Error = Malformed;
    fn try_from(status: proto::ModelStatus) -> Result<Self, Malformed> {
        let known = PHASES.into_iter().find(|known| phase(*known) == status.phase);
        Ok(ModelStatus {
            path: status.path.into(),
            fraction: status.fraction,
            ready: status.ready,
            sessions: usize::try_from(status.sessions).unwrap_or(usize::MAX),
            members: status.names,
            generation: status.generation,
            phase: known.ok_or(Malformed("phase of a model"))?,
            planned_bytes: status.planned_bytes,
            bytes: status.bytes,
        })
    }
}

impl From<Room> for proto::Room {
    fn from(room: Room) -> Self {
        proto::Room { resident: room.resident.0, available: room.available.0, limit: room.limit.0 }
    }
}

impl From<Reuse> for proto::Reuse {
    fn from(reuse: Reuse) -> Self {
        use proto::reuse::Reason;
        let nothing = proto::Nothing {};
        let reason = match reuse.reason {
            ReuseReason::Empty => Reason::Empty(nothing),
            ReuseReason::Identical => Reason::Identical(nothing),
            ReuseReason::Contained => Reason::Contained(nothing),
            ReuseReason::Extended => Reason::Extended(nothing),
            ReuseReason::Diverged { at } => Reason::DivergedAt(at),
            ReuseReason::NotTrimmable { at } => Reason::NotTrimmableAt(at),
        };
        proto::Reuse {
            reused: reuse.reused.0,
            shared: reuse.shared.0,
            prefilled: reuse.prefilled.0,
            dropped: reuse.dropped.0,
            reason: Some(reason),
        }
    }
}

impl From<&Logprobs> for proto::Logprobs {
    fn from(logprobs: &Logprobs) -> Self {
        let logprob = |of: &Logprob| proto::Logprob { token: of.token.0, logprob: of.logprob };
        proto::Logprobs {
            chosen: Some(logprob(&logprobs.chosen)),
            top: logprobs.top.iter().map(logprob).collect(),
        }
    }
}

impl TryFrom<proto::Logprobs> for Logprobs {
    type Error = Malformed;

    fn try_from(message: proto::Logprobs) -> Result<Self, Malformed> {
        let logprob = |of: proto::Logprob| Logprob { token: TokenId(of.token), logprob: of.logprob };
        let chosen = message.chosen.map(logprob).ok_or(Malformed("logprobs.chosen"))?;
        Ok(Logprobs { chosen, top: message.top.into_iter().map(logprob).collect() })
    }
}

fn room(room: Option<proto::Room>) -> Result<Room, Malformed> {
    let room = room.ok_or(Malformed("room"))?;
    Ok(Room {
        resident: TokenCount(room.resident),
        available: TokenCount(room.available),
        limit: TokenCount(room.limit),
    })
}

fn reuse(reuse: Option<proto::Reuse>) -> Result<Reuse, Malformed> {
    use proto::reuse::Reason;
    let reuse = reuse.ok_or(Malformed("reuse"))?;
    let reason = match reuse.reason.ok_or(Malformed("reason of the reuse"))? {
        Reason::Empty(_) => ReuseReason::Empty,
        Reason::Identical(_) => ReuseReason::Identical,
        Reason::Contained(_) => ReuseReason::Contained,
        Reason::Extended(_) => ReuseReason::Extended,
        Reason::DivergedAt(at) => ReuseReason::Diverged { at },
        Reason::NotTrimmableAt(at) => ReuseReason::NotTrimmable { at },
    };
    Ok(Reuse {
        reused: TokenCount(reuse.reused),
        shared: TokenCount(reuse.shared),
        prefilled: TokenCount(reuse.prefilled),
        dropped: TokenCount(reuse.dropped),
        reason,
    })
}

fn decode_end(end: &DecodeEnd) -> proto::DecodeEnd {
    use proto::decode_end::Finish;
    let nothing = proto::Nothing {};
    let finish = match end.finish {
        FinishReason::EndOfGeneration => Finish::EndOfGeneration(nothing),
        FinishReason::Length => Finish::Length(nothing),
        FinishReason::StopString => Finish::StopString(nothing),
        FinishReason::ContextFull { resident, limit } => {
            Finish::ContextFull(proto::ContextFull { resident: resident.0, limit: limit.0 })
        }
        FinishReason::Cancelled => Finish::Cancelled(nothing),
    };
    proto::DecodeEnd {
        finish: Some(finish),
        prompt_tokens: end.prompt_tokens.0,
        generated_tokens: end.generated_tokens.0,
        shifted: end.shifted.0,
        seed: end.seed,
        room: Some(end.room.into()),
        first_token_ns: end.first_token.map(nanos),
        elapsed_ns: nanos(end.elapsed),
    }
}

pub(super) fn ids(tokens: &[TokenId]) -> Vec<i32> {
    tokens.iter().map(|token| token.0).collect()
}

pub(super) fn nanos(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}

/// The stable name of a phase.
fn phase(phase: ModelPhase) -> &'static str {
    match phase {
        ModelPhase::Waiting => "waiting",
        ModelPhase::Loading => "loading",
        ModelPhase::Ready => "ready",
        ModelPhase::Draining => "draining",
        ModelPhase::Leaving => "leaving",
    }
}

/// Every phase, for reading its name.
const PHASES: [ModelPhase; 5] =
    [ModelPhase::Waiting, ModelPhase::Loading, ModelPhase::Ready, ModelPhase::Draining, ModelPhase::Leaving];

/// Every operation, for reading its name.
const OPERATIONS: [Operation; 7] = [
    Operation::EnsurePrefix,
    Operation::PrefillSuffix,
    Operation::Decode,
    Operation::Snapshot,
    Operation::Restore,
    Operation::Explain,
    Operation::Close,
];

#[cfg(test)]
mod tests;
