//! The server against calls as they come over a socket, also such as the client would not make.

use modeld_spec::error::Error;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::time::timeout;
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::Endpoint;
use super::connection::CONNECTIONS_MAX;
use super::error::{Failed, from_status};
use super::proto;
use super::proto::modeld_client::ModeldClient;
use super::server::MESSAGE_BYTES_MAX;
use crate::conn::link::Link;
use crate::harness::{PATIENCE, TestOwner, data_root, no_socket_is_left};

async fn calls(owner: &TestOwner) -> ModeldClient<Channel> {
    Link::connect(&owner.record(), PATIENCE).await.unwrap().calls()
}

fn fence(owner: &TestOwner) -> proto::Fence {
    proto::Fence { instance: owner.instance.to_string(), epoch: owner.epoch.get() }
}

/// Makes every call but Health with this fence, and gives what came of each.
async fn every_call(
    calls: &mut ModeldClient<Channel>,
    fence: Option<proto::Fence>,
    session: &str,
) -> Vec<(&'static str, Result<(), Status>)> {
    let session = session.to_string();
    let content = Some(proto::Content {
        content: Some(proto::content::Content::Text(proto::Text { text: "a".to_string(), control: false })),
    });
    let model = "toy".to_string();
    let describe = proto::DescribeRequest { fence: fence.clone(), model: model.clone() };
    let open = proto::OpenSessionRequest { fence: fence.clone(), model, ..Default::default() };
    let ensure = proto::EnsurePrefixRequest {
        fence: fence.clone(),
        session: session.clone(),
        content: content.clone(),
    };
    let prefill = proto::PrefillSuffixRequest { fence: fence.clone(), session: session.clone(), content };
    let decode = proto::DecodeRequest {
        fence: fence.clone(),
        session: session.clone(),
        max_tokens: Some(1),
        ..Default::default()
    };
    let (fenced, of) = (fence.clone(), session.clone());
    let snapshot = proto::SnapshotRequest { fence: fenced.clone(), session: of.clone() };
    let restore =
        proto::RestoreRequest { fence: fenced.clone(), session: of.clone(), snapshot: "0".repeat(64) };
    let load = proto::LoadModelRequest {
        fence: fenced.clone(),
        model: "toy:loaded".to_string(),
        ..Default::default()
    };
    let unload = proto::UnloadModelRequest { fence: fenced.clone(), name: "toy:loaded".to_string() };
    let explain = proto::ExplainContextRequest { fence: fenced, session: of, tokens: true };
    let embed = proto::EmbedRequest {
        fence: fence.clone(),
        model: "toy".to_string(),
        content: ensure.content.clone(),
        ..Default::default()
    };
    let close = proto::CloseSessionRequest { fence: fence.clone(), session };
    vec![
        ("Status", calls.status(proto::StatusRequest { fence }).await.map(drop)),
        ("Describe", calls.describe(describe).await.map(drop)),
        ("OpenSession", calls.open_session(open).await.map(drop)),
        ("EnsurePrefix", calls.ensure_prefix(ensure).await.map(drop)),
        ("PrefillSuffix", calls.prefill_suffix(prefill).await.map(drop)),
        ("Decode", calls.decode(decode).await.map(drop)),
        ("LoadModel", calls.load_model(load).await.map(drop)),
        ("UnloadModel", calls.unload_model(unload).await.map(drop)),
        ("Embed", calls.embed(embed).await.map(drop)),
        ("Snapshot", calls.snapshot(snapshot).await.map(drop)),
        ("Restore", calls.restore(restore).await.map(drop)),
        ("ExplainContext", calls.explain_context(explain).await.map(drop)),
        ("CloseSession", calls.close_session(close).await.map(drop)),
    ]
}

/// A session, and the stream that keeps it.
type Open = (String, tonic::Streaming<proto::OpenSessionItem>);

async fn open(calls: &mut ModeldClient<Channel>, owner: &TestOwner) -> Open {
    let request = proto::OpenSessionRequest {
        fence: Some(fence(owner)),
        model: "toy".to_string(),
        ..Default::default()
    };
    let mut items = calls.open_session(request).await.unwrap().into_inner();
    loop {
        let item = items.message().await.unwrap().expect("an open session");
        assert_eq!(item.epoch, owner.epoch.get());
        if let Some(proto::open_session_item::Event::Opened(opened)) = item.event {
            return (opened.session, items);
        }
    }
}

#[tokio::test]
async fn a_call_for_another_owner_or_epoch_is_refused_whatever_it_is() {
    let (_directory, root) = data_root();
    let owner = TestOwner::start(&root, 2);
    let mut calls = calls(&owner).await;
    let (session, _open) = open(&mut calls, &owner).await;
    let ours = fence(&owner);
    let wrong = [
        Some(proto::Fence { instance: "another".to_string(), ..ours.clone() }),
        Some(proto::Fence { epoch: 1, ..ours.clone() }),
        Some(proto::Fence { epoch: 3, ..ours.clone() }),
        Some(proto::Fence { instance: String::new(), ..ours.clone() }),
        None,
    ];
    for fence in wrong {
        let given = fence.clone().unwrap_or_default();
        let expected = Error::StaleFence {
            expected_instance: given.instance,
            expected_epoch: given.epoch,
            instance: owner.instance.clone(),
            epoch: owner.epoch,
        };
        for (call, outcome) in every_call(&mut calls, fence.clone(), &session).await {
            let status = outcome.expect_err(call);
            assert_eq!(status.code(), Code::FailedPrecondition, "{call}");
            assert_eq!(from_status(&status), Failed::Answered(expected.clone()), "{call}");
        }
    }
    // With the right fence each of them is answered, and the session was not closed by those before.
    for (call, outcome) in every_call(&mut calls, Some(ours), &session).await {
        match (call, outcome.map_err(|status| from_status(&status))) {
            // This owner keeps none.
            ("Snapshot", Err(Failed::Answered(Error::SnapshotFailed { .. }))) => {}
            ("Restore", Err(Failed::Answered(Error::SnapshotRefused { .. }))) => {}
            (_, outcome) => assert!(outcome.is_ok(), "{call}: {outcome:?}"),
        }
    }
}

#[tokio::test]
async fn a_fenced_owner_answers_nothing_but_health() {
    let (_directory, root) = data_root();
    let owner = TestOwner::start(&root, 2);
    let mut calls = calls(&owner).await;
    let (session, _open) = open(&mut calls, &owner).await;
    owner.fence();
    for (call, outcome) in every_call(&mut calls, Some(fence(&owner)), &session).await {
        let failed = from_status(&outcome.expect_err(call));
        assert_eq!(failed, Failed::Answered(Error::Fenced { epoch: owner.epoch }), "{call}");
    }
    let health = calls.health(proto::HealthRequest {}).await.unwrap().into_inner();
    assert!(!health.serving && health.epoch == 2);
}

#[tokio::test]
async fn a_stream_ends_with_the_fence() {
    let (_directory, root) = data_root();
    let owner = TestOwner::start(&root, 1);
    let mut calls = calls(&owner).await;
    let (session, _open) = open(&mut calls, &owner).await;
    owner.budget.limit(10);
    let ours = Some(fence(&owner));
    let content = Some(proto::Content {
        content: Some(proto::content::Content::Text(proto::Text { text: "a".to_string(), control: false })),
    });
    let ensure = proto::EnsurePrefixRequest { fence: ours.clone(), session: session.clone(), content };
    calls.ensure_prefix(ensure).await.unwrap();
    let decode = proto::DecodeRequest { fence: ours, session, max_tokens: Some(1_000), ..Default::default() };
    let mut items = calls.decode(decode).await.unwrap().into_inner();
    items.message().await.unwrap().expect("an item");
    owner.fence();
    owner.budget.open();
    let status = timeout(PATIENCE, async {
        loop {
            match items.message().await {
                Ok(item) => assert!(item.is_some_and(|item| item.end.is_none()), "it ended in order"),
                Err(status) => return status,
            }
        }
    });
    let status = status.await.expect("an end within the bound");
    assert_eq!(from_status(&status), Failed::Answered(Error::Fenced { epoch: owner.epoch }));
}

#[tokio::test]
async fn a_session_is_of_no_use_over_another_connection() {
    let (_directory, root) = data_root();
    let owner = TestOwner::start(&root, 1);
    let (mut ours, mut theirs) = (calls(&owner).await, calls(&owner).await);
    let (session, _open) = open(&mut ours, &owner).await;
    for (call, outcome) in every_call(&mut theirs, Some(fence(&owner)), &session).await {
        match call {
            "Status" | "Describe" | "LoadModel" | "UnloadModel" | "Embed" => {
                assert!(outcome.is_ok(), "{call}");
            }
            "OpenSession" | "CloseSession" => {
                assert!(outcome.is_ok(), "{call}")
            }
            _ => {
                let failed = from_status(&outcome.expect_err(call));
                assert_eq!(
                    failed,
                    Failed::Answered(Error::SessionClosed { session: session.clone() }),
                    "{call}"
                );
            }
        }
    }
    // Their CloseSession has not closed it.
    let explain = proto::ExplainContextRequest { fence: Some(fence(&owner)), session, tokens: false };
    ours.explain_context(explain).await.unwrap();
}

#[tokio::test]
async fn a_closed_session_ends_its_stream_in_order() {
    let (_directory, root) = data_root();
    let owner = TestOwner::start(&root, 1);
    let mut calls = calls(&owner).await;
    let (session, mut open) = open(&mut calls, &owner).await;
    let close = proto::CloseSessionRequest { fence: Some(fence(&owner)), session };
    for _ in 0..2 {
        assert_eq!(calls.close_session(close.clone()).await.unwrap().into_inner().epoch, 1);
    }
    assert!(timeout(PATIENCE, open.message()).await.unwrap().unwrap().is_none());
    assert_eq!(owner.engine.models()[0].sessions, 0);
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_and_the_connection_lives() {
    let (_directory, root) = data_root();
    let owner = TestOwner::start(&root, 1);
    let mut calls = calls(&owner).await.max_encoding_message_size(usize::MAX);
    let (session, _open) = open(&mut calls, &owner).await;
    let text = proto::Text { text: "x".repeat(MESSAGE_BYTES_MAX + 1), control: false };
    let ensure = proto::EnsurePrefixRequest {
        fence: Some(fence(&owner)),
        session: session.clone(),
        content: Some(proto::Content { content: Some(proto::content::Content::Text(text)) }),
    };
    let status = calls.ensure_prefix(ensure).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange);
    assert!(matches!(from_status(&status), Failed::Refused { .. }));
    let explain = proto::ExplainContextRequest { fence: Some(fence(&owner)), session, tokens: false };
    calls.explain_context(explain).await.unwrap();
}

#[tokio::test]
async fn requests_without_what_they_are_about_are_refused() {
    let (_directory, root) = data_root();
    let owner = TestOwner::start(&root, 1);
    let mut calls = calls(&owner).await;
    let (session, _open) = open(&mut calls, &owner).await;
    let ours = Some(fence(&owner));
    let ensure = proto::EnsurePrefixRequest { fence: ours.clone(), session: session.clone(), content: None };
    let mut refused = vec![calls.ensure_prefix(ensure).await.map(drop)];
    for model in [String::new(), "a\0b".to_string(), "m".repeat(5_000)] {
        let describe = proto::DescribeRequest { fence: ours.clone(), model };
        refused.push(calls.describe(describe).await.map(drop));
    }
    let sampling = proto::Sampling { top_p: Some(f32::NAN), ..Default::default() };
    let decode =
        proto::DecodeRequest { fence: ours, session, sampling: Some(sampling), ..Default::default() };
    refused.push(calls.decode(decode).await.map(drop));
    for outcome in refused {
        let failed = from_status(&outcome.unwrap_err());
        assert!(matches!(failed, Failed::Answered(Error::InvalidArgument { .. })), "{failed}");
    }
}

#[tokio::test]
async fn a_panic_ends_its_own_call() {
    let (_directory, root) = data_root();
    let owner = TestOwner::start(&root, 1);
    let mut calls = calls(&owner).await;
    let describe =
        |model: &str| proto::DescribeRequest { fence: Some(fence(&owner)), model: model.to_string() };
    let failed = from_status(&calls.describe(describe("panics")).await.unwrap_err());
    assert!(matches!(failed, Failed::Answered(Error::Internal { .. })), "{failed}");
    calls.describe(describe("toy")).await.unwrap();
}

#[tokio::test]
async fn one_connection_too_many_is_closed_and_the_others_live() {
    let (_directory, root) = data_root();
    let owner = TestOwner::start(&root, 1);
    let mut calls = calls(&owner).await;
    let path = owner.endpoint.parse::<Endpoint>().unwrap().path().to_path_buf();
    let mut open = Vec::new();
    for _ in 1..CONNECTIONS_MAX {
        open.push(UnixStream::connect(&path).await.unwrap());
    }
    let mut one_more = UnixStream::connect(&path).await.unwrap();
    // The server's first frame, on a connection that is served; the end, on one that is not.
    let mut byte = [0];
    assert_eq!(timeout(PATIENCE, one_more.read(&mut byte)).await.unwrap().unwrap_or(0), 0);
    let status =
        calls.status(proto::StatusRequest { fence: Some(fence(&owner)) }).await.unwrap().into_inner();
    assert_eq!(status.connections, CONNECTIONS_MAX as u64);
}

#[tokio::test]
async fn a_shutdown_ends_the_calls_and_removes_the_socket() {
    let (_directory, root) = data_root();
    let owner = TestOwner::start(&root, 1);
    let mut calls = calls(&owner).await;
    let (_, mut open) = open(&mut calls, &owner).await;
    assert!(!no_socket_is_left(&root));
    let engine = owner.engine.clone();
    owner.stop().await.unwrap();
    assert_eq!(from_status(&open.message().await.unwrap_err()), Failed::Answered(Error::Draining));
    assert!(no_socket_is_left(&root));
    assert!(calls.health(proto::HealthRequest {}).await.is_err());
    assert_eq!(engine.models()[0].sessions, 0);
}
