//! Bringing tokens into the cache: cut what is not to stay, share what another session has, evaluate the rest.

use super::Session;
use crate::session::effect::{Answer, Failure, Seen};
use crate::session::state::{Feed, Shared, State, Then, Work};
use crate::session::tape::{Plan, Reuse, Tape, TokenCount, TokenId};

impl Session {
    pub(super) fn perform(&mut self, plan: Plan, work: impl FnOnce(Reuse) -> Work) -> State {
        let work = work(plan.reuse);
        if plan.keep < self.tape.resident() { State::Cut(plan, work) } else { self.feed_plan(plan, work) }
    }

    pub(super) fn feed_plan(&mut self, plan: Plan, work: Work) -> State {
        let (end, prefix) = (plan.end, plan.prefix);
        let feed = Feed { rest: plan.feed, attempted: 0, end, prefix, guesses: 0, alone: false };
        if feed.rest.is_empty() { self.finish(feed, work) } else { State::Feed(feed, work) }
    }

    /// What follows on the cut of a tail that is not to stay.
    pub(super) fn cut_off(&mut self, plan: Plan, work: Work, seen: Seen) -> State {
        match seen {
            Seen::Done => {
                self.cut(plan.keep, plan.waiting(work));
                self.feed_plan(plan, work)
            }
            Seen::Uncuttable if 0 < plan.keep => {
                let plan = self.tape.without_trim(plan);
                let work = match work {
                    Work::Prefill(_) => Work::Prefill(plan.reuse),
                    Work::Decode(_) | Work::Replay(_) | Work::Emit(..) => work,
                };
                State::Cut(plan, work)
            }
            Seen::Failed => State::failed(Failure::Backend),
            // T2: what lies before the cut was not touched.
            _ => State::Repair(plan.keep, plan.waiting(work)),
        }
    }

    /// What follows on the cut back to what is known (T2).
    pub(super) fn repaired(&mut self, keep: usize, waiting: Option<TokenId>, seen: &Seen) -> State {
        match seen {
            Seen::Done => {
                self.cut(keep, waiting);
                State::failed(Failure::Backend)
            }
            Seen::Uncuttable if 0 < keep => State::Repair(0, None),
            _ => self.fail(),
        }
    }

    /// What follows on positions that another session has as well.
    pub(super) fn shared(&mut self, shared: Shared, mut feed: Feed, mut work: Work, seen: Seen) -> State {
        match seen {
            Seen::Done => {
                if let Work::Prefill(reuse) = &mut work {
                    let count = shared.count as u64;
                    reuse.shared.0 += count;
                    reuse.prefilled.0 = reuse.prefilled.0.saturating_sub(count);
                }
                if self.came(&mut feed, shared.count) { State::Feed(feed, work) } else { self.fail() }
            }
            Seen::Failed => State::Feed(Feed { alone: true, ..feed }, work),
            // T2: what lies before them was not touched.
            _ => State::Repair(self.tape.resident(), self.pending),
        }
    }

    /// What follows on a batch of which so many tokens came.
    pub(super) fn fed(&mut self, mut feed: Feed, work: Work, came: usize, failed: bool) -> State {
        if feed.attempted < came || !self.came(&mut feed, came) {
            return self.fail();
        }
        feed.attempted = 0;
        if 0 < came && 0 < feed.guesses {
            // T14: guesses are in the cache, and not on the text.
            self.tape.commit(feed.end, None);
            feed.rest.clear();
        }
        match () {
            () if failed => State::failed(Failure::Backend),
            () if feed.rest.is_empty() => {
                self.outputs = if 0 < feed.guesses { came } else { 1 };
                self.finish(feed, work)
            }
            () => State::Feed(feed, work),
        }
    }

    /// The tape follows what came into the cache; `false` if that can't be.
    fn came(&mut self, feed: &mut Feed, count: usize) -> bool {
        if self.tape.follow(self.tape.resident() + count, &feed.rest).is_err() {
            return false;
        }
        if 0 < count {
            // What was handed out comes first, so it is in the cache.
            self.pending = None;
            self.outputs = 0;
            feed.rest.drain(..count);
        }
        true
    }

    pub(super) fn finish(&mut self, feed: Feed, work: Work) -> State {
        self.tape.commit(feed.end, feed.prefix);
        self.pending = None;
        match work {
            // T7: the reuse that is told is that of the plan, of which all was evaluated by now.
            Work::Prefill(reuse) => {
                State::answer(Ok(Answer::Prefilled { reuse, end: TokenCount::of(self.tape.end()) }))
            }
            Work::Decode(decode) | Work::Replay(decode) => self.next_token(decode),
            Work::Emit(decode, token) => State::Emit(decode, token),
        }
    }

    /// The tape follows a cache that holds `keep` positions and nothing behind them.
    pub(super) fn cut(&mut self, keep: usize, waiting: Option<TokenId>) {
        if keep < self.tape.resident() {
            self.outputs = 0;
        }
        self.tape.keep(keep);
        self.pending = waiting;
    }

    /// Nobody can tell what is in the cache: nothing of it is used again (T10).
    pub(super) fn fail(&mut self) -> State {
        (self.tape, self.pending, self.outputs) = (Tape::new(), None, 0);
        State::Answer(Err(Failure::Fatal), Then::Fatal)
    }
}
