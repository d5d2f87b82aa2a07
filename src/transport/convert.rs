//! Between the messages of the wire and the types of the program. Whatever comes in is checked here, once.
//!
//! What a client sends and what a server answers fail differently: a bad request is the caller's mistake and is named to
//! him ([`Error::InvalidArgument`]), a bad answer is a defect of the other side ([`Malformed`]).

use std::time::Duration;

use modeld_spec::error::Error;
use modeld_spec::ids::Epoch;
use modeld_spec::session::draft::Drafts;
use modeld_spec::session::finish::FinishReason;
use modeld_spec::session::operation::Operation;
use modeld_spec::session::params::{DecodeParams, Sampling, SamplingParams};
use modeld_spec::session::report::{
    ContextReport, DecodeEnd, DecodeEvent, Logprob, Logprobs, PrefixStatus, Room, SuffixStatus,
};
use modeld_spec::session::stop::StopStrings;
use modeld_spec::session::tape::{Reuse, ReuseReason, TokenCount, TokenId};

use super::proto;
use crate::engine::backend::ModelFacts;
use crate::engine::{ModelPhase, ModelStatus};

/// An answer that breaks the contract of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the owner's answer has no valid {0}")]
pub struct Malformed(pub &'static str);

/// The epoch of an answer.
pub(crate) fn epoch(number: u64) -> Result<Epoch, Malformed> {
    Epoch::new(number).ok_or(Malformed("epoch"))
}

pub(super) fn decode_params(request: proto::DecodeRequest) -> Result<DecodeParams, Error> {
    let defaults = Sampling::default();
    let given = request.sampling.unwrap_or_default();
    let sampling = Sampling {
        temperature: given.temperature.unwrap_or(defaults.temperature),
        top_k: given.top_k.unwrap_or(defaults.top_k),
        top_p: given.top_p.unwrap_or(defaults.top_p),
        min_p: given.min_p.unwrap_or(defaults.min_p),
        repeat_penalty: given.repeat_penalty.unwrap_or(defaults.repeat_penalty),
        frequency_penalty: given.frequency_penalty.unwrap_or(defaults.frequency_penalty),
        presence_penalty: given.presence_penalty.unwrap_or(defaults.presence_penalty),
        ..defaults
    };
    Ok(DecodeParams {
        sampling: SamplingParams::new(sampling)?,
        max_tokens: request.max_tokens,
        stop: StopStrings::new(request.stop)?,
        seed: request.seed,
        continues: request.continues.into_iter().map(TokenId).collect(),
        exact: request.exact,
        shift: request.shift,
        logprobs: request.logprobs.map(|count| u8::try_from(count).unwrap_or(u8::MAX)),
        drafts: drafts(request.drafts),
    })
}

/// How far a decode may guess ahead; what is beyond the range is the most that there is.
fn drafts(given: Option<proto::Drafts>) -> Drafts {
    let small = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
    given.map_or(Drafts::NONE, |given| Drafts { most: small(given.most), alike: small(given.alike).max(1) })
}

/// The request without fence and session.
pub(crate) fn decode_request(params: &DecodeParams) -> proto::DecodeRequest {
    let sampling = params.sampling.get();
    proto::DecodeRequest {
        fence: None,
        session: String::new(),
        sampling: Some(proto::Sampling {
            temperature: Some(sampling.temperature),
            top_k: Some(sampling.top_k),
            top_p: Some(sampling.top_p),
            min_p: Some(sampling.min_p),
            repeat_penalty: Some(sampling.repeat_penalty),
            frequency_penalty: Some(sampling.frequency_penalty),
            presence_penalty: Some(sampling.presence_penalty),
        }),
        max_tokens: params.max_tokens,
        stop: params.stop.as_slice().to_vec(),
        seed: params.seed,
        continues: ids(&params.continues),
        exact: params.exact,
        shift: params.shift,
        logprobs: params.logprobs.map(u32::from),
        drafts: (params.drafts != Drafts::NONE)
            .then(|| proto::Drafts { most: params.drafts.most.into(), alike: params.drafts.alike.into() }),
    }
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

impl From<ModelFacts> for proto::ModelFacts {
    fn from(facts: ModelFacts) -> Self {
        proto::ModelFacts {
            name: facts.name,
            architecture: facts.architecture,
            size_bytes: facts.size_bytes,
            context_train: facts.context_train,
            has_chat_template: facts.has_chat_template,
        }
    }
}

impl From<proto::ModelFacts> for ModelFacts {
    fn from(facts: proto::ModelFacts) -> Self {
        ModelFacts {
            name: facts.name,
            architecture: facts.architecture,
            size_bytes: facts.size_bytes,
            context_train: facts.context_train,
            has_chat_template: facts.has_chat_template,
        }
    }
}

impl From<ModelStatus> for proto::ModelStatus {
    fn from(status: ModelStatus) -> Self {
        proto::ModelStatus {
            path: status.path.to_string_lossy().into_owned(),
            fraction: status.fraction,
            ready: status.ready,
            sessions: status.sessions as u64,
        }
    }
}

impl From<proto::ModelStatus> for ModelStatus {
    fn from(status: proto::ModelStatus) -> Self {
        ModelStatus {
            path: status.path.into(),
            fraction: status.fraction,
            ready: status.ready,
            sessions: usize::try_from(status.sessions).unwrap_or(usize::MAX),
            // Not on the wire.
            members: Vec::new(),
            generation: 0,
            phase: if status.ready { ModelPhase::Ready } else { ModelPhase::Loading },
            planned_bytes: 0,
            bytes: 0,
        }
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

fn ids(tokens: &[TokenId]) -> Vec<i32> {
    tokens.iter().map(|token| token.0).collect()
}

pub(super) fn nanos(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}

/// Every operation, for reading its name.
const OPERATIONS: [Operation; 5] = [
    Operation::EnsurePrefix,
    Operation::PrefillSuffix,
    Operation::Decode,
    Operation::Explain,
    Operation::Close,
];

#[cfg(test)]
mod tests;

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
