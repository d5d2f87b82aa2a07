//! One batch: of whom, evaluated, and what each session sees of it.

use std::cell::Cell;

use modeld_spec::session::batch::{Bounds, Portion};
use modeld_spec::session::effect::{Effect, Seen, Ticket};
use modeld_spec::session::machine::Session;
use modeld_spec::session::table::{Key, Part, Wish};

use super::outputs::Outputs;
use super::perform::of;
use super::thread::Thread;
use crate::engine::backend::{Batch, EvalError, Row, Sequence};

/// A session's part of a batch.
struct Share {
    key: Key,
    ticket: Ticket,
    sequence: Sequence,
    position: usize,
    /// Its rows in the batch: the first one, and how many.
    row: usize,
    count: usize,
    /// How many of the last rows have outputs.
    outputs: usize,
}

impl Thread {
    /// Evaluates one batch; `false` if there was none to evaluate.
    pub(super) fn evaluate(&mut self) -> bool {
        let portions = self.portions();
        if portions.is_empty() {
            return false;
        }
        self.keep_outputs();
        let (batch, shares) = self.collect(&portions);
        // Whoever was let through ends before the deadline or is stopped by it.
        let evaluated = match self.control.gate.pass_resident() {
            Ok(permit) => {
                let asked = Cell::new(0u32);
                let (control, seats) = (&self.control, &self.seats);
                let is_cancelled = |share: &Share| {
                    let seat = seats.get(share.key.place).and_then(Option::as_ref);
                    seat.is_none_or(|seat| seat.cancelled().is_some())
                };
                // Of a state from which nothing can be taken back, a batch that is stopped leaves nothing at all: not what a cancel is
                // to leave (T5), so that it waits for the batch. After a fence nothing of the session is wanted.
                let is_kept = !self.model.info().capabilities.trims;
                let stop = || {
                    let count = asked.get();
                    asked.set(count.wrapping_add(1));
                    count.is_multiple_of(GATE_EVERY) && control.check().is_err()
                        || !is_kept && shares.iter().all(is_cancelled)
                };
                self.model.eval(permit, &batch, &stop)
            }
            Err(_) => return self.refuse(&shares),
        };
        let failed = matches!(evaluated, Err(EvalError::Failed(_)));
        // Of a batch of several nobody knows whose tokens are to blame: each is tried by itself.
        let is_shared = 1 < shares.len();
        self.suspects = if failed && is_shared { shares.len() } else { self.suspects.saturating_sub(1) };
        for share in shares {
            if let Err(EvalError::Failed(cause)) = &evaluated
                && let Some(seat) = self.seat_mut(share.key)
            {
                seat.cause = Some(cause.clone());
            }
            self.see(&share, failed && !is_shared);
        }
        true
    }

    /// Who gets how many rows.
    fn portions(&mut self) -> Vec<Portion> {
        let is_ready = |wish: &Wish| {
            let stalled = self.seat(wish.key).is_some_and(|seat| seat.is_stalled());
            !(stalled && wish.part == Part::Generate)
        };
        let mut wishes: Vec<Wish> = self.table.wishes().filter(is_ready).collect();
        if 0 < self.suspects {
            // Who follows another one takes no part: alone it would be no batch.
            wishes.retain(|wish| !matches!(wish.part, Part::Follow { .. }));
        }
        if 0 < self.suspects && !wishes.is_empty() {
            let turn = self.suspects % wishes.len();
            wishes.rotate_left(turn);
            wishes.truncate(1);
        }
        let batch = if self.reproducible { 1 } else { self.model.info().batch_tokens };
        let bounds = Bounds { batch, share: self.limits.shared_chunk_tokens, together: usize::MAX };
        self.scheduler.next(&wishes, bounds)
    }

    /// What lies in the last batch and is still needed is copied before the next one.
    fn keep_outputs(&mut self) {
        for seat in self.seats.iter_mut().flatten() {
            let wanted = self.table.session(seat.key).map_or(0, Session::outputs);
            seat.outputs.keep(&*self.model, wanted);
        }
    }

    fn collect(&mut self, portions: &[Portion]) -> (Batch, Vec<Share>) {
        let (mut batch, mut shares) = (Batch::default(), Vec::new());
        for portion in portions {
            let key = portion.key;
            let together = match self.seat(key).and_then(|seat| seat.job.as_ref()) {
                Some(job) if job.exact => 1,
                _ => usize::MAX,
            };
            let Some(Effect::Evaluate { sequence, position, count }) =
                self.table.begin(key, portion.tokens.min(together))
            else {
                continue;
            };
            let Some(session) = self.table.session(key) else { continue };
            let (feed, sequence, row) = (session.feed(), of(sequence), batch.rows.len());
            // Outputs behind the last token that is no guess, and behind each guess.
            let first_output = feed.len() - session.guesses() - 1;
            for (offset, &token) in feed.iter().take(count).enumerate() {
                let output = first_output <= offset;
                batch.rows.push(Row { token, position: position + offset, sequence, output });
            }
            let outputs = count.saturating_sub(first_output);
            shares.push(Share { key, ticket: session.ticket(), sequence, position, row, count, outputs });
        }
        (batch, shares)
    }

    /// Follows the cache.
    fn see(&mut self, share: &Share, failed: bool) {
        let Share { key, ticket, sequence, position, row, count, outputs } = *share;
        // A cache that holds less than before the batch lies, as one that holds more than it was given: no count is true.
        let came = self.model.kv_len(sequence).checked_sub(position).unwrap_or(usize::MAX);
        if let Some(seat) = self.seat_mut(key) {
            seat.prefilled(came.min(count));
            let first = count - outputs;
            seat.outputs = match outputs {
                0 => Outputs::Gone,
                _ if came < count => Outputs::Gone,
                _ => Outputs::InBatch { position: position + first, row: row + first, count: outputs },
            };
        }
        let _ = self.table.seen(key, ticket, Seen::Evaluated { came, failed });
    }

    /// The gate is closed: nothing was begun.
    fn refuse(&mut self, shares: &[Share]) -> bool {
        for share in shares {
            let _ = self.table.seen(share.key, share.ticket, Seen::Fenced);
        }
        true
    }
}

/// At every how many questions of a backend the clock is read: a graph has hundreds of nodes, each some microseconds.
const GATE_EVERY: u32 = 16;
