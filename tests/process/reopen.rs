//! Sessions that outlive their owners: real owners, one of them killed, and a client in this process.

use std::path::Path;

use modeld::conn::{Client, Content, LastingSession, OpenSession, Options, Session};
use modeld::data_root::DataRoot;
use modeld::engine::Prompt;
use modeld_spec::error::Error;
use modeld_spec::session::params::{DecodeParams, Sampling, SamplingParams};
use modeld_spec::session::reopen::Source;
use modeld_spec::session::report::DecodeEvent;
use modeld_spec::session::tape::TokenId;
use rustix::process::Signal;
use tokio::time::timeout;

use crate::harness::{BOUND, Process, modeld};

/// Longer than the first turn, so that its tokens are told from those of the others.
const QUESTION: &str = "a stable beginning that both owners have to know by heart, word for word, to the end";

const MORE: &str = " and then?";

/// The tokens of the first turn, and of the one in which the owner dies: so many that it waits for its reader long before their end.
const FIRST: u64 = 30;
const SECOND: u64 = 3_000;

fn serve(root: &Path, more: &[&str]) -> Process {
    Process::spawn(modeld(root, &[&["serve", "--json", "--backend", "toy", "--ttl", "1h"], more].concat()))
}

fn client(root: &Path) -> Client {
    let options = Options { answer_max: BOUND, patience: BOUND };
    Client::new(DataRoot::new(root), options).expect("a process knows where it runs")
}

fn text(text: &str) -> Content {
    Content::Prompt(Prompt::literal(text))
}

fn greedy(max_tokens: u64) -> DecodeParams {
    let sampling = SamplingParams::new(Sampling::greedy()).expect("they are in their ranges");
    DecodeParams { sampling, max_tokens: Some(max_tokens), ..DecodeParams::default() }
}

fn tokens(event: DecodeEvent) -> (Vec<TokenId>, bool) {
    match event {
        DecodeEvent::Text { tokens, .. } => (tokens, false),
        DecodeEvent::End(end) => (end.tokens, true),
    }
}

/// Generates, and does `act` once some of it has come.
async fn write(session: &mut LastingSession, max_tokens: u64, act: impl FnOnce()) -> Vec<TokenId> {
    let mut written = Vec::new();
    let mut act = Some(act);
    let mut writing = session.decode(greedy(max_tokens));
    while let Some(item) = timeout(BOUND, writing.next()).await.expect("an item within the bound") {
        let item = item.expect("an answer");
        assert_eq!(item.index, written.len() as u64, "an item is missing or came twice");
        written.extend(tokens(item.event).0);
        if 10 <= written.len()
            && let Some(act) = act.take()
        {
            act();
        }
    }
    assert_eq!(written.len() as u64, max_tokens);
    written
}

/// What a session that nothing happens to says.
async fn undisturbed(session: &Session, max_tokens: u64) -> Vec<TokenId> {
    let (mut written, mut items) =
        (Vec::new(), session.decode(&greedy(max_tokens)).await.expect("an answer"));
    while let Some(item) = items.next().await {
        written.extend(tokens(item.expect("an answer").event).0);
    }
    written
}

/// Two turns, of which the second loses its owner: the source, and what of the history was reused and evaluated.
async fn two_turns(with_snapshot: bool) -> (Source, u64, u64) {
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let root = directory.path();
    let mut owner = serve(root, &[]);
    owner.event("owner");
    let standby = serve(root, &["--standby"]);
    standby.event("standby");
    let client = client(root);
    let mut session = client.open_lasting(OpenSession::new("toy"), |_| {}).await.expect("an answer");
    session.ensure_prefix(&text(QUESTION)).await.expect("an answer");
    let first = write(&mut session, FIRST, || {}).await;
    if with_snapshot {
        let snapshot = session.snapshot().await.expect("an answer");
        assert_eq!(snapshot.covers.0, session.history().len() as u64);
    }
    session.prefill_suffix(&text(MORE)).await.expect("an answer");
    let base = session.history().len() as u64;
    let second = write(&mut session, SECOND, || {
        owner.signal(Signal::KILL);
        owner.wait();
    })
    .await;
    assert_eq!(standby.event("owner")["epoch"], 2);

    // The same as at one owner, token for token, and the next turn goes on behind it.
    let plain = client.open_session(&OpenSession::new("toy"), |_| {}).await.expect("an answer");
    plain.ensure_prefix(&text(QUESTION)).await.expect("an answer");
    assert_eq!(undisturbed(&plain, FIRST).await, first);
    plain.prefill_suffix(&text(MORE)).await.expect("an answer");
    assert_eq!(undisturbed(&plain, SECOND).await, second);
    assert_eq!(session.history(), plain.text().await.expect("an answer"));
    session.prefill_suffix(&text(MORE)).await.expect("an answer");
    plain.prefill_suffix(&text(MORE)).await.expect("an answer");
    assert_eq!(write(&mut session, FIRST, || {}).await, undisturbed(&plain, FIRST).await);

    let [again] = session.reopened() else { panic!("{:?}", session.reopened()) };
    assert_eq!((again.from.get(), again.to.get()), (1, 2));
    assert_eq!(again.reuse.reused.0 + again.reuse.prefilled.0, base, "{again:?}");
    println!("opened again within {:?} from {:?}: {:?}", again.gap, again.source, again.reuse);
    let found = (again.source, again.reuse.reused.0, again.reuse.prefilled.0);
    session.close().await.expect("an answer");
    found
}

#[tokio::test]
async fn t12_a_session_goes_on_at_the_next_owner_by_prefill() {
    let (source, reused, prefilled) = two_turns(false).await;
    assert_eq!((source, reused), (Source::Prefill, 0));
    assert!((QUESTION.len() as u64 + FIRST) < prefilled);
}

#[tokio::test]
async fn t12_a_snapshot_leaves_less_to_prefill() {
    let (source, reused, prefilled) = two_turns(true).await;
    assert!(matches!(source, Source::Snapshot(count) if count.0 == reused), "{source:?}");
    // The last token that was handed out before the snapshot was not in the cache, so it is evaluated with what came after.
    assert!((QUESTION.len() as u64) < reused && prefilled <= MORE.len() as u64 + 1, "{reused} {prefilled}");
}

#[tokio::test]
async fn t12_what_was_not_taken_is_taken_back() {
    let directory = tempfile::tempdir().unwrap();
    let owner = serve(directory.path(), &[]);
    owner.event("owner");
    let client = client(directory.path());
    let mut session = client.open_lasting(OpenSession::new("toy"), |_| {}).await.unwrap();
    session.prefill_suffix(&text(QUESTION)).await.unwrap();
    {
        let mut writing = session.decode(greedy(SECOND));
        writing.next().await.unwrap().unwrap();
    }
    // The owner is some tokens ahead of its reader.
    let history = session.history().to_vec();
    session.explain().await.unwrap();
    assert_eq!(session.session().unwrap().text().await.unwrap(), history);
    assert!(session.reopened().is_empty());
}

#[tokio::test]
async fn a_snapshot_is_restored_and_a_claim_compared_over_the_wire() {
    let directory = tempfile::tempdir().unwrap();
    let owner = serve(directory.path(), &[]);
    owner.event("owner");
    let client = client(directory.path());
    let first = client.open_session(&OpenSession::new("toy"), |_| {}).await.unwrap();
    first.ensure_prefix(&text(QUESTION)).await.unwrap();
    let saved = first.snapshot().await.unwrap();

    // The same model with the same settings: what is claimed is so.
    let claimed = OpenSession { claimed: first.manifest().clone(), ..OpenSession::new("toy") };
    assert!(!claimed.claimed.is_empty());
    let second = client.open_session(&claimed, |_| {}).await.unwrap();
    let restored = second.restore(saved.id).await.unwrap();
    assert_eq!(restored.covers, saved.covers);
    assert_eq!(second.text().await.unwrap(), first.text().await.unwrap());
    let again = second.ensure_prefix(&text(QUESTION)).await.unwrap();
    assert_eq!(again.reuse.prefilled.0, 0, "{again:?}");

    let other = OpenSession { model: "toy:other".to_string(), ..claimed };
    let refused = client.open_session(&other, |_| {}).await.unwrap_err();
    let field = |error: &Error| matches!(error, Error::ManifestMismatch { field, .. } if field == "model");
    assert!(refused.answered().is_some_and(field), "{refused}");
    let other = client.open_session(&OpenSession::new("toy:other"), |_| {}).await.unwrap();
    let refused = other.restore(saved.id).await.unwrap_err();
    assert!(matches!(refused.answered(), Some(Error::SnapshotRefused { .. })), "{refused}");

    let described = client.describe("toy").await.unwrap();
    assert_eq!(described.capabilities, Some(first.capabilities()));
    assert_eq!(described.chat, first.chat_features());
    assert!(described.chat.is_some());
    assert_eq!(client.describe("toy:third").await.unwrap().capabilities, None);
    let embedded = client.embed(&OpenSession::new("toy"), &Prompt::literal("abc")).await.unwrap();
    assert_eq!((embedded.tokens.0, embedded.embedding.values.is_empty()), (4, false));
}
