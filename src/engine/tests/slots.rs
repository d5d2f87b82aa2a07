//! Which models are in memory, and for whom: the rules of `spec/slot.md` with threads, files and clients.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use modeld_spec::error::Error;
use modeld_spec::slot::event::Old;
use modeld_spec::slot::plan::NoRoom;
use tokio::time::timeout;

use super::door::Door;
use super::{DEADLINE, PATIENCE, collect, engine, gate, greedy, open};
use crate::engine::toy::Toy;
use crate::engine::{Engine, Limits, LoadPhase, MemoryLimits, ModelPhase, OpenRequest, Prompt};

fn toy(name: &str) -> OpenRequest {
    OpenRequest::new(name)
}

/// The name `member`, for the model of this name.
fn named(member: &str, model: &str) -> OpenRequest {
    OpenRequest { member: member.to_string(), ..toy(model) }
}

/// Models of 10 bytes in a memory of this many.
fn limits(budget: u64) -> Limits {
    let memory = MemoryLimits { max: Some(budget), reserve: 0, share: 100 };
    Limits { memory, idle_unload: None, ..Limits::default() }
}

fn small() -> Toy {
    Toy { ends: false, bytes: 10, ..Toy::default() }
}

/// A toy whose loads wait at a door, and the number of loads that began.
fn toy_behind(door: &Arc<Door>) -> (Toy, Arc<AtomicUsize>) {
    let loads = Arc::new(AtomicUsize::new(0));
    let (begun, door) = (loads.clone(), door.clone());
    let hook = Arc::new(move |fraction: f32| {
        if fraction == 0.0 {
            begun.fetch_add(1, Ordering::SeqCst);
        }
        door.pass();
    });
    (Toy { during_load: Some(hook), ..small() }, loads)
}

async fn at(door: &Arc<Door>, seen: usize) {
    let door = door.clone();
    tokio::task::spawn_blocking(move || door.wait_for(seen)).await.unwrap();
}

/// Waits until the models are these, by path and phase.
async fn until(engine: &Engine, expected: &[(&str, ModelPhase)]) {
    let reached = async {
        loop {
            let models = engine.models();
            let found: Vec<_> =
                models.iter().map(|model| (model.path.to_str().unwrap(), model.phase)).collect();
            if found == expected {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let waited = timeout(PATIENCE, reached).await;
    assert!(waited.is_ok(), "{:?} and not {expected:?}", engine.models());
}

fn paths(engine: &Engine) -> Vec<String> {
    engine.models().iter().map(|model| model.path.to_string_lossy().into_owned()).collect()
}

#[tokio::test]
async fn s1_sixteen_opens_at_once_are_one_load() {
    let door = Arc::new(Door::default());
    door.shut();
    let (backend, loads) = toy_behind(&door);
    let (engine, _) = engine(backend, Limits { sessions_max: 16, ..limits(15) });
    let engine = Arc::new(engine);
    let opens: Vec<_> = (0..16)
        .map(|_| {
            let engine = engine.clone();
            tokio::spawn(async move { engine.open_session(&toy("toy")).await })
        })
        .collect();
    at(&door, 0).await;
    door.open();
    for open in opens {
        open.await.unwrap().unwrap();
    }
    assert_eq!(loads.load(Ordering::SeqCst), 1);
    let status = &engine.models()[0];
    assert_eq!((status.sessions, status.planned_bytes, status.bytes, status.generation), (16, 10, 10, 1));
    assert_eq!(status.members, ["toy"]);
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn s3_a_hang_up_cancels_its_waiter_alone_and_the_last_one_the_load() {
    let door = Arc::new(Door::default());
    door.shut();
    let (backend, loads) = toy_behind(&door);
    let (engine, _) = engine(backend, limits(15));
    let (first, mut second) = (engine.load(&toy("toy")).unwrap(), engine.load(&toy("toy")).unwrap());
    at(&door, 0).await;
    drop(first);
    assert_eq!(second.progress().await.phase, LoadPhase::Loading);
    door.open();
    while second.progress().await.phase == LoadPhase::Loading {}
    second.ready().await.unwrap();
    assert_eq!(loads.load(Ordering::SeqCst), 1);
    drop(second);
    // The last one who waits for another model takes its load along; who asks meanwhile gets a new one.
    engine.unload("toy").await.unwrap();
    door.shut();
    let seen = door.seen();
    let third = engine.load(&toy("toy")).unwrap();
    at(&door, seen).await;
    drop(third);
    until(&engine, &[("toy", ModelPhase::Leaving)]).await;
    let mut fourth = engine.load(&toy("toy")).unwrap();
    assert_eq!(fourth.progress().await.phase, LoadPhase::Loading);
    door.open();
    fourth.ready().await.unwrap();
    assert_eq!(loads.load(Ordering::SeqCst), 3);
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn s13_progress_is_told_to_all_and_never_goes_back() {
    let door = Arc::new(Door::default());
    let (backend, _) = toy_behind(&door);
    let (engine, _) = engine(backend, limits(15));
    let mut waits = [engine.load(&toy("toy")).unwrap(), engine.load(&toy("toy")).unwrap()];
    for wait in &mut waits {
        let (mut last, mut phase) = (0.0, LoadPhase::Loading);
        while phase == LoadPhase::Loading {
            let progress = timeout(PATIENCE, wait.progress()).await.unwrap();
            assert!(last <= progress.fraction, "{last} and then {}", progress.fraction);
            (last, phase) = (progress.fraction, progress.phase);
        }
        assert_eq!((last, phase), (1.0, LoadPhase::Ready));
    }
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn s4_a_failed_switch_leaves_the_good_model() {
    let fails = Toy { fails: Some(Arc::new(|name| name == "toy:bad")), ..small() };
    let (engine, _) = engine(fails, limits(15));
    let session = engine.open_session(&named("chat", "toy:good")).await.unwrap();
    session.ensure_prefix(Prompt::literal("once")).await.unwrap();
    // Nothing is evicted for what is not to be had anyway, and what is used is not.
    let bad = named("chat", "toy:bad");
    let refused = engine.load_explicitly(&bad, Old::Stays).err().unwrap();
    let shortage = NoRoom::OnlyInstead { need: 10, budget: 15, old: 10 };
    assert_eq!(refused, Error::NoRoom { model: "toy:bad".to_string(), shortage });
    // An open changes nothing either.
    let refused = engine.load(&bad).err().unwrap();
    assert!(matches!(refused, Error::OtherModel { ref member, .. } if member == "chat"), "{refused:?}");
    session.close().await.unwrap();
    let loading = engine.load_explicitly(&bad, Old::MayGoFirst).unwrap();
    assert_eq!(loading.plan().unwrap().gives_up.as_deref(), Some("toy:good"));
    let failed = loading.ready().await.unwrap_err();
    assert!(matches!(failed, Error::ModelLoadFailed { ref model, .. } if model == "toy:bad"), "{failed:?}");
    // What was given up for it is loaded again.
    until(&engine, &[("toy:good", ModelPhase::Ready)]).await;
    engine.open_session(&named("chat", "toy:good")).await.unwrap();
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn s4_a_switch_is_done_when_the_new_model_serves() {
    let (engine, _) = engine(small(), limits(25));
    let session = engine.open_session(&named("chat", "toy:old")).await.unwrap();
    engine.load_explicitly(&named("chat", "toy:new"), Old::Stays).unwrap().ready().await.unwrap();
    // Who works on the old one goes on; the memory comes back when they have done.
    session.ensure_prefix(Prompt::literal("once")).await.unwrap();
    assert_eq!(paths(&engine).len(), 2);
    session.close().await.unwrap();
    until(&engine, &[("toy:new", ModelPhase::Ready)]).await;
    assert_eq!(engine.models()[0].members, ["chat"]);
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn s6_the_least_recently_used_idle_model_goes_and_the_asker_is_told() {
    let (engine, _) = engine(small(), limits(25));
    open(&engine).await.close().await.unwrap();
    engine.open_session(&toy("toy:b")).await.unwrap().close().await.unwrap();
    // The first one is used again: the second one is the least needed.
    open(&engine).await.close().await.unwrap();
    let planned = engine.plan(&toy("toy:c"), None).unwrap();
    assert_eq!((planned.footprint.total(), planned.budget, planned.refusal), (10, 25, None));
    assert_eq!(planned.evictions.evicts, ["toy:b"]);
    assert_eq!(paths(&engine), ["toy:b", "toy"], "a question changes nothing");
    let loading = engine.load(&toy("toy:c")).unwrap();
    assert_eq!(loading.plan().unwrap(), planned.evictions);
    loading.ready().await.unwrap();
    assert_eq!(paths(&engine), ["toy", "toy:c"]);
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn s6_what_is_used_is_not_evicted_and_the_refusal_has_the_numbers() {
    let (engine, _) = engine(small(), limits(15));
    let session = open(&engine).await;
    let refused = engine.open_session(&toy("toy:b")).await.unwrap_err();
    let shortage = NoRoom::Taken { need: 10, budget: 15, in_use: 10, idle: 0 };
    assert_eq!(refused, Error::NoRoom { model: "toy:b".to_string(), shortage });
    assert_eq!(engine.plan(&toy("toy:b"), None).unwrap().refusal, Some(refused));
    session.close().await.unwrap();
    engine.open_session(&toy("toy:b")).await.unwrap();
    engine.shutdown(PATIENCE).await.unwrap();

    let (engine, _) = super::engine(small(), limits(9));
    let refused = engine.open_session(&toy("toy")).await.unwrap_err();
    let shortage = NoRoom::TooLarge { need: 10, budget: 9 };
    assert_eq!(refused, Error::NoRoom { model: "toy".to_string(), shortage });
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn s8_what_takes_more_than_there_is_is_freed_with_both_numbers() {
    let (engine, _) = engine(Toy { took: Some(20), ..small() }, limits(15));
    let refused = engine.open_session(&toy("toy")).await.unwrap_err();
    assert_eq!(refused, Error::TookMore { model: "toy".to_string(), planned: 10, taken: 20, budget: 15 });
    until(&engine, &[]).await;
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn s5_idle_unload_waits_for_everybody_and_the_next_open_loads_again() {
    let (engine, _) = engine(small(), limits(15));
    let session = open(&engine).await;
    for _ in 0..4 {
        engine.tick_idle();
    }
    session.ensure_prefix(Prompt::literal("once")).await.unwrap();
    collect(session.decode(greedy(4)).await.unwrap()).await.unwrap();
    // A handle to a session is not the session: only its end counts.
    let other = engine.session(session.id()).unwrap();
    drop(session);
    engine.tick_idle();
    engine.tick_idle();
    other.explain().await.unwrap();
    other.close().await.unwrap();
    engine.tick_idle();
    assert_eq!(paths(&engine), ["toy"], "no whole interval has passed");
    engine.tick_idle();
    until(&engine, &[]).await;
    open(&engine).await;
    assert_eq!(engine.models()[0].generation, 2);
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s5_opens_that_race_with_idle_unload_all_work() {
    let (engine, _) = engine(small(), Limits { sessions_max: 8, ..limits(15) });
    let engine = Arc::new(engine);
    let working: Vec<_> = (0..4)
        .map(|_| {
            let engine = engine.clone();
            tokio::spawn(async move {
                for _ in 0..50 {
                    let session = engine.open_session(&toy("toy")).await.unwrap();
                    session.ensure_prefix(Prompt::literal("once")).await.unwrap();
                    session.close().await.unwrap();
                }
            })
        })
        .collect();
    let ticking = {
        let engine = engine.clone();
        tokio::spawn(async move {
            loop {
                engine.tick_idle();
                tokio::task::yield_now().await;
            }
        })
    };
    for work in working {
        timeout(PATIENCE, work).await.unwrap().unwrap();
    }
    ticking.abort();
    let _ = ticking.await;
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn an_interval_of_its_own_unloads_what_nobody_uses() {
    let idle_unload = Some(Duration::from_millis(20));
    let (engine, _) = engine(small(), Limits { idle_unload, ..limits(15) });
    open(&engine).await.close().await.unwrap();
    until(&engine, &[]).await;
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn s9_an_unload_waits_for_work_no_longer_than_its_bound() {
    let (engine, _) = engine(small(), limits(15));
    let engine = Arc::new(engine);
    let session = open(&engine).await;
    let unload = |engine: &Arc<Engine>| {
        let engine = engine.clone();
        tokio::spawn(async move { engine.unload("toy").await })
    };
    let first = unload(&engine);
    until(&engine, &[("toy", ModelPhase::Draining)]).await;
    engine.tick_drain();
    engine.tick_drain();
    let refused = first.await.unwrap().unwrap_err();
    assert_eq!(refused, Error::ModelInUse { model: "toy".to_string(), in_flight: 1 });
    // It serves on; and it goes when the last one has gone.
    session.explain().await.unwrap();
    let second = unload(&engine);
    until(&engine, &[("toy", ModelPhase::Draining)]).await;
    session.close().await.unwrap();
    timeout(PATIENCE, second).await.unwrap().unwrap().unwrap();
    assert_eq!(engine.models(), []);
    // A name that stands for nothing is unloaded already.
    engine.unload("toy").await.unwrap();
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn s10_a_fence_frees_everything_without_being_asked() {
    let door = Arc::new(Door::default());
    let (backend, _) = toy_behind(&door);
    let (engine, clock) = engine(backend, limits(25));
    let session = open(&engine).await;
    door.shut();
    let seen = door.seen();
    let loading = engine.load(&toy("toy:b")).unwrap();
    at(&door, seen).await;
    clock.set(DEADLINE);
    door.open();
    let fenced = Error::Fenced { epoch: modeld_spec::ids::Epoch::FIRST };
    assert_eq!(timeout(PATIENCE, loading.ready()).await.unwrap().unwrap_err(), fenced);
    until(&engine, &[]).await;
    assert_eq!(session.explain().await.unwrap_err(), fenced);
    assert_eq!(engine.load(&toy("toy")).err(), Some(fenced));
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn s10_a_shutdown_answers_who_waits_and_waits_for_the_memory() {
    let door = Arc::new(Door::default());
    door.shut();
    let (backend, _) = toy_behind(&door);
    let (engine, _) = engine(backend, limits(25));
    let loading = engine.load(&toy("toy")).unwrap();
    at(&door, 0).await;
    let running = engine.shutdown(Duration::ZERO).await.unwrap_err();
    assert_eq!(running.models, 1);
    assert_eq!(loading.ready().await.unwrap_err(), Error::Draining);
    door.open();
    engine.shutdown(PATIENCE).await.unwrap();
    assert_eq!((engine.models(), engine.load(&toy("toy")).err()), (Vec::new(), Some(Error::Draining)));
}

/// An engine of its own life over these marks.
fn life(backend: Toy, marks: &Path) -> Engine {
    Engine::remembering(gate().0, Box::new(backend), limits(25), marks.to_path_buf())
}

/// What is kept of a load that is under way: what its death would leave.
async fn marks_of_a_load(name: &str, marks: &Path) {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let (seen, directory) = (kept.clone(), marks.to_path_buf());
    let during_load = Arc::new(move |_: f32| {
        let entries = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
        *seen.lock().unwrap() = entries.map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    });
    let engine = life(Toy { during_load: Some(during_load), ..small() }, marks);
    engine.open_session(&toy(name)).await.unwrap();
    engine.shutdown(PATIENCE).await.unwrap();
    assert_eq!(fs::read_dir(marks).unwrap().count(), 0, "a load that ended leaves no mark");
    for (path, content) in kept.lock().unwrap().drain(..) {
        fs::write(path, content).unwrap();
    }
    assert_eq!(fs::read_dir(marks).unwrap().count(), 1);
}

#[tokio::test]
async fn s11_a_model_that_ended_the_process_is_loaded_explicitly_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let marks = directory.path().join("loads");
    marks_of_a_load("toy:fatal", &marks).await;
    let engine = life(small(), &marks);
    let refused = engine.open_session(&toy("toy:fatal")).await.unwrap_err();
    assert_eq!(refused, Error::CrashedBefore { model: "toy:fatal".to_string() });
    let other_context = OpenRequest { context_tokens: Some(99), ..toy("toy:fatal") };
    assert_eq!(engine.load(&other_context).err().map(|error| error.token()), Some("crashed_before"));
    // Others are none the worse, and a refusal is remembered as long as nobody insists.
    engine.open_session(&toy("toy:other")).await.unwrap();
    engine.shutdown(PATIENCE).await.unwrap();
    let engine = life(small(), &marks);
    assert_eq!(engine.load(&toy("toy:fatal")).err().map(|error| error.token()), Some("crashed_before"));
    engine.load_explicitly(&toy("toy:fatal"), Old::Stays).unwrap().ready().await.unwrap();
    engine.open_session(&toy("toy:fatal")).await.unwrap();
    engine.shutdown(PATIENCE).await.unwrap();
    // It has loaded: that is forgotten.
    let engine = life(small(), &marks);
    engine.open_session(&toy("toy:fatal")).await.unwrap();
    engine.shutdown(PATIENCE).await.unwrap();
}

/// Run by itself, it starts this test in a process of its own, which ends within a load.
#[tokio::test]
async fn s11_a_process_that_ends_within_a_load_leaves_the_mark() {
    if let Some(marks) = std::env::var_os(CHILD) {
        let abort = Arc::new(|fraction: f32| {
            if fraction == 0.5 {
                std::process::abort();
            }
        });
        let engine = life(Toy { during_load: Some(abort), ..small() }, Path::new(&marks));
        let _ = engine.open_session(&toy("toy:fatal")).await;
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let marks = directory.path().join("loads");
    let name = "engine::tests::slots::s11_a_process_that_ends_within_a_load_leaves_the_mark";
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--test-threads", "1"])
        .env(CHILD, &marks)
        .output();
    assert!(!child.unwrap().status.success());
    let engine = life(small(), &marks);
    let refused = engine.open_session(&toy("toy:fatal")).await.unwrap_err();
    assert_eq!(refused, Error::CrashedBefore { model: "toy:fatal".to_string() });
    engine.load_explicitly(&toy("toy:fatal"), Old::Stays).unwrap().ready().await.unwrap();
    engine.shutdown(PATIENCE).await.unwrap();
}

/// Says where the marks are, to the process that has to leave one.
const CHILD: &str = "MODELD_TEST_MARKS";

#[tokio::test]
async fn s11_no_mark_no_load() {
    let directory = tempfile::tempdir().unwrap();
    let marks = directory.path().join("nowhere").join("loads");
    let loads = Arc::new(AtomicUsize::new(0));
    let begun = loads.clone();
    let during_load = Arc::new(move |_: f32| {
        begun.fetch_add(1, Ordering::SeqCst);
    });
    let engine = life(Toy { during_load: Some(during_load), ..small() }, &marks);
    let refused = engine.open_session(&toy("toy")).await.unwrap_err();
    assert!(matches!(refused, Error::NotRemembered { ref model, .. } if model == "toy"), "{refused:?}");
    assert_eq!(loads.load(Ordering::SeqCst), 0);
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_name_whose_model_is_gone_can_be_opened_with_more_context() {
    let (engine, _) = engine(small(), limits(25));
    let with = |context| OpenRequest { context_tokens: Some(context), ..toy("toy") };
    let session = engine.open_session(&with(100)).await.unwrap();
    // A smaller context is a part of what there is; a larger one is another load.
    assert_eq!(engine.open_session(&with(50)).await.unwrap().context_tokens(), 50);
    let refused = engine.open_session(&with(200)).await.unwrap_err();
    let said = "context is 200 tokens, and the model is loaded with 100 for each session";
    assert_eq!(refused.to_string(), said);
    // Another name has a load of its own.
    let other = OpenRequest { member: "other".to_string(), ..with(200) };
    assert_eq!(engine.open_session(&other).await.unwrap().context_tokens(), 200);
    // Explicitly, the name stands for the larger one.
    engine.load_explicitly(&with(200), Old::Stays).unwrap().ready().await.unwrap();
    assert_eq!(engine.open_session(&with(200)).await.unwrap().context_tokens(), 200);
    drop(session);
    engine.shutdown(PATIENCE).await.unwrap();

    // What is not in memory any more binds nobody.
    let (engine, _) = super::engine(small(), limits(25));
    engine.open_session(&with(100)).await.unwrap().close().await.unwrap();
    engine.tick_idle();
    engine.tick_idle();
    until(&engine, &[]).await;
    assert_eq!(engine.plan(&with(200), None).unwrap().refusal, None);
    assert_eq!(engine.open_session(&with(200)).await.unwrap().context_tokens(), 200);
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn names_are_forgotten_when_there_are_many() {
    let (engine, _) = engine(small(), limits(15));
    for number in 0..1_100 {
        let opened = engine.open_session(&toy(&format!("toy:{number}"))).await;
        opened.unwrap().close().await.unwrap();
    }
    assert_eq!(paths(&engine), ["toy:1099"]);
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn one_model_under_two_names_is_loaded_once_and_stays_for_the_other() {
    let (engine, _) = engine(small(), limits(15));
    engine.open_session(&named("a", "toy")).await.unwrap().close().await.unwrap();
    let session = engine.open_session(&named("b", "toy")).await.unwrap();
    assert_eq!(engine.models()[0].members, ["a", "b"]);
    engine.unload("a").await.unwrap();
    session.explain().await.unwrap();
    assert_eq!(engine.models()[0].members, ["b"]);
    engine.shutdown(PATIENCE).await.unwrap();
}
