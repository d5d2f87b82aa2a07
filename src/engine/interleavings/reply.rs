//! An answer, a caller that waits or goes away, and a thread that may end.

use loom::future::block_on;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use super::FOREVER;
use crate::engine::bell::Bell;
use crate::engine::reply::{Unsent, reply};
use crate::sync::explore::Exploration;
use crate::sync::seed::Seed;

#[test]
fn loom_an_answer_reaches_who_waits() {
    Exploration::complete(587).twin(Seed::LookedThenWaited, "deadlock").of(|| {
        let (reply, answer) = reply(Bell::new());
        let thread = thread::spawn(move || reply.send(7));
        assert_eq!(block_on(answer), Ok(7));
        assert_eq!(thread.join().unwrap(), Ok(()));
    });
}

#[test]
fn loom_a_reply_that_is_dropped_is_heard() {
    Exploration::complete(157).twin(Seed::UnsentUnheard, "deadlock").of(|| {
        let (reply, answer) = reply::<()>(Bell::new());
        let thread = thread::spawn(move || drop(reply));
        assert_eq!(block_on(answer), Err(Unsent));
        thread.join().unwrap();
    });
}

#[test]
fn loom_a_caller_that_goes_away_cancels() {
    Exploration::complete(45).twin(Seed::GoneUnheard, "deadlock").of(|| {
        let bell = Bell::new();
        let (reply, answer) = reply::<()>(bell.clone());
        let caller = thread::spawn(move || drop(answer));
        while !reply.is_cancelled() {
            bell.wait(FOREVER);
        }
        assert_eq!(reply.send(()), Err(()));
        caller.join().unwrap();
    });
}

/// Something to undo: it counts where it is undone.
struct Opened(Arc<AtomicUsize>);

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn loom_an_answer_that_was_given_is_undone_by_the_caller() {
    Exploration::complete(27).twin(Seed::AnsweredAfterLook, "nobody has it").of(|| {
        let undone = Arc::new(AtomicUsize::new(0));
        let (reply, answer) = reply(Bell::new());
        let caller = {
            let undone = undone.clone();
            thread::spawn(move || {
                drop(answer);
                undone.load(Ordering::Relaxed)
            })
        };
        let sent = reply.send(Opened(undone.clone()));
        let by_caller = caller.join().unwrap();
        match sent {
            Ok(()) => assert_eq!(by_caller, 1, "the answer counts as given and nobody has it"),
            Err(opened) => drop(opened),
        }
        assert_eq!(undone.load(Ordering::Relaxed), 1);
    });
}
