//! One work that many wait for.
//!
//! ```text
//!     Running(progress) --finish--> Done(outcome)
//!         |--nobody waits when it is looked--> Abandoned (nobody can come to wait any more)
//!         '--publisher dropped---------------> Lost
//! ```
//!
//! Who joins and who gives up the work do so under one lock: a work is either joined and goes on, or given up and not joined. The outcome
//! stays for those who come after it.

use std::fmt;
use std::future::poll_fn;
use std::ops::ControlFlow;
use std::task::{Context, Poll, Waker};

use crate::sync::{Arc, Mutex, seeded};

/// A work for which nobody waits yet.
pub(crate) fn flight<P: Clone, O: Clone>(progress: P) -> (Publisher<P, O>, Flight<P, O>) {
    let state =
        State { stage: Stage::Running(progress), version: 1, waiters: 0, watches: 0, wakers: Vec::new() };
    let shared = Arc::new(Mutex::new(state));
    (Publisher(shared.clone()), Flight(shared))
}

/// Held by whoever does the work. Dropped without an outcome, those who wait see [`Seen::Lost`].
pub(crate) struct Publisher<P: Clone, O: Clone>(Arc<Mutex<State<P, O>>>);

/// The work as others find it. All clones are the same one.
pub(crate) struct Flight<P: Clone, O: Clone>(Arc<Mutex<State<P, O>>>);

/// A wait for the work. Dropping it is no longer waiting.
pub(crate) struct Watch<P: Clone, O: Clone> {
    shared: Arc<Mutex<State<P, O>>>,
    name: u64,
    /// What was seen last; 0: nothing.
    version: u64,
}

/// What is seen of the work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen<P, O> {
    /// It goes on, and is so far.
    Progress(P),
    /// It is done.
    Done(O),
    /// Whoever did it has ended without an outcome.
    Lost,
}

struct State<P, O> {
    stage: Stage<P, O>,
    /// Counts the changes of the stage.
    version: u64,
    waiters: usize,
    /// How many watches there were: their names.
    watches: u64,
    wakers: Vec<(u64, Waker)>,
}

enum Stage<P, O> {
    Running(P),
    Done(O),
    Abandoned,
    Lost,
}

impl<P: Clone, O: Clone> Publisher<P, O> {
    /// Says how far it is. `Break`: nobody waits any more; nobody can come to wait from here on, and the work is to end.
    pub(crate) fn progress(&self, progress: P) -> ControlFlow<()> {
        let mut state = self.0.lock();
        if state.waiters == 0 {
            let mut state = seeded!(AbandonedAfterLook, state, {
                drop(state);
                self.0.lock()
            });
            state.stage = Stage::Abandoned;
            return ControlFlow::Break(());
        }
        let wakers = state.enter(Stage::Running(progress));
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
        ControlFlow::Continue(())
    }

    /// Gives the outcome to all who wait, and to those who come later.
    pub(crate) fn finish(self, outcome: O) {
        self.end(Stage::Done(outcome));
    }

    fn end(&self, stage: Stage<P, O>) {
        let mut state = self.0.lock();
        if !matches!(state.stage, Stage::Running(_)) {
            return;
        }
        let wakers = state.enter(stage);
        drop(state);
        let heard = seeded!(OutcomeHeardByHalf, wakers.len(), wakers.len() / 2);
        wakers.into_iter().take(heard).for_each(Waker::wake);
    }
}

impl<P: Clone, O: Clone> Drop for Publisher<P, O> {
    fn drop(&mut self) {
        self.end(Stage::Lost);
    }
}

impl<P: Clone, O: Clone> Flight<P, O> {
    /// Comes to wait. `None`: it was given up, and must be begun anew.
    pub(crate) fn join(&self) -> Option<Watch<P, O>> {
        let mut state = self.0.lock();
        if matches!(state.stage, Stage::Abandoned) {
            return None;
        }
        state.waiters += 1;
        state.watches += 1;
        Some(Watch { shared: self.0.clone(), name: state.watches, version: 0 })
    }

    /// What is to be seen of it at this moment; `None` if it was given up.
    pub(crate) fn seen(&self) -> Option<Seen<P, O>> {
        self.0.lock().seen()
    }
}

impl<P: Clone, O: Clone> Watch<P, O> {
    /// What is to be seen of the work: at once the first time, then when it has changed. Changes that come faster than they are looked at
    /// are seen as one. After the end it gives the end again, at once. Cancel-safe.
    pub(crate) async fn changed(&mut self) -> Seen<P, O> {
        poll_fn(|context| self.poll_changed(context)).await
    }

    /// The outcome; `None` if there will be none. Cancel-safe.
    pub(crate) async fn outcome(&mut self) -> Option<O> {
        loop {
            match self.changed().await {
                Seen::Progress(_) => {}
                Seen::Done(outcome) => return Some(outcome),
                Seen::Lost => return None,
            }
        }
    }

    fn poll_changed(&mut self, context: &mut Context<'_>) -> Poll<Seen<P, O>> {
        let waker = context.waker().clone();
        let mut state = self.shared.lock();
        if state.version != self.version || !matches!(state.stage, Stage::Running(_)) {
            self.version = seeded!(SeenUnnoted, state.version, self.version);
            return Poll::Ready(state.seen().unwrap_or(Seen::Lost));
        }
        let before = state.forget(self.name);
        state.wakers.push((self.name, waker));
        drop(state);
        // Outside the lock: the last waker of a task may end the task, and with it another watch.
        drop(before);
        Poll::Pending
    }
}

impl<P: Clone, O: Clone> Drop for Watch<P, O> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.waiters -= 1;
        let waker = state.forget(self.name);
        drop(state);
        drop(waker);
    }
}

impl<P: Clone, O: Clone> State<P, O> {
    /// Gives who must be woken.
    fn enter(&mut self, stage: Stage<P, O>) -> Vec<Waker> {
        self.stage = stage;
        self.version += 1;
        self.wakers.drain(..).map(|(_, waker)| waker).collect()
    }

    fn seen(&self) -> Option<Seen<P, O>> {
        match &self.stage {
            Stage::Running(progress) => Some(Seen::Progress(progress.clone())),
            Stage::Done(outcome) => Some(Seen::Done(outcome.clone())),
            Stage::Lost => Some(Seen::Lost),
            Stage::Abandoned => None,
        }
    }

    fn forget(&mut self, name: u64) -> Option<Waker> {
        let position = self.wakers.iter().position(|(other, _)| *other == name)?;
        Some(self.wakers.swap_remove(position).1)
    }
}

impl<P: Clone, O: Clone> Clone for Flight<P, O> {
    fn clone(&self) -> Self {
        Flight(self.0.clone())
    }
}

impl<P: Clone, O: Clone> fmt::Debug for Publisher<P, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").finish_non_exhaustive()
    }
}

impl<P: Clone, O: Clone> fmt::Debug for Flight<P, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flight").finish_non_exhaustive()
    }
}

impl<P: Clone, O: Clone> fmt::Debug for Watch<P, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn progress_is_seen_by_all_and_the_outcome_by_those_after() {
        let (publisher, flight) = flight::<u32, &str>(0);
        let (mut early, mut late) = (flight.join().unwrap(), flight.join().unwrap());
        assert_eq!(early.changed().await, Seen::Progress(0));
        assert_eq!(publisher.progress(1), ControlFlow::Continue(()));
        assert_eq!(publisher.progress(2), ControlFlow::Continue(()));
        assert_eq!(early.changed().await, Seen::Progress(2));
        publisher.finish("loaded");
        assert_eq!(early.changed().await, Seen::Done("loaded"));
        assert_eq!(late.outcome().await, Some("loaded"));
        assert_eq!(late.outcome().await, Some("loaded"), "the end stays");
        drop((early, late));
        assert_eq!(flight.join().unwrap().outcome().await, Some("loaded"), "for those after it too");
    }

    #[test]
    fn what_nobody_waits_for_is_given_up_when_it_is_looked_at() {
        let (publisher, flight) = flight::<u32, &str>(0);
        let (first, second) = (flight.join(), flight.join());
        drop(first);
        assert_eq!(publisher.progress(1), ControlFlow::Continue(()));
        drop(second);
        let third = flight.join();
        assert!(third.is_some(), "nobody has looked yet");
        assert_eq!(publisher.progress(2), ControlFlow::Continue(()));
        drop(third);
        assert_eq!(publisher.progress(3), ControlFlow::Break(()));
        assert!(flight.join().is_none() && flight.seen().is_none());
        publisher.finish("too late");
        assert!(flight.join().is_none());
    }

    #[tokio::test]
    async fn a_work_that_ends_without_a_word_is_lost() {
        let (publisher, flight) = flight::<u32, &str>(0);
        let mut watch = flight.join().unwrap();
        drop(publisher);
        assert_eq!(watch.outcome().await, None);
        assert_eq!(flight.seen(), Some(Seen::Lost));
    }
}
