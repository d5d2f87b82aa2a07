//! What has to become of an operation, said without the machine, and what it came to.

use modeld_spec::session::effect::{Answer, Ask, Failure};
use modeld_spec::session::finish::FinishReason;
use modeld_spec::session::machine::Session;
use modeld_spec::session::operation::Operation;
use modeld_spec::session::table::Key;
use modeld_spec::session::tape::{Reuse, TokenCount};

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
    place: usize,
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
    // T16: what was computed behind tokens that have gone is no beginning of another text.
    let exact = owner.notes[place].inexact.map_or(usize::MAX, usize::from);
    let common = resident.common(target).min(exact).saturating_sub(start).min(asked);
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
        shared: 0,
        shifted: 0,
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
    let due = Due { sessions, begun, text, as_it_was: fingerprint(owner, session) == begun.was };
    let exact = match answer {
        Ok(Answer::Prefilled { reuse, end }) => due.is_prefilled(reuse, end),
        Ok(Answer::Decoded { finish, generated, shifted }) => {
            shifted == u64::from(due.begun.shifted) && due.is_decoded(finish, generated, broken)
        }
        Ok(Answer::Saved { covers, .. }) => {
            mark("session: saved");
            covers.0 as usize == text.len() && due.as_it_was
        }
        Ok(Answer::Restored { covers }) => covers.0 as usize == text.len() && text == begun.target,
        Err(failure) => {
            due.check_failure(failure, broken);
            true
        }
    };
    if !exact {
        broken.note(Rule::AnswerInexact);
    }
    Some(begun.target)
}

/// An answer that is due, beside what was done.
struct Due<'a> {
    sessions: &'a Sessions,
    begun: Begun,
    text: Text,
    /// Whether neither the session nor the contents of its cache differ from those at the begin.
    as_it_was: bool,
}

impl Due<'_> {
    fn is_prefilled(&self, mut reuse: Reuse, end: TokenCount) -> bool {
        mark("session: prefilled");
        if self.sessions.is(Mutant::AnswerGuessed) {
            reuse.prefilled.0 += reuse.reused.0;
            reuse.reused.0 = 0;
        }
        let sum = reuse.reused.0 + reuse.shared.0 + reuse.prefilled.0 == u64::from(self.begun.asked);
        self.text == self.begun.target
            && end.0 as usize == self.text.len()
            && reuse.prefilled.0 == u64::from(self.begun.evaluated)
            && reuse.shared.0 == u64::from(self.begun.shared)
            && reuse.dropped.0 == u64::from(self.begun.cut)
            && reuse.reused.0 == u64::from(self.begun.common)
            && (sum || !self.sessions.trims)
    }

    /// Whether a decode is answered exactly. A cancelled one is held against what a cancel has to leave instead.
    fn is_decoded(&self, finish: FinishReason, generated: u64, broken: &mut Broken) -> bool {
        mark(match finish {
            FinishReason::EndOfGeneration => "session: decode ended by the model",
            FinishReason::Length => "session: decode ended by length",
            FinishReason::ContextFull { .. } => "session: decode ended by a full context",
            FinishReason::StopString => "session: decode ended by a stop string",
            FinishReason::Cancelled => "session: decode cancelled",
        });
        let whole = self.text == self.begun.target && generated == u64::from(self.begun.emitted);
        if finish != FinishReason::Cancelled {
            return whole;
        }
        // T5: everything that was handed out and nothing else; where the cache can't be cut, what is in it again.
        let kept = whole || !self.sessions.trims && self.begun.target.begins_with(self.text);
        if !kept || !self.begun.cancelled {
            broken.note(Rule::CancelAfterState);
        }
        true
    }

    /// Holds the session against what a failure has to leave.
    fn check_failure(&self, failure: Failure, broken: &mut Broken) {
        mark(match failure {
            Failure::Cancelled => "session: answered as cancelled",
            Failure::Refused(_) => "session: restore refused",
            Failure::Closed => "session: answered as closed",
            Failure::Fenced => "session: answered as fenced",
            Failure::Backend => "session: answered as failed",
            Failure::Fatal => "session: answered as fatal",
            Failure::Storage => "session: answered as not written",
        });
        let restores = self.begun.operation == Operation::Restore;
        match failure {
            Failure::Cancelled if !self.is_left_by_cancel() => broken.note(Rule::CancelAfterState),
            Failure::Refused(_) if !self.as_it_was => broken.note(Rule::RefusedChanged),
            Failure::Backend if restores && !self.as_it_was => broken.note(Rule::RefusedChanged),
            _ => {}
        }
    }

    /// T5: whether a cancel leaves this.
    fn is_left_by_cancel(&self) -> bool {
        let Due { begun, text, .. } = self;
        let untouched = begun.evaluated == 0 && begun.shared == 0 && begun.cut == 0;
        let kept = match begun.operation {
            _ if untouched => *text == begun.before,
            Operation::EnsurePrefix => begun.target.begins_with(*text),
            Operation::PrefillSuffix => {
                let longer = text.begins_with(begun.before) || !self.sessions.trims;
                begun.target.begins_with(*text) && longer
            }
            _ => self.as_it_was,
        };
        kept && begun.cancelled
    }
}

/// Tells a session with the contents of its cache from every other.
fn fingerprint(owner: &Owner, session: &Session) -> u64 {
    let cells = session.sequence().map(|sequence| owner.cells(sequence));
    let bytes = names::digest(&(session.tape(), session.pending(), cells)).0;
    u64::from_be_bytes(std::array::from_fn(|index| bytes[index]))
}
