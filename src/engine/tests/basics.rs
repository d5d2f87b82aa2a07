//! A session from its opening to its close, on the toy model.

use std::path::Path;

use modeld_spec::error::{Error, Stage};
use modeld_spec::session::finish::FinishReason;
use modeld_spec::session::tape::{ReuseReason, TokenCount, TokenId};

use super::{PATIENCE, collect, engine, greedy, open, stored};
use crate::engine::backend::Settings;
use crate::engine::manifest::Claimed;
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

#[tokio::test]
async fn a_text_as_tokens_is_the_same_text() {
    let (engine, _) = engine(Toy { ends: false, ..Toy::default() }, Limits::default());
    let session = open(&engine).await;
    session.ensure_prefix(Prompt::literal("you are a lease")).await.unwrap();
    let written = collect(session.decode(greedy(5)).await.unwrap()).await.unwrap();
    let text = session.text().await.unwrap();
    // The token that begins a text, the text, and what was generated, the last token included.
    assert_eq!((text.len(), &text[16..]), (21, &written.tokens[..]));
    let other = open(&engine).await;
    let status = other.ensure_prefix(Prompt::Tokens(text.clone())).await.unwrap();
    assert_eq!((status.prefix.0, other.text().await.unwrap()), (21, text));
    let next = collect(session.decode(greedy(5)).await.unwrap()).await.unwrap();
    assert_eq!(collect(other.decode(greedy(5)).await.unwrap()).await.unwrap().tokens, next.tokens);
    for token in [-1, i32::MAX] {
        let refused = other.ensure_prefix(Prompt::Tokens(vec![TokenId(token)])).await.unwrap_err();
        assert!(
            matches!(&refused, Error::InvalidArgument { argument, .. } if argument == "tokens"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn other_settings_are_another_load_and_what_is_claimed_is_compared() {
    let stored = stored(Toy::default(), Limits::default());
    let usual = stored.engine.open_session(&OpenRequest::new("toy")).await.unwrap();
    let settings = Settings { reproducible: true, ..Settings::default() };
    let member = format!("toy{settings}");
    let exact = OpenRequest { member, settings, ..OpenRequest::new("toy") };
    stored.engine.open_session(&exact).await.unwrap();
    assert_eq!(stored.engine.models().len(), 2);
    assert_eq!(stored.engine.resident(Path::new("toy")).unwrap().facts, usual.info().facts);
    assert!(stored.engine.resident(Path::new("toy:other")).is_none());

    let claimed = Claimed::from(usual.manifest().expect("a store"));
    let claim = |model: &str| OpenRequest { claimed: claimed.clone(), ..OpenRequest::new(model) };
    stored.engine.open_session(&claim("toy")).await.unwrap();
    let refused = stored.engine.open_session(&claim("toy:other")).await.unwrap_err();
    assert!(matches!(&refused, Error::ManifestMismatch { field, .. } if field == "model"), "{refused}");
    // Where nothing is digested there is nothing to compare with, and nobody is told that it is so.
    let (bare, _) = engine(Toy::default(), Limits::default());
    assert!(bare.open_session(&claim("toy")).await.is_err());
    stored.engine.shutdown(PATIENCE).await.unwrap();
}
