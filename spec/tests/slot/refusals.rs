//! Refusals: their numbers, and their words.

use modeld_spec::slot::event::{Answer, AskId, Effect, Event, Generation, MemberId, Old, Refusal, Wish};
use modeld_spec::slot::plan::NoRoom;

use crate::harness::{A, B, C, Daemon, MEMBER, OTHER, SIZE, demand, open, refused};

#[test]
fn s6_a_refusal_has_the_numbers() {
    let mut daemon = Daemon::with_budget(25);
    daemon.working(0, A);
    let large = Wish::Open(modeld_spec::slot::event::Demand { model: B, bytes: 26 });
    let too_large = NoRoom::TooLarge { need: 26, budget: 25 };
    assert_eq!(daemon.ask(1, OTHER, large), [refused(1, Refusal::NoRoom(too_large))]);
    daemon.ask(2, OTHER, open(B));
    let taken = NoRoom::Taken { need: SIZE, budget: 25, in_use: 20, idle: 0 };
    assert_eq!(
        daemon.ask(3, modeld_spec::slot::event::MemberId(2), open(C)),
        [refused(3, Refusal::NoRoom(taken))]
    );
}

#[test]
fn s8_an_excess_stays_only_where_it_fits() {
    for (budget, stays) in [(SIZE + 5, true), (SIZE + 4, false)] {
        let mut daemon = Daemon::with_budget(budget);
        daemon.open(0, A);
        daemon.marked(A);
        let generation = daemon.generation(A);
        daemon.hear(Event::Loaded { generation, taken: SIZE + 5 });
        let refusal = Refusal::TookMore { planned: SIZE, taken: SIZE + 5, budget };
        let answer = if stays { Answer::Ready(generation) } else { Answer::Refused(refusal) };
        assert_eq!(daemon.answers(0), [answer]);
        assert_eq!(daemon.slot(A).bytes, SIZE + 5, "what it takes counts");
        assert_eq!(daemon.wanted.contains(&Effect::Free(generation)), !stays);
    }
}

#[test]
fn s8_what_was_promised_is_not_taken_by_an_excess() {
    let mut daemon = Daemon::with_budget(2 * SIZE);
    daemon.open(0, A);
    daemon.ask(1, OTHER, open(B));
    daemon.marked(A);
    let generation = daemon.generation(A);
    daemon.hear(Event::Loaded { generation, taken: SIZE + 1 });
    assert!(matches!(daemon.answers(0).as_slice(), [Answer::Refused(Refusal::TookMore { .. })]));
}

#[test]
fn s6_a_smaller_budget_keeps_what_was_promised() {
    let mut daemon = Daemon::with_budget(4 * SIZE);
    daemon.idle(0, A);
    daemon.ask(1, OTHER, open(B));
    daemon.table.revise_budget(0);
    assert_eq!(daemon.table.budget(), 2 * SIZE);
    assert!(matches!(daemon.marked(B).as_slice(), [Effect::Load { .. }]));
    daemon.loaded(B);
    let third = MemberId(2);
    assert!(
        matches!(daemon.ask(2, third, open(C)).first(), Some(Effect::Planned(_, plan)) if plan.evicts == [A])
    );
    daemon.table.revise_budget(3 * SIZE);
    daemon.freed(A);
    assert_eq!(daemon.table.budget(), 3 * SIZE);
}

#[test]
fn a_member_that_is_waited_for_is_not_unloaded() {
    let mut daemon = Daemon::with_budget(2 * SIZE);
    daemon.idle(0, A);
    daemon.hear(Event::IdleTick);
    daemon.hear(Event::IdleTick);
    daemon.freed(A);
    daemon.open(1, A);
    assert_eq!(daemon.unload(2), [refused(2, Refusal::InUse { in_flight: 1 })]);
}

#[test]
fn refusals_say_what_they_mean() {
    let said = [
        (Refusal::Fenced, "the owner is fenced"),
        (Refusal::Failed(Generation::FIRST), "load 1 failed"),
        (
            Refusal::NoRoom(NoRoom::Taken { need: 3, budget: 4, in_use: 2, idle: 1 }),
            "it needs 3 bytes, 2 of 4 are in use, and 1 could be evicted",
        ),
        (
            Refusal::NoRoom(NoRoom::OnlyInstead { need: 3, budget: 4, old: 2 }),
            "it needs 3 bytes of 4, and fits only if the 2 bytes of the member's model go first",
        ),
        (
            Refusal::TookMore { planned: 3, taken: 5, budget: 4 },
            "5 bytes were taken where 3 were planned, and the budget of 4 has no room for that",
        ),
        (Refusal::InUse { in_flight: 2 }, "2 asks work on it or wait for it"),
    ];
    for (refusal, text) in said {
        assert_eq!(refusal.to_string(), text);
    }
}

#[test]
fn asks_can_be_renamed() {
    let mut daemon = Daemon::with_budget(100);
    daemon.working(0, A);
    daemon.ask(1, MEMBER, Wish::Load(demand(B), Old::Stays));
    daemon.ask(2, MEMBER, Wish::Load(demand(B), Old::Stays));
    let swap = |ask: AskId| AskId(2 - ask.0.min(2));
    let renamed = daemon.table.with_asks_renamed(swap);
    assert_eq!(renamed.slot(A).map(|slot| slot.holders.clone()), Some(vec![AskId(2)]));
    let waiting: Vec<u64> = renamed.slot(B).unwrap().asks.iter().map(|ask| ask.id.0).collect();
    assert_eq!(waiting, [0, 1]);
    assert_eq!(renamed.with_asks_renamed(swap), daemon.table);
}
