//! Embeddings: of encoders, which do nothing else, and of models that write.

use modeld_spec::session::tape::TokenId;
use xtask::models::Kind;
use xtask::quantize::Storage;

use super::small::{Small, difference};
use crate::engine::backend::{Batch, Embedding, EvalError, Pooling, Row, Sequence, Settings};

fn embed(small: &mut Small, tokens: &[TokenId]) -> Result<Embedding, EvalError> {
    small.model.embed(small.gate.pass_resident().unwrap(), tokens, &|| false)
}

#[test]
fn an_encoder_embeds_and_writes_nothing() {
    let mut small = Small::new(Kind::Encoder, Settings::default());
    let capabilities = small.model.info().capabilities;
    assert!(capabilities.embeds && !capabilities.generates);
    let (one, other) = (small.tokens("The owner of the lease"), small.tokens("The owner of the leash"));
    let first = embed(&mut small, &one).unwrap();
    assert_eq!((first.pooling, first.declared, first.values.len()), (Pooling::First, true, 64));
    assert!(first.values.iter().all(|value| value.is_finite()));
    assert_eq!(embed(&mut small, &one).unwrap(), first);
    assert!(0.01 < difference(&embed(&mut small, &other).unwrap().values, &first.values));
    let row = Row { token: one[0], position: 0, sequence: Sequence(0), output: true };
    let refused =
        small.model.eval(small.gate.pass_resident().unwrap(), &Batch { rows: vec![row] }, &|| false);
    assert!(matches!(refused, Err(EvalError::Failed(cause)) if cause.contains("does not generate")));
    assert!(small.model.kv_len(Sequence(0)) == 0 && small.model.logits(0).is_err());
}

#[test]
fn a_model_that_writes_embeds_beside_its_sessions() {
    for kind in [Kind::Llama(Storage::Q8_0), Kind::SlidingWindow, Kind::Recurrent] {
        let mut small = Small::new(kind, Settings::default());
        let tokens = small.tokens("The owner of the lease");
        small.feed(0, &tokens, 64);
        let before = small.model.context_bytes();
        let first = embed(&mut small, &tokens).unwrap();
        assert_eq!((first.pooling, first.declared, first.values.len()), (Pooling::Mean, false, 64));
        assert!(before < small.model.context_bytes(), "{kind:?}");
        assert_eq!(small.model.kv_len(Sequence(0)), tokens.len());
        embed(&mut small, &tokens[..3]).unwrap();
        assert_eq!(embed(&mut small, &tokens).unwrap(), first, "{kind:?}");
    }
}

#[test]
fn what_can_not_be_embedded_is_refused() {
    let mut small = Small::new(Kind::Encoder, Settings::default());
    let tokens = small.tokens("lease ");
    assert!(matches!(embed(&mut small, &[]), Err(EvalError::Failed(_))));
    assert!(matches!(embed(&mut small, &tokens.repeat(300)), Err(EvalError::Failed(_))));
    assert!(matches!(embed(&mut small, &[TokenId(-1)]), Err(EvalError::Failed(_))));
    let stopped = small.model.embed(small.gate.pass_resident().unwrap(), &tokens, &|| true);
    assert_eq!(stopped, Err(EvalError::Stopped));
    assert!(embed(&mut small, &tokens).is_ok());
}
