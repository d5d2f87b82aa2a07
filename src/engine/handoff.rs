//! The items of one decode, from the thread to one async reader.
//!
//! ```text
//!     Writer --put--> items (bounded) --> Reader --gate--> caller
//!        '----end---> fate, seen after the items
//! ```
//!
//! The writer never waits: it looks for room and leaves a session out whose reader is slow. Each item taken rings the thread's bell. Whatever
//! the reader takes passes the gate at that instant (F7): once it is closed, nothing that was put before comes out. A reader that
//! is dropped, or asks for the end, is seen as a cancel; the end comes once, since it consumes the writer.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use super::bell::Bell;
use crate::owner::gate::{Closed, Gate};
use crate::sync::{Arc, Mutex, seeded};

/// A stream of items with room for `capacity` of them, at least one, and a fate at its end.
pub(crate) fn handoff<I, E>(
    capacity: usize,
    bell: Bell,
    gate: std::sync::Arc<Gate>,
) -> (Writer<I, E>, Reader<I, E>) {
    let state = State { items: VecDeque::new(), fate: Fate::Open, waker: None, asked: false, gone: false };
    let shared = Arc::new(Shared { state: Mutex::new(state), capacity: capacity.max(1), bell, gate });
    (Writer(shared.clone()), Reader(shared))
}

/// The thread's end. Dropped without an end, the reader finds the stream [`Taken::BrokenOff`].
pub(crate) struct Writer<I, E>(Arc<Shared<I, E>>);

/// The caller's end. Dropped, it cancels the decode.
pub(crate) struct Reader<I, E>(Arc<Shared<I, E>>);

/// What a reader takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken<I, E> {
    /// An item; more may come.
    Item(I),
    /// How the decode ended; nothing comes after it.
    End(E),
    /// The thread ended without a word; nothing comes after it.
    BrokenOff,
    /// The gate is closed; nothing comes after it.
    Refused(Closed),
    /// The stream was over before.
    Over,
}

struct Shared<I, E> {
    state: Mutex<State<I, E>>,
    capacity: usize,
    bell: Bell,
    gate: std::sync::Arc<Gate>,
}

struct State<I, E> {
    items: VecDeque<I>,
    fate: Fate<E>,
    waker: Option<Waker>,
    /// The reader asked for the end, and reads on until it comes.
    asked: bool,
    /// The reader does not read any more.
    gone: bool,
}

enum Fate<E> {
    Open,
    Ended(E),
    BrokenOff,
    Over,
}

impl<I, E> Writer<I, E> {
    /// How many items may be put. It only grows until the next one is put.
    pub(crate) fn room(&self) -> usize {
        self.0.capacity.saturating_sub(self.0.state.lock().items.len())
    }

    /// Hands an item over.
    ///
    /// # Errors
    /// The item, if there is no room or nobody reads.
    pub(crate) fn put(&self, item: I) -> Result<(), I> {
        let mut state = self.0.state.lock();
        if state.gone || self.0.capacity <= state.items.len() {
            return Err(item);
        }
        state.items.push_back(item);
        let waker = state.waker.take();
        drop(state);
        wake(waker);
        Ok(())
    }

    /// Whether the reader asked for the end or went away.
    pub(crate) fn is_cancelled(&self) -> bool {
        let state = self.0.state.lock();
        state.asked || state.gone
    }

    /// Ends the stream. The end needs no room.
    pub(crate) fn end(self, fate: E) {
        self.0.end(Fate::Ended(fate));
    }
}

impl<I, E> Drop for Writer<I, E> {
    fn drop(&mut self) {
        self.0.end(Fate::BrokenOff);
    }
}

impl<I, E> Reader<I, E> {
    /// The next item, or the end. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Taken<I, E> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// As [`Reader::next`], for a `Stream`.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Taken<I, E>> {
        let waker = context.waker().clone();
        let mut state = self.0.state.lock();
        if matches!(state.fate, Fate::Over) {
            return Poll::Ready(Taken::Over);
        }
        let item = seeded!(
            EndOvertakes,
            state.items.pop_front(),
            match state.fate {
                Fate::Open => state.items.pop_front(),
                _ => None,
            }
        );
        let taken = match item {
            Some(item) => Taken::Item(item),
            None => match std::mem::replace(&mut state.fate, Fate::Over) {
                Fate::Ended(fate) => Taken::End(fate),
                Fate::BrokenOff => Taken::BrokenOff,
                Fate::Over => Taken::Over,
                Fate::Open => {
                    state.fate = Fate::Open;
                    let before = state.waker.replace(waker);
                    drop(state);
                    // Outside the lock: the last waker of a task may end the task, and with it another reader.
                    drop(before);
                    return Poll::Pending;
                }
            },
        };
        drop(state);
        if matches!(taken, Taken::Item(_)) {
            seeded!(ReadUnheard, self.0.bell.ring(), {});
        }
        Poll::Ready(seeded!(GateAtTheWriter, self.admit(taken), taken))
    }

    /// Asks for the end: it comes after what was put until the thread heard of it.
    pub(crate) fn cancel(&self) {
        self.0.state.lock().asked = true;
        seeded!(CancelUnheard, self.0.bell.ring(), {});
    }

    /// What was taken if the gate is open, and the end of the stream if it is closed (F7).
    fn admit(&self, taken: Taken<I, E>) -> Taken<I, E> {
        let Err(closed) = self.0.gate.pass_resident() else { return taken };
        self.0.leave();
        Taken::Refused(closed)
    }
}

impl<I, E> Drop for Reader<I, E> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl<I, E> Shared<I, E> {
    /// The writer's last word; a later one is not heard.
    fn end(&self, fate: Fate<E>) {
        let mut state = self.state.lock();
        if !matches!(state.fate, Fate::Open) {
            return;
        }
        state.fate = fate;
        let waker = state.waker.take();
        drop(state);
        seeded!(EndUnheard, wake(waker), drop(waker));
    }

    /// Nothing is read any more.
    fn leave(&self) {
        let mut state = self.state.lock();
        state.gone = true;
        let items = std::mem::take(&mut state.items);
        let fate = std::mem::replace(&mut state.fate, Fate::Over);
        let waker = state.waker.take();
        drop(state);
        if matches!(fate, Fate::Open) {
            seeded!(ReaderGoneUnheard, self.bell.ring(), {});
        }
        drop((items, fate, waker));
    }
}

impl<I, E> fmt::Debug for Writer<I, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl<I, E> fmt::Debug for Reader<I, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
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

    use modeld_spec::ids::Epoch;
    use modeld_spec::time::BootTime;

    use super::*;
    use crate::os::BootClock;

    fn open_gate() -> std::sync::Arc<Gate> {
        let deadline = BootTime::from_nanos(u64::MAX / 2);
        std::sync::Arc::new(Gate::new(Epoch::FIRST, deadline, true, None, std::sync::Arc::new(BootClock)))
    }

    #[tokio::test]
    async fn items_come_in_order_and_the_end_once() {
        let bell = Bell::new();
        let (writer, mut reader) = handoff(2, bell.clone(), open_gate());
        assert_eq!(writer.room(), 2);
        assert_eq!([writer.put(1), writer.put(2), writer.put(3)], [Ok(()), Ok(()), Err(3)]);
        assert_eq!(writer.room(), 0);
        assert_eq!(reader.next().await, Taken::Item(1));
        assert!(bell.wait(Duration::ZERO), "there is room again");
        assert_eq!(writer.room(), 1);
        writer.end("done");
        assert_eq!(reader.next().await, Taken::Item(2));
        assert_eq!(reader.next().await, Taken::End("done"));
        assert_eq!(reader.next().await, Taken::Over);
    }

    #[tokio::test]
    async fn a_writer_that_ends_without_a_word_breaks_off() {
        let (writer, mut reader) = handoff::<u32, ()>(1, Bell::new(), open_gate());
        writer.put(1).unwrap();
        drop(writer);
        assert_eq!(reader.next().await, Taken::Item(1));
        assert_eq!([reader.next().await, reader.next().await], [Taken::BrokenOff, Taken::Over]);
    }

    #[tokio::test]
    async fn f7_what_was_put_before_a_fence_stays_inside() {
        let gate = open_gate();
        let item = std::sync::Arc::new(());
        let (writer, mut reader) = handoff(2, Bell::new(), gate.clone());
        writer.put(item.clone()).unwrap();
        writer.put(item.clone()).unwrap();
        gate.fence();
        assert!(matches!(reader.next().await, Taken::Refused(Closed::Fenced(_))));
        assert!(writer.is_cancelled(), "nobody reads any more");
        assert_eq!(std::sync::Arc::strong_count(&item), 1, "nothing lies in the stream");
        writer.end("done");
        assert!(matches!(reader.next().await, Taken::Over));
    }

    #[test]
    fn going_away_and_asking_for_the_end_are_cancels() {
        let bell = Bell::new();
        let (writer, reader) = handoff::<u32, ()>(1, bell.clone(), open_gate());
        reader.cancel();
        assert!(writer.is_cancelled() && bell.wait(Duration::ZERO));
        assert_eq!(writer.put(1), Ok(()), "who asked for the end reads on until it comes");
        drop(reader);
        assert!(bell.wait(Duration::ZERO));
        assert_eq!(writer.put(2), Err(2));
    }
}
