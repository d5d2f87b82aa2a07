//! One session: its tape, the operation under way, and what it wants next.
//!
//! ```text
//!                 .------ prefix, suffix, decode -------.
//!                 v                                     |
//!     Idle --> Truncate --> Evaluate ..--> Sample --> Emit
//!      ^          |            |  ^          |   <------'
//!      |          | unknown    |  '----------'
//!      |          v            |
//!      |        Repair ----> Answer ---> Idle / Fatal / End
//!      |                       ^
//!      '-- snapshot: Save -----|
//!      '-- restore: Read --> Load --> give the spare or the old sequence back
//!
//!     Fatal --> Clear         End --> Clear --> Gone
//! ```
//!
//! It does nothing by itself. It is asked for an operation ([`Session::ask`]), names the next effect ([`Session::begin`]) and
//! takes what was seen ([`Session::seen`]); between the two the effect is *in flight*, and a caller who goes away, a close or
//! a fence ([`Session::cancel`], [`Session::end`]) waits for it: for one batch at most (T5). Otherwise they take hold at once.
//!
//! It fails by [`Failure`]. Where nobody can tell what is in the cache the session cuts it back to what is known, and
//! is fatal where that fails (T2). Which sequence of the cache it has is the decision of the [`table`](super::table).

use core::mem;

use alloc::vec::Vec;

use crate::session::effect::{Answer, Ask, Effect, Failure, Item, Refusal, Seen, Sequence, Ticket};
use crate::session::finish::FinishReason;
use crate::session::operation::{Activity, Admission, Operation};
use crate::session::snapshot::{Digest, Head, Refused};
use crate::session::state::{Decode, Feed, State, Then, Work};
use crate::session::tape::{Plan, Reuse, Tape, TokenCount, TokenId};

/// A session of a resident model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Session {
    identity: Digest,
    limit: usize,
    tape: Tape,
    /// Handed out, and not in the cache yet: what is evaluated next begins with it. Then the tape has no tail.
    pending: Option<TokenId>,
    /// Whether the outputs behind the last resident position are at hand.
    fresh: bool,
    sequence: Option<Sequence>,
    /// A second sequence, while a snapshot is being restored.
    spare: Option<Sequence>,
    ticket: Ticket,
    operation: Operation,
    cancelled: bool,
    ending: Option<Ending>,
    in_flight: bool,
    state: State,
}

/// Why a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ending {
    /// Somebody closed it.
    Closed,
    /// Its owner is fenced.
    Fenced,
}

/// An observation of an operation that has ended, or of an effect that nobody asked for. It changed nothing (T8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("an answer came that the session does not wait for")]
pub struct Stale;

/// A sequence that a session has no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Freed {
    /// Which.
    pub sequence: Sequence,
    /// Whether it is surely empty.
    pub empty: bool,
}

impl Session {
    /// A session of the model that `identity` tells from every other, with nothing on its tape and room for `limit` tokens, in
    /// a sequence that is empty and nobody else's (T3).
    pub fn new(identity: Digest, sequence: Sequence, limit: usize) -> Self {
        Session {
            identity,
            limit,
            tape: Tape::new(),
            pending: None,
            fresh: false,
            sequence: Some(sequence),
            spare: None,
            ticket: Ticket::default(),
            operation: Operation::Explain,
            cancelled: false,
            ending: None,
            in_flight: false,
            state: State::Idle,
        }
    }

    /// Begins an operation, or refuses it before anything is changed. `spare` is a sequence that is empty and nobody else's,
    /// and is needed for a restore.
    ///
    /// # Errors
    /// [`Refusal`]; the session is as it was.
    pub fn ask(&mut self, ask: &Ask, spare: Option<Sequence>) -> Result<Ticket, Refusal> {
        match self.ending {
            Some(Ending::Fenced) => return Err(Refusal::Fenced),
            Some(Ending::Closed) => return Err(Refusal::Closed),
            None => {}
        }
        match self.activity().admits(ask.operation()) {
            Admission::Begin => {}
            Admission::EndFirst => return Err(Refusal::NotYet),
            Admission::Busy(operation) => return Err(Refusal::Busy(operation)),
            Admission::Fatal => return Err(Refusal::Fatal),
        }
        let state = match ask {
            Ask::Prefix(tokens) => {
                let plan = self.tape.plan_prefix(tokens, self.limit);
                let plan = plan.map_err(|_| self.overflow(0, tokens.len()))?;
                self.perform(plan, Work::Prefill)
            }
            Ask::Suffix(tokens) => {
                let tokens: Vec<TokenId> = self.pending.iter().chain(tokens).copied().collect();
                let plan = self.tape.plan_suffix(&tokens, self.limit);
                let plan = plan.map_err(|_| self.overflow(self.tape.end(), tokens.len()))?;
                self.perform(plan, Work::Prefill)
            }
            Ask::Decode { max_tokens } => self.decode(Decode { generated: 0, max_tokens: *max_tokens })?,
            Ask::Snapshot => State::Save,
            Ask::Restore(id) => {
                self.spare = Some(spare.ok_or(Refusal::NoSequence)?);
                State::Read(*id)
            }
        };
        self.ticket = self.ticket.next();
        self.operation = ask.operation();
        self.cancelled = false;
        self.state = state;
        Ok(self.ticket)
    }

    /// The caller of this operation went away or asked for its end. Of another operation: nothing happens (T8).
    pub fn cancel(&mut self, ticket: Ticket) {
        if ticket == self.ticket && self.is_running() {
            self.cancelled = true;
            self.settle();
        }
    }

    /// The session is to end. A fence outweighs a close.
    pub fn end(&mut self, ending: Ending) {
        self.ending = self.ending.max(Some(ending));
        self.settle();
    }

    /// What it wants; `None` while an effect is in flight, and where it waits to be asked. An evaluation names all that is left.
    pub fn wants(&self) -> Option<Effect> {
        if self.in_flight { None } else { self.effect(usize::MAX) }
    }

    /// Puts what it wants in flight, an evaluation with `most` tokens at most.
    pub fn begin(&mut self, most: usize) -> Option<Effect> {
        if self.in_flight {
            return None;
        }
        let effect = self.effect(most)?;
        if let (State::Feed(feed, _), Effect::Evaluate { count, .. }) = (&mut self.state, effect) {
            feed.attempted = count;
            // Whatever comes of it, the outputs of the batch before are gone.
            self.fresh = false;
        }
        self.in_flight = true;
        Some(effect)
    }

    /// Takes what was seen of the effect in flight. `ticket` is what [`ticket`](Self::ticket) was when it began.
    ///
    /// # Errors
    /// [`Stale`] if nothing of that operation is in flight: nothing was changed.
    pub fn seen(&mut self, ticket: Ticket, seen: Seen) -> Result<Option<Freed>, Stale> {
        if !self.in_flight || ticket != self.ticket {
            return Err(Stale);
        }
        self.in_flight = false;
        let state = mem::replace(&mut self.state, State::Gone);
        let mut freed = None;
        self.state = match (state, seen) {
            (state, Seen::Fenced) if state.is_gated() => {
                self.ending = Some(Ending::Fenced);
                state
            }

            (State::Cut(plan, work), seen) => self.cut_off(plan, work, seen),

            (State::Feed(feed, work), Seen::Evaluated { came, failed }) => self.fed(feed, work, came, failed),
            (State::Feed(..), Seen::Failed) => State::failed(Failure::Backend),
            // T2: a batch changes nothing before its first position.
            (State::Feed(..), _) => State::Repair(self.tape.resident(), self.pending),

            (State::Repair(keep, waiting), Seen::Done) => {
                self.cut(keep, waiting);
                State::failed(Failure::Backend)
            }
            (State::Repair(keep, _), Seen::Uncuttable) if 0 < keep => State::Repair(0, None),
            (State::Repair(..), _) => self.fail(),

            (State::Sample(decode), Seen::Sampled(Some(token))) => State::Emit(decode, token),
            (State::Sample(decode), Seen::Sampled(None)) => decode.finished(FinishReason::EndOfGeneration),
            (State::Sample(_), _) => State::failed(Failure::Backend),

            (State::Emit(decode, token), Seen::Done) => {
                self.pending = Some(token);
                self.fresh = false;
                self.next_token(Decode { generated: decode.generated + 1, ..decode })
            }
            (State::Emit(..), _) => State::failed(Failure::Backend),

            (State::Save, Seen::Saved(id)) => State::answer(Ok(Answer::Saved { id, covers: self.covers() })),
            (State::Save, _) => State::failed(Failure::Storage),

            (State::Read(asked), seen) => self.read(asked, seen),
            (State::Load(tape, pending), seen) => self.loaded(tape, pending, seen),

            (State::Return(answer), seen) => {
                freed = self.spare.take().map(|sequence| Freed { sequence, empty: seen == Seen::Done });
                State::answer(answer)
            }
            (State::Answer(_, then), _) => {
                self.cancelled = false;
                match then {
                    Then::Idle => State::Idle,
                    Then::Fatal => self.after(State::Fatal),
                    Then::End => self.after(State::End),
                }
            }
            (state @ (State::Fatal | State::End), seen) => {
                let sequence = self.spare.take().or_else(|| self.sequence.take());
                freed = sequence.map(|sequence| Freed { sequence, empty: seen == Seen::Done });
                state
            }
            (state @ (State::Idle | State::Gone), _) => state,
        };
        self.settle();
        Ok(freed)
    }

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
            State::Feed(feed, _) => &feed.rest,
            _ => &[],
        }
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

    fn is_running(&self) -> bool {
        matches!(self.activity(), Activity::Running(_) | Activity::Cancelled(_))
    }

    fn covers(&self) -> TokenCount {
        TokenCount::of(self.text().count())
    }

    fn overflow(&self, resident: usize, additional: usize) -> Refusal {
        let [resident, additional, limit] = [resident, additional, self.limit].map(TokenCount::of);
        Refusal::Overflow { resident, additional, limit }
    }

    fn effect(&self, most: usize) -> Option<Effect> {
        let sequence = self.sequence;
        match &self.state {
            State::Idle | State::Gone => None,
            State::Cut(plan, _) => Some(Effect::Truncate { sequence: sequence?, keep: plan.keep }),
            State::Repair(keep, _) => Some(Effect::Truncate { sequence: sequence?, keep: *keep }),
            State::Feed(feed, _) => {
                let (position, count) = (self.tape.resident(), feed.rest.len().min(most.max(1)));
                Some(Effect::Evaluate { sequence: sequence?, position, count })
            }
            State::Sample(_) => Some(Effect::Sample),
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

    /// Acts on a cancel, a close or a fence, unless an effect is in flight (T5).
    fn settle(&mut self) {
        if self.in_flight {
            return;
        }
        let state = mem::replace(&mut self.state, State::Gone);
        self.state = match (self.ending, state) {
            (Some(_), State::End) if self.spare.or(self.sequence).is_none() => State::Gone,
            (Some(_), state @ (State::End | State::Gone)) => state,
            (Some(_), State::Idle | State::Fatal) => {
                let state = self.after(State::End);
                if self.spare.or(self.sequence).is_none() { State::Gone } else { state }
            }
            (Some(Ending::Closed), State::Answer(answer, _)) => State::Answer(answer, Then::End),
            (Some(Ending::Closed), _) => State::Answer(Err(Failure::Closed), Then::End),
            (Some(Ending::Fenced), _) => State::Answer(Err(Failure::Fenced), Then::End),
            (None, state) if self.cancelled => state.cancelled(),
            (None, state) => state,
        };
    }

    /// What follows on the last operation. It has a number of its own, so that nothing late is taken for its.
    fn after(&mut self, state: State) -> State {
        self.ticket = self.ticket.next();
        state
    }

    fn decode(&mut self, decode: Decode) -> Result<State, Refusal> {
        let end = self.tape.end();
        let waiting = usize::from(self.pending.is_some());
        if end + waiting == 0 {
            return Err(Refusal::Empty);
        }
        if let Some(finish) = FinishReason::before_next(0, decode.max_tokens, end, waiting, self.limit) {
            return Ok(decode.finished(finish));
        }
        if let Some(token) = self.pending {
            return Ok(self.feed_one(token, decode));
        }
        if self.fresh && end == self.tape.resident() {
            return Ok(State::Sample(decode));
        }
        let plan = self.tape.plan_replay().ok_or(Refusal::Empty)?;
        Ok(self.perform(Plan { prefix: Some(self.tape.prefix()), ..plan }, |_| Work::Decode(decode)))
    }

    fn perform(&mut self, plan: Plan, work: impl FnOnce(Reuse) -> Work) -> State {
        let work = work(plan.reuse);
        if plan.keep < self.tape.resident() { State::Cut(plan, work) } else { self.feed_plan(plan, work) }
    }

    fn feed_plan(&mut self, plan: Plan, work: Work) -> State {
        let feed = Feed { rest: plan.feed, attempted: 0, end: plan.end, prefix: plan.prefix };
        if feed.rest.is_empty() { self.finish(feed, work) } else { State::Feed(feed, work) }
    }

    fn feed_one(&self, token: TokenId, decode: Decode) -> State {
        let end = self.tape.resident() + 1;
        State::Feed(Feed { rest: [token].into(), attempted: 0, end, prefix: None }, Work::Decode(decode))
    }

    /// What follows on the cut of a tail that is not to stay.
    fn cut_off(&mut self, plan: Plan, work: Work, seen: Seen) -> State {
        match seen {
            Seen::Done => {
                self.cut(plan.keep, plan.waiting(work));
                self.feed_plan(plan, work)
            }
            Seen::Uncuttable if 0 < plan.keep => {
                let plan = self.tape.without_trim(plan);
                let work = match work {
                    Work::Prefill(_) => Work::Prefill(plan.reuse),
                    Work::Decode(_) => work,
                };
                State::Cut(plan, work)
            }
            Seen::Failed => State::failed(Failure::Backend),
            // T2: what lies before the cut was not touched.
            _ => State::Repair(plan.keep, plan.waiting(work)),
        }
    }

    /// The tape follows what came into the cache.
    fn fed(&mut self, mut feed: Feed, work: Work, came: usize, failed: bool) -> State {
        let attempted = feed.rest.get(..feed.attempted).unwrap_or_default();
        if self.tape.follow(self.tape.resident() + came, attempted).is_err() {
            return self.fail();
        }
        if 0 < came {
            // What was handed out comes first, so it is in the cache.
            self.pending = None;
            feed.rest.drain(..came);
        }
        feed.attempted = 0;
        match () {
            () if failed => State::failed(Failure::Backend),
            () if feed.rest.is_empty() => {
                self.fresh = true;
                self.finish(feed, work)
            }
            () => State::Feed(feed, work),
        }
    }

    fn finish(&mut self, feed: Feed, work: Work) -> State {
        self.tape.commit(feed.end, feed.prefix);
        self.pending = None;
        match work {
            // T7: the reuse that is told is that of the plan, of which all was evaluated by now.
            Work::Prefill(reuse) => {
                State::answer(Ok(Answer::Prefilled { reuse, end: TokenCount::of(self.tape.end()) }))
            }
            Work::Decode(decode) => State::Sample(decode),
        }
    }

    fn next_token(&self, decode: Decode) -> State {
        let (generated, max_tokens) = (decode.generated, decode.max_tokens);
        let resident = self.tape.resident();
        match (FinishReason::before_next(generated, max_tokens, resident, 1, self.limit), self.pending) {
            (None, Some(token)) => self.feed_one(token, decode),
            (finish, _) => decode.finished(finish.unwrap_or(FinishReason::Length)),
        }
    }

    /// What follows on the reading of the snapshot that was `asked` for.
    fn read(&self, asked: Digest, seen: Seen) -> State {
        let verified = match seen {
            Seen::Read(Ok((head, found))) => {
                head.verify(asked, found, self.identity, self.limit).map(|tape| (tape, head.pending))
            }
            Seen::Read(Err(refused)) => Err(refused),
            _ => Err(Refused::Unreadable),
        };
        match verified {
            Ok((tape, pending)) => State::Load(tape, pending),
            Err(refused) => State::Return(Err(Failure::Refused(refused))),
        }
    }

    /// What follows on the load of a snapshot into the spare sequence.
    fn loaded(&mut self, tape: Tape, pending: Option<TokenId>, seen: Seen) -> State {
        match seen {
            Seen::Loaded(length) if length == tape.resident() => {
                // The only point at which a restore changes the session. Its old sequence is given back next.
                mem::swap(&mut self.sequence, &mut self.spare);
                (self.tape, self.pending, self.fresh) = (tape, pending, false);
                State::Return(Ok(Answer::Restored { covers: self.covers() }))
            }
            // T11: the session's own sequence was not touched.
            Seen::Loaded(_) => State::Return(Err(Failure::Refused(Refused::Unproven))),
            _ => State::Return(Err(Failure::Backend)),
        }
    }

    /// The tape follows a cache that holds `keep` positions and nothing behind them.
    fn cut(&mut self, keep: usize, waiting: Option<TokenId>) {
        if keep < self.tape.resident() {
            self.fresh = false;
        }
        self.tape.keep(keep);
        self.pending = waiting;
    }

    /// Nobody can tell what is in the cache: nothing of it is used again (T10).
    fn fail(&mut self) -> State {
        (self.tape, self.pending, self.fresh) = (Tape::new(), None, false);
        State::Answer(Err(Failure::Fatal), Then::Fatal)
    }
}
