//! Faults that others have, and no other test is about: see the table of them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use modeld_spec::error::Error;

use super::door::Door;
use super::{PATIENCE, collect, engine, greedy, open, stored};
use crate::engine::toy::{EvalHook, LoadHook, Toy};
use crate::engine::{Limits, OpenRequest, Prompt};

#[tokio::test]
async fn a_load_that_fails_leaves_the_models_that_serve() {
    let (engine, _) = engine(Toy { ends: false, ..Toy::default() }, Limits::default());
    let session = open(&engine).await;
    session.ensure_prefix(Prompt::literal("once")).await.unwrap();
    let before = collect(session.decode(greedy(5)).await.unwrap()).await.unwrap();
    for _ in 0..3 {
        let error = engine.open_session(&OpenRequest::new("nothing.gguf")).await.unwrap_err();
        assert!(matches!(error, Error::ModelNotFound { .. }), "{error}");
    }
    // Everything is where it was, in the cache too.
    let status = session.ensure_prefix(Prompt::literal("once")).await.unwrap();
    assert_eq!(status.reuse.prefilled.0, 0);
    let after = collect(session.decode(greedy(5)).await.unwrap()).await.unwrap();
    assert_eq!(after.tokens, before.tokens);
    let models = engine.models();
    assert_eq!((models.len(), models[0].path.as_path()), (1, Path::new("toy")));
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_model_that_serves_is_not_loaded_again() {
    let loads = Arc::new(AtomicUsize::new(0));
    let hook: LoadHook = {
        let loads = loads.clone();
        Arc::new(move |fraction| {
            loads.fetch_add(usize::from(fraction == 0.0), Ordering::SeqCst);
        })
    };
    let (engine, _) = engine(Toy { during_load: Some(hook), ..Toy::default() }, Limits::default());
    for _ in 0..20 {
        open(&engine).await.close().await.unwrap();
    }
    assert_eq!(loads.load(Ordering::SeqCst), 1);
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_go_on_while_snapshots_are_written() {
    // The batches that are evaluated while a snapshot is under way are counted: one that waited for the disk would see none.
    let (under_way, meanwhile) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let hook: EvalHook = {
        let (under_way, meanwhile) = (under_way.clone(), meanwhile.clone());
        Arc::new(move |_| {
            meanwhile.fetch_add(usize::from(under_way.load(Ordering::SeqCst)), Ordering::SeqCst);
        })
    };
    let toy = Toy { ends: false, before_eval: Some(hook), ..Toy::default() };
    let stored = stored(toy, Limits { context_default: 8192, ..Limits::default() });
    let (writer, other) = (open(&stored.engine).await, open(&stored.engine).await);
    writer.ensure_prefix(Prompt::literal("x".repeat(4000))).await.unwrap();
    other.ensure_prefix(Prompt::literal("once")).await.unwrap();
    let mut stream = other.decode(greedy(8000)).await.unwrap();
    let reader = tokio::spawn(async move { while stream.next().await.is_some_and(|item| item.is_ok()) {} });
    for _ in 0..10 {
        under_way.store(true, Ordering::SeqCst);
        writer.snapshot().await.unwrap();
        under_way.store(false, Ordering::SeqCst);
    }
    assert!(0 < meanwhile.load(Ordering::SeqCst));
    reader.abort();
    stored.engine.shutdown(PATIENCE).await.unwrap();
    drop(stored);
}

#[tokio::test]
async fn a_question_is_answered_in_the_middle_of_a_decode() {
    let door = Arc::new(Door::default());
    let hook: EvalHook = {
        let door = door.clone();
        Arc::new(move |_| door.pass())
    };
    let toy = Toy { ends: false, before_eval: Some(hook), ..Toy::default() };
    let (engine, _) = engine(toy, Limits { stream_items: 2, ..Limits::default() });
    let session = open(&engine).await;
    session.ensure_prefix(Prompt::literal("once")).await.unwrap();
    // Nobody reads: the decode lasts as long as the stream is held.
    let stream = session.decode(greedy(8000)).await.unwrap();
    for _ in 0..3 {
        let report = session.explain().await.unwrap();
        assert_eq!(report.operation.map(|operation| operation.to_string()), Some("decode".to_string()));
    }
    assert!(0 < door.seen());
    drop(stream);
    engine.shutdown(PATIENCE).await.unwrap();
}
