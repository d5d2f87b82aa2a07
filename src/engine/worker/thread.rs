//! The loop of a model's thread.
//!
//! A round: take the commands that came, end what was cancelled, evaluate one batch, hand out what it gave. A batch has one token of
//! every session that generates, and a chunk of one session's prompt; the sessions with a prompt take turns. A session
//! whose reader is slow is left out until there is room. Without anything to do the thread is parked; whoever brings something
//! wakes it.
//!
//! The gate is passed before each evaluation and again before anything is handed out after it. Once it is closed, everything under
//! way ends with the reason, and the model stays until the engine shuts down: freeing is the owner's decision.

use std::cell::Cell;
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::Duration;

use modeld_spec::error::Error;
use modeld_spec::session::operation::{Admission, Operation};
use modeld_spec::session::tape::TokenId;
use tokio::sync::mpsc;

use super::slot::{Slot, answer};
use super::{Command, Control, Opened, Operate, Reply};
use crate::engine::backend::{Batch, EvalError, Model, Row, Sequence};
use crate::engine::limits::Limits;
use crate::engine::session::SessionId;

/// Serves until the engine shuts down; the model is freed on return.
pub(in crate::engine) fn serve(
    model: Box<dyn Model>,
    commands: mpsc::Receiver<Command>,
    control: Arc<Control>,
    limits: Arc<Limits>,
) {
    let slots = (0..model.info().sessions_max).map(|_| None).collect();
    let mut worker = Thread { commands, model, slots, turn: 0, control, limits };
    while worker.round() {}
}

struct Thread {
    /// Closed first when a panic unwinds: who hears of it from a stream or a reply finds the model gone.
    commands: mpsc::Receiver<Command>,
    model: Box<dyn Model>,
    /// By sequence.
    slots: Vec<Option<Slot>>,
    /// The sequence whose prompt is fed next.
    turn: usize,
    control: Arc<Control>,
    limits: Arc<Limits>,
}

/// Which part a session has in a batch.
struct Part {
    index: usize,
    attempted: Vec<TokenId>,
    /// The row whose logits it gets.
    output: Option<usize>,
    generates: bool,
}

impl Thread {
    /// One round; `false` at the end.
    fn round(&mut self) -> bool {
        while let Ok(command) = self.commands.try_recv() {
            self.take(command);
        }
        self.close_orphans();
        if let Err(error) = self.control.check() {
            self.live().for_each(|slot| slot.fail(error.clone()));
            if error == Error::Draining || self.control.is_draining() {
                return false;
            }
            self.wait();
            return true;
        }
        self.live().for_each(Slot::settle_cancel);
        if !self.step() {
            self.wait();
        }
        true
    }

    fn live(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.slots.iter_mut().flatten()
    }

    /// Parks until somebody brings something. Something under way may also end by the deadline, which wakes nobody.
    fn wait(&mut self) {
        let is_active = self.live().any(|slot| slot.active.is_some());
        thread::park_timeout(if is_active { STALLED_LOOK } else { IDLE_LOOK });
    }

    fn take(&mut self, command: Command) {
        match command {
            Command::Open { context_tokens, reply } => {
                let opened = self.open(context_tokens);
                answer(reply, opened);
            }
            Command::Operate { session, what } => match self.find(&session) {
                Some(index) => self.operate(index, what),
                None => refuse(what, Error::SessionClosed { session: session.to_string() }),
            },
        }
    }

    fn open(&mut self, context_tokens: Option<usize>) -> Result<Opened, Error> {
        self.control.check()?;
        let most = self.model.info().context_tokens;
        let context_tokens = context_tokens.unwrap_or(most);
        if most < context_tokens {
            let problem =
                format!("is {context_tokens} tokens, and the model is loaded with {most} for each session");
            return Err(Error::InvalidArgument { argument: "context".to_string(), problem });
        }
        let Some(index) = self.slots.iter().position(Option::is_none) else {
            return Err(Error::TooManySessions { limit: self.slots.len() as u64 });
        };
        let id = SessionId::random(self.control.gate.epoch());
        self.slots[index] = Some(Slot::new(id.clone(), Sequence(index as u32), context_tokens));
        Ok(Opened { id, context_tokens, control: self.control.clone(), delivered: false })
    }

    fn find(&self, session: &SessionId) -> Option<usize> {
        self.slots.iter().position(|slot| slot.as_ref().is_some_and(|slot| slot.id == *session))
    }

    fn operate(&mut self, index: usize, what: Operate) {
        let Some(slot) = &mut self.slots[index] else { return };
        match slot.activity().admits(what.operation()) {
            Admission::Begin => {}
            Admission::EndFirst => match what {
                Operate::Close { .. } => slot.fail(Error::SessionClosed { session: slot.id.to_string() }),
                _ => slot.settle_cancel(),
            },
            Admission::Busy(operation) => {
                let (session, operation) = (slot.id.to_string(), operation.to_string());
                return refuse(what, Error::SessionBusy { session, operation });
            }
            Admission::Fatal => {
                let cause = slot.fatal.clone().unwrap_or_default();
                return refuse(what, Error::SessionFatal { session: slot.id.to_string(), cause });
            }
        }
        if let Err(error) = self.control.check() {
            return refuse(what, error);
        }
        let epoch = self.control.gate.epoch();
        let model = &mut *self.model;
        match what {
            Operate::EnsurePrefix { prompt, reply } => slot.ensure_prefix(model, &prompt, reply),
            Operate::PrefillSuffix { prompt, reply } => slot.prefill_suffix(model, &prompt, reply),
            Operate::Decode { params, items, fate, cancel, reply } => {
                slot.decode(model, params, (items, fate, cancel), reply);
            }
            Operate::Explain { reply } => answer(reply, Ok(slot.explain(epoch))),
            Operate::Close { reply } => {
                self.remove(index);
                return answer(reply, Ok(()));
            }
        }
        // Nothing to feed: all was in the cache.
        slot.finish_feed(epoch);
    }

    fn remove(&mut self, index: usize) {
        if let Some(slot) = self.slots[index].take() {
            self.model.kv_truncate(slot.sequence, 0);
        }
    }

    fn close_orphans(&mut self) {
        let orphans =
            std::mem::take(&mut *self.control.orphans.lock().unwrap_or_else(PoisonError::into_inner));
        for session in orphans {
            if let Some(index) = self.find(&session) {
                self.remove(index);
            }
        }
    }

    /// Evaluates one batch; `false` if there was none to evaluate.
    fn step(&mut self) -> bool {
        let begun = self.sample_known();
        let (batch, parts) = self.collect();
        if batch.rows.is_empty() {
            return begun;
        }
        // Whoever was let through ends before the deadline or is stopped by it.
        let Ok(permit) = self.control.gate.pass_resident() else { return true };
        let asked = Cell::new(0u32);
        let (control, slots) = (&self.control, &self.slots);
        let stop = || {
            let count = asked.get();
            asked.set(count.wrapping_add(1));
            let all_cancelled = || {
                let active = |part: &Part| slots[part.index].as_ref().and_then(|slot| slot.active.as_ref());
                parts.iter().all(|part| active(part).is_none_or(|active| active.is_cancelled()))
            };
            count.is_multiple_of(GATE_EVERY) && control.check().is_err() || all_cancelled()
        };
        let evaluated = self.model.eval(permit, &batch, &stop);
        for part in parts {
            self.settle(part, &evaluated);
        }
        true
    }

    /// Takes the next token where the logits are known already: after a prefill, and where a decode goes on after an end.
    fn sample_known(&mut self) -> bool {
        let mut begun = false;
        for slot in self.slots.iter_mut().flatten().filter(|slot| slot.can_generate()) {
            slot.end_if_due();
            if slot.active.is_none() || slot.pending.is_some() {
                continue;
            }
            let Some(logits) = slot.logits.take() else { continue };
            let Ok(permit) = self.control.gate.pass_resident() else { return true };
            slot.take_next(&*self.model, &logits, permit.epoch());
            begun = true;
        }
        begun
    }

    /// One token of everyone who generates, then a chunk of a prompt.
    fn collect(&mut self) -> (Batch, Vec<Part>) {
        let (mut batch, mut parts) = (Batch::default(), Vec::new());
        for (index, slot) in self.slots.iter().enumerate() {
            let Some(slot) = slot.as_ref().filter(|slot| slot.can_generate()) else { continue };
            let Some(token) = slot.pending else { continue };
            let output = batch.rows.len();
            let position = slot.tape.resident();
            batch.rows.push(Row { token, position, sequence: slot.sequence, output: true });
            parts.push(Part { index, attempted: vec![token], output: Some(output), generates: true });
        }
        let count = self.slots.len();
        let in_turn = (0..count).map(|offset| (self.turn + offset) % count);
        let feeding = in_turn.clone().find(|&index| self.slots[index].as_ref().is_some_and(Slot::is_feeding));
        let Some(index) = feeding else { return (batch, parts) };
        let room = self.model.info().batch_tokens.saturating_sub(batch.rows.len());
        let most = if parts.is_empty() { room } else { room.min(self.limits.shared_chunk_tokens.max(1)) };
        let Some(slot) = &self.slots[index] else { return (batch, parts) };
        let Some((chunk, is_last)) = slot.chunk(most) else { return (batch, parts) };
        let start = slot.tape.resident();
        for (offset, &token) in chunk.iter().enumerate() {
            let output = is_last && offset + 1 == chunk.len();
            batch.rows.push(Row { token, position: start + offset, sequence: slot.sequence, output });
        }
        let output = is_last.then(|| batch.rows.len() - 1);
        parts.push(Part { index, attempted: chunk.to_vec(), output, generates: false });
        self.turn = (index + 1) % count;
        (batch, parts)
    }

    /// Follows the cache, and hands out what the batch gave this session.
    fn settle(&mut self, part: Part, evaluated: &Result<(), EvalError>) {
        let Some(slot) = &mut self.slots[part.index] else { return };
        let came = slot.follow(&*self.model, &part.attempted);
        if part.generates {
            if 0 < came {
                slot.pending = None;
            }
        } else {
            slot.fed(came);
        }
        match evaluated {
            Ok(()) if came == part.attempted.len() => {}
            // Asked for by its callers, or the gate: the next round finds out which.
            Ok(()) | Err(EvalError::Stopped) => return,
            Err(EvalError::Failed(cause)) => {
                return slot.fail(Error::BackendFailed { cause: cause.clone() });
            }
        }
        let epoch = match self.control.check() {
            Ok(()) => self.control.gate.epoch(),
            Err(error) => return slot.fail(error),
        };
        let Some(row) = part.output else { return };
        match self.model.logits(row) {
            Ok(logits) if part.generates => slot.take_next(&*self.model, logits, epoch),
            Ok(logits) => {
                slot.logits = Some(logits.to_vec());
                slot.finish_feed(epoch);
            }
            Err(error) => slot.fail(error),
        }
    }
}

impl Operate {
    fn operation(&self) -> Operation {
        match self {
            Operate::EnsurePrefix { .. } => Operation::EnsurePrefix,
            Operate::PrefillSuffix { .. } => Operation::PrefillSuffix,
            Operate::Decode { .. } => Operation::Decode,
            Operate::Explain { .. } => Operation::Explain,
            Operate::Close { .. } => Operation::Close,
        }
    }
}

fn refuse(what: Operate, error: Error) {
    fn with<T>(reply: Reply<T>, error: Error) {
        answer(reply, Err(error));
    }
    match what {
        Operate::EnsurePrefix { reply, .. } => with(reply, error),
        Operate::PrefillSuffix { reply, .. } => with(reply, error),
        Operate::Decode { reply, .. } => with(reply, error),
        Operate::Explain { reply } => with(reply, error),
        Operate::Close { reply } => with(reply, error),
    }
}

/// How often a thread whose readers are slow looks whether the deadline has passed.
const STALLED_LOOK: Duration = Duration::from_millis(20);

/// How often an idle thread looks around; whoever brings something wakes it, so this only bounds what a defect would cost.
const IDLE_LOOK: Duration = Duration::from_secs(1);

/// At every how many questions of a backend the clock is read: a graph has hundreds of nodes, each some microseconds.
const GATE_EVERY: u32 = 16;
