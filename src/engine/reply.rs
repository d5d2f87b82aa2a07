//! One answer from the thread to one async caller.
//!
//! ```text
//!     Waiting --send--> Sent --> Taken
//!        |--caller goes away--> Gone (the operation is cancelled)
//!        '--reply dropped-----> Unsent (the thread has ended)
//! ```
//!
//! Every step is taken under one lock: an answer either reaches the caller, or goes back to the thread, or is dropped with the
//! caller's end; it is never lost between them.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::bell::Bell;
use crate::sync::{Arc, Mutex, seeded};

/// The two ends of one answer. A caller that goes away before it came rings `bell`.
pub(crate) fn reply<T>(bell: Bell) -> (Reply<T>, Answer<T>) {
    let shared = Arc::new(Shared { state: Mutex::new(State::Waiting(None)), bell });
    (Reply(shared.clone()), Answer(shared))
}

/// Where the answer goes. Dropped without one, the caller hears [`Unsent`].
pub(crate) struct Reply<T>(Arc<Shared<T>>);

/// The answer to come, as a future. Dropped, the question is cancelled. Not to be polled again once it is ready.
#[must_use]
pub(crate) struct Answer<T>(Arc<Shared<T>>);

/// There will be no answer: whoever was to give it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there will be no answer")]
pub(crate) struct Unsent;

struct Shared<T> {
    state: Mutex<State<T>>,
    bell: Bell,
}

enum State<T> {
    Waiting(Option<Waker>),
    Sent(T),
    /// By the caller: nothing comes any more.
    Taken,
    Gone,
    Unsent,
}

impl<T> Reply<T> {
    /// Answers.
    ///
    /// # Errors
    /// The answer, if the caller has gone away: what it stands for is to be undone.
    pub(crate) fn send(self, answer: T) -> Result<(), T> {
        let state = self.0.state.lock();
        if matches!(*state, State::Gone) {
            return Err(answer);
        }
        let mut state = seeded!(AnsweredAfterLook, state, {
            drop(state);
            self.0.state.lock()
        });
        let before = std::mem::replace(&mut *state, State::Sent(answer));
        drop(state);
        before.wake();
        Ok(())
    }

    /// Whether the caller has gone away.
    pub(crate) fn is_cancelled(&self) -> bool {
        matches!(*self.0.state.lock(), State::Gone)
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        if !matches!(*state, State::Waiting(_)) {
            return;
        }
        let before = std::mem::replace(&mut *state, State::Unsent);
        drop(state);
        seeded!(UnsentUnheard, before.wake(), drop(before));
    }
}

impl<T> Future for Answer<T> {
    type Output = Result<T, Unsent>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let waker = context.waker().clone();
        let mut state = self.0.state.lock();
        match std::mem::replace(&mut *state, State::Taken) {
            State::Sent(answer) => Poll::Ready(Ok(answer)),
            State::Waiting(before) => {
                seeded!(LookedThenWaited, *state = State::Waiting(Some(waker)), {
                    *state = State::Waiting(None);
                    drop(state);
                    state = self.0.state.lock();
                    if let State::Waiting(place) = &mut *state {
                        *place = Some(waker);
                    }
                });
                drop(state);
                // Outside the lock: the last waker of a task may end the task, and with it another answer.
                drop(before);
                Poll::Pending
            }
            State::Taken | State::Gone | State::Unsent => Poll::Ready(Err(Unsent)),
        }
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        let before = std::mem::replace(&mut *state, State::Gone);
        drop(state);
        if matches!(before, State::Waiting(_)) {
            seeded!(GoneUnheard, self.0.bell.ring(), {});
        }
        // Outside the lock: an answer that was not taken may have something to undo.
        drop(before);
    }
}

impl<T> State<T> {
    fn wake(self) {
        if let State::Waiting(Some(waker)) = self {
            waker.wake();
        }
    }
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Answer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn the_answer_comes_to_who_asked() {
        let bell = Bell::new();
        let (reply, answer) = reply(bell.clone());
        assert!(!reply.is_cancelled());
        let thread = std::thread::spawn(move || reply.send(7));
        assert_eq!(answer.await, Ok(7));
        assert_eq!(thread.join().unwrap(), Ok(()));
        assert!(!bell.wait(Duration::ZERO), "what was answered is not cancelled");
    }

    #[tokio::test]
    async fn an_end_without_an_answer_is_heard() {
        let (reply, answer) = reply::<()>(Bell::new());
        drop(reply);
        assert_eq!(answer.await, Err(Unsent));
    }

    #[test]
    fn who_goes_away_cancels_and_the_answer_comes_back() {
        let bell = Bell::new();
        let (reply, answer) = reply(bell.clone());
        drop(answer);
        assert!(bell.wait(Duration::ZERO));
        assert!(reply.is_cancelled());
        assert_eq!(reply.send(7), Err(7));
    }

    #[test]
    fn an_answer_that_was_not_taken_ends_with_the_caller() {
        let (reply, answer) = reply(Bell::new());
        let value = std::rc::Rc::new(());
        assert!(reply.send(value.clone()).is_ok());
        drop(answer);
        assert_eq!(std::rc::Rc::strong_count(&value), 1);
    }
}
