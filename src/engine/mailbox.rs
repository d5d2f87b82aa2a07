//! Bounded commands from many async senders to one thread.
//!
//! ```text
//!     Sender -- room? --> queue --> Receiver (never waits; it sleeps by its bell)
//!        '-- no: in the line --'
//! ```
//!
//! Room is given in the order in which senders asked for it: with room for `n` more, the first `n` of the line may put their
//! commands, and nobody overtakes them. A sender that gives up passes its place on. When the receiver is dropped, what lies in the
//! queue is dropped with it and every sender hears [`Closed`].

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use super::bell::Bell;
use crate::sync::{Arc, Mutex, seeded};

/// A mailbox with room for `capacity` commands, at least one. Each command that comes rings `bell`.
pub(crate) fn mailbox<T>(capacity: usize, bell: Bell) -> (Sender<T>, Receiver<T>) {
    let state = State {
        queue: VecDeque::new(),
        capacity: capacity.max(1),
        line: VecDeque::new(),
        tickets: 0,
        is_closed: false,
    };
    let shared = Arc::new(Shared { state: Mutex::new(state), bell });
    (Sender(shared.clone()), Receiver(shared))
}

/// Puts commands into a mailbox. Clones stand in one line.
pub(crate) struct Sender<T>(Arc<Shared<T>>);

/// Takes the commands out of a mailbox.
pub(crate) struct Receiver<T>(Arc<Shared<T>>);

/// The receiver is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody takes commands any more")]
pub(crate) struct Closed;

struct Shared<T> {
    state: Mutex<State<T>>,
    bell: Bell,
}

struct State<T> {
    queue: VecDeque<T>,
    capacity: usize,
    /// Who waits for room, by ticket.
    line: VecDeque<(u64, Waker)>,
    /// How many were given out.
    tickets: u64,
    is_closed: bool,
}

impl<T> Sender<T> {
    /// Puts a command into the mailbox, once there is room. Dropped before it is done, it has put nothing.
    ///
    /// # Errors
    /// [`Closed`]; the command is dropped.
    pub(crate) async fn send(&self, command: T) -> Result<(), Closed> {
        let (mut command, mut place) = (Some(command), Place { shared: &self.0, ticket: None });
        poll_fn(|context| place.poll(&mut command, context)).await
    }

    /// Whether the receiver is gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.state.lock().is_closed
    }
}

impl<T> Receiver<T> {
    /// The next command, if there is one.
    pub(crate) fn try_recv(&self) -> Option<T> {
        let mut state = self.0.state.lock();
        let command = state.queue.pop_front()?;
        let next = state.last_with_room();
        drop(state);
        wake(next);
        Some(command)
    }
}

/// A sender's place in the line.
struct Place<'sender, T> {
    shared: &'sender Shared<T>,
    /// `None`: not in the line.
    ticket: Option<u64>,
}

impl<T> Place<'_, T> {
    fn poll(&mut self, command: &mut Option<T>, context: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let mut state = self.shared.state.lock();
        if state.is_closed {
            self.ticket = None;
            return Poll::Ready(Err(Closed));
        }
        let position = state.position(self.ticket);
        let ahead = seeded!(RoomOvertaken, position.unwrap_or(state.line.len()), 0);
        if state.room() <= ahead {
            let before = self.stay(&mut state, position, context.waker().clone());
            drop(state);
            // Outside the lock: the last waker of a task may end the task, and with it another place.
            drop(before);
            return Poll::Pending;
        }
        let place = position.and_then(|position| state.line.remove(position));
        self.ticket = None;
        let mut state = seeded!(PutAfterLook, state, {
            drop(state);
            self.shared.state.lock()
        });
        state.queue.extend(command.take());
        drop(state);
        drop(place);
        seeded!(SendWithoutRing, self.shared.bell.ring(), {});
        Poll::Ready(Ok(()))
    }

    /// Takes a place in the line, or leaves the waker in it; gives the waker from before.
    fn stay(&mut self, state: &mut State<T>, position: Option<usize>, waker: Waker) -> Option<Waker> {
        if let Some(position) = position {
            return Some(std::mem::replace(&mut state.line[position].1, waker));
        }
        let ticket = state.tickets;
        state.tickets += 1;
        state.line.push_back((ticket, waker));
        self.ticket = Some(ticket);
        None
    }
}

impl<T> Drop for Place<'_, T> {
    fn drop(&mut self) {
        if self.ticket.is_none() {
            return;
        }
        let mut state = self.shared.state.lock();
        let Some(position) = state.position(self.ticket) else { return };
        let place = state.line.remove(position);
        // Had it room already, then the next one has it who had none.
        let next = if position < state.room() { state.last_with_room() } else { None };
        drop(state);
        drop(place);
        seeded!(RoomOfTheGone, wake(next), drop(next));
    }
}

impl<T> State<T> {
    fn room(&self) -> usize {
        self.capacity.saturating_sub(self.queue.len())
    }

    fn position(&self, ticket: Option<u64>) -> Option<usize> {
        let ticket = ticket?;
        self.line.iter().position(|(other, _)| *other == ticket)
    }

    /// The last one of the line for whom there is room: the one to wake where a place of room came free.
    fn last_with_room(&self) -> Option<Waker> {
        let (_, waker) = self.line.get(self.room().checked_sub(1)?)?;
        Some(waker.clone())
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.is_closed = true;
        let (queue, line) = (std::mem::take(&mut state.queue), std::mem::take(&mut state.line));
        drop(state);
        // Outside the lock: whoever waits for the answer to a command is woken by its end.
        drop(queue);
        seeded!(CloseUnheard, line.into_iter().for_each(|(_, waker)| waker.wake()), drop(line));
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender(self.0.clone())
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("is_closed", &self.is_closed()).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Polls a future that is not to be ready.
    async fn stands<F: Future>(future: &mut std::pin::Pin<&mut F>) {
        poll_fn(|context| {
            assert!(future.as_mut().poll(context).is_pending(), "there was room");
            Poll::Ready(())
        })
        .await;
    }

    #[tokio::test]
    async fn commands_come_in_order_and_ring() {
        let bell = Bell::new();
        let (sender, receiver) = mailbox(2, bell.clone());
        assert!(receiver.try_recv().is_none());
        sender.send(1).await.unwrap();
        sender.clone().send(2).await.unwrap();
        assert!(bell.wait(Duration::ZERO));
        assert_eq!([receiver.try_recv(), receiver.try_recv(), receiver.try_recv()], [Some(1), Some(2), None]);
    }

    #[tokio::test]
    async fn room_is_given_in_the_order_of_the_line() {
        let (sender, receiver) = mailbox(1, Bell::new());
        sender.send(0).await.unwrap();
        let mut first = std::pin::pin!(sender.send(1));
        let mut second = std::pin::pin!(sender.send(2));
        stands(&mut first).await;
        stands(&mut second).await;
        assert_eq!(receiver.try_recv(), Some(0));
        stands(&mut second).await;
        let mut late = std::pin::pin!(sender.send(3));
        stands(&mut late).await;
        assert_eq!(first.await, Ok(()));
        assert_eq!(receiver.try_recv(), Some(1));
        assert_eq!(second.await, Ok(()));
        assert_eq!(receiver.try_recv(), Some(2));
        assert_eq!(late.await, Ok(()));
    }

    #[tokio::test]
    async fn who_gives_up_has_put_nothing_and_is_in_nobodys_way() {
        let (sender, receiver) = mailbox(1, Bell::new());
        sender.send(0).await.unwrap();
        {
            let mut hasty = std::pin::pin!(sender.send(1));
            stands(&mut hasty).await;
            assert_eq!(receiver.try_recv(), Some(0), "the room is for the hasty one");
        }
        sender.send(2).await.unwrap();
        assert_eq!([receiver.try_recv(), receiver.try_recv()], [Some(2), None]);
    }

    #[tokio::test]
    async fn the_end_of_the_receiver_is_heard_by_all() {
        let (sender, receiver) = mailbox(1, Bell::new());
        let command = std::sync::Arc::new(());
        sender.send(command.clone()).await.unwrap();
        let mut waiting = std::pin::pin!(sender.send(command.clone()));
        stands(&mut waiting).await;
        assert!(!sender.is_closed());
        drop(receiver);
        assert_eq!(waiting.await, Err(Closed));
        assert_eq!(sender.send(command.clone()).await, Err(Closed));
        assert!(sender.is_closed());
        assert_eq!(std::sync::Arc::strong_count(&command), 1, "nothing lies in the queue");
    }
}
