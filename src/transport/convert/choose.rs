//! How tokens are chosen: the request of a decode.

use modeld_spec::error::Error;
use modeld_spec::session::draft::Drafts;
use modeld_spec::session::params::{
    Constraint, DecodeParams, LogitBias, Mirostat, MirostatVersion, Sampling, SamplingParams,
};
use modeld_spec::session::stop::StopStrings;
use modeld_spec::session::tape::TokenId;

use super::super::proto;
use super::ids;

pub(in crate::transport) fn decode_params(request: proto::DecodeRequest) -> Result<DecodeParams, Error> {
    Ok(DecodeParams {
        sampling: SamplingParams::new(sampling(request.sampling.unwrap_or_default())?)?,
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

/// The request without fence and session.
pub(crate) fn decode_request(params: &DecodeParams) -> proto::DecodeRequest {
    proto::DecodeRequest {
        fence: None,
        session: String::new(),
        sampling: Some(sampling_message(params.sampling.get())),
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

fn sampling(given: proto::Sampling) -> Result<Sampling, Error> {
    let usual = Sampling::default();
    let bias = |given: proto::LogitBias| LogitBias { token: TokenId(given.token), bias: given.bias };
    Ok(Sampling {
        temperature: given.temperature.unwrap_or(usual.temperature),
        top_k: given.top_k.unwrap_or(usual.top_k),
        top_p: given.top_p.unwrap_or(usual.top_p),
        min_p: given.min_p.unwrap_or(usual.min_p),
        typical_p: given.typical_p.unwrap_or(usual.typical_p),
        repeat_penalty: given.repeat_penalty.unwrap_or(usual.repeat_penalty),
        frequency_penalty: given.frequency_penalty.unwrap_or(usual.frequency_penalty),
        presence_penalty: given.presence_penalty.unwrap_or(usual.presence_penalty),
        penalty_window: given.penalty_window.unwrap_or(usual.penalty_window),
        mirostat: given.mirostat.map(mirostat).transpose()?,
        logit_bias: given.logit_bias.into_iter().map(bias).collect(),
        constraint: given.constraint.map(|constraint| match constraint {
            proto::sampling::Constraint::Grammar(text) => Constraint::Grammar(text),
            proto::sampling::Constraint::JsonSchema(text) => Constraint::JsonSchema(text),
        }),
    })
}

fn sampling_message(sampling: &Sampling) -> proto::Sampling {
    let bias = |bias: &LogitBias| proto::LogitBias { token: bias.token.0, bias: bias.bias };
    proto::Sampling {
        temperature: Some(sampling.temperature),
        top_k: Some(sampling.top_k),
        top_p: Some(sampling.top_p),
        min_p: Some(sampling.min_p),
        typical_p: Some(sampling.typical_p),
        repeat_penalty: Some(sampling.repeat_penalty),
        frequency_penalty: Some(sampling.frequency_penalty),
        presence_penalty: Some(sampling.presence_penalty),
        penalty_window: Some(sampling.penalty_window),
        mirostat: sampling.mirostat.map(|Mirostat { version, tau, eta }| {
            let version = match version {
                MirostatVersion::V1 => 1,
                MirostatVersion::V2 => 2,
            };
            proto::Mirostat { version: Some(version), tau, eta }
        }),
        logit_bias: sampling.logit_bias.iter().map(bias).collect(),
        constraint: sampling.constraint.clone().map(|constraint| match constraint {
            Constraint::Grammar(text) => proto::sampling::Constraint::Grammar(text),
            Constraint::JsonSchema(text) => proto::sampling::Constraint::JsonSchema(text),
        }),
    }
}

fn mirostat(given: proto::Mirostat) -> Result<Mirostat, Error> {
    let version = match given.version {
        Some(1) => MirostatVersion::V1,
        None | Some(2) => MirostatVersion::V2,
        Some(other) => {
            let problem = format!("must be 1 or 2 and is {other}");
            return Err(Error::InvalidArgument { argument: "mirostat version".to_string(), problem });
        }
    };
    Ok(Mirostat { version, tau: given.tau, eta: given.eta })
}

/// How far a decode may guess ahead; what is beyond the range is the most that there is.
fn drafts(given: Option<proto::Drafts>) -> Drafts {
    let small = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
    given.map_or(Drafts::NONE, |given| Drafts { most: small(given.most), alike: small(given.alike).max(1) })
}
