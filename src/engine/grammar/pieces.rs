//! The texts of a vocabulary's tokens, in order, so that the tokens with a common beginning are looked at together.

use modeld_spec::session::tape::TokenId;

use super::Invalid;
use super::machine::{Machine, StateId};

/// The bytes of each token that has any, and the tokens that end a text.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    /// All texts, one behind the other, by token.
    bytes: Vec<u8>,
    /// By token: where its text ends; it begins where the one before ends.
    ends_at: Vec<u32>,
    /// The tokens with a text, ordered by it.
    order: Vec<Ordered>,
    /// The tokens that end a text.
    ends: Vec<TokenId>,
}

#[derive(Clone, Copy, Debug)]
struct Ordered {
    token: u32,
    /// Bytes that its text has in common with the one before.
    common: u32,
}

impl Pieces {
    /// Takes the tokens from 0 on: each one's text, and whether it ends a text. One that ends a text stands for no bytes.
    pub(crate) fn new(tokens: impl IntoIterator<Item = (Vec<u8>, bool)>) -> Self {
        let mut pieces = Pieces::default();
        for (token, (text, is_end)) in tokens.into_iter().enumerate() {
            if is_end {
                pieces.ends.push(TokenId(token as i32));
            } else {
                pieces.bytes.extend(text);
            }
            pieces.ends_at.push(pieces.bytes.len() as u32);
        }
        let mut tokens: Vec<u32> =
            (0..pieces.ends_at.len() as u32).filter(|token| !pieces.text(*token).is_empty()).collect();
        tokens.sort_by(|a, b| pieces.text(*a).cmp(pieces.text(*b)));
        let mut before: &[u8] = &[];
        let mut order = Vec::with_capacity(tokens.len());
        for token in tokens {
            let text = pieces.text(token);
            let common = before.iter().zip(text).take_while(|(a, b)| a == b).count() as u32;
            order.push(Ordered { token, common });
            before = text;
        }
        pieces.order = order;
        pieces
    }

    /// The text of a token; `None` if it has none.
    pub(super) fn bytes(&self, token: TokenId) -> Option<&[u8]> {
        let token = u32::try_from(token.0).ok().filter(|token| (*token as usize) < self.ends_at.len())?;
        Some(self.text(token)).filter(|text| !text.is_empty())
    }

    /// Whether the token ends a text.
    pub(super) fn is_end(&self, token: TokenId) -> bool {
        self.ends.contains(&token)
    }

    /// The tokens that can follow in the state.
    pub(super) fn mask(&self, machine: &mut Machine, state: StateId) -> Result<Mask, Invalid> {
        let mut mask = Mask(vec![0; self.ends_at.len().div_ceil(64)]);
        if machine.is_complete(state) {
            self.ends.iter().for_each(|token| mask.insert(token.0 as usize));
        }
        // The states along the text: the one behind its first n bytes is at n.
        let mut path = vec![state];
        for Ordered { token, common } in &self.order {
            // It begins as one before it did at whose byte number `path.len()` nothing was left.
            if path.len() <= *common as usize {
                continue;
            }
            path.truncate(*common as usize + 1);
            let text = self.text(*token);
            let mut last = path[path.len() - 1];
            for byte in &text[path.len() - 1..] {
                last = machine.step(last, *byte)?;
                if last == StateId::DEAD {
                    break;
                }
                path.push(last);
            }
            if last != StateId::DEAD {
                mask.insert(*token as usize);
            }
        }
        Ok(mask)
    }

    fn text(&self, token: u32) -> &[u8] {
        let token = token as usize;
        let start = if token == 0 { 0 } else { self.ends_at[token - 1] };
        &self.bytes[start as usize..self.ends_at[token] as usize]
    }
}

/// A set of tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mask(Vec<u64>);

impl Mask {
    /// Whether the token is in it.
    pub(crate) fn allows(&self, token: usize) -> bool {
        self.0.get(token / 64).is_some_and(|word| word & 1 << (token % 64) != 0)
    }

    fn insert(&mut self, token: usize) {
        self.0[token / 64] |= 1 << (token % 64);
    }
}
