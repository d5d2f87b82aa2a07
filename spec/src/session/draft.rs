//! Guesses of the next tokens, from what the text says already (prompt lookup).
//!
//! Text repeats itself: names, code that is edited, quotes. So the tokens that followed the last few when they came before are a
//! guess of what follows now. A guess is evaluated together with the token before it, and counts only where the model then chooses the
//! same (T14): what is generated is what it would be without guesses, in fewer evaluations.

use alloc::vec::Vec;

use crate::session::tape::TokenId;

/// How far a decode guesses ahead. The default is not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Drafts {
    /// Tokens that are guessed at once, at most; 0: none.
    pub most: u8,
    /// How many of the last tokens must have come before in the same order; at least 1.
    pub alike: u8,
}

impl Default for Drafts {
    fn default() -> Self {
        Drafts::NONE
    }
}

impl Drafts {
    /// No guesses.
    pub const NONE: Drafts = Drafts { most: 0, alike: 1 };

    /// At most `most` tokens that are to follow on `text` and `last`, as they followed on the same tokens when these were there
    /// the last time; empty if they were not.
    pub fn guess(self, text: &[TokenId], last: TokenId, most: usize) -> Vec<TokenId> {
        let most = most.min(usize::from(self.most));
        let before = usize::from(self.alike.max(1)) - 1;
        let Some(start) = text.len().checked_sub(before).filter(|_| 0 < most) else { return Vec::new() };
        let tail = &text[start..];
        // The latest place where `tail` and `last` stand with at least one token behind them.
        let found = (before + 1..text.len())
            .rev()
            .find(|&next| text[next - 1] == last && text[next - 1 - before..next - 1] == *tail);
        found.map_or_else(Vec::new, |next| text[next..].iter().copied().take(most).collect())
    }
}
