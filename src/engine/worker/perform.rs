//! What a session wants, done: each effect on the cache, the reader or the desk, and what was seen of it.
//!
//! Nothing is decided here. Every effect that the rules gate (T9) passes the gate at once before it begins.

use modeld_spec::session::effect::{Effect, Seen, Sequence};
use modeld_spec::session::machine::Session;
use modeld_spec::session::table::Key;

use super::desk::Work;
use super::thread::Thread;
use crate::engine::backend;
use crate::owner::gate::Closed;

impl Thread {
    /// Performs everything that the session wants but an evaluation.
    pub(super) fn settle(&mut self, key: Key) {
        while let Some(effect) = self.table.wants(key) {
            if matches!(effect, Effect::Evaluate { .. }) || self.waits_for_reader(key, effect) {
                return;
            }
            self.table.begin(key, usize::MAX);
            let Some(ticket) = self.table.session(key).map(Session::ticket) else { return };
            // What the desk does is seen later.
            let Some(seen) = self.perform(key, effect) else { return };
            // It was begun just now, so it is waited for.
            let _ = self.table.seen(key, ticket, seen);
        }
        self.leave_if_gone(key);
    }

    /// Whether nothing is chosen yet because there is nowhere to put it.
    fn waits_for_reader(&self, key: Key, effect: Effect) -> bool {
        matches!(effect, Effect::Sample { .. }) && self.seat(key).is_some_and(|seat| seat.is_stalled())
    }

    fn perform(&mut self, key: Key, effect: Effect) -> Option<Seen> {
        if effect.is_gated() && self.control.gate.pass_resident().is_err() {
            return Some(Seen::Fenced);
        }
        Some(match effect {
            Effect::Truncate { sequence, keep } => self.truncate(sequence, keep),
            Effect::Share { from, to, position, count } => {
                let range = position..position + count;
                if self.model.kv_share(of(from), of(to), range) { Seen::Done } else { Seen::Failed }
            }
            Effect::Shift { sequence, position, count } => {
                let range = position..position + count;
                if self.model.kv_shift(of(sequence), range) { Seen::Done } else { Seen::Uncuttable }
            }
            Effect::Sample { position } => self.choose(key, position),
            Effect::Emit(item) => {
                let epoch = self.control.gate.epoch();
                let (model, seats) = (&*self.model, &mut self.seats);
                let seat = seats.get_mut(key.place)?.as_mut()?;
                match seat.writing()?.take(model, item.token, epoch) {
                    Ok(true) => Seen::Stopped,
                    Ok(false) => Seen::Done,
                    Err(error) => {
                        seat.cause = Some(error.to_string());
                        Seen::Failed
                    }
                }
            }
            Effect::Save { sequence } => return self.save(key, sequence),
            Effect::Read(id) => return self.submit(key, Work::Read(id)),
            Effect::Load { sequence } => self.load(key, sequence),
            Effect::Clear { sequence } => {
                if self.model.kv_truncate(of(sequence), 0) {
                    Seen::Done
                } else {
                    Seen::Unknown
                }
            }
            // Nobody evaluates here: it is one part of a batch.
            Effect::Evaluate { .. } => return None,
            Effect::Answer => {
                self.answer(key);
                Seen::Done
            }
        })
    }

    fn truncate(&mut self, sequence: Sequence, keep: usize) -> Seen {
        match self.model.kv_truncate(of(sequence), keep) {
            true => Seen::Done,
            false if 0 < keep => Seen::Uncuttable,
            // Every cache can be emptied: one that can't be is not understood.
            false => Seen::Unknown,
        }
    }

    fn choose(&mut self, key: Key, position: usize) -> Seen {
        let (model, seats) = (&*self.model, &mut self.seats);
        let Some(seat) = seats.get_mut(key.place).and_then(Option::as_mut) else { return Seen::Failed };
        let outputs = std::mem::take(&mut seat.outputs);
        let chosen = outputs.behind(model, position).and_then(|logits| match seat.writing() {
            Some(writing) => writing.choose(model, logits),
            None => Ok(None),
        });
        seat.outputs = outputs;
        match chosen {
            Ok(token) => Seen::Sampled(token),
            Err(error) => {
                seat.cause = Some(error.to_string());
                Seen::Failed
            }
        }
    }

    fn save(&mut self, key: Key, sequence: Sequence) -> Option<Seen> {
        let Some(head) = self.table.session(key).map(Session::head) else { return Some(Seen::Failed) };
        let mut bytes = Vec::new();
        let Ok(permit) = self.control.gate.pass_resident() else { return Some(Seen::Fenced) };
        if let Err(error) = self.model.kv_save(permit, of(sequence), &mut bytes) {
            self.note(key, error.to_string());
            return Some(Seen::Failed);
        }
        self.submit(key, Work::Save(head, bytes))
    }

    /// Hands a job to the desk.
    fn submit(&mut self, key: Key, work: Work) -> Option<Seen> {
        let ticket = self.table.session(key)?.ticket();
        match self.desk.submit(key, ticket, work) {
            Ok(()) => None,
            Err(cause) => {
                self.note(key, cause);
                Some(Seen::Failed)
            }
        }
    }

    fn load(&mut self, key: Key, sequence: Sequence) -> Seen {
        let contents = self.seat_mut(key).and_then(|seat| seat.contents.take()).unwrap_or_default();
        let loaded = match self.control.gate.pass_resident() {
            Ok(permit) => self.model.kv_load(permit, of(sequence), &contents),
            Err(Closed::Fenced(_) | Closed::NotResident { .. }) => return Seen::Fenced,
        };
        match loaded {
            Ok(length) => Seen::Loaded(length),
            Err(error) => {
                self.note(key, error.to_string());
                Seen::Unknown
            }
        }
    }

    fn answer(&mut self, key: Key) {
        let (gate, epoch) = (self.control.check().err(), self.control.gate.epoch());
        let Some(session) = self.table.session(key) else { return };
        let Some(said) = session.answer() else { return };
        if let Some(seat) = self.seats.get_mut(key.place).and_then(Option::as_mut) {
            seat.contents = None;
            seat.answer(session, said, epoch, gate);
        }
    }

    fn note(&mut self, key: Key, cause: String) {
        if let Some(seat) = self.seat_mut(key) {
            seat.cause = Some(cause);
        }
    }
}

/// A sequence as the backend names it.
pub(super) fn of(sequence: Sequence) -> backend::Sequence {
    backend::Sequence(sequence.0)
}
