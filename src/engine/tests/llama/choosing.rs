//! How tokens are chosen: every parameter does what it says, and a constraint is kept whatever the model would like.

use modeld_spec::error::Error;
use modeld_spec::session::params::{
    BIAS_MAX, Constraint, LogitBias, Mirostat, MirostatVersion, Sampling, SamplingParams,
};
use modeld_spec::session::tape::TokenId;
use xtask::models::Kind;
use xtask::quantize::Storage;

use super::small::Small;
use crate::engine::backend::Settings;

fn small() -> Small {
    Small::new(Kind::Llama(Storage::Q8_0), Settings::default())
}

/// The text that a model writes, and whether it ended it itself.
fn write(small: &mut Small, sampling: Sampling, seed: u32, most: usize) -> Result<(String, bool), Error> {
    small.cut(0, 0);
    let mut sampler = small.model.sampler(&SamplingParams::new(sampling)?, seed)?;
    let prompt = small.tokens("The owner of the lease");
    prompt.iter().for_each(|token| sampler.accept(*token));
    let mut logits = small.feed(0, &prompt, 64);
    let mut text = Vec::new();
    for _ in 0..most {
        let token = sampler.sample(&logits)?;
        if small.model.is_end(token) {
            return Ok((String::from_utf8_lossy(&text).into_owned(), true));
        }
        small.model.piece(token, &mut text)?;
        logits = small.feed(0, &[token], 1);
    }
    Ok((String::from_utf8_lossy(&text).into_owned(), false))
}

fn constrained(constraint: Constraint) -> Sampling {
    Sampling { temperature: 1.5, top_k: 0, constraint: Some(constraint), ..Sampling::default() }
}

#[test]
fn a_grammar_is_kept_by_a_model_that_writes_noise() {
    let mut small = small();
    let grammar = "root ::= (\"yes\" | \"no\") \", \" [a-c]{2,3} \"é!\"";
    for seed in 0..20 {
        let sampling = constrained(Constraint::Grammar(grammar.to_string()));
        let (text, ended) = write(&mut small, sampling, seed, 64).unwrap();
        assert!(ended);
        let rest = text.strip_prefix("yes, ").or(text.strip_prefix("no, ")).unwrap();
        let letters = rest.strip_suffix("é!").unwrap();
        assert!(
            (2..=3).contains(&letters.len()) && letters.bytes().all(|byte| b"abc".contains(&byte)),
            "{text}"
        );
    }
}

#[test]
fn a_schema_is_kept_by_a_model_that_writes_noise() {
    let mut small = small();
    let schema = r#"{"type": "object", "required": ["ok", "kind"], "properties": {
        "ok": {"type": "boolean"}, "kind": {"enum": ["a", "b"]},
        "numbers": {"type": "array", "items": {"type": "integer"}, "maxItems": 3}}}"#;
    let mut lengths = Vec::new();
    for seed in 0..20 {
        let sampling = constrained(Constraint::JsonSchema(schema.to_string()));
        let (text, ended) = write(&mut small, sampling, seed, 200).unwrap();
        assert!(ended, "{text}");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(value["ok"].is_boolean() && ["a", "b"].contains(&value["kind"].as_str().unwrap()), "{text}");
        lengths.push(text.len());
    }
    assert!(lengths.iter().any(|length| *length != lengths[0]), "noise writes more than one text");
}

#[test]
fn a_bias_bans_and_forces() {
    let mut small = small();
    let letter = small.tokens("q")[0];
    let bias = |token, bias| Sampling {
        logit_bias: vec![LogitBias { token, bias }],
        temperature: 0.0,
        ..Sampling::default()
    };
    let (forced, _) = write(&mut small, bias(letter, BIAS_MAX), 0, 5).unwrap();
    assert_eq!(forced, "qqqqq");
    let both = Sampling {
        constraint: Some(Constraint::Grammar("root ::= [qr]{3}".to_string())),
        ..bias(letter, -BIAS_MAX)
    };
    assert_eq!(write(&mut small, both, 0, 9).unwrap(), ("rrr".to_string(), true));
    let refused = write(&mut small, bias(TokenId(100_000), 1.0), 0, 1);
    assert!(matches!(refused, Err(Error::InvalidArgument { argument, .. }) if argument == "logit_bias"));
}

#[test]
fn every_sampler_is_repeated_by_its_seed() {
    let mut small = small();
    let mirostat = |version| Some(Mirostat { version, tau: 5.0, eta: 0.1 });
    let usual = Sampling { temperature: 1.0, top_k: 0, top_p: 1.0, min_p: 0.0, ..Sampling::default() };
    let samplings = [
        usual.clone(),
        Sampling { typical_p: 0.5, ..usual.clone() },
        Sampling { mirostat: mirostat(MirostatVersion::V1), ..usual.clone() },
        Sampling { mirostat: mirostat(MirostatVersion::V2), ..usual.clone() },
        Sampling { repeat_penalty: 1.3, penalty_window: 4, ..usual.clone() },
        Sampling { presence_penalty: 1.0, penalty_window: 5000, ..usual.clone() },
    ];
    for sampling in samplings {
        let first = write(&mut small, sampling.clone(), u32::MAX, 24).unwrap();
        assert_eq!(write(&mut small, sampling.clone(), u32::MAX, 24).unwrap(), first);
        assert_ne!(write(&mut small, sampling, 1, 24).unwrap(), first);
    }
    // A target of hardly any surprise is a greedy choice.
    let calm = Mirostat { version: MirostatVersion::V2, tau: 0.001, eta: 1.0 };
    let calm = Sampling { mirostat: Some(calm), ..usual };
    assert_eq!(write(&mut small, calm.clone(), 1, 9).unwrap(), write(&mut small, calm, 2, 9).unwrap());
}

#[test]
fn nothing_from_outside_ends_the_process() {
    let mut small = small();
    let grammars = [
        "root ::= \"a\"{5,2}",
        "root ::= root",
        "root ::= root \"x\" | \"x\"",
        "root ::= <[99999999999999999999999]>",
        "root ::= [\\x00]",
        "root ::= \"\"",
        "",
    ];
    for grammar in grammars {
        let sampling = constrained(Constraint::Grammar(grammar.to_string()));
        match write(&mut small, sampling, 1, 3) {
            Ok((text, ended)) => assert!(ended && (text.is_empty() || text == "\0"), "{grammar:?}: {text:?}"),
            Err(Error::InvalidArgument { argument, .. }) => assert_eq!(argument, "grammar"),
            Err(error) => panic!("{grammar:?}: {error}"),
        }
    }
    let mut sampler = small.model.sampler(&SamplingParams::default(), 1).unwrap();
    let vocabulary = small.model.info().vocabulary;
    for strange in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert!(matches!(sampler.sample(&vec![strange; vocabulary]), Err(Error::BackendFailed { .. })));
    }
    let mut logits = vec![f32::NAN; vocabulary];
    logits[7] = -3.0;
    assert_eq!(sampler.sample(&logits).unwrap(), TokenId(7));
    let constraint = Some(Constraint::Grammar("root ::= \"abc\"".to_string()));
    let params = SamplingParams::new(Sampling { constraint, ..Sampling::greedy() }).unwrap();
    let mut sampler = small.model.sampler(&params, 0).unwrap();
    assert!(matches!(sampler.resume(small.tokens("x")[0]), Err(Error::InvalidArgument { .. })));
    assert!(sampler.resume(TokenId(-5)).is_err());
    sampler.resume(small.tokens("a")[0]).unwrap();
}
