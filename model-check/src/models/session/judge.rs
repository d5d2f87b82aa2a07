//! What has to become of an operation, said without the machine, and what it came to.

use modeld_spec::session::effect::{Answer, Ask, Failure};
use modeld_spec::session::finish::FinishReason;
use modeld_spec::session::machine::Session;
use modeld_spec::session::operation::Operation;
use modeld_spec::session::table::Key;

use super::Sessions;
use super::mutants::Mutant;
use super::names::{self, Text};
use super::state::{Begun, Broken, Cells, Owner, Rule};
use crate::coverage::mark;

/// What has to become of an operation.
pub(super) struct Expected {
    /// What is noted of it.
    pub(super) begun: Begun,
    /// Whether it can use tokens again that were generated.
    pub(super) generated: bool,
}

/// Whether an operation fits, and what has to become of it if it begins. Said without the machine.
pub(super) fn expected(
    owner: &Owner,
    session: &Session,
    ask: &Ask,
    snapshot: Option<Text>,
) -> (bool, Expected) {
    let before = Text::of(session.text());
    let cells = session.sequence().map_or(Cells::NONE, |sequence| *owner.cells(sequence));
    let resident = cells.text();
    let counted = session.tape().end();
    let (mut fits, mut target, mut start, mut asked) = (true, before, 0, 0);
    match ask {
        Ask::Prefix(tokens) => {
            target = Text::of(tokens.iter().copied());
            asked = target.len();
            fits = asked <= session.limit();
        }
        Ask::Suffix(tokens) => {
            fits = before.len() + tokens.len() <= session.limit();
            if fits {
                target = before.and(Text::of(tokens.iter().copied()));
            }
            start = counted;
            asked = before.len() - counted + tokens.len();
        }
        Ask::Restore(_) => target = snapshot.unwrap_or_default(),
        Ask::Decode { .. } | Ask::Snapshot => {}
    }
    let common = resident.common(target).saturating_sub(start).min(asked);
    let reused = cells.cells().iter().skip(start).take(common);
    let generated = matches!(ask, Ask::Prefix(_)) && reused.clone().any(|cell| cell.generated());
    let begun = Begun {
        operation: ask.operation(),
        ticket: session.ticket(),
        before,
        target,
        common: common as u8,
        asked: asked as u8,
        was: fingerprint(owner, session),
        evaluated: 0,
        cut: 0,
        emitted: 0,
        cancelled: false,
    };
    (fits, Expected { begun, generated })
}

/// Holds the answer that is due against what was done (T5, T7, T11). The text that the operation made.
pub(super) fn check_answer(
    sessions: &Sessions,
    owner: &Owner,
    key: Key,
    broken: &mut Broken,
) -> Option<Text> {
    let session = owner.table.session(key)?;
    let answer = session.answer()?;
    let Some(begun) = owner.notes[key.place].begun else {
        broken.note(Rule::Contract);
        return Some(Text::default());
    };
    let text = Text::of(session.text());
    let (evaluated, cut) = (u64::from(begun.evaluated), u64::from(begun.cut));
    let as_it_was = fingerprint(owner, session) == begun.was;
    let untouched = begun.evaluated == 0 && begun.cut == 0;
    let answer = match answer {
        Ok(Answer::Prefilled { mut reuse, end }) if sessions.is(Mutant::AnswerGuessed) => {
            reuse.prefilled.0 += reuse.reused.0;
            reuse.reused.0 = 0;
            Ok(Answer::Prefilled { reuse, end })
        }
        answer => answer,
    };
    let exact = match answer {
        Ok(Answer::Prefilled { reuse, end }) => {
            mark("session: prefilled");
            let sum = reuse.reused.0 + reuse.prefilled.0 == u64::from(begun.asked);
            text == begun.target
                && end.0 as usize == text.len()
                && reuse.prefilled.0 == evaluated
                && reuse.dropped.0 == cut
                && reuse.reused.0 == u64::from(begun.common)
                && (sum || !sessions.trims)
        }
        Ok(Answer::Decoded { finish, generated }) => {
            mark(match finish {
                FinishReason::EndOfGeneration => "session: decode ended by the model",
                FinishReason::Length => "session: decode ended by length",
                FinishReason::ContextFull { .. } => "session: decode ended by a full context",
                FinishReason::StopString => "session: decode ended by a stop string",
                FinishReason::Cancelled => "session: decode cancelled",
            });
            let whole = text == begun.target && generated == u64::from(begun.emitted);
            if finish == FinishReason::Cancelled {
                // T5: everything that was handed out and nothing else; where the cache can't be cut, what is in it again.
                let kept = whole || !sessions.trims && begun.target.begins_with(text);
                if !kept || !begun.cancelled {
                    broken.note(Rule::CancelAfterState);
                }
                true
            } else {
                whole
            }
        }
        Ok(Answer::Saved { covers, .. }) => {
            mark("session: saved");
            covers.0 as usize == text.len() && as_it_was
        }
        Ok(Answer::Restored { covers }) => covers.0 as usize == text.len() && text == begun.target,
        Err(Failure::Cancelled) => {
            mark("session: answered as cancelled");
            let kept = match begun.operation {
                _ if untouched => text == begun.before,
                Operation::EnsurePrefix => begun.target.begins_with(text),
                Operation::PrefillSuffix => {
                    begun.target.begins_with(text) && (text.begins_with(begun.before) || !sessions.trims)
                }
                _ => as_it_was,
            };
            if !kept || !begun.cancelled {
                broken.note(Rule::CancelAfterState);
            }
            true
        }
        Err(Failure::Refused(_)) => {
            mark("session: restore refused");
            if !as_it_was {
                broken.note(Rule::RefusedChanged);
            }
            true
        }
        Err(failure) => {
            mark(match failure {
                Failure::Closed => "session: answered as closed",
                Failure::Fenced => "session: answered as fenced",
                Failure::Backend => "session: answered as failed",
                Failure::Fatal => "session: answered as fatal",
                Failure::Storage => "session: answered as not written",
                Failure::Cancelled | Failure::Refused(_) => "session: answered",
            });
            if begun.operation == Operation::Restore && failure == Failure::Backend && !as_it_was {
                broken.note(Rule::RefusedChanged);
            }
            true
        }
    };
    if !exact {
        broken.note(Rule::AnswerInexact);
    }
    Some(begun.target)
}

/// Tells a session with the contents of its cache from every other.
fn fingerprint(owner: &Owner, session: &Session) -> u64 {
    let cells = session.sequence().map(|sequence| owner.cells(sequence));
    let bytes = names::digest(&(session.tape(), session.pending(), cells)).0;
    u64::from_be_bytes(std::array::from_fn(|index| bytes[index]))
}
