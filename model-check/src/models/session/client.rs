//! The client of one session: what it takes, and how it opens its session again at the next owner.

use modeld_spec::session::effect::{Answer, Ask, Failure};
use modeld_spec::session::operation::Operation;
use modeld_spec::session::reader::{Made, NotTaken, Stamp};
use modeld_spec::session::reopen::{self, Effect, Outcome, Reopen};
use modeld_spec::session::tape::TokenCount;
use modeld_spec::step::{Machine, Step};

use super::Sessions;
use super::mutants::Mutant;
use super::names::Text;
use super::state::{Client, Message, Note, Rule, State};
use crate::coverage::mark;

impl Sessions {
    /// A message reaches the client.
    pub(super) fn deliver(&self, state: &mut State, index: usize) {
        let (stamp, message) = state.wire.remove(index);
        let awaited = state.client.reader.awaited();
        let told = self.as_told(stamp, awaited);
        let next = state.client.reader.next_item();
        let taken = match message {
            Message::Item(item) => {
                let mut item = item;
                if self.is(Mutant::GapIgnored) && awaited == Some(told) {
                    item.index = next;
                }
                state.client.reader.item(told, item)
            }
            Message::Answer(answer, text) => {
                let made = match answer {
                    // What is restored on the way to the history is not the history.
                    _ if state.client.reopen.is_some() => Made::Nothing,
                    Ok(Answer::Prefilled { .. } | Answer::Restored { .. }) => {
                        Made::Text(text.tokens().collect())
                    }
                    Ok(Answer::Decoded { .. }) if self.is(Mutant::EndNotCounted) => {
                        Made::Items(state.client.reader.next_item())
                    }
                    Ok(Answer::Decoded { generated, .. }) => Made::Items(generated),
                    Ok(Answer::Saved { .. }) | Err(_) => Made::Nothing,
                };
                state.client.reader.answer(told, made)
            }
        };
        match taken {
            Ok(()) => {
                if awaited.is_none_or(|awaited| stamp.epoch < awaited.epoch) {
                    state.broken.note(Rule::OldEpochTaken);
                } else if awaited != Some(stamp) {
                    state.broken.note(Rule::OtherOperationTaken);
                } else if matches!(message, Message::Item(item) if item.index != next) {
                    state.broken.note(Rule::GapTaken);
                }
                if let Message::Answer(answer, text) = message {
                    self.answered(state, answer, text);
                }
            }
            Err(NotTaken::Epoch(_)) => mark("session: message of an older owner not taken"),
            Err(NotTaken::OtherOperation) => mark("session: message of another operation not taken"),
            Err(NotTaken::Gap { .. }) => {
                mark("session: gap noticed");
                self.gives_up(state);
            }
        }
    }

    /// The stamp as a client reads it that does not compare all of it.
    fn as_told(&self, stamp: Stamp, awaited: Option<Stamp>) -> Stamp {
        match (self.mutant, awaited) {
            (Some(Mutant::ClientTakesOldEpoch), Some(awaited)) if stamp.epoch < awaited.epoch => awaited,
            (Some(Mutant::ClientTakesAnyOperation), Some(awaited)) if stamp.epoch == awaited.epoch => awaited,
            _ => stamp,
        }
    }

    /// The stream is given up: nobody reads it any more.
    fn gives_up(&self, state: &mut State) {
        let Some(key) = state.client.key else { return };
        state.client.reader.gives_up();
        (state.client.operation, state.client.synced) = (None, false);
        let Some(owner) = state.current_mut() else { return };
        let Some(ticket) = owner.table.session(key).map(|session| session.ticket()) else { return };
        owner.table.cancel(key, ticket);
        if let Some(begun) = &mut owner.notes[key.place].begun {
            begun.cancelled = true;
        }
    }

    fn answered(&self, state: &mut State, answer: Result<Answer, Failure>, text: Text) {
        let client = &mut *state.client;
        let operation = client.operation.take();
        if let Err(Failure::Fenced) = answer {
            return client.is_lost();
        }
        match answer {
            Ok(Answer::Prefilled { .. } | Answer::Restored { .. }) => client.synced = true,
            Ok(Answer::Saved { id, .. }) => client.snapshot = Some((id, text)),
            Err(_) if matches!(operation, Some(Operation::EnsurePrefix | Operation::PrefillSuffix)) => {
                client.synced = false;
            }
            // Where the cache can't be cut, what failed may have cost more than it was to change.
            Err(_) if !self.trims || answer == Err(Failure::Fatal) => client.synced = false,
            _ => {}
        }
        if let Some((_, reopen)) = client.reopen.take() {
            let seen = answer.map_or(reopen::Seen::Failed, reopen::Seen::Answered);
            self.reopens(state, reopen.step(seen));
        }
    }

    /// The client goes on opening its session again.
    pub(super) fn reopen(&self, state: &mut State) {
        let Some(epoch) = state.current().map(|owner| owner.epoch) else { return };
        let Some((effect, reopen)) = state.client.reopen.take() else {
            let client = &mut *state.client;
            if client.reader.heard_of(epoch).is_err() {
                return state.broken.note(Rule::Contract);
            }
            let history = TokenCount::of(client.reader.history().len());
            let start = Reopen::start(client.snapshot.map(|(id, _)| id), history);
            return self.reopens(state, start);
        };
        match effect {
            Effect::Open => {
                let limit = self.limits[0];
                let Some(owner) = state.current_mut() else { return };
                let seen = match owner.table.open(limit) {
                    Ok(key) => {
                        owner.notes[key.place] = Note::default();
                        state.client.key = Some(key);
                        reopen::Seen::Opened
                    }
                    Err(_) => reopen::Seen::Failed,
                };
                self.reopens(state, reopen.step(seen));
            }
            Effect::Restore(id) => {
                let covered = state.client.snapshot.map(|(_, text)| text);
                self.calls(state, reopen, &Ask::Restore(id), covered);
            }
            Effect::Prefix => {
                let history = state.client.reader.history().to_vec();
                if self.is(Mutant::ReopenSkipsPrefix) {
                    let tokens = TokenCount::of(history.len());
                    let reuse = modeld_spec::session::tape::Reuse {
                        reused: tokens,
                        shared: TokenCount(0),
                        prefilled: TokenCount(0),
                        dropped: TokenCount(0),
                        reason: modeld_spec::session::tape::ReuseReason::Identical,
                    };
                    let seen = reopen::Seen::Answered(Answer::Prefilled { reuse, end: tokens });
                    state.client.synced = true;
                    return self.reopens(state, reopen.step(seen));
                }
                self.calls(state, reopen, &Ask::Prefix(history), None);
            }
        }
    }

    fn calls(&self, state: &mut State, reopen: Reopen, ask: &Ask, snapshot: Option<Text>) {
        let Some(key) = state.client.key else { return };
        let asks = state.left.asks;
        let begun = self.ask_as(state, key, ask, snapshot, true);
        // It is the client's duty, and not one of the operations that somebody chooses.
        state.left.asks = asks;
        if begun {
            let effect = match ask {
                Ask::Restore(id) => Effect::Restore(*id),
                _ => Effect::Prefix,
            };
            state.client.reopen = Some((effect, reopen));
        } else {
            self.reopens(state, reopen.step(reopen::Seen::Failed));
        }
    }

    fn reopens(&self, state: &mut State, step: Step<Reopen>) {
        let client: &mut Client = &mut state.client;
        match step {
            Step::Do(effect, reopen) => client.reopen = Some((effect, reopen)),
            Step::Done(Outcome::Reopened(source)) => {
                mark(match source {
                    reopen::Source::Prefill => "session: reopened by prefill",
                    reopen::Source::Snapshot(_) => "session: reopened from a snapshot",
                });
                (client.lost, client.source) = (false, Some(source));
            }
            Step::Done(Outcome::Failed | Outcome::Lost) => {
                mark("session: not reopened");
                client.is_lost();
            }
            Step::Done(Outcome::Breach(_)) => state.broken.note(Rule::Contract),
        }
    }
}
