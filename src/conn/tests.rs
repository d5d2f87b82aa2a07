//! The client against owners in this process.

mod lasting;

use std::time::Duration;

use modeld_spec::error::{Error, Stage};
use modeld_spec::follow::GivenUp;
use modeld_spec::ids::InstanceId;
use modeld_spec::lease::record::{Meta, Record};
use modeld_spec::session::finish::FinishReason;
use modeld_spec::session::params::DecodeParams;
use modeld_spec::session::report::DecodeEvent;
use modeld_spec::session::stop::StopStrings;
use tokio::time::timeout;

use super::{Client, ConnError, Content, Event, Generation, OpenSession, Options, Request, Session, Totals};
use crate::data_root::DataRoot;
use crate::engine::Prompt;
use crate::engine::chat::ChatMessage;
use crate::harness::{PATIENCE, TestOwner, client, data_root, greedy, until, write_record};
use crate::transport::error::Failed;

fn text(text: &str) -> Content {
    Content::Prompt(Prompt::literal(text))
}

fn request(max_tokens: u64) -> Request {
    Request {
        open: OpenSession::new("toy"),
        prefix: text("you are a lease. "),
        suffix: Some(text("who owns?")),
        params: DecodeParams {
            stop: StopStrings::new(vec!["é!".to_string()]).unwrap(),
            ..greedy(max_tokens)
        },
    }
}

/// What came of a generation.
#[derive(Debug, Default)]
struct Heard {
    text: String,
    tokens: u64,
    opened: Vec<u64>,
    changes: Vec<(u64, u64)>,
    totals: Option<Totals>,
}

impl Heard {
    /// Hears the next event; `false` after the end. What was said once is never said again.
    async fn next(&mut self, generation: &mut Generation) -> Result<bool, ConnError> {
        let event = timeout(PATIENCE, generation.next()).await.expect("an event within the bound");
        match event.transpose()? {
            None => return Ok(false),
            Some(Event::Item { epoch, index, text, tokens, .. }) => {
                assert_eq!(index, self.tokens, "an item is missing or came twice");
                assert_eq!(self.opened.last(), Some(&epoch.get()), "an item of another epoch");
                self.text.push_str(&text);
                self.tokens += tokens.len() as u64;
            }
            Some(Event::Opened { epoch, .. }) => self.opened.push(epoch.get()),
            Some(Event::OwnerChanged { from, to, .. }) => self.changes.push((from.get(), to.get())),
            Some(Event::Finished(totals)) => self.totals = Some(totals),
            Some(Event::Loading { fraction }) => assert!((0.0..=1.0).contains(&fraction)),
            Some(Event::Prefilled { prefix, suffix }) => {
                let suffix = suffix.unwrap();
                assert_eq!((prefix.prefix.0, suffix.suffix.0), (18, 9));
            }
        }
        Ok(true)
    }

    async fn until_tokens(&mut self, generation: &mut Generation, tokens: u64) {
        while self.tokens < tokens {
            assert!(self.next(generation).await.unwrap(), "the answer ended early");
        }
    }

    async fn until_end(&mut self, generation: &mut Generation) -> Result<(), ConnError> {
        while self.next(generation).await? {}
        Ok(())
    }
}

async fn uninterrupted(max_tokens: u64) -> String {
    let (_directory, root) = data_root();
    let _owner = TestOwner::start(&root, 1);
    let mut heard = Heard::default();
    heard.until_end(&mut client(&root).generate(request(max_tokens))).await.unwrap();
    assert_eq!((heard.opened, heard.changes), (vec![1], vec![]));
    heard.text
}

async fn session(client: &Client) -> Session {
    client.open_session(&OpenSession::new("toy"), |_| {}).await.unwrap()
}

#[tokio::test]
async fn the_whole_loop() {
    let (_directory, root) = data_root();
    let owner = TestOwner::start(&root, 3);
    let client = client(&root);
    let facts = client.describe("toy").await.unwrap().facts;
    assert_eq!((facts.name.as_str(), facts.has_chat_template), ("toy", true));

    let mut fractions = Vec::new();
    let open = OpenSession { context_tokens: Some(1000), ..OpenSession::new("toy") };
    let session = client.open_session(&open, |fraction| fractions.push(fraction)).await.unwrap();
    assert!(fractions.is_sorted(), "{fractions:?}");
    assert_eq!(
        (session.epoch(), session.instance(), session.context_tokens()),
        (owner.epoch, &owner.instance, 1000)
    );

    let chat = Content::chat([ChatMessage::user("hello")]);
    let prefix = session.ensure_prefix(&chat).await.unwrap();
    let again = session.ensure_prefix(&chat).await.unwrap();
    assert_eq!((again.reuse.reused, again.reuse.prefilled.0), (prefix.reuse.prefilled, 0));
    let suffix = session.prefill_suffix(&text(" and")).await.unwrap();
    assert_eq!((suffix.before, suffix.suffix.0), (prefix.prefix, 4));

    let mut items = session.decode(&greedy(30)).await.unwrap();
    let (mut count, mut end) = (0, None);
    while let Some(item) = items.next().await {
        let item = item.unwrap();
        assert_eq!((item.epoch, item.index), (owner.epoch, count));
        match item.event {
            DecodeEvent::Text { tokens, .. } => count += tokens.len() as u64,
            DecodeEvent::End(last) => {
                count += last.tokens.len() as u64;
                end = Some(last);
            }
        }
    }
    let end = end.unwrap();
    assert_eq!((count, end.generated_tokens.0, end.finish), (30, 30, FinishReason::Length));

    let report = session.explain().await.unwrap();
    assert_eq!((report.epoch, report.generated_total.0, report.operation), (owner.epoch, 30, None));
    let status = client.status().await.unwrap();
    assert_eq!(
        (status.epoch, status.instance, status.pid),
        (owner.epoch, owner.instance.clone(), std::process::id())
    );
    assert_eq!((status.connections, status.models.len(), status.models[0].sessions), (1, 1, 1));
    session.close().await.unwrap();
    assert_eq!(client.status().await.unwrap().models[0].sessions, 0);
    assert_eq!(client.stale_items(), 0);
}

#[tokio::test]
async fn a_model_is_loaded_and_unloaded_by_name() {
    let (_directory, root) = data_root();
    let owner = TestOwner::start(&root, 1);
    let client = client(&root);
    assert_eq!(client.load(&OpenSession::new("toy:a"), Some("mine"), false).await.unwrap(), "mine");
    assert_eq!(client.load(&OpenSession::new("toy"), None, false).await.unwrap(), "toy");
    let status = client.status().await.unwrap();
    let mut names: Vec<_> = status.models.iter().flat_map(|model| model.members.clone()).collect();
    names.sort();
    assert_eq!(names, ["mine", "toy"]);
    assert!(status.budget.is_some() && status.models.iter().all(|model| model.ready));
    // Whoever works on a model keeps it from nobody but itself.
    let session = session(&client).await;
    client.load(&OpenSession::new("toy:b"), Some("mine"), true).await.unwrap();
    client.unload("mine").await.unwrap();
    session.ensure_prefix(&text("still here")).await.unwrap();
    until("the end of the others", || owner.engine.models().len() == 1).await;
}

#[tokio::test]
async fn failures_arrive_as_they_left() {
    let (_directory, root) = data_root();
    let _owner = TestOwner::start(&root, 1);
    let client = client(&root);
    let failed = |error: ConnError| match error {
        ConnError::Call(Failed::Answered(error)) => error,
        other => panic!("{other}"),
    };
    let nowhere = client.describe("nowhere").await.unwrap_err();
    assert_eq!(failed(nowhere), Error::ModelNotFound { model: "nowhere".to_string() });
    let open = OpenSession { context_tokens: Some(20), ..OpenSession::new("toy") };
    let session = client.open_session(&open, |_| {}).await.unwrap();
    let overflow = session.ensure_prefix(&text("a text of more than twenty tokens")).await.unwrap_err();
    let expected = Error::ContextOverflow { stage: Stage::Prefix, resident: 0, additional: 34, limit: 20 };
    assert_eq!(overflow.hint(), expected.hint());
    assert_eq!(failed(overflow), expected);
    let empty = session.decode(&greedy(1)).await.unwrap_err();
    assert!(matches!(failed(empty), Error::InvalidArgument { .. }));
    let backend = OpenSession { backend: Some("llama".to_string()), ..OpenSession::new("toy") };
    let mismatch = client.open_session(&backend, |_| {}).await.unwrap_err();
    assert!(matches!(failed(mismatch), Error::BackendMismatch { .. }));
}

#[tokio::test]
async fn an_answer_is_the_same_however_its_owners_end() {
    let whole = uninterrupted(120).await;
    for ending in ["killed", "fenced", "stopped in order", "paused"] {
        let (_directory, root) = data_root();
        let first = TestOwner::start(&root, 1);
        first.budget.limit(40);
        let client = client(&root);
        let mut generation = client.generate(request(120));
        let mut heard = Heard::default();
        heard.until_tokens(&mut generation, 30).await;
        let second = TestOwner::start_unannounced(&root, 2);
        let mut paused = None;
        match ending {
            "killed" => first.kill(),
            "fenced" => first.fence(),
            "stopped in order" => {
                let engine = first.engine.clone();
                first.budget.open();
                let (stopped, drained) = tokio::join!(first.stop(), engine.shutdown(PATIENCE));
                stopped.unwrap();
                drained.unwrap();
            }
            _ => paused = Some(first),
        }
        second.announce(&root);
        second.budget.limit(20);
        heard.until_tokens(&mut generation, 50).await;
        // And once more, so that a continuation is continued.
        let third = TestOwner::start(&root, 3);
        second.kill();
        heard.until_end(&mut generation).await.unwrap();
        let totals = heard.totals.unwrap();
        if heard.opened.len() == 3 {
            assert_eq!(heard.changes, [(1, 2), (2, 3)], "{ending}");
            assert_eq!(totals.epochs.len(), 3, "{ending}");
        } else {
            // An owner that ends in order may have generated all before it does.
            assert_eq!(ending, "stopped in order");
        }
        assert_eq!(heard.text, whole, "{ending}");
        assert_eq!((heard.tokens, totals.tokens, totals.stale_items), (120, 120, 0), "{ending}");
        drop((paused, third));
    }
}

#[tokio::test]
async fn an_item_of_a_superseded_epoch_is_refused_and_counted() {
    let (_directory, root) = data_root();
    let first = TestOwner::start(&root, 1);
    first.budget.limit(5);
    let client = client(&root);
    let session = session(&client).await;
    session.ensure_prefix(&text("a")).await.unwrap();
    let mut items = session.decode(&greedy(40)).await.unwrap();
    items.next().await.unwrap().unwrap();
    // The client hears of the next epoch over another connection, while the first owner goes on.
    let _second = TestOwner::start(&root, 2);
    client.status().await.unwrap();
    first.budget.open();
    let refused = items.next().await.unwrap().unwrap_err();
    let stale = Error::StaleEpoch { got: first.epoch, seen: client.highest_epoch().unwrap() };
    assert_eq!(refused.answered(), Some(&stale));
    assert!(items.next().await.is_none());
    assert!(client.stale_items() <= 1);
    let refused = session.explain().await.unwrap_err();
    assert_eq!(refused.answered(), Some(&stale));
    assert!(1 <= client.stale_items());
}

#[tokio::test]
async fn sessions_end_with_their_connection() {
    let (_directory, root) = data_root();
    let owner = TestOwner::start(&root, 1);
    let stays = client(&root);
    let other = session(&stays).await;
    // A runtime that ends where it is, as a process does that dies: nothing is closed by hand.
    let (root_of_dying, engine) = (root.clone(), owner.engine.clone());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let dying = client(&root_of_dying);
        let last = runtime.block_on(session(&dying));
        assert_eq!(engine.models()[0].sessions, 2);
        runtime.shutdown_background();
        std::mem::forget((last, dying));
    })
    .join()
    .unwrap();
    until("the end of the session", || owner.engine.models()[0].sessions == 1).await;
    other.ensure_prefix(&text("still here")).await.unwrap();
}

#[tokio::test]
async fn a_dropped_session_is_closed_and_a_dropped_stream_is_cancelled() {
    let (_directory, root) = data_root();
    let owner = TestOwner::start(&root, 1);
    let client = client(&root);
    let session = session(&client).await;
    session.ensure_prefix(&text("a")).await.unwrap();
    owner.budget.limit(5);
    let mut items = session.decode(&greedy(1_000)).await.unwrap();
    items.next().await.unwrap().unwrap();
    drop(items);
    owner.budget.open();
    // The next operation is not told that the session is busy.
    session.ensure_prefix(&text("b")).await.unwrap();
    drop(session);
    until("the end of the session", || owner.engine.models()[0].sessions == 0).await;
}

#[tokio::test]
async fn an_opening_that_is_dropped_leaves_no_session() {
    let (_directory, root) = data_root();
    let owner = TestOwner::start(&root, 1);
    let client = client(&root);
    owner.budget.hold_loads();
    let open = OpenSession::new("toy");
    {
        let mut opening = std::pin::pin!(client.open_session(&open, |_| {}));
        let loading = until("the load", || !owner.engine.models().is_empty());
        tokio::select! {
            opened = &mut opening => panic!("opened: {opened:?}"),
            () = loading => {}
        }
    }
    owner.budget.open();
    // The load is broken off, or done before the server hears of it; then the session is closed again.
    let session = session(&client).await;
    until("the end of the other session", || owner.engine.models()[0].sessions == 1).await;
    session.explain().await.unwrap();
}

#[tokio::test]
async fn nobody_somebody_else_and_silence_are_told_apart() {
    let (_directory, root) = data_root();
    let client = client(&root);
    let error = client.status().await.unwrap_err();
    assert!(matches!(&error, ConnError::NoOwner(_)) && error.hint().is_some(), "{error}");

    let owner = TestOwner::start_unannounced(&root, 1);
    let other = InstanceId::new("somebody-else").unwrap();
    write_record(&root, &Record { instance: other, ..owner.record() });
    let error = client.status().await.unwrap_err();
    assert!(matches!(&error, ConnError::SomebodyElse { epoch: 1, .. }), "{error}");

    let at = |endpoint: &str| Meta { endpoint: Some(endpoint.to_string()), backend: None };
    write_record(&root, &Record { meta: at("tcp:127.0.0.1:1"), ..owner.record() });
    assert!(matches!(client.status().await.unwrap_err(), ConnError::Endpoint(_)));
    write_record(&root, &Record { meta: at("unix:/nowhere/at/all.sock"), ..owner.record() });
    assert!(matches!(client.status().await.unwrap_err(), ConnError::Unreachable { .. }));

    // Somebody takes the connection and says nothing, as a stopped process does.
    let silent = root.path().join("silent.sock");
    let _silent = std::os::unix::net::UnixListener::bind(&silent).unwrap();
    write_record(&root, &Record { meta: at(&format!("unix:{}", silent.display())), ..owner.record() });
    let quick = Options { answer_max: Duration::from_millis(50), ..Options::default() };
    let error = Client::new(root.clone(), quick).unwrap().status().await.unwrap_err();
    assert!(error.to_string().contains("no answer within 50ms"), "{error}");
    let probed = client.detector().probe(Duration::from_millis(50)).await.unwrap();
    assert!(probed.state.may_answer() && matches!(probed.answer, Some(Err(ConnError::Unreachable { .. }))));
    drop(owner);
}

#[tokio::test]
async fn a_probe_hears_whether_the_owner_serves() {
    let (_directory, root) = data_root();
    let owner = TestOwner::start(&root, 1);
    let detector = client(&root).detector().clone();
    let answer = detector.probe(PATIENCE).await.unwrap().answer.unwrap().unwrap();
    assert_eq!((answer.epoch, answer.instance, answer.serving), (owner.epoch, owner.instance.clone(), true));
    owner.fence();
    let answer = detector.probe(PATIENCE).await.unwrap().answer.unwrap().unwrap();
    assert!(!answer.serving);
}

#[tokio::test]
async fn patience_ends() {
    let (_directory, root) = data_root();
    let owner = TestOwner::start(&root, 1);
    owner.budget.limit(5);
    let short = Options { patience: Duration::from_millis(100), answer_max: PATIENCE };
    let mut generation = Client::new(root.clone(), short).unwrap().generate(request(50));
    let mut heard = Heard::default();
    heard.until_tokens(&mut generation, 1).await;
    owner.kill();
    let error = heard.until_end(&mut generation).await.unwrap_err();
    assert!(matches!(&error, ConnError::GivenUp { why: GivenUp::NoOwner(_), .. }), "{error}");
    assert!(error.hint().is_some() && timeout(PATIENCE, generation.next()).await.unwrap().is_none());
}

#[tokio::test]
async fn without_an_owner_generating_fails_at_once() {
    let (_directory, root) = data_root();
    let error = Heard::default().until_end(&mut client(&root).generate(request(5))).await.unwrap_err();
    assert!(matches!(error, ConnError::NoOwner(_)), "{error}");
    let root = DataRoot::new(root.path().join("not-there"));
    let error = client(&root).status().await.unwrap_err();
    assert!(matches!(error, ConnError::NoOwner(_)), "{error}");
}
