//! Adapters: all of them apply, each by its scale, and what is none is refused before llama.cpp sees it.

use std::fs;
use std::path::{Path, PathBuf};

use modeld_spec::error::Error;
use modeld_spec::session::tape::TokenId;
use tempfile::TempDir;
use xtask::gguf::Value;
use xtask::models::{self, Kind};
use xtask::quantize::Storage;

use super::small::{Small, difference, load};
use crate::engine::backend::{Adapter, Batch, Row, Sequence, Settings};
use crate::engine::tests::gate;

/// Damaged files that are tried.
const ROUNDS: usize = 200;

fn adapter(folder: &TempDir, seed: u64) -> PathBuf {
    let path = folder.path().join(format!("adapter-{seed}.gguf"));
    models::write_adapter(&path, seed).unwrap();
    path
}

fn logits(adapters: &[(&Path, f32)]) -> Vec<f32> {
    let adapters = adapters.iter().map(|(path, scale)| Adapter { path: path.to_path_buf(), scale: *scale });
    let settings = Settings { adapters: adapters.collect(), ..Settings::default() };
    let mut small = Small::new(Kind::Llama(Storage::F32), settings);
    let tokens = small.tokens("The owner of the lease");
    small.feed(0, &tokens, 64)
}

#[test]
fn every_adapter_is_applied_by_its_scale() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (adapter(&folder, 1), adapter(&folder, 2));
    let none = logits(&[]);
    let (only_a, only_b, both) =
        (logits(&[(&a, 1.0)]), logits(&[(&b, 1.0)]), logits(&[(&a, 1.0), (&b, 1.0)]));
    for (first, second) in
        [(&none, &only_a), (&none, &only_b), (&only_a, &only_b), (&both, &only_a), (&both, &only_b)]
    {
        assert!(0.1 < difference(first, second));
    }
    assert_eq!(difference(&none, &logits(&[(&a, 0.0)])), 0.0);
    assert!(0.01 < difference(&only_a, &logits(&[(&a, 0.5)])));
    // The same one twice is twice as much of it.
    assert!(difference(&logits(&[(&a, 0.5), (&a, 0.5)]), &only_a) < 0.05);
}

#[test]
fn what_is_no_adapter_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model.gguf");
    models::write(&model, Kind::Llama(Storage::F32), 7).unwrap();
    let mamba = folder.path().join("mamba.gguf");
    models::write(&mamba, Kind::Recurrent, 7).unwrap();
    let good = adapter(&folder, 1);
    let whole = fs::read(&good).unwrap();
    let changed = |name: &str, from: &[u8], skip: usize, to: &[u8]| {
        let mut bytes = whole.clone();
        let at = skip + bytes.windows(from.len()).position(|window| window == from).unwrap();
        bytes[at..at + to.len()].copy_from_slice(to);
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let cut = folder.path().join("cut.gguf");
    fs::write(&cut, &whole[..whole.len() - 4096]).unwrap();
    let (gate, _) = gate();
    let refused = |on: &Path, path: PathBuf| {
        let settings = Settings { adapters: vec![Adapter { path, scale: 1.0 }], ..Settings::default() };
        match load(&gate, on, settings).err() {
            Some(Error::ModelLoadFailed { cause, .. }) => cause,
            other => panic!("{other:?}"),
        }
    };
    let activated = folder.path().join("activated.gguf");
    let tokens = ("adapter.alora.invocation_tokens", Value::Numbers(vec![1, 2]));
    models::write_adapter_with(&activated, 1, &[tokens]).unwrap();
    let cases = [
        (activated, "applied from certain tokens on"),
        (model.clone(), "general.type is  and not adapter"),
        (cut, "cut off"),
        (folder.path().join("none.gguf"), "could not be read"),
        (changed("kind", b"adapter.lora.alpha\x06", 18, &[4]), "adapter.lora.alpha is of the wrong kind"),
        (changed("arch", b"llama", 0, b"mamba"), "general.architecture is mamba and not llama"),
        // Behind the name: the number of dimensions, two sizes, the type.
        (changed("type", b".lora_a\x02", 27, &[26]), "is of the type 26"),
        (changed("alone", b".lora_a", 0, b".lora_b"), "blk.0"),
        (changed("elsewhere", b"blk.0.attn_q", 0, b"blk.9.attn_q"), "missing one component"),
    ];
    for (path, reason) in cases {
        let cause = refused(&model, path.clone());
        assert!(cause.contains(reason), "{}: {cause}", path.display());
    }
    assert!(refused(&mamba, good).contains("general.architecture is llama and not mamba"));
}

#[test]
fn damaged_adapters_are_errors_and_never_the_end_of_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model.gguf");
    models::write(&model, Kind::Llama(Storage::F32), 7).unwrap();
    let whole = fs::read(adapter(&folder, 1)).unwrap();
    let head = whole.windows(16).rposition(|window| window == b"ffn_down.weight.").unwrap() + 64;
    let (gate, _) = gate();
    let path = folder.path().join("damaged.gguf");
    let (mut numbers, mut refused) = (xtask::random::Random::new(3, [0, 0]), 0);
    for _ in 0..ROUNDS {
        let mut bytes = whole.clone();
        let changes = 1 + numbers.next_u64() % 3;
        for _ in 0..changes {
            let at = numbers.next_u64() as usize % head;
            bytes[at] = numbers.next_u64() as u8;
        }
        fs::write(&path, bytes).unwrap();
        let adapters = vec![Adapter { path: path.clone(), scale: 1.0 }];
        match load(&gate, &model, Settings { adapters, ..Settings::default() }) {
            Ok(mut model) => {
                let row = Row { token: TokenId(1), position: 0, sequence: Sequence(0), output: true };
                let batch = Batch { rows: vec![row] };
                model.eval(gate.pass_resident().unwrap(), &batch, &|| false).unwrap();
            }
            Err(Error::ModelLoadFailed { .. }) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(ROUNDS / 3 < refused, "{refused}");
}
