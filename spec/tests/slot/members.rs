//! Members: switches, what falls back, unloads, drains, the fence.

use modeld_spec::slot::entry::Phase;
use modeld_spec::slot::event::{Answer, AskId, Effect, Event, Gate, Refusal};
use modeld_spec::slot::plan::{NoRoom, Plan};

use crate::harness::{A, B, C, Daemon, MEMBER, OTHER, SIZE, open, refused};

#[test]
fn s4_a_failed_switch_changes_nothing() {
    let mut daemon = Daemon::with_budget(2 * SIZE);
    daemon.idle(0, A);
    daemon.load(1, B);
    daemon.marked(B);
    // The old model serves on meanwhile, and is neither idle nor in anybody's way.
    daemon.hear(Event::IdleTick);
    daemon.hear(Event::IdleTick);
    assert_eq!(daemon.ask(2, OTHER, open(C)).len(), 1, "no room: the old model is not evicted");
    assert!(daemon.is_ready(A));
    daemon.load_failed(B);
    assert!(daemon.is_ready(A));
    assert_eq!(daemon.model_of(MEMBER), Some(A));
    daemon.open(3, A);
    assert_eq!(daemon.answers(3), [Answer::Ready(daemon.generation(A))]);
}

#[test]
fn s4_the_old_model_goes_when_the_new_one_serves() {
    let mut daemon = Daemon::with_budget(2 * SIZE);
    daemon.working(0, A);
    daemon.load(1, B);
    daemon.marked(B);
    daemon.loaded(B);
    assert_eq!(daemon.model_of(MEMBER), Some(B));
    assert!(daemon.is_ready(A), "somebody works on it");
    assert_eq!(daemon.gone(0), [Effect::Free(daemon.generation(A))]);
}

#[test]
fn s4_what_was_given_up_is_restored() {
    let mut daemon = Daemon::with_budget(SIZE);
    daemon.idle(0, A);
    let only = Refusal::NoRoom(NoRoom::OnlyInstead { need: SIZE, budget: SIZE, old: SIZE });
    assert_eq!(daemon.load(1, B), [refused(1, only)]);
    assert!(daemon.is_ready(A), "who did not allow it changes nothing");

    let first = daemon.generation(A);
    let plan = Plan { evicts: Vec::new(), gives_up: Some(A) };
    assert_eq!(daemon.load_instead(2, B), [Effect::Planned(AskId(2), plan), Effect::Free(first)]);
    assert_eq!(daemon.open(3, A), [refused(3, Refusal::Switching { to: B })]);
    daemon.freed(A);
    daemon.marked(B);
    daemon.load_failed(B);
    // It comes back without anybody asking.
    assert_eq!(daemon.phase(A), Some(Phase::Marking));
    daemon.marked(A);
    daemon.loaded(A);
    assert!(daemon.is_ready(A));
    assert_eq!(daemon.model_of(MEMBER), Some(A));
}

#[test]
fn s4_a_switch_that_nobody_waits_for_gives_back_what_it_took() {
    let mut daemon = Daemon::with_budget(SIZE);
    daemon.working(0, A);
    daemon.load_instead(1, B);
    assert!(matches!(daemon.phase(A), Some(Phase::Draining { instead: Some(model), .. }) if model == B));
    daemon.gone(1);
    assert!(daemon.is_ready(A));
    assert_eq!(daemon.phase(B), None);

    daemon.gone(0);
    daemon.load_instead(2, B);
    assert_eq!(daemon.phase(A), Some(Phase::Freeing));
    daemon.gone(2);
    daemon.freed(A);
    assert_eq!(daemon.phase(A), Some(Phase::Marking), "it was on its way out, and comes back");
}

#[test]
fn s4_an_open_does_not_switch() {
    let mut daemon = Daemon::with_budget(100);
    daemon.idle(0, A);
    assert_eq!(daemon.open(1, B), [refused(1, Refusal::OtherModel { bound: A })]);
    daemon.load(2, B);
    assert_eq!(daemon.load(3, C), [refused(3, Refusal::Switching { to: B })]);
    assert_eq!(daemon.unload(4), [refused(4, Refusal::Switching { to: B })]);
}

#[test]
fn s4_a_member_that_moved_on_is_not_moved_back() {
    let mut daemon = Daemon::with_budget(100);
    daemon.idle(0, A);
    daemon.hear(Event::IdleTick);
    daemon.hear(Event::IdleTick);
    daemon.freed(A);
    // The member is A and not resident: two ask for A, one makes it B, and B is there first.
    daemon.open(1, A);
    daemon.load(2, A);
    daemon.load(3, B);
    daemon.marked(A);
    daemon.marked(B);
    daemon.loaded(B);
    let generation = daemon.generation(A);
    daemon.loaded(A);
    assert_eq!(daemon.model_of(MEMBER), Some(B));
    assert_eq!(daemon.answers(1), [Answer::Ready(generation)], "it works as those who were in before");
    assert_eq!(daemon.answers(2), [Answer::Refused(Refusal::OtherModel { bound: B })]);
    assert_eq!(daemon.gone(1), [Effect::Free(generation)]);
}

#[test]
fn s5_idle_unload_never_meets_an_open() {
    let mut daemon = Daemon::with_budget(100);
    daemon.idle(0, A);
    daemon.hear(Event::IdleTick);
    // The open comes first: it works, however many ticks pass.
    daemon.open(1, A);
    for _ in 0..5 {
        assert_eq!(daemon.hear(Event::IdleTick), []);
    }
    daemon.gone(1);
    assert_eq!(daemon.hear(Event::IdleTick), [], "it was used since the last tick");
    let first = daemon.generation(A);
    assert_eq!(daemon.hear(Event::IdleTick), [Effect::Free(first)]);
    // The tick comes first: the open waits, and gets the next load.
    assert_eq!(daemon.open(2, A), []);
    daemon.freed(A);
    daemon.marked(A);
    daemon.loaded(A);
    assert_eq!(daemon.answers(2), [Answer::Ready(first.next())]);
}

#[test]
fn s7_a_load_waits_until_the_memory_is_back() {
    let mut daemon = Daemon::with_budget(SIZE);
    daemon.idle(0, A);
    daemon.ask(1, OTHER, open(B));
    assert_eq!(daemon.phase(A), Some(Phase::Freeing));
    assert_eq!(daemon.phase(B), Some(Phase::Room));
    daemon.freed(A);
    assert_eq!(daemon.phase(B), Some(Phase::Marking));
}

#[test]
fn s7_unloaded_is_said_when_the_memory_is_back() {
    let mut daemon = Daemon::with_budget(SIZE);
    daemon.idle(0, A);
    daemon.unload(1);
    assert_eq!(daemon.answers(1), []);
    daemon.freed(A);
    assert_eq!(daemon.answers(1), [Answer::Unloaded]);
    assert!(daemon.table.members().is_empty());
    daemon.unload(2);
    assert_eq!(daemon.answers(2), [Answer::Unloaded], "what is not there is unloaded");
}

#[test]
fn s7_what_another_member_is_stays() {
    let mut daemon = Daemon::with_budget(SIZE);
    daemon.idle(0, A);
    daemon.ask(1, OTHER, open(A));
    daemon.unload(2);
    assert_eq!(daemon.answers(2), [Answer::Unloaded]);
    assert!(daemon.is_ready(A));
    assert_eq!((daemon.model_of(MEMBER), daemon.model_of(OTHER)), (None, Some(A)));
}

#[test]
fn s9_a_drain_that_lasts_is_given_up() {
    let mut daemon = Daemon::with_budget(SIZE);
    daemon.working(0, A);
    daemon.unload(1);
    assert_eq!(daemon.open(2, A), [], "nobody is let in while it drains");
    assert_eq!(daemon.hear(Event::DrainTick), []);
    daemon.hear(Event::DrainTick);
    assert_eq!(daemon.answers(1), [Answer::Refused(Refusal::InUse { in_flight: 1 })]);
    assert_eq!(daemon.answers(2), [Answer::Ready(daemon.generation(A))]);
    assert!(daemon.is_ready(A));
}

#[test]
fn s9_a_switch_that_waits_for_a_drain_is_refused_with_it() {
    let mut daemon = Daemon::with_budget(SIZE);
    daemon.working(0, A);
    daemon.load_instead(1, B);
    daemon.hear(Event::DrainTick);
    daemon.hear(Event::DrainTick);
    assert_eq!(daemon.answers(1), [Answer::Refused(Refusal::InUse { in_flight: 1 })]);
    assert!(daemon.is_ready(A));
    assert_eq!(daemon.model_of(MEMBER), Some(A));
}

#[test]
fn an_unload_whose_asker_has_gone_is_given_up() {
    let mut daemon = Daemon::with_budget(SIZE);
    daemon.working(0, A);
    daemon.unload(1);
    daemon.open(2, A);
    daemon.gone(1);
    assert_eq!(daemon.answers(2), [Answer::Ready(daemon.generation(A))]);
}

#[test]
fn s10_a_fence_answers_everybody_and_frees_everything() {
    let mut daemon = Daemon::with_budget(3 * SIZE);
    daemon.working(0, A);
    daemon.ask(1, OTHER, open(B));
    daemon.marked(B);
    daemon.gate = Gate::Fenced;
    let (serving, loading) = (daemon.generation(A), daemon.generation(B));
    let ended = daemon.hear(Event::Look);
    assert_eq!(ended, [Effect::Abort(serving), refused(1, Refusal::Fenced), Effect::BreakOff(loading)]);
    assert_eq!(daemon.open(2, C), [refused(2, Refusal::Fenced)]);
    assert_eq!(daemon.gone(0), [Effect::Free(serving)]);
    daemon.hear(Event::LoadFailed { generation: loading });
    daemon.freed(A);
    assert!(daemon.table.slots().is_empty());
    assert!(daemon.table.is_fenced());
}

#[test]
fn s10_a_load_that_ends_fenced_is_freed() {
    let mut daemon = Daemon::with_budget(3 * SIZE);
    daemon.open(0, A);
    daemon.marked(A);
    daemon.gate = Gate::Fenced;
    // Nobody has told the table: the end of the load is the first that it hears.
    let generation = daemon.generation(A);
    daemon.loaded(A);
    assert_eq!(daemon.answers(0), [Answer::Refused(Refusal::Fenced)]);
    assert!(daemon.wanted.contains(&Effect::Free(generation)));
    // A gate that is said to be open again changes nothing: fenced is final.
    daemon.gate = Gate::Open;
    assert_eq!(daemon.open(1, A), [refused(1, Refusal::Fenced)]);
}
