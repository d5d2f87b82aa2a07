//! Snapshots through the whole engine: written, restored, refused; over a restart, an owner change and a full house.

use modeld_spec::error::Error;
use modeld_spec::session::snapshot::Digest;
use modeld_spec::session::tape::TokenCount;

use super::{PATIENCE, Stored, collect, engine, greedy, open, stored, stored_in};
use crate::data_root::DataRoot;
use crate::engine::toy::Toy;
use crate::engine::{Limits, OpenRequest, Prompt};
use crate::owner::Released;

async fn shut_down(stored: Stored) {
    stored.engine.shutdown(PATIENCE).await.unwrap();
    assert_eq!(stored.owner.release(&mut ()), Released::Released);
}

#[tokio::test]
async fn t11_a_snapshot_outlives_its_owner_and_goes_on_warm() {
    let directory = tempfile::tempdir().unwrap();
    let root = DataRoot::new(directory.path());
    let first = stored_in(&root, Toy::default(), Limits::default());
    let session = open(&first.engine).await;
    session.ensure_prefix(Prompt::literal("a stable beginning")).await.unwrap();
    let begun = collect(session.decode(greedy(7)).await.unwrap()).await.unwrap();
    let saved = session.snapshot().await.unwrap();
    let rest = collect(session.decode(greedy(9)).await.unwrap()).await.unwrap();
    shut_down(first).await;

    let second = stored_in(&root, Toy::default(), Limits::default());
    let session = open(&second.engine).await;
    let restored = session.restore(saved.id).await.unwrap();
    assert!(saved.epoch < restored.epoch);
    assert_eq!(restored.covers, saved.covers);
    // The token that was handed out last was not in the cache yet: it is not lost either.
    let again = collect(session.decode(greedy(9)).await.unwrap()).await.unwrap();
    assert_eq!((again.text, again.tokens), (rest.text, rest.tokens));
    // Nothing but what is new is evaluated.
    let text = format!("a stable beginning{}", begun.text);
    let status = session.ensure_prefix(Prompt::literal(&text)).await.unwrap();
    assert_eq!(status.reuse.prefilled, TokenCount(0), "{status:?}");
    shut_down(second).await;
}

#[tokio::test]
async fn t11_a_snapshot_of_another_model_is_refused_and_the_session_goes_on() {
    let stored = stored(Toy::default(), Limits::default());
    let session = open(&stored.engine).await;
    session.ensure_prefix(Prompt::literal("one")).await.unwrap();
    let saved = session.snapshot().await.unwrap();
    let other = stored.engine.open_session(&OpenRequest::new("toy:other")).await.unwrap();
    other.ensure_prefix(Prompt::literal("two")).await.unwrap();
    let before = other.explain().await.unwrap();
    for id in [saved.id, Digest([3; 32])] {
        let refused = other.restore(id).await.unwrap_err();
        assert!(matches!(refused, Error::SnapshotRefused { .. }), "{refused}");
    }
    assert_eq!(other.explain().await.unwrap(), before);
    assert!(collect(other.decode(greedy(3)).await.unwrap()).await.is_ok());
    shut_down(stored).await;
}

#[tokio::test]
async fn t11_a_restore_needs_no_session_to_be_closed() {
    let limits = Limits { sessions_max: 2, ..Limits::default() };
    let stored = stored(Toy::default(), limits);
    let (one, two) = (open(&stored.engine).await, open(&stored.engine).await);
    one.ensure_prefix(Prompt::literal("one")).await.unwrap();
    two.ensure_prefix(Prompt::literal("something else")).await.unwrap();
    let saved = one.snapshot().await.unwrap();
    for _ in 0..4 {
        two.restore(saved.id).await.unwrap();
        one.restore(saved.id).await.unwrap();
    }
    let (a, b) = (one.decode(greedy(5)).await.unwrap(), two.decode(greedy(5)).await.unwrap());
    assert_eq!(collect(a).await.unwrap().tokens, collect(b).await.unwrap().tokens);
    shut_down(stored).await;
}

#[tokio::test]
async fn t11_restores_at_once_take_turns_in_a_full_house() {
    let limits = Limits { sessions_max: 6, ..Limits::default() };
    let stored = stored(Toy::default(), limits);
    let mut sessions = Vec::new();
    for number in 0..6 {
        let session = open(&stored.engine).await;
        session.ensure_prefix(Prompt::literal(format!("number {number}"))).await.unwrap();
        sessions.push(session);
    }
    let saved = sessions[0].snapshot().await.unwrap();
    for _ in 0..5 {
        let restores = sessions.iter().cloned().map(|session| {
            tokio::spawn(async move { session.restore(saved.id).await.map(|restored| restored.covers) })
        });
        for restore in restores.collect::<Vec<_>>() {
            assert_eq!(restore.await.unwrap(), Ok(saved.covers));
        }
    }
    shut_down(stored).await;
}

#[tokio::test]
async fn a_changed_snapshot_is_refused() {
    let stored = stored(Toy::default(), Limits::default());
    let session = open(&stored.engine).await;
    session.ensure_prefix(Prompt::literal("one")).await.unwrap();
    let saved = session.snapshot().await.unwrap();
    let name = saved.id.to_string();
    let path = stored.root.path().join("snapshots").join(&name[..2]).join(&name);
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let refused = session.restore(saved.id).await.unwrap_err();
    assert!(matches!(refused, Error::SnapshotRefused { .. }), "{refused}");
    shut_down(stored).await;
}

#[tokio::test]
async fn without_a_disk_a_snapshot_fails_and_says_why() {
    let (engine, _) = engine(Toy::default(), Limits::default());
    let session = open(&engine).await;
    session.ensure_prefix(Prompt::literal("one")).await.unwrap();
    let failed = session.snapshot().await.unwrap_err();
    assert!(failed.to_string().contains("keeps no snapshots"), "{failed}");
    session.ensure_prefix(Prompt::literal("one more")).await.unwrap();
    engine.shutdown(PATIENCE).await.unwrap();
}
