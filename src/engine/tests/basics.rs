//! A session from its opening to its close, on the toy model.

use modeld_spec::error::{Error, Stage};
use modeld_spec::session::finish::FinishReason;
use modeld_spec::session::tape::{ReuseReason, TokenCount};

use super::{PATIENCE, collect, engine, greedy, open};
use crate::engine::toy::Toy;
use crate::engine::{Limits, OpenRequest, Prompt};

#[tokio::test]
async fn a_second_turn_reuses_what_was_generated() {
    let (engine, _) = engine(Toy { ends: false, ..Toy::default() }, Limits::default());
    let session = open(&engine).await;
    let first = session.ensure_prefix(Prompt::literal("you are a lease")).await.unwrap();
    assert_eq!(
        (first.reuse.reused.0, first.reuse.prefilled.0, first.reuse.reason),
        (0, 16, ReuseReason::Empty)
    );
    let suffix = session.prefill_suffix(Prompt::literal(" hello")).await.unwrap();
    assert_eq!((suffix.reuse.prefilled.0, suffix.room.resident.0, suffix.before.0), (6, 22, 16));
    let output = collect(session.decode(greedy(20)).await.unwrap()).await.unwrap();
    assert_eq!(output.end.finish, FinishReason::Length);
    assert_eq!(
        (output.tokens.len(), output.end.generated_tokens.0, output.end.prompt_tokens.0),
        (20, 20, 22)
    );
    assert_eq!(output.end.room.resident.0, 41);
    // The prefix again: all is there, and what follows stays as the tail.
    let again = session.ensure_prefix(Prompt::literal("you are a lease")).await.unwrap();
    assert_eq!((again.reuse.reused.0, again.reuse.prefilled.0, again.reuse.dropped.0), (16, 0, 0));
    assert_eq!(again.reuse.reason, ReuseReason::Contained);
    // The whole conversation as the suffix: the generated tokens are found too, but for the last one.
    let turn = format!(" hello{}, and then?", output.text);
    let next = session.prefill_suffix(Prompt::literal(&turn)).await.unwrap();
    assert_eq!(next.reuse.reused.0, 25);
    assert_eq!(next.reuse.reason, ReuseReason::Extended);
    session.close().await.unwrap();
    assert!(matches!(session.explain().await, Err(Error::SessionClosed { .. })));
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_prompt_that_overflows_names_the_numbers_and_changes_nothing() {
    let (engine, _) = engine(Toy::default(), Limits::default());
    let request = OpenRequest { context_tokens: Some(10), ..OpenRequest::new("toy") };
    let session = engine.open_session(&request).await.unwrap();
    session.ensure_prefix(Prompt::literal("12345")).await.unwrap();
    let error = session.prefill_suffix(Prompt::literal("67890")).await.unwrap_err();
    assert_eq!(error, Error::ContextOverflow { stage: Stage::Suffix, resident: 6, additional: 5, limit: 10 });
    let error = session.ensure_prefix(Prompt::literal("1234567890")).await.unwrap_err();
    assert_eq!(
        error,
        Error::ContextOverflow { stage: Stage::Prefix, resident: 0, additional: 11, limit: 10 }
    );
    let report = session.explain().await.unwrap();
    assert_eq!((report.room.resident, report.room.available), (TokenCount(6), TokenCount(4)));
}
