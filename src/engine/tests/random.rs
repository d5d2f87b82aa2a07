//! Random operations on several sessions at once, with cancels, against what each session's own history says.
//!
//! What a session writes must be what a fresh session writes behind the same history: then its cache holds its own tokens, all of
//! them, and nothing else. The toy model's output is a hash of the whole cache, and it refuses a gap.

use modeld_spec::error::Error;
use modeld_spec::session::draft::Drafts;
use modeld_spec::session::params::DecodeParams;
use modeld_spec::session::report::DecodeEvent;
use modeld_spec::session::snapshot::Digest;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Output, PATIENCE, collect, greedy, open, stored};
use crate::engine::toy::Toy;
use crate::engine::{Engine, Limits, OpenRequest, Prompt, Session};

#[derive(Clone, Debug)]
enum Act {
    Prefix(String),
    Suffix(String),
    Decode(u64),
    /// Dropped after this many items.
    DropDecode(u64, usize),
    /// Dropped before it is answered, perhaps before it has begun.
    DropPrefix(String),
    Reopen,
    /// Written to disk; the last one that was is restored.
    Snapshot,
    Restore,
    /// Generates with guesses.
    Guess(u64),
}

fn act() -> impl Strategy<Value = Act> {
    let text = || "[ab]{0,12}";
    prop_oneof![
        3 => text().prop_map(Act::Prefix),
        3 => text().prop_map(Act::Suffix),
        4 => (0u64..12).prop_map(Act::Decode),
        2 => (1u64..40, 0usize..4).prop_map(|(max, items)| Act::DropDecode(max, items)),
        1 => text().prop_map(Act::DropPrefix),
        1 => Just(Act::Reopen),
        2 => Just(Act::Snapshot),
        2 => Just(Act::Restore),
        2 => (0u64..12).prop_map(Act::Guess),
    ]
}

/// What must be in front of the next token; `None` after a cancel, until the next prefix: how far it came is the engine's to say.
type History = Option<String>;

/// The last snapshot, and the history that it holds.
type Saved = Option<(Digest, History)>;

/// The greedy continuation of a history, by a session that has seen nothing else.
async fn continuation(engine: &Engine, history: &str, count: u64) -> Output {
    let session = open(engine).await;
    session.ensure_prefix(Prompt::literal(history)).await.unwrap();
    let output = collect(session.decode(greedy(count)).await.unwrap()).await.unwrap();
    session.close().await.unwrap();
    output
}

async fn perform(engine: &Engine, session: &mut Session, history: &mut History, saved: &mut Saved, act: Act) {
    match act {
        Act::Prefix(text) => prefix(session, history, text).await,
        Act::Suffix(text) => {
            let status = session.prefill_suffix(Prompt::literal(&text)).await;
            let Some(history) = history else { return };
            status.unwrap();
            history.push_str(&text);
        }
        Act::Decode(count) => decode(engine, session, history, greedy(count)).await,
        Act::Guess(count) => {
            let params = DecodeParams { drafts: Drafts { most: 4, alike: 1 }, ..greedy(count) };
            decode(engine, session, history, params).await;
        }
        Act::DropDecode(count, items) => {
            if let Ok(mut stream) = session.decode(greedy(count)).await {
                for _ in 0..items {
                    if let Some(Ok(item)) = stream.next().await
                        && matches!(item.event, DecodeEvent::End(_))
                    {
                        break;
                    }
                }
            }
            *history = None;
        }
        Act::DropPrefix(text) => {
            let operation = session.ensure_prefix(Prompt::literal(text));
            tokio::select! {
                biased;
                result = operation => result.map(drop).unwrap(),
                () = tokio::task::yield_now() => {}
            }
            *history = None;
        }
        Act::Snapshot => {
            let status = session.snapshot().await.unwrap();
            if let Some(history) = history {
                assert_eq!(status.covers.0, history.len() as u64 + 1);
            }
            *saved = Some((status.id, history.clone()));
        }
        Act::Restore => {
            let Some((id, held)) = saved else { return };
            session.restore(*id).await.unwrap();
            history.clone_from(held);
        }
        Act::Reopen => {
            session.close().await.unwrap();
            assert!(matches!(session.explain().await, Err(Error::SessionClosed { .. })));
            *session = open(engine).await;
            *history = None;
        }
    }
}

async fn prefix(session: &Session, history: &mut History, text: String) {
    let before = session.explain().await.unwrap();
    let status = session.ensure_prefix(Prompt::literal(&text)).await.unwrap();
    assert_eq!(status.prefix.0, text.len() as u64 + 1);
    let reuse = status.reuse;
    assert_eq!(reuse.reused.0 + reuse.shared.0 + reuse.prefilled.0, status.prefix.0);
    let resident = before.room.resident.0 - reuse.dropped.0 + reuse.shared.0 + reuse.prefilled.0;
    assert_eq!(status.room.resident.0, resident);
    *history = Some(text);
}

async fn decode(engine: &Engine, session: &Session, history: &mut History, params: DecodeParams) {
    let count = params.max_tokens.unwrap_or(0);
    let stream = session.decode(params).await;
    let Some(history) = history else { return };
    let output = collect(stream.unwrap()).await.unwrap();
    let expected = continuation(engine, history, count).await;
    assert_eq!((&output.text, &output.tokens), (&expected.text, &expected.tokens), "behind {history:?}");
    assert_eq!(output.end.finish, expected.end.finish);
    // A character that is not whole is no text that could be sent again: its bytes are known to the session alone.
    history.push_str(&output.text);
    if output.text.contains(char::REPLACEMENT_CHARACTER) {
        session.ensure_prefix(Prompt::literal("")).await.unwrap();
        *history = String::new();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_session_writes_what_its_own_history_says(
        scripts in vec(vec(act(), 1..14), 1..4),
        trims in any::<bool>(),
        batch_tokens in prop_oneof![Just(3usize), Just(512)],
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let limits = Limits { sessions_max: 8, batch_tokens, shared_chunk_tokens: 2, ..Limits::default() };
            let stored = stored(Toy { trims, ..Toy::default() }, limits);
            let engine = stored.engine.clone();
            let mut tasks = Vec::new();
            for script in scripts {
                let engine = engine.clone();
                tasks.push(tokio::spawn(async move {
                    let (mut session, mut history, mut saved) = (open(&engine).await, None, None);
                    for act in script {
                        perform(&engine, &mut session, &mut history, &mut saved, act).await;
                    }
                }));
            }
            for task in tasks {
                task.await.unwrap();
            }
            let statuses = engine.models();
            assert!(statuses.iter().all(|status| status.path == OpenRequest::new("toy").model));
            engine.shutdown(PATIENCE).await.unwrap();
            drop(stored);
        });
    }
}
