//! The client's side: what it takes, and how it opens its session again.

use modeld_spec::ids::Epoch;
use modeld_spec::session::effect::{Answer, Item, Ticket};
use modeld_spec::session::reader::{Made, NotTaken, Reader, Stamp};
use modeld_spec::session::reopen::{Effect, Outcome, Reopen, Seen, Source};
use modeld_spec::session::snapshot::Digest;
use modeld_spec::session::tape::{Reuse, ReuseReason, TokenCount, TokenId};
use modeld_spec::step::{Machine, Step};

fn stamp(epoch: u64, ticket: u32) -> Stamp {
    Stamp { epoch: Epoch::new(epoch).expect("epochs begin at 1"), life: 1, ticket: Ticket(ticket) }
}

fn item(index: u64) -> Item {
    Item { ticket: Ticket(1), index, token: TokenId(5) }
}

#[test]
fn t8_a_client_takes_nothing_of_another_operation() {
    let mut reader = Reader::new();
    reader.awaits(stamp(1, 2));
    assert_eq!(reader.item(stamp(1, 1), item(0)), Err(NotTaken::OtherOperation));
    assert_eq!(reader.answer(stamp(1, 1), Made::Nothing), Err(NotTaken::OtherOperation));
    assert_eq!(reader.item(stamp(1, 2), item(0)), Ok(()));
    reader.gives_up();
    assert_eq!(reader.item(stamp(1, 2), item(1)), Err(NotTaken::OtherOperation));
    assert_eq!(reader.history(), [TokenId(5)]);
}

#[test]
fn t9_a_client_takes_nothing_of_an_older_owner() {
    let mut reader = Reader::new();
    reader.awaits(stamp(1, 1));
    reader.heard_of(Epoch::new(2).unwrap()).unwrap();
    assert!(matches!(reader.item(stamp(1, 1), item(0)), Err(NotTaken::Epoch(_))));
    assert_eq!(reader.history(), []);
}

#[test]
fn t12_a_gap_is_noticed_at_the_next_item_or_at_the_end() {
    let mut reader = Reader::new();
    reader.awaits(stamp(1, 1));
    assert_eq!(reader.item(stamp(1, 1), item(1)), Err(NotTaken::Gap { expected: 0, got: 1 }));
    assert_eq!(reader.item(stamp(1, 1), item(0)), Ok(()));
    assert_eq!(reader.answer(stamp(1, 1), Made::Items(2)), Err(NotTaken::Gap { expected: 1, got: 2 }));
    assert_eq!(reader.answer(stamp(1, 1), Made::Items(1)), Ok(()));
    assert_eq!(reader.awaited(), None);
}

#[test]
fn t12_a_session_is_opened_again_from_a_snapshot_or_by_prefill() {
    let id = Digest([7; 32]);
    let restored = Seen::Answered(Answer::Restored { covers: TokenCount(3) });
    let cases = [
        (Some(id), vec![Seen::Opened, restored, prefilled(3, 5)], Source::Snapshot(TokenCount(3))),
        (Some(id), vec![Seen::Opened, Seen::Failed, prefilled(0, 5)], Source::Prefill),
        (None, vec![Seen::Opened, prefilled(0, 5)], Source::Prefill),
    ];
    for (snapshot, seen, source) in cases {
        let mut step = Reopen::start(snapshot, TokenCount(5));
        let mut effects = Vec::new();
        for seen in seen {
            let Step::Do(effect, reopen) = step else { panic!("it ended after {effects:?}") };
            effects.push(effect);
            step = reopen.step(seen);
        }
        assert_eq!(step, Step::Done(Outcome::Reopened(source)));
        assert_eq!((effects.first(), effects.last()), (Some(&Effect::Open), Some(&Effect::Prefix)));
        assert_eq!(effects.contains(&Effect::Restore(id)), snapshot.is_some());
    }
}

#[test]
fn t12_a_tape_that_is_not_the_history_is_no_session() {
    let Step::Do(_, reopen) = Reopen::start(None, TokenCount(5)) else { panic!("it begins by opening") };
    let Step::Do(_, reopen) = reopen.step(Seen::Opened) else { panic!("it goes on to the prefix") };
    assert!(matches!(reopen.step(prefilled(0, 4)), Step::Done(Outcome::Breach(_))));
    assert!(matches!(reopen.step(Seen::Lost), Step::Done(Outcome::Lost)));
}

fn prefilled(reused: u64, end: u64) -> Seen {
    let reuse = Reuse {
        reused: TokenCount(reused),
        shared: TokenCount(0),
        prefilled: TokenCount(end - reused),
        dropped: TokenCount(0),
        reason: ReuseReason::Extended,
    };
    Seen::Answered(Answer::Prefilled { reuse, end: TokenCount(end) })
}
