//! Sixteen sessions on one model: each writes what it would alone, nobody starves, nothing stays.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use modeld_spec::error::Error;
use modeld_spec::session::tape::TokenId;
use proptest::collection::vec;
use proptest::prelude::*;

use super::door::Door;
use super::walk::{Act, CONTEXT, Cold, Saved, Walk, acts};
use super::{PATIENCE, collect, engine, greedy, open, stored};
use crate::engine::backend::{Batch, Settings};
use crate::engine::toy::{EvalHook, Toy};
use crate::engine::{Engine, Limits, OpenRequest, Prompt, Session};

pub(super) const SESSIONS: usize = 16;

const HEADS: &[&str] = &["the owner of a lease has an epoch", "the owner of the disk", "an answer is a text"];

fn limits(batch_tokens: usize) -> Limits {
    Limits {
        sessions_max: SESSIONS,
        context_default: CONTEXT,
        batch_tokens,
        shared_chunk_tokens: 4,
        stream_items: 2,
        ..Limits::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn sixteen_sessions_write_what_each_would_alone(
        scripts in vec(vec(acts(HEADS, 16), 4..16), SESSIONS..=SESSIONS),
        trims in any::<bool>(),
        batch_tokens in prop_oneof![Just(5usize), Just(64)],
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let toy = Toy { trims, ..Toy::default() };
        runtime.block_on(lives(toy, scripts, batch_tokens));
    }
}

async fn lives(toy: Toy, scripts: Vec<Vec<Act>>, batch_tokens: usize) {
    let stored = stored(toy.clone(), limits(batch_tokens));
    let saved = Saved::default();
    let walks: Vec<_> = scripts
        .into_iter()
        .map(|acts| {
            let (engine, saved) = (stored.engine.clone(), saved.clone());
            tokio::spawn(Walk::through(engine, OpenRequest::new("toy"), saved, acts))
        })
        .collect();
    let mut cold = Cold::load(&toy, Path::new("toy"), Settings::default());
    let mut sessions = Vec::new();
    for walk in walks {
        let walked = walk.await.unwrap();
        for written in &walked.written {
            assert!(cold.writes_the_same(written));
            assert!(cold.first_differs_by(written).is_none_or(|difference| difference == 0.0));
        }
        assert!(0 < walked.warm);
        sessions.push(walked.session);
    }
    close_all(&stored.engine, sessions, OpenRequest::new("toy")).await;
    stored.engine.shutdown(PATIENCE).await.unwrap();
    assert_eq!(stored.engine.models(), []);
    drop(stored);
}

/// Closes all sessions, and opens as many again: each finds an empty context. A sequence in which anything is left refuses the
/// position 0 of the prompt.
pub(super) async fn close_all(engine: &Engine, sessions: Vec<Session>, request: OpenRequest) {
    for session in &sessions {
        session.close().await.unwrap();
    }
    let mut fresh = Vec::new();
    for _ in 0..SESSIONS {
        let session = engine.open_session(&request).await.unwrap();
        let report = session.explain().await.unwrap();
        assert_eq!((report.room.resident.0, report.end.0, report.operation), (0, 0, None));
        let status = session.ensure_prefix(Prompt::literal(fresh.len().to_string())).await.unwrap();
        assert_eq!(status.reuse.reused.0 + status.reuse.shared.0, 0);
        assert_eq!(status.room.resident.0, status.reuse.prefilled.0);
        fresh.push(session);
    }
    let error = engine.open_session(&request).await.unwrap_err();
    assert_eq!(error, Error::TooManySessions { limit: SESSIONS as u64 });
    for session in fresh {
        session.close().await.unwrap();
    }
}

/// Which batches each sequence had rows in, and how many rows.
#[derive(Default)]
struct Turns {
    batches: usize,
    by_sequence: BTreeMap<u32, (Vec<usize>, usize)>,
}

impl Turns {
    fn note(&mut self, batch: &Batch) {
        self.batches += 1;
        for row in &batch.rows {
            let (batches, rows) = self.by_sequence.entry(row.sequence.0).or_default();
            *rows += 1;
            if batches.last() != Some(&self.batches) {
                batches.push(self.batches);
            }
        }
    }
}

#[tokio::test]
async fn t15_nobody_starves_among_sixteen() {
    let (door, turns) = (Arc::new(Door::default()), Arc::new(Mutex::new(Turns::default())));
    let hook: EvalHook = {
        let (door, turns) = (door.clone(), turns.clone());
        Arc::new(move |batch: &Batch| {
            door.pass();
            turns.lock().unwrap().note(batch);
        })
    };
    let limits = Limits { stream_items: 64, ..limits(64) };
    let (engine, _) = engine(Toy { ends: false, before_eval: Some(hook), ..Toy::default() }, limits);
    let mut sessions = Vec::new();
    for number in 0..SESSIONS {
        let session = open(&engine).await;
        session.ensure_prefix(Prompt::literal(number.to_string())).await.unwrap();
        sessions.push(session);
    }
    *turns.lock().unwrap() = Turns::default();
    let seen = door.seen();
    door.shut();
    // The first one's batch waits in the door until all the others have asked too.
    let mut asked: Vec<Pin<Box<dyn Future<Output = Vec<TokenId>>>>> = Vec::new();
    for (number, session) in sessions.iter().enumerate() {
        asked.push(if number % 2 == 0 { writes(session) } else { reads(session, number) });
        let last = asked.last_mut().expect("one was put in");
        let answered =
            std::future::poll_fn(|context| Poll::Ready(last.as_mut().poll(context).is_ready())).await;
        assert!(!answered);
        if number == 0 {
            let door = door.clone();
            tokio::task::spawn_blocking(move || door.wait_for(seen)).await.unwrap();
        }
    }
    door.open();
    for operation in asked {
        tokio::time::timeout(PATIENCE, operation).await.expect("it ends within the bound");
    }
    engine.shutdown(PATIENCE).await.unwrap();
    let turns = turns.lock().unwrap();
    assert_eq!(turns.by_sequence.len(), SESSIONS, "each sequence had its turn");
    for (sequence, (batches, rows)) in &turns.by_sequence {
        let between = batches.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
        let longest = between.max(batches[0]);
        assert!(longest <= SESSIONS, "sequence {sequence} waited for {longest} batches: {batches:?}");
        // Who writes is in every batch from its first one on, whoever reads.
        let is_writing = *rows <= TOKENS as usize;
        assert!(!is_writing || between == 1 && batches[0] <= 2, "sequence {sequence}: {batches:?}");
    }
}

/// Generates.
fn writes(session: &Session) -> Pin<Box<dyn Future<Output = Vec<TokenId>>>> {
    let session = session.clone();
    Box::pin(async move { collect(session.decode(greedy(TOKENS)).await.unwrap()).await.unwrap().tokens })
}

/// Reads a long prompt that no other has.
fn reads(session: &Session, number: usize) -> Pin<Box<dyn Future<Output = Vec<TokenId>>>> {
    let (session, text) = (session.clone(), format!("{number} ").repeat(60));
    Box::pin(async move {
        session.prefill_suffix(Prompt::literal(text)).await.unwrap();
        Vec::new()
    })
}

/// Tokens that those who write write.
const TOKENS: u64 = 40;
