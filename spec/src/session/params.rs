//! How the next token is chosen, checked when it is made: a value out of range never reaches a backend.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::session::draft::Drafts;
use crate::session::stop::StopStrings;
use crate::session::tape::TokenId;

/// How tokens are chosen, unchecked: as it comes from outside.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Divides the logits of tokens seen among the last [`PENALTY_WINDOW`]; 1: off. Above 0, at most [`PENALTY_MAX`].
    pub repeat_penalty: f32,
    /// Lowers a logit for each time that the token was seen; 0: off. From -2 to 2.
    pub frequency_penalty: f32,
    /// Lowers a logit once if the token was seen; 0: off. From -2 to 2.
    pub presence_penalty: f32,
}

impl Default for Sampling {
    /// What llama.cpp's own tools begin with, without penalties.
    fn default() -> Self {
        Sampling {
            temperature: 0.8,
            top_k: 40,
            top_p: 0.95,
            min_p: 0.05,
            repeat_penalty: 1.0,
            frequency_penalty: 0.0,
            presence_penalty: 0.0,
        }
    }
}

impl Sampling {
    /// Always the likeliest token.
    pub fn greedy() -> Self {
        Sampling { temperature: 0.0, ..Sampling::default() }
    }
}

/// How tokens are chosen; every value is in its range.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SamplingParams(Sampling);

impl SamplingParams {
    /// The parameters, checked.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] naming the first value out of its range; no range has NaN in it.
    pub fn new(sampling: Sampling) -> Result<Self, Error> {
        let Sampling {
            temperature,
            top_k,
            top_p,
            min_p,
            repeat_penalty,
            frequency_penalty,
            presence_penalty,
        } = sampling;
        within("temperature", temperature, -TEMPERATURE_MAX, TEMPERATURE_MAX)?;
        if TOP_K_MAX < top_k {
            return Err(invalid("top_k", format!("must be at most {TOP_K_MAX} and is {top_k}")));
        }
        above_zero("top_p", top_p, 1.0)?;
        within("min_p", min_p, 0.0, 1.0)?;
        above_zero("repeat_penalty", repeat_penalty, PENALTY_MAX)?;
        within("frequency_penalty", frequency_penalty, -2.0, 2.0)?;
        within("presence_penalty", presence_penalty, -2.0, 2.0)?;
        Ok(SamplingParams(sampling))
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
        let Sampling { repeat_penalty, frequency_penalty, presence_penalty, .. } = self.0;
        repeat_penalty != 1.0 || frequency_penalty != 0.0 || presence_penalty != 0.0
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
    /// How far it guesses ahead; what is generated is the same.
    pub drafts: Drafts,
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

/// How many of the last tokens the penalties look at, prompt included.
pub const PENALTY_WINDOW: usize = 64;
