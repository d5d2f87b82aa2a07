//! Loads: one for all, shared progress, hang-ups, marks, generations.

use modeld_spec::slot::entry::Phase;
use modeld_spec::slot::event::{Answer, AskId, Effect, Event, Gate, Generation, ModelId, Old, Refusal, Wish};
use modeld_spec::slot::table::Slots;

use crate::harness::{A, B, Daemon, MEMBER, OTHER, SIZE, demand, open, ready, refused};

fn loads(effects: &[Effect], of: ModelId) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Load { model, .. } if *model == of)).count()
}

#[test]
fn s1_however_many_ask_one_load_begins() {
    let mut daemon = Daemon::with_budget(100);
    for id in 0..5 {
        daemon.open(id, A);
    }
    daemon.ask(5, OTHER, open(A));
    daemon.marked(A);
    for id in 6..9 {
        daemon.open(id, A);
    }
    daemon.loaded(A);
    assert_eq!(loads(&daemon.wanted, A), 1);
    assert_eq!(daemon.slot(A).holders.len(), 9);
}

#[test]
fn s2_all_who_wait_are_answered_once() {
    let mut daemon = Daemon::with_budget(100);
    for id in 0..3 {
        daemon.open(id, A);
    }
    daemon.marked(A);
    let generation = daemon.generation(A);
    daemon.load_failed(A);
    for id in 0..3 {
        assert_eq!(daemon.answers(id), [Answer::Refused(Refusal::Failed(generation))]);
    }
    assert_eq!(daemon.phase(A), None);
    assert!(daemon.table.members().is_empty(), "a member that never was a model is none");
    // Who asks after the failure begins a new load.
    daemon.working(3, A);
    assert!(generation < daemon.generation(A));
}

#[test]
fn s3_a_hang_up_cancels_the_waiter_only() {
    let mut daemon = Daemon::with_budget(100);
    daemon.open(0, A);
    daemon.open(1, A);
    daemon.marked(A);
    assert_eq!(daemon.gone(0), []);
    daemon.loaded(A);
    assert_eq!(daemon.answers(0), []);
    assert_eq!(daemon.answers(1), [Answer::Ready(daemon.generation(A))]);
}

#[test]
fn s3_the_last_hang_up_breaks_the_load_off() {
    let mut daemon = Daemon::with_budget(100);
    daemon.open(0, A);
    daemon.marked(A);
    let first = daemon.generation(A);
    assert_eq!(daemon.gone(0), [Effect::BreakOff(first)]);
    // Who asks meanwhile waits for the end of that load, however it ends.
    assert_eq!(daemon.open(1, A), []);
    assert_eq!(daemon.loaded(A), [Effect::Unmark(A), Effect::Free(first)]);
    daemon.freed(A);
    daemon.marked(A);
    daemon.loaded(A);
    assert_eq!(daemon.answers(1), [Answer::Ready(first.next())]);
}

#[test]
fn s3_who_was_let_in_after_hanging_up_is_forgotten() {
    let mut daemon = Daemon::with_budget(100);
    daemon.working(0, A);
    assert_eq!(daemon.slot(A).holders, [AskId(0)]);
    // The hang-up was on its way while the answer was.
    daemon.gone(0);
    daemon.hear(Event::IdleTick);
    daemon.hear(Event::IdleTick);
    assert_eq!(daemon.phase(A), Some(Phase::Freeing));
}

#[test]
fn s3_a_load_that_waits_for_its_mark_or_its_room_is_dropped() {
    let mut daemon = Daemon::with_budget(SIZE);
    daemon.open(0, A);
    daemon.gone(0);
    assert_eq!(daemon.phase(A), Some(Phase::Dropping));
    assert_eq!(daemon.marked(A), [Effect::Unmark(A)]);
    assert_eq!(daemon.phase(A), None);

    daemon.idle(1, A);
    daemon.ask(2, OTHER, open(B));
    assert_eq!(daemon.phase(B), Some(Phase::Room));
    daemon.gone(2);
    assert_eq!(daemon.phase(B), None);
}

#[test]
fn s11_a_crashed_load_needs_an_explicit_one() {
    let mut daemon = Daemon { table: Slots::new(100, [A]), gate: Gate::Open, wanted: Vec::new() };
    assert_eq!(daemon.open(0, A), [refused(0, Refusal::CrashedBefore)]);
    assert_eq!(daemon.table.crashed(), [A]);
    let begun = daemon.ask(1, MEMBER, Wish::Load(demand(A), Old::Stays));
    assert!(begun.iter().any(|effect| matches!(effect, Effect::Mark { .. })), "{begun:?}");
    daemon.marked(A);
    let ended = daemon.loaded(A);
    assert_eq!(ended.first(), Some(&Effect::Unmark(A)), "the mark goes before anybody is answered");
    assert_eq!(daemon.table.crashed(), []);
    daemon.open(2, A);
    assert_eq!(daemon.answers(2), [Answer::Ready(daemon.generation(A))]);
}

#[test]
fn s11_no_mark_no_load() {
    let mut daemon = Daemon::with_budget(100);
    let begun = daemon.open(0, A);
    assert_eq!(loads(&begun, A), 0, "the mark comes first");
    let generation = daemon.generation(A);
    let ended = daemon.hear(Event::Marked { generation, durable: false });
    assert_eq!(ended, [Effect::Unmark(A), refused(0, Refusal::NotRemembered)]);
    assert_eq!(loads(&daemon.wanted, A), 0);
}

#[test]
fn s12_a_late_word_of_an_earlier_load_is_dropped() {
    let mut daemon = Daemon::with_budget(100);
    daemon.open(0, A);
    daemon.marked(A);
    let first = daemon.generation(A);
    daemon.load_failed(A);
    daemon.open(1, A);
    daemon.marked(A);
    let before = daemon.table.clone();
    for late in [
        Event::LoadFailed { generation: first },
        Event::Loaded { generation: first, taken: SIZE },
        Event::Progress { generation: first, percent: 99 },
        Event::Freed { generation: first },
        Event::Marked { generation: first, durable: false },
    ] {
        assert_eq!(daemon.hear(late), [], "{late:?}");
        assert_eq!(daemon.table, before, "{late:?}");
    }
    let now = daemon.generation(A);
    assert_eq!(daemon.loaded(A), [Effect::Unmark(A), ready(1, now)]);
}

#[test]
fn s12_a_word_out_of_place_is_dropped() {
    let mut daemon = Daemon::with_budget(100);
    daemon.working(0, A);
    let generation = daemon.generation(A);
    let before = daemon.table.clone();
    for strange in [
        Event::LoadFailed { generation },
        Event::Loaded { generation, taken: 1 },
        Event::Progress { generation, percent: 99 },
        Event::Freed { generation },
        Event::Marked { generation, durable: true },
        Event::Gone(AskId(77)),
        Event::Look,
    ] {
        assert_eq!(daemon.hear(strange), [], "{strange:?}");
        assert_eq!(daemon.table, before, "{strange:?}");
    }
}

#[test]
fn s13_who_joins_late_is_told_where_the_load_is() {
    let mut daemon = Daemon::with_budget(100);
    daemon.open(0, A);
    daemon.open(1, A);
    daemon.marked(A);
    let generation = daemon.generation(A);
    let report = |ask, percent| Effect::Report { ask: AskId(ask), percent };
    assert_eq!(daemon.hear(Event::Progress { generation, percent: 40 }), [report(0, 40), report(1, 40)]);
    assert_eq!(daemon.hear(Event::Progress { generation, percent: 30 }), [], "it never goes back");
    assert_eq!(daemon.open(2, A), [report(2, 40)]);
}

#[test]
fn generations_are_never_used_twice() {
    assert_eq!(Generation::new(0), None);
    assert_eq!(Generation::new(1), Some(Generation::FIRST));
    assert_eq!(Generation::FIRST.next().get(), 2);
    assert_eq!(Generation::FIRST.next().to_string(), "2");
    let mut daemon = Daemon::with_budget(100);
    daemon.working(0, A);
    daemon.ask(1, OTHER, open(B));
    assert!(daemon.generation(A) < daemon.generation(B));
}

#[test]
fn a_model_that_ended_by_itself_is_loaded_again_by_who_asks_next() {
    let mut daemon = Daemon::with_budget(2 * SIZE);
    daemon.working(0, A);
    let first = daemon.generation(A);
    assert_eq!(daemon.hear(Event::Ended { generation: first }), []);
    assert!(daemon.table.slots().is_empty());
    assert_eq!(daemon.model_of(MEMBER), Some(A));
    daemon.working(1, A);
    assert_ne!(daemon.generation(A), first);
    // Told once more, it ends nothing.
    assert_eq!(daemon.hear(Event::Ended { generation: first }), []);
    assert!(daemon.is_ready(A));
}

#[test]
fn a_model_that_ends_while_it_drains_is_unloaded() {
    let mut daemon = Daemon::with_budget(SIZE);
    daemon.working(0, A);
    daemon.unload(1);
    let generation = daemon.generation(A);
    daemon.hear(Event::Ended { generation });
    assert_eq!(daemon.answers(1), [Answer::Unloaded]);
}

#[test]
fn s11_a_model_can_be_suspected_later() {
    let mut daemon = Daemon::with_budget(SIZE);
    daemon.table.suspect(B);
    daemon.table.suspect(A);
    daemon.table.suspect(B);
    assert_eq!(daemon.table.crashed(), [A, B]);
    assert_eq!(daemon.open(0, A), [refused(0, Refusal::CrashedBefore)]);
    daemon.load(1, A);
    daemon.marked(A);
    daemon.loaded(A);
    assert_eq!(daemon.table.crashed(), [B], "it has loaded");
}
