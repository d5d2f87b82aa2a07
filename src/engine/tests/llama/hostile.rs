//! Model files over which llama.cpp would end the process are errors here.

use modeld_spec::error::Error;
use xtask::gguf::Value;
use xtask::models::{self, Kind};

use super::small::load;
use crate::engine::backend::Settings;
use crate::engine::tests::gate;

#[test]
fn what_llama_cpp_asserts_of_a_header_is_looked_at_before() {
    let number = |name, value| (name, Value::U32(value));
    let text = |name, value: &str| (name, Value::Text(value.to_string()));
    let cases = [
        (Kind::Hybrid, vec![number("jamba.ssm.inner_size", 129)], "inner size"),
        (Kind::SlidingWindow, vec![number("gemma3.expert_count", 4)], "0 of 4 experts work"),
        (
            Kind::SlidingWindow,
            vec![number("gemma3.expert_count", 4000), number("gemma3.expert_used_count", 2)],
            "expert_count is 4000",
        ),
        (Kind::Shallow, vec![number("llama.expert_used_count", 1)], "expert"),
        (Kind::Shallow, vec![number("llama.expert_group_count", 1)], "groups"),
        (
            Kind::Shallow,
            vec![
                number("llama.expert_count", 9),
                number("llama.expert_used_count", 2),
                number("llama.expert_group_count", 2),
            ],
            "groups",
        ),
        (Kind::Shallow, vec![number("llama.nextn_predict_layers", 3)], "more layers than it has"),
        (Kind::Shallow, vec![text("llama.rope.scaling.type", "sideways")], "positions are scaled"),
        (Kind::Encoder, vec![text("general.architecture", "clip")], "no language model"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    let (gate, _) = gate();
    for (kind, changes, reason) in cases {
        models::write_with(&path, kind, 7, &changes).unwrap();
        match load(&gate, &path, Settings::default()).err() {
            Some(Error::ModelLoadFailed { cause, .. }) => {
                assert!(cause.contains(reason), "{reason}: {cause}")
            }
            other => panic!("{reason}: {other:?}"),
        }
    }
}

#[test]
fn a_model_that_ranks_neither_embeds_nor_is_refused_for_writing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    let (gate, _) = gate();
    models::write_with(&path, Kind::Encoder, 7, &[("bert.pooling_type", Value::U32(4))]).unwrap();
    let refused = load(&gate, &path, Settings::default()).err();
    assert!(matches!(refused, Some(Error::ModelLoadFailed { cause, .. }) if cause.contains("neither")));
    models::write_with(&path, Kind::Shallow, 7, &[("llama.pooling_type", Value::U32(4))]).unwrap();
    let capabilities = load(&gate, &path, Settings::default()).unwrap().info().capabilities;
    assert!(capabilities.generates && !capabilities.embeds);
}
