//! Which sessions' tokens go into the next batch, and how many of each.
//!
//! ```text
//!     [ one row for everyone who generates, and its guesses | a part of a prompt, of the next one, ... ]
//! ```
//!
//! Everyone who generates is in every batch (T15), and a row is kept for a prompt; while somebody generates, prompts get at most a
//! *share* of a batch, which bounds what a next token waits for. The prompts take turns: who was fed last comes last. Where there are
//! fewer rows than sessions each gets one in turn. Who follows another session's prompt takes no part (T13).
//!
//! It decides nothing else: what a session wants is [`Table::wishes`](super::table::Table::wishes).

use alloc::vec::Vec;

use crate::session::table::{Key, Part, Wish};

/// The bounds of a batch, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// All of it.
    pub batch: usize,
    /// Prompts, while somebody generates.
    pub share: usize,
    /// Of one session; 1 where what a batch is made of must not matter.
    pub together: usize,
}

/// What one session gets of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Portion {
    /// Which session.
    pub key: Key,
    /// How many of its tokens; at least one.
    pub tokens: usize,
}

/// Whose turn it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scheduler {
    /// The place whose prompt is fed first.
    prompts: usize,
    /// The place that is first where there are fewer rows than sessions.
    crowd: usize,
}

impl Scheduler {
    /// The first place begins.
    pub fn new() -> Self {
        Scheduler::default()
    }

    /// The next batch of what is wished for, in the order of its rows; empty only if nothing can be evaluated.
    pub fn next(&mut self, wishes: &[Wish], bounds: Bounds) -> Vec<Portion> {
        let rows = bounds.batch.max(1);
        let generating = in_turn(wishes, 0, |part| part == Part::Generate);
        let has_prompts = wishes.iter().any(|wish| wish.part == Part::Prompt);
        if rows < generating.len() + usize::from(has_prompts) {
            return self.crowded(wishes, rows);
        }
        let mut batch = Vec::new();
        let mut room = rows - usize::from(has_prompts);
        for (index, wish) in generating.iter().enumerate() {
            // One row for each of those that follow, before anybody's guesses.
            let others = generating.len() - index - 1;
            let tokens = wish.tokens.min(room - others).min(bounds.together.max(1));
            room -= tokens;
            batch.push(Portion { key: wish.key, tokens });
        }
        let left = room + usize::from(has_prompts);
        let mut room = if batch.is_empty() { left } else { left.min(bounds.share.max(1)) };
        for wish in in_turn(wishes, self.prompts, |part| part == Part::Prompt) {
            let tokens = wish.tokens.min(room).min(bounds.together.max(1));
            if tokens == 0 {
                break;
            }
            room -= tokens;
            batch.push(Portion { key: wish.key, tokens });
            self.prompts = wish.key.place + 1;
        }
        batch
    }

    /// Fewer rows than sessions: a row each, in turn.
    fn crowded(&mut self, wishes: &[Wish], rows: usize) -> Vec<Portion> {
        let all = in_turn(wishes, self.crowd, |part| !matches!(part, Part::Follow { .. }));
        let batch: Vec<Portion> =
            all.iter().take(rows).map(|wish| Portion { key: wish.key, tokens: 1 }).collect();
        self.crowd = batch.last().map_or(0, |portion| portion.key.place + 1);
        batch
    }
}

/// The wishes of a kind, from the place on whose turn it is.
fn in_turn(wishes: &[Wish], turn: usize, is_of: impl Fn(Part) -> bool) -> Vec<Wish> {
    let mut found: Vec<Wish> = wishes.iter().copied().filter(|wish| is_of(wish.part)).collect();
    found.sort_unstable_by_key(|wish| (wish.key.place < turn, wish.key.place));
    found
}
