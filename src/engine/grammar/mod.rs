//! Constraints on a text: a grammar in GBNF, or a JSON Schema turned into one, held against tokens.
//!
//! ```text
//!     text --gbnf--> rules --program--> symbols --machine--> states     bytes that can follow, state by state
//!     schema --schema--> text                                |
//!     pieces of the vocabulary (sorted, shared) -------------+--> mask: tokens that can follow
//! ```
//!
//! It is written here and not taken from llama.cpp, whose grammars end the process where they fail: on a token that the grammar
//! does not know, on a text without a possible continuation, on deep nesting, on `{5,2}`. Here everything is bounded and every
//! failure is an error. It works on bytes: a token that is a part of a character is nothing special.

mod gbnf;
mod json;
mod machine;
mod pieces;
mod program;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::rc::Rc;

use modeld_spec::error::Error;
use modeld_spec::session::params::Constraint;
use modeld_spec::session::tape::TokenId;

pub(crate) use self::pieces::Pieces;

use self::machine::{Machine, StateId};
use self::pieces::Mask;

/// Why a constraint can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Invalid {
    /// The text is no grammar.
    #[error("line {line}: {problem}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// What is wrong there.
        problem: String,
    },
    /// The text is no JSON.
    #[error("is no JSON: {0}")]
    Json(String),
    /// The schema asks for what can't be expressed.
    #[error("{place}: {problem}")]
    Schema {
        /// A JSON pointer into the schema.
        place: String,
        /// What is wrong there.
        problem: String,
    },
    /// It refers to itself before anything else.
    #[error("the rule {0} begins with itself")]
    LeftRecursion(String),
    /// It has more of something than is allowed.
    #[error("is too large: more than {most} {what}")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How many are allowed.
        most: usize,
    },
}

/// A text being held against a grammar, token by token.
pub(crate) struct Checker {
    /// What the caller named it: `grammar` or `json_schema`.
    name: &'static str,
    machine: Machine,
    pieces: Rc<Pieces>,
    state: StateId,
    /// The masks of states that came up: a JSON text is in the same few of them most of the time.
    masks: HashMap<StateId, Rc<Mask>>,
}

impl Checker {
    /// A checker at the beginning of a text.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] that says what is wrong with the grammar or the schema.
    pub(crate) fn new(constraint: &Constraint, pieces: Rc<Pieces>) -> Result<Self, Error> {
        let name = constraint.name();
        let (machine, state) = machine_of(constraint).map_err(|problem| invalid(name, &problem))?;
        if state == StateId::DEAD {
            let problem = "allows no text at all".to_string();
            return Err(Error::InvalidArgument { argument: name.to_string(), problem });
        }
        Ok(Checker { name, machine, pieces, state, masks: HashMap::new() })
    }

    /// The tokens that can follow. There is none if the text is whole and the model has no token that ends one.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the grammar can be read in too many ways at once.
    pub(crate) fn mask(&mut self) -> Result<Rc<Mask>, Error> {
        if let Some(mask) = self.masks.get(&self.state) {
            return Ok(mask.clone());
        }
        if self.machine.is_full() || MASKS_MAX <= self.masks.len() {
            self.state = self.machine.forget_but(self.state);
            self.masks.clear();
        }
        let mask = self.pieces.mask(&mut self.machine, self.state);
        let mask = Rc::new(mask.map_err(|problem| invalid(self.name, &problem))?);
        self.masks.insert(self.state, mask.clone());
        Ok(mask)
    }

    /// Goes on behind `token`, which the mask allowed. A token that ends the text leaves everything as it is.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the token can't follow.
    pub(crate) fn accept(&mut self, token: TokenId) -> Result<(), Error> {
        let complete = self.machine.is_complete(self.state);
        if self.pieces.is_end(token) && complete {
            return Ok(());
        }
        let after = match self.pieces.bytes(token) {
            Some(bytes) => {
                self.machine.walk(self.state, bytes).map_err(|problem| invalid(self.name, &problem))?
            }
            None => StateId::DEAD,
        };
        if after == StateId::DEAD {
            let problem = format!("does not allow the token {token} where it stands");
            return Err(Error::InvalidArgument { argument: self.name.to_string(), problem });
        }
        self.state = after;
        Ok(())
    }

    /// Whether the text may end here.
    pub(crate) fn is_complete(&self) -> bool {
        self.machine.is_complete(self.state)
    }
}

fn machine_of(constraint: &Constraint) -> Result<(Machine, StateId), Invalid> {
    let rules = match constraint {
        Constraint::Grammar(text) => gbnf::parse(text)?,
        Constraint::JsonSchema(text) => gbnf::parse(&schema::to_gbnf(text)?)?,
    };
    Machine::new(program::compile(&rules)?)
}

fn invalid(name: &str, problem: &Invalid) -> Error {
    Error::InvalidArgument { argument: name.to_string(), problem: problem.to_string() }
}

/// Masks that are kept: one has a bit for each token, so these are some megabytes for the largest vocabularies.
const MASKS_MAX: usize = 128;
