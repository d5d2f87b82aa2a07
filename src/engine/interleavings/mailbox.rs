//! Senders in their line, the thread that takes, and its end.

use loom::future::block_on;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

use super::{FOREVER, once};
use crate::engine::bell::Bell;
use crate::engine::mailbox::{Closed, Receiver, mailbox};
use crate::engine::reply::{Unsent, reply};
use crate::sync::explore::Exploration;
use crate::sync::seed::Seed;

/// Takes so many commands, sleeping where there is none.
fn take<T>(receiver: &Receiver<T>, bell: &Bell, count: usize) -> Vec<T> {
    let mut taken = Vec::new();
    while taken.len() < count {
        match receiver.try_recv() {
            Some(command) => taken.push(command),
            None => {
                bell.wait(FOREVER);
            }
        }
    }
    taken
}

#[test]
fn loom_every_command_of_two_senders_arrives() {
    Exploration::bounded(5_594)
        .twin(Seed::SendWithoutRing, "deadlock")
        .twin(Seed::BellWithoutMemory, "deadlock")
        .of(|| {
            let bell = Bell::new();
            let (sender, receiver) = mailbox(1, bell.clone());
            let senders = [1, 2].map(|command| {
                let sender = sender.clone();
                thread::spawn(move || block_on(sender.send(command)))
            });
            let mut taken = take(&receiver, &bell, 2);
            taken.sort_unstable();
            assert_eq!(taken, [1, 2]);
            for sender in senders {
                assert_eq!(sender.join().unwrap(), Ok(()));
            }
        });
}

#[test]
fn loom_room_passes_from_who_gives_up_to_who_waits() {
    Exploration::bounded(6_051).twin(Seed::RoomOfTheGone, "deadlock").of(|| {
        let bell = Bell::new();
        let (sender, receiver) = mailbox(1, bell.clone());
        assert_eq!(once(sender.send(0)), Some(Ok(())));
        let hasty = {
            let sender = sender.clone();
            thread::spawn(move || once(sender.send(1)).is_some())
        };
        let patient = thread::spawn(move || block_on(sender.send(2)));
        let mut taken = Vec::new();
        while !taken.contains(&2) {
            taken.extend(take(&receiver, &bell, 1));
        }
        assert_eq!(patient.join().unwrap(), Ok(()));
        if hasty.join().unwrap() {
            taken.extend(receiver.try_recv());
            assert!(taken.contains(&1), "what was put arrives");
        } else {
            assert!(!taken.contains(&1), "who gave up has put nothing");
        }
    });
}

#[test]
fn loom_who_came_later_does_not_overtake() {
    Exploration::bounded(38_021).twin(Seed::RoomOvertaken, "overtaken").of(|| {
        let bell = Bell::new();
        let (sender, receiver) = mailbox(1, bell.clone());
        assert_eq!(once(sender.send(0)), Some(Ok(())));
        let stands = Arc::new(AtomicBool::new(false));
        let first = {
            let (sender, stands) = (sender.clone(), stands.clone());
            thread::spawn(move || {
                let mut send = Box::pin(sender.send(1));
                block_on(std::future::poll_fn(|context| {
                    let polled = send.as_mut().poll(context);
                    stands.store(true, Ordering::Release);
                    polled
                }))
            })
        };
        let second = thread::spawn(move || {
            let is_later = stands.load(Ordering::Acquire);
            block_on(sender.send(2)).unwrap();
            is_later
        });
        let taken = take(&receiver, &bell, 3);
        first.join().unwrap().unwrap();
        if second.join().unwrap() {
            assert_eq!(taken, [0, 1, 2], "overtaken");
        }
    });
}

#[test]
fn loom_nobody_waits_for_a_thread_that_has_ended() {
    Exploration::bounded(3_424).twin(Seed::PutAfterLook, "deadlock").twin(Seed::CloseUnheard, "deadlock").of(
        || {
            let bell = Bell::new();
            let (sender, receiver) = mailbox(1, bell.clone());
            let callers = [(), ()].map(|()| {
                let (sender, bell) = (sender.clone(), bell.clone());
                thread::spawn(move || {
                    let (reply, answer) = reply::<()>(bell);
                    match block_on(sender.send(reply)) {
                        Ok(()) => assert_eq!(block_on(answer), Err(Unsent)),
                        Err(Closed) => assert!(sender.is_closed()),
                    }
                })
            });
            drop(receiver);
            for caller in callers {
                caller.join().unwrap();
            }
        },
    );
}
