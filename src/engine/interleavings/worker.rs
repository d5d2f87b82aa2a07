//! The parts together: callers, a thread that serves them, and a shutdown. Nobody is left waiting, whatever comes first.

use loom::future::block_on;
use loom::sync::Arc;
use loom::thread;

use super::FOREVER;
use crate::engine::bell::Bell;
use crate::engine::handoff::{Taken, Writer, handoff};
use crate::engine::mailbox::{Receiver, mailbox};
use crate::engine::reply::{Reply, reply};
use crate::owner::loom_gate::gate;
use crate::sync::explore::Exploration;
use crate::sync::seed::Seed;
use crate::sync::{AtomicBool, Ordering};

/// Asks for a decode of one item.
struct Decode {
    reply: Reply<()>,
    writer: Writer<u32, &'static str>,
}

/// Serves until the shutdown, round after round as the thread of a model does.
fn serve(receiver: &Receiver<Decode>, bell: &Bell, draining: &AtomicBool) {
    let mut active = None;
    loop {
        while let Some(Decode { reply, writer }) = receiver.try_recv() {
            // A caller that went away has no stream either.
            active = reply.send(()).is_ok().then_some(writer);
        }
        if draining.load(Ordering::Acquire) {
            return active.into_iter().for_each(|writer| writer.end("draining"));
        }
        match active.take() {
            Some(writer) => match writer.put(1) {
                Ok(()) => writer.end("done"),
                Err(_) => assert!(writer.is_cancelled(), "nothing else takes the room"),
            },
            None => {
                bell.wait(FOREVER);
            }
        }
    }
}

#[test]
fn loom_a_call_ends_whatever_ends_the_thread() {
    Exploration::bounded(27_702)
        .twin(Seed::BellWithoutMemory, "deadlock")
        .twin(Seed::PutAfterLook, "deadlock")
        .twin(Seed::UnsentUnheard, "deadlock")
        .twin(Seed::EndUnheard, "deadlock")
        .of(|| {
            let (bell, draining) = (Bell::new(), Arc::new(AtomicBool::new(false)));
            let (sender, receiver) = mailbox(1, bell.clone());
            let server = {
                let (bell, draining) = (bell.clone(), draining.clone());
                thread::spawn(move || {
                    serve(&receiver, &bell, &draining);
                    drop(receiver);
                })
            };
            let caller = {
                let (sender, bell) = (sender.clone(), bell.clone());
                thread::spawn(move || {
                    let gate = std::sync::Arc::new(gate(true).0);
                    let (reply, answer) = reply(bell.clone());
                    let (writer, mut reader) = handoff(1, bell, gate);
                    if block_on(sender.send(Decode { reply, writer })).is_err() || block_on(answer).is_err() {
                        return Vec::new();
                    }
                    std::iter::repeat_with(|| block_on(reader.next()))
                        .take_while(|taken| *taken != Taken::Over)
                        .collect()
                })
            };
            draining.store(true, Ordering::Release);
            bell.ring();
            server.join().unwrap();
            let taken: Vec<Taken<u32, &str>> = caller.join().unwrap();
            let expected = match taken.last() {
                None => Vec::new(),
                Some(Taken::End("draining")) => vec![Taken::End("draining")],
                Some(_) => vec![Taken::Item(1), Taken::End("done")],
            };
            assert_eq!(taken, expected);
        });
}
