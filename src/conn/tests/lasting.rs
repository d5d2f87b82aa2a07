//! Sessions that outlive owners, against owners in this process that end in every way.

use modeld_spec::session::reopen::Source;
use modeld_spec::session::tape::TokenId;

use super::*;
use crate::conn::LastingSession;

async fn lasting(client: &Client) -> LastingSession {
    client.open_lasting(OpenSession::new("toy"), |_| {}).await.unwrap()
}

/// Generates, and calls `act` when so many tokens have come.
async fn write(
    session: &mut LastingSession,
    tokens: u64,
    at: usize,
    act: impl AsyncFnOnce(),
) -> Vec<TokenId> {
    let (mut written, mut act) = (Vec::new(), Some(act));
    let mut writing = session.decode(greedy(tokens));
    loop {
        if at <= written.len()
            && let Some(act) = act.take()
        {
            act().await;
        }
        let Some(item) = timeout(PATIENCE, writing.next()).await.expect("an item within the bound") else {
            return written;
        };
        let item = item.unwrap();
        assert_eq!(item.index, written.len() as u64, "an item is missing or came twice");
        match item.event {
            DecodeEvent::Text { tokens, .. } => written.extend(tokens),
            DecodeEvent::End(end) => written.extend(end.tokens),
        }
    }
}

/// The tokens of a session that nothing happens to.
async fn undisturbed(tokens: u64) -> Vec<TokenId> {
    let (_directory, root) = data_root();
    let _owner = TestOwner::start(&root, 1);
    let mut session = lasting(&client(&root)).await;
    session.ensure_prefix(&text("you are a lease. ")).await.unwrap();
    let written = write(&mut session, tokens, 0, async || ()).await;
    assert!(session.reopened().is_empty());
    written
}

#[tokio::test]
async fn t12_a_decode_goes_on_however_its_owners_end() {
    let whole = undisturbed(120).await;
    for ending in ["killed", "fenced", "stopped in order", "paused"] {
        let (_directory, root) = data_root();
        let first = TestOwner::start(&root, 1);
        first.budget.limit(40);
        let client = client(&root);
        let mut session = lasting(&client).await;
        session.ensure_prefix(&text("you are a lease. ")).await.unwrap();
        let base = session.history().len() as u64;
        let mut owners = Vec::new();
        let second = TestOwner::start_unannounced(&root, 2);
        let written = write(&mut session, 120, 30, async || match ending {
            "killed" => {
                first.kill();
                second.announce(&root);
            }
            "fenced" => {
                second.announce(&root);
                first.fence();
                owners.push(first);
            }
            "stopped in order" => {
                second.announce(&root);
                let engine = first.engine.clone();
                first.budget.open();
                let (stopped, drained) = tokio::join!(first.stop(), engine.shutdown(PATIENCE));
                stopped.unwrap();
                drained.unwrap();
            }
            _ => {
                second.announce(&root);
                owners.push(first);
            }
        });
        assert_eq!(written.await, whole, "{ending}");
        // It may have generated all before it ended; then the next operation finds that out.
        session.prefill_suffix(&text("and?")).await.unwrap();
        let [again] = session.reopened() else { panic!("{ending}: {:?}", session.reopened()) };
        assert_eq!((again.from.get(), again.to.get(), again.source), (1, 2, Source::Prefill), "{ending}");
        assert!(base <= again.reuse.prefilled.0, "{ending}");
        assert_eq!(session.history(), session.session().unwrap().text().await.unwrap(), "{ending}");
        drop((owners, second));
    }
}

#[tokio::test]
async fn t12_operations_between_two_owners_are_done_at_the_second() {
    let (_directory, root) = data_root();
    let first = TestOwner::start(&root, 1);
    let client = client(&root);
    let (mut session, mut empty) = (lasting(&client).await, lasting(&client).await);
    session.ensure_prefix(&text("one")).await.unwrap();
    let history = session.history().to_vec();
    first.kill();
    let _second = TestOwner::start(&root, 2);
    let suffix = session.prefill_suffix(&text(" two")).await.unwrap();
    assert_eq!((suffix.epoch.get(), suffix.before.0, suffix.suffix.0), (2, 4, 4));
    assert_eq!(session.history()[..4], history);
    // Nothing was on its tape, so there is nothing to evaluate again.
    let prefix = empty.prefill_suffix(&text("three")).await.unwrap();
    assert_eq!((prefix.before.0, prefix.suffix.0), (0, 6));
    assert_eq!(empty.reopened()[0].reuse.prefilled.0, 0);
}

#[tokio::test]
async fn t12_what_fails_or_is_dropped_leaves_the_history() {
    let (_directory, root) = data_root();
    let owner = TestOwner::start(&root, 1);
    let open = OpenSession { context_tokens: Some(100), ..OpenSession::new("toy") };
    let mut session = client(&root).open_lasting(open, |_| {}).await.unwrap();
    session.ensure_prefix(&text("one")).await.unwrap();
    let history = session.history().to_vec();
    let error = session.prefill_suffix(&text(&"x".repeat(200))).await.unwrap_err();
    assert!(matches!(error.answered(), Some(Error::ContextOverflow { .. })), "{error}");
    let error = session.snapshot().await.unwrap_err();
    assert!(matches!(error.answered(), Some(Error::SnapshotFailed { .. })), "{error}");
    let shifting = DecodeParams { shift: true, ..greedy(5) };
    let error = session.decode(shifting).next().await.unwrap().unwrap_err();
    assert!(matches!(error.answered(), Some(Error::InvalidArgument { .. })), "{error}");
    owner.budget.limit(5);
    {
        let mut writing = session.decode(greedy(50));
        // Dropped before anything is taken.
        assert!(asked_once(writing.next()).await.is_none());
    }
    owner.budget.open();
    let suffix = session.prefill_suffix(&text(" two")).await.unwrap();
    assert_eq!((suffix.before.0, suffix.suffix.0), (4, 4));
    assert_eq!(session.history()[..4], history);
    assert_eq!(session.history(), session.session().unwrap().text().await.unwrap());
    assert!(session.reopened().is_empty());
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_lasting_session_waits_no_longer_than_its_patience_and_can_go_on_later() {
    let (_directory, root) = data_root();
    let owner = TestOwner::start(&root, 1);
    let short = Options { patience: Duration::from_millis(100), answer_max: PATIENCE };
    let client = Client::new(root.clone(), short).unwrap();
    let mut session = lasting(&client).await;
    session.ensure_prefix(&text("one")).await.unwrap();
    owner.kill();
    let error = session.prefill_suffix(&text("two")).await.unwrap_err();
    assert!(matches!(&error, ConnError::GivenUp { why: GivenUp::NoOwner(_), .. }), "{error}");
    let _second = TestOwner::start(&root, 2);
    session.prefill_suffix(&text("two")).await.unwrap();
    assert_eq!(session.reopened().len(), 1);
}

#[tokio::test]
async fn a_lasting_session_can_be_worked_with_on_another_thread() {
    let (_directory, root) = data_root();
    let _owner = TestOwner::start(&root, 1);
    let mut session = lasting(&client(&root)).await;
    let working = tokio::spawn(async move {
        session.ensure_prefix(&text("one")).await.unwrap();
        write(&mut session, 5, 0, async || ()).await.len()
    });
    assert_eq!(working.await.unwrap(), 5);
}

/// What a future gives when it is asked once.
async fn asked_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match future.as_mut().poll(context) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        })
    })
    .await
}
