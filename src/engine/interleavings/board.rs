//! A value that is changed, and those who wait for it.

use loom::future::block_on;
use loom::thread;

use crate::engine::board::Board;
use crate::sync::explore::Exploration;
use crate::sync::seed::Seed;

#[test]
fn loom_everybody_hears_of_a_change() {
    Exploration::bounded(1_994)
        .twin(Seed::ChangeHeardByHalf, "deadlock")
        .twin(Seed::LookedThenWaited, "deadlock")
        .of(|| {
            let board = Board::new(0);
            let waits = [(), ()].map(|()| {
                let board = board.clone();
                thread::spawn(move || block_on(board.until(|value| (*value == 1).then_some(*value))))
            });
            board.change(|value| *value = 1);
            for wait in waits {
                assert_eq!(wait.join().unwrap(), 1);
            }
        });
}

#[test]
fn loom_who_goes_away_keeps_nobody_from_hearing() {
    Exploration::bounded(6_340)
        .twin(Seed::ChangeHeardByHalf, "deadlock")
        .twin(Seed::LookedThenWaited, "deadlock")
        .of(|| {
            let board = Board::new(0);
            let hasty = {
                let board = board.clone();
                thread::spawn(move || super::once(board.until(|value| (*value == 2).then_some(()))))
            };
            let teller = {
                let board = board.clone();
                thread::spawn(move || {
                    board.change(|value| *value += 1);
                    board.change(|value| *value += 1);
                })
            };
            assert_eq!(block_on(board.until(|value| (*value == 2).then_some(*value))), 2);
            hasty.join().unwrap();
            teller.join().unwrap();
        });
}
