//! Many callers of one thread at once: more than all interleavings can be explored of.
//!
//! Each caller asks for a decode, and reads all of it, or goes away before the answer or in the middle, or asks for the end. In the middle
//! of it the gate is fenced, or the thread is shut down, or neither. Everybody comes to an end; each reads its own items, in
//! order, from the first one; nothing comes after a fence was known.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use modeld_spec::ids::Epoch;
use modeld_spec::time::BootTime;
use shuttle::future::block_on;
use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;

use super::bell::Bell;
use super::handoff::{Reader, Taken, Writer, handoff};
use super::mailbox::{Receiver, Sender, mailbox};
use super::reply::{Reply, reply};
use crate::os::Clock;
use crate::owner::gate::Gate;
use crate::sync::sample::sample;
use crate::sync::seed::Seed;
use crate::sync::{AtomicBool, Ordering};

/// Time does not pass.
struct Still;

impl Clock for Still {
    fn now(&self) -> BootTime {
        BootTime::from_nanos(1)
    }
}

/// What everybody shares.
struct Shared {
    bell: Bell,
    gate: Arc<Gate>,
    draining: AtomicBool,
    /// Set after the gate was fenced.
    known: AtomicBool,
}

/// An item: whose, and which one.
type Item = (usize, u32);

struct Decode {
    caller: usize,
    reply: Reply<()>,
    writer: Writer<Item, &'static str>,
}

struct Active {
    caller: usize,
    next: u32,
    writer: Writer<Item, &'static str>,
}

/// Serves until the shutdown, a round after the other, one item a round for each who has room.
fn serve(receiver: &Receiver<Decode>, shared: &Shared) {
    let mut active: Vec<Active> = Vec::new();
    loop {
        while let Some(Decode { caller, reply, writer }) = receiver.try_recv() {
            if reply.send(()).is_ok() {
                active.push(Active { caller, next: 0, writer });
            }
        }
        if shared.draining.load(Ordering::Acquire) {
            return active.into_iter().for_each(|active| active.writer.end("draining"));
        }
        let (round, mut put) = (std::mem::take(&mut active), false);
        for mut decode in round {
            if shared.gate.pass_resident().is_err() {
                decode.writer.end("fenced");
            } else if decode.writer.is_cancelled() {
                decode.writer.end("cancelled");
            } else if decode.next == ITEMS {
                decode.writer.end("done");
            } else {
                if 0 < decode.writer.room() && decode.writer.put((decode.caller, decode.next)).is_ok() {
                    decode.next += 1;
                    put = true;
                }
                active.push(decode);
            }
        }
        if !put {
            shared.bell.wait(Duration::from_secs(1));
        }
    }
}

/// Reads so many items at most; gives how many came, and the end if it came.
fn read(
    reader: &mut Reader<Item, &'static str>,
    shared: &Shared,
    caller: usize,
    from: u32,
    most: u32,
) -> (u32, Option<&'static str>) {
    let mut next = from;
    while next < most {
        let known = shared.known.load(Ordering::Acquire);
        let taken = block_on(reader.next());
        assert!(!known || matches!(taken, Taken::Refused(_)), "{taken:?} came out");
        match taken {
            Taken::Item(item) => {
                assert_eq!(item, (caller, next), "its own, in order");
                next += 1;
            }
            Taken::End(end) => return (next, Some(end)),
            Taken::Refused(_) => return (next, Some("refused")),
            Taken::BrokenOff | Taken::Over => unreachable!("the thread says how it ends"),
        }
    }
    (next, None)
}

/// One caller, from its question to its end.
fn call(sender: &Sender<Decode>, shared: &Shared, caller: usize) {
    let (reply, mut answer) = reply(shared.bell.clone());
    let (writer, mut reader) = handoff(2, shared.bell.clone(), shared.gate.clone());
    let way = thread_rng().gen_range(0..4u32);
    let sending = sender.send(Decode { caller, reply, writer });
    if way == 0 {
        // Goes away in the line, or before the answer.
        let mut sending = pin!(sending);
        return block_on(poll_fn(|context| {
            let _ = sending.as_mut().poll(context);
            Poll::Ready(())
        }));
    }
    if block_on(sending).is_err() || block_on(&mut answer).is_err() {
        return;
    }
    let most = if way == 1 { ITEMS + 1 } else { thread_rng().gen_range(0..=ITEMS) };
    let (came, end) = read(&mut reader, shared, caller, 0, most);
    if way == 2 || end.is_some() {
        assert!(end != Some("done") || came == ITEMS, "all of them");
        return;
    }
    reader.cancel();
    let (_, end) = read(&mut reader, shared, caller, came, ITEMS + 1);
    assert!(end.is_some(), "who asks for the end gets it");
}

fn crowd() {
    let gate = Gate::new(Epoch::FIRST, BootTime::from_nanos(10), true, None, Arc::new(Still));
    let shared = Arc::new(Shared {
        bell: Bell::new(),
        gate: Arc::new(gate),
        draining: AtomicBool::new(false),
        known: AtomicBool::new(false),
    });
    let (sender, receiver) = mailbox(2, shared.bell.clone());
    let server = {
        let shared = shared.clone();
        thread::spawn(move || serve(&receiver, &shared))
    };
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (sender, shared) = (sender.clone(), shared.clone());
            thread::spawn(move || call(&sender, &shared, caller))
        })
        .collect();
    match thread_rng().gen_range(0..3u32) {
        0 => {
            shared.gate.fence();
            shared.known.store(true, Ordering::Release);
            shared.bell.ring();
        }
        1 => {
            shared.draining.store(true, Ordering::Release);
            shared.bell.ring();
        }
        _ => {}
    }
    for caller in callers {
        caller.join().unwrap();
    }
    shared.draining.store(true, Ordering::Release);
    shared.bell.ring();
    server.join().unwrap();
    assert!(sender.is_closed());
}

#[test]
fn shuttle_a_crowd_of_callers_comes_to_its_end() {
    let twins = [
        (Seed::BellWithoutMemory, "deadlock"),
        (Seed::SendWithoutRing, "deadlock"),
        (Seed::RoomOfTheGone, "deadlock"),
        (Seed::PutAfterLook, "deadlock"),
        (Seed::CloseUnheard, "deadlock"),
        (Seed::LookedThenWaited, "deadlock"),
        (Seed::UnsentUnheard, "deadlock"),
        (Seed::EndUnheard, "deadlock"),
        (Seed::EndOvertakes, "all of them"),
        (Seed::ReadUnheard, "deadlock"),
        (Seed::GateAtTheWriter, "came out"),
    ];
    sample(4_000, &twins, crowd);
}

const CALLERS: usize = 8;

/// More than a stream has room for.
const ITEMS: u32 = 4;
