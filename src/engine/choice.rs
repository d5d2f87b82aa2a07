//! What is done to logits before a token is chosen, the same for every backend: bias, and the tokens that a constraint allows.

use std::rc::Rc;

use modeld_spec::error::Error;
use modeld_spec::session::params::{BIAS_MAX, SamplingParams};
use modeld_spec::session::tape::TokenId;

use super::grammar::{Checker, Pieces};

/// The biases and the constraint of one choice after the other.
pub(super) struct Choice {
    /// By token, in order.
    biases: Vec<(usize, f32)>,
    checker: Option<Checker>,
}

impl Choice {
    /// For a vocabulary of so many tokens, whose pieces are asked for if they are needed.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a bias on a token that is not there, and for a grammar or schema that can't be used; what
    /// `pieces` says.
    pub(super) fn new(
        params: &SamplingParams,
        vocabulary: usize,
        pieces: impl FnOnce() -> Result<Rc<Pieces>, Error>,
    ) -> Result<Self, Error> {
        let mut biases = Vec::new();
        for bias in &params.get().logit_bias {
            match usize::try_from(bias.token.0).ok().filter(|token| *token < vocabulary) {
                Some(token) => biases.push((token, bias.bias)),
                None => {
                    let problem = format!("names token {}, and the vocabulary has {vocabulary}", bias.token);
                    return Err(Error::InvalidArgument { argument: "logit_bias".to_string(), problem });
                }
            }
        }
        biases.sort_by_key(|(token, _)| *token);
        let constraint = params.get().constraint.as_ref();
        let checker = constraint.map(|constraint| Checker::new(constraint, pieces()?)).transpose()?;
        Ok(Choice { biases, checker })
    }

    /// Puts every token that may be chosen into `out`, with its logit. A logit that is no finite number is never chosen.
    ///
    /// # Errors
    /// [`Error::BackendFailed`] if there is none; [`Error::InvalidArgument`] if the grammar is too ambiguous.
    pub(super) fn candidates<T>(
        &mut self,
        logits: &[f32],
        out: &mut Vec<T>,
        candidate: impl Fn(i32, f32) -> T,
    ) -> Result<(), Error> {
        let mask = self.checker.as_mut().map(Checker::mask).transpose()?;
        let mut biases = self.biases.iter().peekable();
        out.clear();
        for (token, &logit) in logits.iter().enumerate() {
            let bias = biases.next_if(|(biased, _)| *biased == token).map_or(0.0, |(_, bias)| *bias);
            let is_allowed = mask.as_ref().is_none_or(|mask| mask.allows(token));
            if is_allowed && logit.is_finite() && -BIAS_MAX < bias {
                out.push(candidate(token as i32, logit + bias));
            }
        }
        if out.is_empty() {
            let cause = match &self.checker {
                Some(checker) if checker.is_complete() => {
                    "the text is whole and the model has no token that ends it"
                }
                Some(_) => "no token of the model fits the constraint here",
                None => "no token has a finite logit",
            };
            return Err(Error::BackendFailed { cause: cause.to_string() });
        }
        Ok(())
    }

    /// Goes on behind a token of the answer.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the constraint does not allow it there.
    pub(super) fn take(&mut self, token: TokenId) -> Result<(), Error> {
        self.checker.as_mut().map_or(Ok(()), |checker| checker.accept(token))
    }
}
