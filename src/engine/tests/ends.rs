//! What ends before its time: by the gate, a cancel, a slow or lost reader, a shutdown, a failed or abandoned load.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use modeld_spec::error::Error;
use modeld_spec::ids::Epoch;
use modeld_spec::session::finish::FinishReason;
use modeld_spec::session::params::DecodeParams;
use modeld_spec::session::report::DecodeEvent;
use tokio::time::timeout;

use super::door::Door;
use super::{DEADLINE, PATIENCE, collect, engine, greedy, open};
use crate::engine::none::None as NoBackend;
use crate::engine::toy::Toy;
use crate::engine::{DecodeStream, Engine, Limits, LoadPhase, OpenRequest, Prompt};

fn toy_behind(door: &Arc<Door>) -> Toy {
    let door = door.clone();
    Toy { ends: false, before_eval: Some(Arc::new(move |_| door.pass())), ..Toy::default() }
}

async fn endless(engine: &Engine) -> (crate::engine::Session, DecodeStream) {
    let session = open(engine).await;
    session.ensure_prefix(Prompt::literal("once")).await.unwrap();
    let stream = session.decode(DecodeParams { max_tokens: None, ..greedy(0) }).await.unwrap();
    (session, stream)
}

async fn next(stream: &mut DecodeStream) -> Option<Result<DecodeEvent, Error>> {
    let item = timeout(PATIENCE, stream.next()).await.expect("an item within the bound")?;
    Some(item.map(|item| item.event))
}

const FENCED: Error = Error::Fenced { epoch: Epoch::FIRST };

#[tokio::test]
async fn nothing_is_emitted_after_the_deadline() {
    let (engine, clock) = engine(Toy { ends: false, ..Toy::default() }, Limits::default());
    let (session, mut stream) = endless(&engine).await;
    assert!(matches!(next(&mut stream).await, Some(Ok(DecodeEvent::Text { .. }))));
    clock.set(DEADLINE);
    // The channel holds items from before; none of them comes out.
    assert_eq!(next(&mut stream).await, Some(Err(FENCED)));
    assert_eq!(next(&mut stream).await, None);
    assert_eq!(session.ensure_prefix(Prompt::literal("x")).await.unwrap_err(), FENCED);
    assert_eq!(session.explain().await.unwrap_err(), FENCED);
    assert_eq!(engine.open_session(&OpenRequest::new("toy:other")).await.unwrap_err(), FENCED);
    engine.shutdown(PATIENCE).await.unwrap();
    engine.shutdown(PATIENCE).await.unwrap();
    assert_eq!(engine.models(), []);
}

#[tokio::test]
async fn a_deadline_within_an_evaluation_keeps_its_result_in() {
    let door = Arc::new(Door::default());
    let (engine, clock) = engine(toy_behind(&door), Limits::default());
    let session = open(&engine).await;
    door.shut();
    let operation = tokio::spawn({
        let session = session.clone();
        async move { session.ensure_prefix(Prompt::literal("once")).await }
    });
    tokio::task::spawn_blocking({
        let door = door.clone();
        move || door.wait_for(0)
    })
    .await
    .unwrap();
    clock.set(DEADLINE);
    door.open();
    assert_eq!(operation.await.unwrap().unwrap_err(), FENCED);
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_cancelled_decode_says_what_came_and_can_be_continued() {
    let (engine, _) = engine(Toy { ends: false, ..Toy::default() }, Limits::default());
    let (session, mut stream) = endless(&engine).await;
    let mut text = String::new();
    while text.len() < 8 {
        match next(&mut stream).await {
            Some(Ok(DecodeEvent::Text { text: more, .. })) => text.push_str(&more),
            other => panic!("{other:?}"),
        }
    }
    stream.cancel();
    let rest = collect(stream).await.unwrap();
    assert_eq!(rest.end.finish, FinishReason::Cancelled);
    text.push_str(&rest.text);
    let more = collect(session.decode(greedy(10)).await.unwrap()).await.unwrap();
    // The same in one go.
    let whole = open(&engine).await;
    whole.ensure_prefix(Prompt::literal("once")).await.unwrap();
    let count = rest.end.generated_tokens.0 + 10;
    let expected = collect(whole.decode(greedy(count)).await.unwrap()).await.unwrap();
    if !text.ends_with(char::REPLACEMENT_CHARACTER) {
        assert_eq!(text + &more.text, expected.text);
    }
    assert_eq!(more.tokens[..], expected.tokens[expected.tokens.len() - 10..]);
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_prefill_dropped_within_an_evaluation_leaves_what_is_in_the_cache() {
    let door = Arc::new(Door::default());
    let (engine, _) = engine(toy_behind(&door), Limits { batch_tokens: 4, ..Limits::default() });
    let session = open(&engine).await;
    door.shut();
    let operation = tokio::spawn({
        let session = session.clone();
        async move { session.ensure_prefix(Prompt::literal("0123456789")).await }
    });
    let wait = |seen| {
        let door = door.clone();
        tokio::task::spawn_blocking(move || door.wait_for(seen))
    };
    wait(0).await.unwrap();
    operation.abort();
    assert!(operation.await.unwrap_err().is_cancelled());
    door.open();
    // The first chunk was stopped at its first token, as nobody else was in the batch.
    let report = session.explain().await.unwrap();
    assert_eq!((report.operation, report.room.resident.0), (None, 0));
    let status = session.ensure_prefix(Prompt::literal("0123456789")).await.unwrap();
    assert_eq!((status.reuse.reused.0, status.reuse.prefilled.0), (0, 11));
    assert!(1 < door.seen());
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_slow_reader_stalls_itself_alone() {
    let limits = Limits { stream_items: 2, ..Limits::default() };
    let (engine, _) = engine(Toy { ends: false, ..Toy::default() }, limits);
    let (slow_session, mut slow) = endless(&engine).await;
    let (_, fast) = endless(&engine).await;
    drop(fast);
    let session = open(&engine).await;
    session.ensure_prefix(Prompt::literal("once")).await.unwrap();
    let output = collect(session.decode(greedy(500)).await.unwrap()).await.unwrap();
    assert_eq!(output.tokens.len(), 500);
    let stalled = slow_session.explain().await.unwrap();
    // Two items of at most two tokens each, and one token beyond.
    assert!(stalled.generated_total.0 <= 6, "{stalled:?}");
    let busy = slow_session.ensure_prefix(Prompt::literal("x")).await.unwrap_err();
    assert!(matches!(busy, Error::SessionBusy { ref operation, .. } if operation == "decode"));
    // It goes on when its reader does, with the text that the other one got.
    let mut text = String::new();
    while text.len() < 100 {
        match next(&mut slow).await {
            Some(Ok(DecodeEvent::Text { text: more, .. })) => text.push_str(&more),
            other => panic!("{other:?}"),
        }
    }
    assert!(output.text.starts_with(&text));
    drop(slow);
    slow_session.ensure_prefix(Prompt::literal("x")).await.unwrap();
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_shutdown_ends_streams_and_refuses_what_comes() {
    let limits = Limits { stream_items: 2, ..Limits::default() };
    let (engine, _) = engine(Toy { ends: false, ..Toy::default() }, limits);
    let (session, mut stream) = endless(&engine).await;
    engine.shutdown(PATIENCE).await.unwrap();
    let mut last = next(&mut stream).await;
    while let Some(Ok(DecodeEvent::Text { .. })) = last {
        last = next(&mut stream).await;
    }
    assert_eq!(last, Some(Err(Error::Draining)));
    assert_eq!(session.explain().await.unwrap_err(), Error::Draining);
    assert_eq!(engine.open_session(&OpenRequest::new("toy")).await.unwrap_err(), Error::Draining);
    assert_eq!(engine.models(), []);
}

#[tokio::test]
async fn a_model_is_loaded_once_however_many_ask() {
    let (loads, door) = (Arc::new(AtomicUsize::new(0)), Arc::new(Door::default()));
    door.shut();
    let hook = {
        let (loads, door) = (loads.clone(), door.clone());
        Arc::new(move |fraction: f32| {
            if fraction == 0.0 {
                loads.fetch_add(1, Ordering::SeqCst);
            }
            door.pass();
        })
    };
    let limits = Limits { sessions_max: 8, ..Limits::default() };
    let (engine, _) = engine(Toy { during_load: Some(hook), ..Toy::default() }, limits);
    let engine = Arc::new(engine);
    let mut loading = engine.load(&OpenRequest::new("toy")).unwrap();
    assert_eq!(loading.progress().await.phase, LoadPhase::Loading);
    let opens: Vec<_> = (0..8)
        .map(|_| {
            let engine = engine.clone();
            tokio::spawn(async move { engine.open_session(&OpenRequest::new("toy")).await })
        })
        .collect();
    door.open();
    for open in opens {
        open.await.unwrap().unwrap();
    }
    assert_eq!(loads.load(Ordering::SeqCst), 1);
    assert_eq!(loading.ready().await.unwrap().sessions_max, 8);
    while loading.progress().await.phase != LoadPhase::Ready {}
    let error = engine.open_session(&OpenRequest::new("toy")).await.unwrap_err();
    assert_eq!(error, Error::TooManySessions { limit: 8 });
    let status = engine.models();
    assert_eq!((status.len(), status[0].sessions, status[0].ready), (1, 8, true));
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_load_that_nobody_waits_for_is_broken_off_and_can_begin_again() {
    let door = Arc::new(Door::default());
    door.shut();
    let hook = {
        let door = door.clone();
        Arc::new(move |_| door.pass())
    };
    let (engine, _) = engine(Toy { during_load: Some(hook), ..Toy::default() }, Limits::default());
    let wait = |seen| {
        let door = door.clone();
        tokio::task::spawn_blocking(move || door.wait_for(seen))
    };
    let loading = engine.load(&OpenRequest::new("toy")).unwrap();
    wait(0).await.unwrap();
    drop(loading);
    door.open();
    // The load is forgotten once it notices; until then nothing else happens to it.
    let forgotten = async {
        while !engine.models().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, forgotten).await.unwrap();
    let session = open(&engine).await;
    session.close().await.unwrap();
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn an_open_that_is_dropped_leaves_no_session() {
    let limits = Limits { sessions_max: 1, ..Limits::default() };
    let (engine, _) = engine(Toy::default(), limits);
    // Loaded first, so that what is dropped below is the opening alone.
    open(&engine).await.close().await.unwrap();
    let request = OpenRequest::new("toy");
    for _ in 0..50 {
        tokio::select! {
            biased;
            opened = engine.open_session(&request) => match opened {
                Ok(session) => session.close().await.unwrap(),
                // The one dropped before is not closed yet.
                Err(error) => assert_eq!(error, Error::TooManySessions { limit: 1 }),
            },
            () = tokio::task::yield_now() => {}
        }
    }
    let opened = async {
        loop {
            match engine.open_session(&OpenRequest::new("toy")).await {
                Ok(session) => break session,
                // The dropped one is closed as soon as its thread sees it.
                Err(Error::TooManySessions { .. }) => tokio::task::yield_now().await,
                Err(other) => panic!("{other}"),
            }
        }
    };
    timeout(PATIENCE, opened).await.unwrap().close().await.unwrap();
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_panic_of_a_backend_ends_its_model_alone() {
    let evaluations = Arc::new(AtomicUsize::new(0));
    let hook = {
        let evaluations = evaluations.clone();
        Arc::new(move |_: &_| {
            assert!(evaluations.fetch_add(1, Ordering::SeqCst) != 2, "a defect of the backend")
        })
    };
    let (engine, _) =
        engine(Toy { before_eval: Some(hook), ends: false, ..Toy::default() }, Limits::default());
    let (session, mut stream) = endless(&engine).await;
    let mut last = next(&mut stream).await;
    while let Some(Ok(_)) = last {
        last = next(&mut stream).await;
    }
    assert!(matches!(last, Some(Err(Error::Internal { .. }))), "{last:?}");
    assert_eq!(session.explain().await.unwrap_err().token(), "internal");
    let again = open(&engine).await;
    again.ensure_prefix(Prompt::literal("once")).await.unwrap();
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_cache_that_cannot_be_cut_is_filled_again_and_says_so() {
    let (engine, _) = engine(Toy { trims: false, ends: false, ..Toy::default() }, Limits::default());
    let session = open(&engine).await;
    session.ensure_prefix(Prompt::literal("abcdef")).await.unwrap();
    let status = session.ensure_prefix(Prompt::literal("abcxyz")).await.unwrap();
    let reason = modeld_spec::session::tape::ReuseReason::NotTrimmable { at: 4 };
    assert_eq!((status.reuse.reused.0, status.reuse.prefilled.0, status.reuse.dropped.0), (0, 7, 7));
    assert_eq!(status.reuse.reason, reason);
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused() {
    let limits = Limits { text_bytes_max: 10, ..Limits::default() };
    let (engine, _) = engine(Toy::default(), limits);
    let session = open(&engine).await;
    let error = session.ensure_prefix(Prompt::literal("x".repeat(11))).await.unwrap_err();
    assert_eq!(error.to_string(), "the text has 11 bytes, and 10 are allowed");
    let error = session.decode(greedy(1)).await.unwrap_err();
    assert!(error.to_string().contains("needs a prompt"), "{error}");
    let other = OpenRequest { backend: Some("llama".to_string()), ..OpenRequest::new("toy") };
    let error = engine.open_session(&other).await.unwrap_err();
    assert_eq!(error.token(), "backend_mismatch");
    let error = engine.open_session(&OpenRequest::new("none.gguf")).await.unwrap_err();
    assert_eq!(error, Error::ModelNotFound { model: "none.gguf".to_string() });
    let large = OpenRequest { context_tokens: Some(usize::MAX), ..OpenRequest::new("toy") };
    assert_eq!(engine.open_session(&large).await.unwrap_err().token(), "invalid_argument");
    assert!(matches!(
        engine.session(&crate::engine::SessionId::from_text("1.guess")),
        Err(Error::SessionClosed { .. })
    ));
    let found = engine.session(session.id()).unwrap();
    assert_eq!(found.id(), session.id());
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn the_backend_without_models_refuses_them() {
    let (engine, _) = engine(NoBackend, Limits::default());
    let error = engine.open_session(&OpenRequest::new("x")).await.unwrap_err();
    assert_eq!(error.token(), "unsupported_feature");
    assert_eq!((engine.backend(), engine.models()), ("none", Vec::new()));
    engine.shutdown(Duration::ZERO).await.unwrap();
}
