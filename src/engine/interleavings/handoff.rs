//! The items of a decode: order and end, a slow reader, one that goes away, and the fence.

use loom::future::block_on;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

use super::FOREVER;
use crate::engine::bell::Bell;
use crate::engine::handoff::{Reader, Taken, Writer, handoff};
use crate::owner::loom_gate::gate;
use crate::sync::explore::Exploration;
use crate::sync::seed::Seed;

fn stream(capacity: usize, bell: &Bell) -> (Writer<u32, &'static str>, Reader<u32, &'static str>) {
    handoff(capacity, bell.clone(), std::sync::Arc::new(gate(true).0))
}

/// Puts items from 1 on, sleeping where there is no room; gives how many were put when the reader wanted no more.
fn write(writer: &Writer<u32, &'static str>, bell: &Bell, most: u32) -> u32 {
    let mut put = 0;
    while put < most && !writer.is_cancelled() {
        if writer.room() == 0 {
            bell.wait(FOREVER);
        } else if writer.put(put + 1).is_ok() {
            put += 1;
        }
    }
    put
}

#[test]
fn loom_the_end_comes_after_the_items() {
    Exploration::complete(3_759).twin(Seed::EndOvertakes, "in order").twin(Seed::EndUnheard, "deadlock").of(
        || {
            let (writer, mut reader) = stream(1, &Bell::new());
            let thread = thread::spawn(move || {
                writer.put(1).unwrap();
                writer.end("done");
            });
            let taken = [(); 3].map(|()| block_on(reader.next()));
            assert_eq!(taken, [Taken::Item(1), Taken::End("done"), Taken::Over], "in order");
            thread.join().unwrap();
        },
    );
}

#[test]
fn loom_a_slow_reader_is_waited_for() {
    Exploration::bounded(2_356).twin(Seed::ReadUnheard, "deadlock").of(|| {
        let bell = Bell::new();
        let (writer, mut reader) = stream(1, &bell);
        let thread = thread::spawn(move || {
            assert_eq!(write(&writer, &bell, 2), 2);
            drop(writer);
        });
        let taken = [(); 3].map(|()| block_on(reader.next()));
        assert_eq!(taken, [Taken::Item(1), Taken::Item(2), Taken::BrokenOff]);
        thread.join().unwrap();
    });
}

#[test]
fn loom_a_reader_that_goes_away_cancels() {
    Exploration::complete(116_877).twin(Seed::ReaderGoneUnheard, "deadlock").of(|| {
        let bell = Bell::new();
        let (writer, mut reader) = stream(1, &bell);
        let caller = thread::spawn(move || {
            assert_eq!(block_on(reader.next()), Taken::Item(1));
            drop(reader);
        });
        let put = write(&writer, &bell, u32::MAX);
        assert!((1..=2).contains(&put), "one was taken, and one more had room");
        assert_eq!(writer.put(9), Err(9));
        writer.end("cancelled");
        caller.join().unwrap();
    });
}

#[test]
fn loom_a_reader_that_asks_for_the_end_gets_it() {
    Exploration::complete(38).twin(Seed::CancelUnheard, "deadlock").of(|| {
        let bell = Bell::new();
        let (writer, reader) = stream(1, &bell);
        writer.put(1).unwrap();
        let caller = thread::spawn(move || {
            reader.cancel();
            reader
        });
        while !writer.is_cancelled() {
            assert_eq!(writer.room(), 0, "nothing was read");
            bell.wait(FOREVER);
        }
        writer.end("cancelled");
        let mut reader = caller.join().unwrap();
        let taken = [(); 3].map(|()| block_on(reader.next()));
        assert_eq!(taken, [Taken::Item(1), Taken::End("cancelled"), Taken::Over]);
    });
}

#[test]
fn loom_f7_nothing_comes_out_after_a_fence_was_known() {
    Exploration::bounded(9_134).twin(Seed::GateAtTheWriter, "came out").of(|| {
        let (gate, _time) = gate(true);
        let gate = std::sync::Arc::new(gate);
        let (writer, mut reader) = handoff(2, Bell::new(), gate.clone());
        let thread = {
            let gate = gate.clone();
            thread::spawn(move || {
                if gate.pass_resident().is_ok() {
                    // A reader that was refused has gone away.
                    let _ = writer.put(1);
                }
                writer.end("done");
            })
        };
        let known = Arc::new(AtomicBool::new(false));
        let fencer = {
            let known = known.clone();
            thread::spawn(move || {
                gate.fence();
                known.store(true, Ordering::Release);
            })
        };
        let mut before = known.load(Ordering::Acquire);
        loop {
            let taken = block_on(reader.next());
            let is_item = matches!(taken, Taken::Item(_));
            assert!(!before || matches!(taken, Taken::Refused(_)), "{taken:?} came out");
            if !is_item {
                break;
            }
            before = known.load(Ordering::Acquire);
        }
        assert_eq!(block_on(reader.next()), Taken::Over);
        thread.join().unwrap();
        fencer.join().unwrap();
    });
}
