//! The arguments that say how tokens are chosen, and when to end.

use std::path::PathBuf;

use clap::Args;
use modeld_spec::session::draft::Drafts;
use modeld_spec::session::params::{
    CONSTRAINT_BYTES_MAX, Constraint, DecodeParams, LogitBias, Mirostat, MirostatVersion, Sampling,
    SamplingParams,
};
use modeld_spec::session::stop::StopStrings;
use modeld_spec::session::tape::TokenId;

use super::failure::Failure;
use super::input;

/// How tokens are chosen, and when to end.
#[derive(Args, Debug)]
pub(super) struct Choice {
    /// End after this many tokens
    #[arg(long, value_name = "N", default_value_t = 256)]
    max_tokens: u64,
    /// End before this text (can be repeated)
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
    /// The seed of the random choice [default: a random one, which --json reports]
    #[arg(long, value_name = "N")]
    seed: Option<u32>,
    /// 0: always the likeliest token [default: 0.8]
    #[arg(long, visible_alias = "temp", value_name = "T", allow_negative_numbers = true)]
    temperature: Option<f32>,
    /// Only so many of the likeliest tokens; 0: all [default: 40]
    #[arg(long, value_name = "N")]
    top_k: Option<u32>,
    /// Only the likeliest tokens that together reach this probability [default: 0.95]
    #[arg(long, value_name = "P")]
    top_p: Option<f32>,
    /// Only tokens at least this likely relative to the likeliest [default: 0.05]
    #[arg(long, value_name = "P")]
    min_p: Option<f32>,
    /// Only tokens of near the expected surprise that together reach this probability; 1: all [default: 1]
    #[arg(long, value_name = "P")]
    typical: Option<f32>,
    /// Hold the surprise near TAU bits a token instead of the cuts above, in form 1 or 2, as in 2:5:0.1
    #[arg(long, value_name = "FORM[:TAU[:ETA]]", value_parser = mirostat)]
    mirostat: Option<Mirostat>,
    /// Divide the logits of recent tokens; 1: off [default: 1]
    #[arg(long, value_name = "X")]
    repeat_penalty: Option<f32>,
    /// Lower a logit for each recent occurrence; 0: off [default: 0]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    frequency_penalty: Option<f32>,
    /// Lower a logit once if it occurred recently; 0: off [default: 0]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    presence_penalty: Option<f32>,
    /// How many of the last tokens count as recent [default: 64]
    #[arg(long, value_name = "N")]
    penalty_window: Option<u32>,
    /// Add BIAS to the logit of a token, as in 42=-100 for never (can be repeated)
    #[arg(long, value_name = "TOKEN=BIAS", value_parser = logit_bias)]
    logit_bias: Vec<LogitBias>,
    /// Only what this grammar (GBNF) allows
    #[arg(long, value_name = "FILE", conflicts_with = "json_schema")]
    grammar: Option<PathBuf>,
    /// Only JSON that is valid under this JSON Schema
    #[arg(long, value_name = "FILE")]
    json_schema: Option<PathBuf>,
    /// Where the context is full, let half of what is behind the prompt go rather than end; what went is told
    #[arg(long)]
    shift: bool,
    /// Guess up to N tokens ahead from what the text says already: the same text, often sooner
    #[arg(long, value_name = "N")]
    draft: Option<u8>,
    /// With --json, tell the N likeliest tokens of each token, and how likely it was
    #[arg(long, value_name = "N", requires = "json")]
    logprobs: Option<u8>,
}

impl Choice {
    /// The parameters, checked.
    ///
    /// # Errors
    /// What is out of its range, or a file that can't be read.
    pub(super) fn params(&self) -> Result<DecodeParams, Failure> {
        let usual = Sampling::default();
        let sampling = SamplingParams::new(Sampling {
            temperature: self.temperature.unwrap_or(usual.temperature),
            top_k: self.top_k.unwrap_or(usual.top_k),
            top_p: self.top_p.unwrap_or(usual.top_p),
            min_p: self.min_p.unwrap_or(usual.min_p),
            typical_p: self.typical.unwrap_or(usual.typical_p),
            repeat_penalty: self.repeat_penalty.unwrap_or(usual.repeat_penalty),
            frequency_penalty: self.frequency_penalty.unwrap_or(usual.frequency_penalty),
            presence_penalty: self.presence_penalty.unwrap_or(usual.presence_penalty),
            penalty_window: self.penalty_window.unwrap_or(usual.penalty_window),
            mirostat: self.mirostat,
            logit_bias: self.logit_bias.clone(),
            constraint: self.constraint()?,
        })?;
        let most = self.draft.unwrap_or(0);
        let drafts = if most == 0 { Drafts::NONE } else { Drafts { most, alike: DRAFT_ALIKE } };
        Ok(DecodeParams {
            // Greedy says that the answer is to be the same each time, also when owners change. Guesses are evaluated together, so
            // whoever wants them has the rounding of that.
            exact: sampling.is_greedy() && drafts == Drafts::NONE,
            sampling,
            max_tokens: Some(self.max_tokens),
            stop: StopStrings::new(self.stop.clone())?,
            seed: self.seed,
            continues: Vec::new(),
            shift: self.shift,
            logprobs: self.logprobs,
            drafts,
        })
    }

    fn constraint(&self) -> Result<Option<Constraint>, Failure> {
        let text = |path| input::file(path, CONSTRAINT_BYTES_MAX as u64);
        Ok(match (&self.grammar, &self.json_schema) {
            (Some(path), _) => Some(Constraint::Grammar(text(path)?)),
            (None, Some(path)) => Some(Constraint::JsonSchema(text(path)?)),
            (None, None) => None,
        })
    }
}

/// `FORM`, `FORM:TAU` or `FORM:TAU:ETA`.
fn mirostat(text: &str) -> Result<Mirostat, String> {
    let mut parts = text.split(':');
    let version = match parts.next() {
        Some("1") => MirostatVersion::V1,
        Some("2") => MirostatVersion::V2,
        _ => return Err("the form is 1 or 2".to_owned()),
    };
    let mut number = |usual: f32| match parts.next() {
        Some(part) => part.parse().map_err(|_| format!("{part:?} is no number")),
        None => Ok(usual),
    };
    let (tau, eta) = (number(MIROSTAT_TAU)?, number(MIROSTAT_ETA)?);
    match parts.next() {
        Some(_) => Err("it is FORM[:TAU[:ETA]]".to_owned()),
        None => Ok(Mirostat { version, tau, eta }),
    }
}

/// `TOKEN=BIAS`.
fn logit_bias(text: &str) -> Result<LogitBias, String> {
    let parse = || {
        let (token, bias) = text.split_once('=')?;
        Some(LogitBias { token: TokenId(token.parse().ok()?), bias: bias.parse().ok()? })
    };
    parse().ok_or_else(|| "it is the number of a token and a bias, as in 42=-100".to_owned())
}

/// What llama.cpp's own tools begin with.
const MIROSTAT_TAU: f32 = 5.0;
const MIROSTAT_ETA: f32 = 0.1;

/// How many tokens must have come before for a guess: two come again by chance too often, and each wrong guess costs.
const DRAFT_ALIKE: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirostat_has_its_usual_numbers() {
        let usual = Mirostat { version: MirostatVersion::V2, tau: 5.0, eta: 0.1 };
        assert_eq!(mirostat("2"), Ok(usual));
        assert_eq!(mirostat("1:3:0.5"), Ok(Mirostat { version: MirostatVersion::V1, tau: 3.0, eta: 0.5 }));
        for text in ["", "3", "2:", "2:x", "2:1:1:1"] {
            assert!(mirostat(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_bias_names_a_token() {
        assert_eq!(logit_bias("42=-100"), Ok(LogitBias { token: TokenId(42), bias: -100.0 }));
        for text in ["", "42", "a=1", "42=", "42:1"] {
            assert!(logit_bias(text).is_err(), "{text:?}");
        }
    }
}
