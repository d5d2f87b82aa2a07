//! What a session shows of itself; nothing is changed here.

use super::Session;
use crate::session::effect::{Answer, Effect, Failure, Item, Refusal, Sequence, Ticket};
use crate::session::operation::Activity;
use crate::session::snapshot::Head;
use crate::session::state::{Shared, State, Then, Work};
use crate::session::tape::{Tape, TokenCount, TokenId};

impl Session {
    /// The tape.
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// The token that was handed out and is not in the cache yet.
    pub fn pending(&self) -> Option<TokenId> {
        self.pending
    }

    /// What the caller has said and got: the tape up to its end, and the token behind it that was handed out.
    pub fn text(&self) -> impl Iterator<Item = TokenId> + '_ {
        self.tape.tokens().iter().take(self.tape.end()).chain(&self.pending).copied()
    }

    /// Tokens that there is room for.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// The sequence that the tape is in; `None` once it was given back.
    pub fn sequence(&self) -> Option<Sequence> {
        self.sequence
    }

    /// The second sequence, while a snapshot is being restored.
    pub fn spare(&self) -> Option<Sequence> {
        self.spare
    }

    /// The number of the operation under way, or of the last one.
    pub fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// The effect that was begun and whose end was not seen yet.
    pub fn in_flight(&self) -> Option<Effect> {
        let most = match &self.state {
            State::Feed(feed, _) => feed.attempted,
            _ => usize::MAX,
        };
        if self.in_flight { self.effect(most) } else { None }
    }

    /// The tokens that go into the cache next, in order; empty where none do.
    pub fn feed(&self) -> &[TokenId] {
        match &self.state {
            State::Share(_, feed, _) | State::Feed(feed, _) => &feed.rest,
            _ => &[],
        }
    }

    /// How many of the last tokens of [`feed`](Self::feed) are guesses: the outputs behind each token before them are wanted, too.
    pub fn guesses(&self) -> usize {
        match &self.state {
            State::Feed(feed, _) => feed.guesses,
            _ => 0,
        }
    }

    /// Whether the next token of a text is what it evaluates for.
    pub fn is_generating(&self) -> bool {
        matches!(&self.state, State::Feed(feed, Work::Decode(_) | Work::Replay(_)) if feed.rest.len() == feed.guesses + 1)
    }

    /// Behind how many of the last resident positions the outputs are at hand: whoever performs the effects keeps them until
    /// the next batch of this session begins or this number falls.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The answer that is due.
    pub fn answer(&self) -> Option<Result<Answer, Failure>> {
        match self.state {
            State::Answer(answer, _) => Some(answer),
            _ => None,
        }
    }

    /// What a snapshot of it says.
    pub fn head(&self) -> Head {
        Head {
            identity: self.identity,
            tokens: self.tape.tokens().to_vec(),
            prefix: self.tape.prefix(),
            end: self.tape.end(),
            pending: self.pending,
        }
    }

    /// T1: whether it claims that its cache holds its tape and nothing else. Not while a batch is being evaluated or an outcome
    /// is unknown, and never again once it is fatal or ends.
    pub fn claims_cache(&self) -> bool {
        let unknown = matches!(self.state, State::Repair(..) | State::Fatal | State::End | State::Gone);
        let over = matches!(self.state, State::Answer(_, Then::Fatal | Then::End));
        !(self.in_flight || unknown || over)
    }

    /// What it does, for the decision whether an operation may begin.
    pub fn activity(&self) -> Activity {
        match self.state {
            State::Idle => Activity::Idle,
            State::Fatal | State::End | State::Gone => Activity::Fatal,
            _ if self.cancelled => Activity::Cancelled(self.operation),
            _ => Activity::Running(self.operation),
        }
    }

    /// Whether it has failed for good.
    pub fn is_fatal(&self) -> bool {
        matches!(self.state, State::Fatal | State::Answer(_, Then::Fatal))
    }

    /// Whether it is to end.
    pub fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// Whether what it does is to stop: a batch in flight may end early.
    pub fn is_interrupted(&self) -> bool {
        self.cancelled || self.is_ending()
    }

    /// Whether nothing is left of it.
    pub fn is_gone(&self) -> bool {
        matches!(self.state, State::Gone)
    }

    /// Whether it takes from other sessions what it would evaluate next (T13).
    pub(in crate::session) fn may_share(&self) -> bool {
        let is_exact = self.tape.exact() == self.tape.resident();
        !self.in_flight && is_exact && matches!(&self.state, State::Feed(feed, _) if !feed.alone)
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.activity(), Activity::Running(_) | Activity::Cancelled(_))
    }

    pub(super) fn covers(&self) -> TokenCount {
        TokenCount::of(self.text().count())
    }

    pub(super) fn overflow(&self, resident: usize, additional: usize) -> Refusal {
        let [resident, additional, limit] = [resident, additional, self.limit].map(TokenCount::of);
        Refusal::Overflow { resident, additional, limit }
    }

    pub(super) fn effect(&self, most: usize) -> Option<Effect> {
        let sequence = self.sequence;
        match &self.state {
            State::Idle | State::Gone => None,
            State::Cut(plan, _) => Some(Effect::Truncate { sequence: sequence?, keep: plan.keep }),
            State::Repair(keep, _) => Some(Effect::Truncate { sequence: sequence?, keep: *keep }),
            State::Feed(feed, _) => {
                let (position, count) = (self.tape.resident(), feed.rest.len().min(most.max(1)));
                Some(Effect::Evaluate { sequence: sequence?, position, count })
            }
            State::Share(Shared { from, count }, _, _) => {
                let (position, count) = (self.tape.resident(), *count);
                Some(Effect::Share { from: *from, to: sequence?, position, count })
            }
            State::Shift(_, position, count) => {
                let (position, count) = (*position, *count);
                Some(Effect::Shift { sequence: sequence?, position, count })
            }
            State::Sample(_) => Some(Effect::Sample { position: self.tape.end().saturating_sub(1) }),
            State::Emit(decode, token) => {
                Some(Effect::Emit(Item { ticket: self.ticket, index: decode.generated, token: *token }))
            }
            State::Save => Some(Effect::Save { sequence: sequence? }),
            State::Read(id) => Some(Effect::Read(*id)),
            State::Load(..) => Some(Effect::Load { sequence: self.spare? }),
            State::Return(_) => Some(Effect::Clear { sequence: self.spare? }),
            State::Answer(..) => Some(Effect::Answer),
            State::Fatal | State::End => Some(Effect::Clear { sequence: self.spare.or(sequence)? }),
        }
    }
}
