//! A value that is changed here and waited for there.
//!
//! Every change and every look is one step under one lock, and whoever waits leaves its waker in the step in which it looks: a change
//! between them can't go unheard. Changes that come faster than they are looked at are seen as one.

use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use crate::sync::{Arc, Mutex, seeded};

/// A value that others wait for. All clones are the same one.
pub(crate) struct Board<T>(Arc<Mutex<State<T>>>);

struct State<T> {
    value: T,
    /// How many waits there were: their names.
    waits: u64,
    wakers: Vec<(u64, Waker)>,
}

impl<T> Board<T> {
    /// A board that says `value`.
    pub(crate) fn new(value: T) -> Self {
        Board(Arc::new(Mutex::new(State { value, waits: 0, wakers: Vec::new() })))
    }

    /// Changes the value, and wakes all who wait.
    pub(crate) fn change(&self, change: impl FnOnce(&mut T)) {
        let mut state = self.0.lock();
        change(&mut state.value);
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        let heard = seeded!(ChangeHeardByHalf, wakers.len(), wakers.len() / 2);
        wakers.into_iter().take(heard).for_each(|(_, waker)| waker.wake());
    }

    /// What `read` finds in the value at this moment.
    pub(crate) fn look<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.0.lock().value)
    }

    /// Waits until `find` finds something in the value. Cancel-safe.
    pub(crate) async fn until<R>(&self, mut find: impl FnMut(&T) -> Option<R>) -> R {
        let mut wait = Wait { board: self, name: None };
        poll_fn(|context| wait.poll(context, &mut find)).await
    }
}

/// A wait. Dropped, it leaves no waker behind.
struct Wait<'board, T> {
    board: &'board Board<T>,
    name: Option<u64>,
}

impl<T> Wait<'_, T> {
    fn poll<R>(&mut self, context: &mut Context<'_>, find: impl FnOnce(&T) -> Option<R>) -> Poll<R> {
        let waker = context.waker().clone();
        let state = self.board.0.lock();
        if let Some(found) = find(&state.value) {
            return Poll::Ready(found);
        }
        let mut state = seeded!(LookedThenWaited, state, {
            drop(state);
            self.board.0.lock()
        });
        let name = self.name.unwrap_or(state.waits);
        if self.name.replace(name).is_none() {
            state.waits += 1;
        }
        let before = state.forget(name);
        state.wakers.push((name, waker));
        drop(state);
        // Outside the lock: the last waker of a task may end the task, and with it another wait.
        drop(before);
        Poll::Pending
    }
}

impl<T> Drop for Wait<'_, T> {
    fn drop(&mut self) {
        let Some(name) = self.name else { return };
        let waker = self.board.0.lock().forget(name);
        drop(waker);
    }
}

impl<T> State<T> {
    fn forget(&mut self, name: u64) -> Option<Waker> {
        let position = self.wakers.iter().position(|(other, _)| *other == name)?;
        Some(self.wakers.swap_remove(position).1)
    }
}

impl<T> Clone for Board<T> {
    fn clone(&self) -> Self {
        Board(self.0.clone())
    }
}

impl<T: fmt::Debug> fmt::Debug for Board<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.look(|value| f.debug_tuple("Board").field(value).finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everybody_hears_what_they_wait_for() {
        let board = Board::new(0);
        let waits = [1, 2].map(|least| {
            let board = board.clone();
            tokio::spawn(async move { board.until(|value| (least <= *value).then_some(*value)).await })
        });
        tokio::task::yield_now().await;
        board.change(|value| *value = 2);
        for wait in waits {
            assert_eq!(wait.await.unwrap(), 2);
        }
        assert_eq!(board.look(|value| *value), 2);
    }

    #[tokio::test]
    async fn a_wait_that_is_dropped_leaves_nothing() {
        let board = Board::new(());
        tokio::select! {
            biased;
            () = board.until(|()| None) => unreachable!("there is nothing to find"),
            () = async {} => {}
        }
        assert!(board.0.lock().wakers.is_empty());
    }
}
