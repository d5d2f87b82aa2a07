//! How the next token is chosen, checked when it is made: a value out of range never reaches a backend.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::session::draft::Drafts;
use crate::session::stop::StopStrings;
use crate::session::tape::TokenId;

/// How tokens are chosen, unchecked: as it comes from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// 0 and below: always the likeliest token (greedy). Up to [`TEMPERATURE_MAX`].
    pub temperature: f32,
    /// Only the `top_k` likeliest tokens; 0: all.
    pub top_k: u32,
    /// Only the likeliest tokens whose probabilities reach this sum; above 0, and 1: all.
    pub top_p: f32,
    /// Only tokens at least this likely, relative to the likeliest; 0: all, at most 1.
    pub min_p: f32,
    /// Only tokens whose surprise is near the expected one, until their probabilities reach this sum (locally typical sampling);
    /// above 0, and 1: all.
    pub typical_p: f32,
    /// Divides the logits of tokens seen within [`Sampling::penalty_window`]; 1: off. Above 0, at most [`PENALTY_MAX`].
    pub repeat_penalty: f32,
    /// Lowers a logit for each time that the token was seen; 0: off. From -2 to 2.
    pub frequency_penalty: f32,
    /// Lowers a logit once if the token was seen; 0: off. From -2 to 2.
    pub presence_penalty: f32,
    /// How many of the last tokens the penalties look at, prompt included; at most [`PENALTY_WINDOW_MAX`], and 0: no penalties.
    pub penalty_window: u32,
    /// Holds the surprise of the text near a target instead of cutting by `top_k`, `top_p`, `min_p` and `typical_p`, which do
    /// nothing then. Not for greedy choices.
    pub mirostat: Option<Mirostat>,
    /// Added to logits before anything else; each token once, at most [`LOGIT_BIAS_MAX`] of them.
    pub logit_bias: Vec<LogitBias>,
    /// What the text has to be.
    pub constraint: Option<Constraint>,
}

/// Mirostat: chooses such that the surprise per token stays near `tau`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mirostat {
    /// Which of its two published forms.
    pub version: MirostatVersion,
    /// The target, in bits a token; above 0, at most [`MIROSTAT_TAU_MAX`].
    pub tau: f32,
    /// How fast it corrects itself; above 0, at most 1.
    pub eta: f32,
}

/// The form of mirostat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MirostatVersion {
    /// Estimates how the probabilities fall off, and cuts by rank.
    V1,
    /// Cuts by surprise.
    V2,
}

/// A number added to the logit of a token.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogitBias {
    /// The token; one that the model does not have is refused by the backend.
    pub token: TokenId,
    /// From -[`BIAS_MAX`], which is "never", to [`BIAS_MAX`].
    pub bias: f32,
}

/// What a text has to be: only tokens are chosen with which it can still become that, and it ends only when it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Constraint {
    /// A sentence of this grammar, in GBNF (llama.cpp's notation); the start is the rule `root`.
    Grammar(String),
    /// A JSON text that is valid under this JSON Schema.
    JsonSchema(String),
}

impl Constraint {
    /// The parameter that it came as.
    pub fn name(&self) -> &'static str {
        match self {
            Constraint::Grammar(_) => "grammar",
            Constraint::JsonSchema(_) => "json_schema",
        }
    }

    /// The grammar or the schema.
    pub fn text(&self) -> &str {
        match self {
            Constraint::Grammar(text) | Constraint::JsonSchema(text) => text,
        }
    }
}

impl Default for Sampling {
    /// What llama.cpp's own tools begin with, without penalties.
    fn default() -> Self {
        Sampling {
            temperature: 0.8,
            top_k: 40,
            top_p: 0.95,
            min_p: 0.05,
            typical_p: 1.0,
            repeat_penalty: 1.0,
            frequency_penalty: 0.0,
            presence_penalty: 0.0,
            penalty_window: PENALTY_WINDOW,
            mirostat: None,
            logit_bias: Vec::new(),
            constraint: None,
        }
    }
}

impl Sampling {
    /// Always the likeliest token.
    pub fn greedy() -> Self {
        Sampling { temperature: 0.0, ..Sampling::default() }
    }
}

/// How tokens are chosen; every value is in its range. A clone shares the values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SamplingParams(Arc<Sampling>);

impl SamplingParams {
    /// The parameters, checked. Whether a grammar or a schema can be used shows when the choice begins.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] naming the first value out of its range; no range has NaN in it.
    pub fn new(sampling: Sampling) -> Result<Self, Error> {
        within("temperature", sampling.temperature, -TEMPERATURE_MAX, TEMPERATURE_MAX)?;
        at_most("top_k", sampling.top_k, TOP_K_MAX)?;
        above_zero("top_p", sampling.top_p, 1.0)?;
        within("min_p", sampling.min_p, 0.0, 1.0)?;
        above_zero("typical_p", sampling.typical_p, 1.0)?;
        above_zero("repeat_penalty", sampling.repeat_penalty, PENALTY_MAX)?;
        within("frequency_penalty", sampling.frequency_penalty, -2.0, 2.0)?;
        within("presence_penalty", sampling.presence_penalty, -2.0, 2.0)?;
        at_most("penalty_window", sampling.penalty_window, PENALTY_WINDOW_MAX)?;
        if let Some(Mirostat { tau, eta, .. }) = sampling.mirostat {
            above_zero("mirostat tau", tau, MIROSTAT_TAU_MAX)?;
            above_zero("mirostat eta", eta, 1.0)?;
        }
        check_biases(&sampling.logit_bias)?;
        if let Some(constraint) = &sampling.constraint {
            let bytes = constraint.text().len();
            if CONSTRAINT_BYTES_MAX < bytes {
                let problem = format!("must have at most {CONSTRAINT_BYTES_MAX} bytes and has {bytes}");
                return Err(invalid(constraint.name(), problem));
            }
        }
        Ok(SamplingParams(Arc::new(sampling)))
    }

    /// The values.
    pub fn get(&self) -> &Sampling {
        &self.0
    }

    /// Whether the likeliest token is always taken, so that no seed matters.
    pub fn is_greedy(&self) -> bool {
        self.0.temperature <= 0.0
    }

    /// Whether any penalty is on.
    pub fn has_penalties(&self) -> bool {
        0 < self.penalty_window()
    }

    /// How many of the last tokens the penalties look at; 0 if none is on.
    pub fn penalty_window(&self) -> usize {
        let values = self.get();
        let is_off =
            values.repeat_penalty == 1.0 && values.frequency_penalty == 0.0 && values.presence_penalty == 0.0;
        if is_off { 0 } else { values.penalty_window as usize }
    }
}

/// What a decode is to do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DecodeParams {
    /// How tokens are chosen.
    pub sampling: SamplingParams,
    /// End after this many tokens; `None`: when the model ends or the context is full.
    pub max_tokens: Option<u64>,
    /// End before the first of these.
    pub stop: StopStrings,
    /// The seed of the random choice; `None`: a random one, which the end of the decode names.
    pub seed: Option<u32>,
    /// Tokens of an answer that this decode goes on with, where another owner left off. They go on the tape first and count
    /// for penalties, stop strings and unfinished characters; their text is not given out again.
    pub continues: Vec<TokenId>,
    /// Whether `continues` is evaluated token by token, as it was generated. A backend rounds otherwise when it evaluates tokens
    /// together, and hundreds of tokens later the likeliest one may be another; this costs as long as generating them did.
    pub exact: bool,
    /// Whether tokens behind the prefix may go where there is no room for more: half of them each time. What is written then is what
    /// the model makes of a text with a gap, and the end says how long that is.
    pub shift: bool,
    /// How many of the likeliest tokens are told of each token, with their probabilities and its own; `None`: nothing of all that.
    pub logprobs: Option<u8>,
    /// How far it guesses ahead. What is generated is the same, but for the rounding of a backend that evaluates several tokens otherwise
    /// than one.
    pub drafts: Drafts,
}

fn check_biases(biases: &[LogitBias]) -> Result<(), Error> {
    if LOGIT_BIAS_MAX < biases.len() {
        let count = biases.len();
        return Err(invalid(
            "logit_bias",
            format!("must be for at most {LOGIT_BIAS_MAX} tokens and is for {count}"),
        ));
    }
    let mut tokens: Vec<TokenId> = biases.iter().map(|bias| bias.token).collect();
    tokens.sort_unstable();
    if let Some(pair) = tokens.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(invalid("logit_bias", format!("must name each token once and names {} twice", pair[0])));
    }
    biases.iter().try_for_each(|bias| within("logit_bias", bias.bias, -BIAS_MAX, BIAS_MAX))
}

fn at_most(name: &str, value: u32, most: u32) -> Result<(), Error> {
    if value <= most { Ok(()) } else { Err(invalid(name, format!("must be at most {most} and is {value}"))) }
}

fn within(name: &str, value: f32, low: f32, high: f32) -> Result<(), Error> {
    if low <= value && value <= high {
        Ok(())
    } else {
        Err(invalid(name, format!("must be from {low} to {high} and is {value}")))
    }
}

fn above_zero(name: &str, value: f32, high: f32) -> Result<(), Error> {
    if 0.0 < value && value <= high {
        Ok(())
    } else {
        Err(invalid(name, format!("must be above 0 and at most {high} and is {value}")))
    }
}

fn invalid(argument: &str, problem: String) -> Error {
    Error::InvalidArgument { argument: argument.to_string(), problem }
}

/// The highest temperature: beyond it every token is as likely as every other.
pub const TEMPERATURE_MAX: f32 = 10.0;

/// The largest `top_k`: more than any vocabulary has.
pub const TOP_K_MAX: u32 = 1 << 24;

/// The largest repeat penalty.
pub const PENALTY_MAX: f32 = 10.0;

/// How many of the last tokens the penalties look at by default, prompt included.
pub const PENALTY_WINDOW: u32 = 64;

/// The largest window of the penalties: as many tokens are given to the sampler before each decode.
pub const PENALTY_WINDOW_MAX: u32 = 1 << 16;

/// The highest target of mirostat: more bits than the choice among any vocabulary has.
pub const MIROSTAT_TAU_MAX: f32 = 32.0;

/// The most that is added to a logit, or taken from it.
pub const BIAS_MAX: f32 = 100.0;

/// Tokens with a bias at most.
pub const LOGIT_BIAS_MAX: usize = 1024;

/// Bytes of a grammar or a schema at most.
pub const CONSTRAINT_BYTES_MAX: usize = 64 * 1024;
