//! Bias and constraints through the whole engine, on a model without weights.

use modeld_spec::error::Error;
use modeld_spec::session::finish::FinishReason;
use modeld_spec::session::params::{BIAS_MAX, Constraint, DecodeParams, LogitBias, Sampling, SamplingParams};
use modeld_spec::session::tape::TokenId;

use super::{PATIENCE, collect, engine, open};
use crate::engine::toy::Toy;
use crate::engine::{Limits, Prompt};

fn params(sampling: Sampling, max_tokens: u64) -> DecodeParams {
    let sampling = SamplingParams::new(sampling).unwrap();
    DecodeParams { sampling, max_tokens: Some(max_tokens), ..DecodeParams::default() }
}

fn constrained(constraint: Constraint) -> Sampling {
    Sampling { constraint: Some(constraint), ..Sampling::greedy() }
}

#[tokio::test]
async fn a_constrained_answer_ends_where_the_grammar_does() {
    let (engine, _) = engine(Toy::default(), Limits::default());
    let session = open(&engine).await;
    session.ensure_prefix(Prompt::literal("a prompt")).await.unwrap();
    let grammar = Constraint::Grammar("root ::= [a-d]{4} \"é\"".to_string());
    let output = collect(session.decode(params(constrained(grammar), 99)).await.unwrap()).await.unwrap();
    assert_eq!(output.end.finish, FinishReason::EndOfGeneration);
    assert_eq!(output.text.len(), 6);
    assert!(output.text.trim_end_matches('é').bytes().all(|byte| (b'a'..=b'd').contains(&byte)));
    let schema = Constraint::JsonSchema(r#"{"enum": [{"a": 1}]}"#.to_string());
    let output = collect(session.decode(params(constrained(schema), 99)).await.unwrap()).await.unwrap();
    assert_eq!(output.text, "{\"a\":1}");
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_constraint_that_can_not_be_used_changes_nothing() {
    let (engine, _) = engine(Toy::default(), Limits::default());
    let session = open(&engine).await;
    session.ensure_prefix(Prompt::literal("a prompt")).await.unwrap();
    let before = session.explain().await.unwrap();
    for (constraint, argument) in [
        (Constraint::Grammar("root ::= (".to_string()), "grammar"),
        (Constraint::JsonSchema("{\"oneOf\": []}".to_string()), "json_schema"),
    ] {
        match session.decode(params(constrained(constraint), 9)).await.err() {
            Some(Error::InvalidArgument { argument: named, .. }) => assert_eq!(named, argument),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(session.explain().await.unwrap(), before);
    engine.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_bias_bans_what_the_model_would_write() {
    let (engine, _) = engine(Toy { ends: false, ..Toy::default() }, Limits::default());
    let session = open(&engine).await;
    session.ensure_prefix(Prompt::literal("a prompt")).await.unwrap();
    let all_but_a = (0..258).filter(|token| *token != i32::from(b'a'));
    let logit_bias = all_but_a.map(|token| LogitBias { token: TokenId(token), bias: -BIAS_MAX }).collect();
    let sampling = Sampling { logit_bias, ..Sampling::default() };
    let output = collect(session.decode(params(sampling, 5)).await.unwrap()).await.unwrap();
    assert_eq!(output.text, "aaaaa");
    engine.shutdown(PATIENCE).await.unwrap();
}
