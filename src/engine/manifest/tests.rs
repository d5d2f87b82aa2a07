//! The manifest's identity and comparison, and the digests of files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use modeld_spec::error::Error;
use modeld_spec::ids::Epoch;
use modeld_spec::session::snapshot::Digest;
use modeld_spec::time::BootTime;
use sha2::Digest as _;

use super::digests::FileDigests;
use super::{AdapterIdentity, CacheSettings, Claimed, Manifest, digest_of};
use crate::data_root::DataRoot;
use crate::engine::backend::{Adapter, Backend, CacheType, FlashAttention, LoadRequest, Settings};
use crate::engine::toy::Toy;
use crate::os::BootClock;
use crate::owner::gate::Gate;

fn manifest() -> Manifest {
    Manifest {
        backend: "toy".to_string(),
        build: "toy 1".to_string(),
        model: Digest([1; 32]),
        tokenizer: Digest([2; 32]),
        template: Some(Digest([3; 32])),
        adapters: vec![
            AdapterIdentity { digest: Digest([4; 32]), scale: 1.0 },
            AdapterIdentity { digest: Digest([5; 32]), scale: 0.5 },
        ],
        settings: CacheSettings {
            cache_type: "f16".to_string(),
            flash_attention: "on".to_string(),
            reproducible: "false".to_string(),
            gpu_layers: "all".to_string(),
        },
    }
}

fn claimed(fields: &[(&str, &str)]) -> Claimed {
    let fields = fields.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
    Claimed::new(fields).unwrap()
}

fn mismatch(field: &str, claimed: &str, found: &str) -> Result<(), Error> {
    let [field, claimed, found] = [field, claimed, found].map(str::to_string);
    Err(Error::ManifestMismatch { field, claimed, found })
}

#[test]
fn every_field_changes_the_identity_and_is_compared() {
    type Change = fn(&mut Manifest);
    let changes: [(&str, Change); 12] = [
        ("backend", |manifest| manifest.backend.push('x')),
        ("build", |manifest| manifest.build.push('x')),
        ("model", |manifest| manifest.model.0[31] ^= 1),
        ("tokenizer", |manifest| manifest.tokenizer.0[0] ^= 1),
        ("template", |manifest| manifest.template = None),
        ("cache.type", |manifest| manifest.settings.cache_type.push('x')),
        ("cache.reproducible", |manifest| manifest.settings.reproducible.push('x')),
        ("cache.flash_attention", |manifest| manifest.settings.flash_attention.clear()),
        ("cache.gpu_layers", |manifest| manifest.settings.gpu_layers.push('x')),
        ("adapters", |manifest| manifest.adapters.truncate(1)),
        ("adapter.0.digest", |manifest| manifest.adapters.swap(0, 1)),
        ("adapter.1.scale", |manifest| manifest.adapters[1].scale = 0.500_000_06),
    ];
    let original = manifest();
    assert_eq!(original.compare(&Claimed::from(&original)), Ok(()));
    for (field, change) in changes {
        let mut changed = manifest();
        change(&mut changed);
        assert_ne!(changed.identity(), original.identity(), "{field}");
        match changed.compare(&Claimed::from(&original)) {
            Err(Error::ManifestMismatch { field: found, claimed, found: here }) => {
                assert_eq!(found, field);
                assert_ne!(claimed, here);
            }
            other => panic!("{field}: {other:?}"),
        }
    }
}

#[test]
fn what_a_caller_does_not_name_is_not_compared() {
    assert_eq!(manifest().compare(&Claimed::default()), Ok(()));
    assert_eq!(manifest().compare(&claimed(&[("cache.type", "f16"), ("adapters", "2")])), Ok(()));
    let claimed_keys = claimed(&[("cache.type", "q4_0"), ("cache.reproducible", "true")]);
    assert_eq!(manifest().compare(&claimed_keys), mismatch("cache.type", "q4_0", "f16"));
}

#[test]
fn what_is_no_field_is_refused() {
    let third = claimed(&[("adapter.2.scale", "1")]);
    assert_eq!(manifest().compare(&third), mismatch("adapter.2.scale", "1", "nothing"));
    assert!(matches!(manifest().compare(&claimed(&[("colour", "red")])), Err(Error::InvalidArgument { .. })));
    let many = (0..300).map(|number| (number.to_string(), String::new())).collect();
    assert!(matches!(Claimed::new(many), Err(Error::InvalidArgument { .. })));
    let long = BTreeMap::from([("model".to_string(), "x".repeat(2_000))]);
    assert!(matches!(Claimed::new(long), Err(Error::InvalidArgument { .. })));
    assert!(serde_json::from_str::<Claimed>("{\"model\": 1}").is_err());
    assert_eq!(serde_json::from_str::<Claimed>("{}").unwrap(), Claimed::default());
}

#[test]
fn names_and_texts_do_not_run_into_each_other() {
    let mut moved = manifest();
    moved.backend = "to".to_string();
    moved.build = "ytoy 1".to_string();
    assert_ne!(moved.canonical(), manifest().canonical());
    assert_eq!(manifest().identity(), digest_of(&manifest().canonical()));
}

#[test]
fn the_manifest_of_a_loaded_model_is_that_of_what_was_loaded() {
    let root = tempfile::tempdir().unwrap();
    let files = FileDigests::of(&DataRoot::new(root.path()));
    let gate = Gate::new(Epoch::FIRST, BootTime::from_nanos(u64::MAX), true, None, Arc::new(BootClock));
    let toy = Toy::default();
    let of = |name: &str, adapters: &[AdapterIdentity]| {
        let path = PathBuf::from(name);
        let digest = toy.digest(&path, &files, &mut |_, _| ControlFlow::Continue(())).unwrap();
        let request = LoadRequest {
            path,
            context_tokens: 64,
            sessions_max: 1,
            batch_tokens: 8,
            threads: None,
            settings: Default::default(),
        };
        let model =
            toy.load(gate.pass_resident().unwrap(), &request, &mut |_| ControlFlow::Continue(())).unwrap();
        Manifest::of(&toy, &*model, digest, adapters).unwrap()
    };
    let one = of("toy:one", &[]);
    assert_eq!(one.identity(), of("toy:one", &[]).identity());
    let two = of("toy:two", &[]);
    assert_eq!(
        one.compare(&Claimed::from(&two)),
        mismatch("model", &two.model.to_string(), &one.model.to_string())
    );
    assert_eq!(one.tokenizer, two.tokenizer);
    assert!(one.template.is_some());
    let adapter = AdapterIdentity { digest: Digest([1; 32]), scale: 1.0 };
    assert_ne!(of("toy:one", &[adapter]).identity(), one.identity());
}

/// A data root and a file whose times are old enough to be believed.
fn place(content: &[u8]) -> (tempfile::TempDir, DataRoot, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let root = DataRoot::new(directory.path());
    let path = directory.path().join("model");
    fs::write(&path, content).unwrap();
    (directory, root, path)
}

/// The digest, and how many bytes were read for it.
fn digest(files: &FileDigests, path: &Path) -> (Result<Digest, Error>, u64) {
    let mut read = 0;
    let digest = files.digest(path, &mut |done, _| {
        read = done;
        ControlFlow::Continue(())
    });
    (digest, read)
}

#[test]
fn the_digest_of_a_file_is_that_of_its_bytes() {
    let content: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let (_directory, root, path) = place(&content);
    let (found, read) = digest(&FileDigests::of(&root), &path);
    assert_eq!(found, Ok(Digest(sha2::Sha256::digest(&content).into())));
    assert_eq!(read, 3_000_000);
}

#[test]
fn a_file_that_has_just_changed_is_read_again() {
    let (_directory, root, path) = place(b"one");
    let files = FileDigests::of(&root);
    let (one, _) = digest(&files, &path);
    // The same length within the same tick of the clock.
    fs::write(&path, b"two").unwrap();
    let (two, read) = digest(&files, &path);
    assert_ne!(one, two);
    assert_eq!(read, 3);
}

#[test]
fn a_known_file_is_not_read_again_also_after_a_restart() {
    let (_directory, root, path) = place(b"content");
    let files = FileDigests::of(&root);
    let (found, _) = digest(&files, &path);
    let content = super::digests::content_of(&File::open(&path).unwrap());
    // Nobody can wait for the tick here, so what is known is noted by hand.
    files.remember(content, found.clone().unwrap());
    assert_eq!(digest(&files, &path), (found.clone(), 0));
    let again = FileDigests::of(&root);
    assert_eq!(digest(&again, &path), (found.clone(), 0));
    // Another length or other times are another content.
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(SystemTime::now() - Duration::from_secs(99))
        .unwrap();
    assert_eq!(digest(&again, &path), (found, 7));
}

#[test]
fn a_damaged_memory_of_digests_is_none() {
    let (_directory, root, path) = place(b"content");
    let files = FileDigests::of(&root);
    let content = super::digests::content_of(&File::open(&path).unwrap());
    files.remember(content, Digest([9; 32]));
    let memory = root.digests();
    let good = fs::read(&memory).unwrap();
    assert_eq!(digest(&FileDigests::of(&root), &path), (Ok(Digest([9; 32])), 0));
    for index in 0..good.len() {
        let mut bad = good.clone();
        bad[index] ^= 1;
        fs::write(&memory, &bad).unwrap();
        assert_eq!(digest(&FileDigests::of(&root), &path).1, 7, "byte {index}");
        fs::write(&memory, &good[..index]).unwrap();
        assert_eq!(digest(&FileDigests::of(&root), &path).1, 7, "length {index}");
    }
    fs::write(&memory, vec![b'x'; 1 << 20]).unwrap();
    assert_eq!(digest(&FileDigests::of(&root), &path).1, 7);
    // Nor does it matter that it can't be written.
    fs::remove_file(&memory).unwrap();
    fs::create_dir(&memory).unwrap();
    let files = FileDigests::of(&root);
    files.remember(content, Digest([9; 32]));
    assert_eq!(digest(&files, &path).1, 0);
    let names: Vec<_> = fs::read_dir(root.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn settings_are_told_in_words_and_adapters_by_their_files() {
    let (_directory, root, path) = place(b"adapter");
    let settings = Settings {
        adapters: [0.5, 2.0].map(|scale| Adapter { path: path.clone(), scale }).to_vec(),
        cache_type: CacheType::Q8_0,
        flash_attention: FlashAttention::On,
        reproducible: true,
        gpu_layers: Some(3),
    };
    let CacheSettings { cache_type, flash_attention, reproducible, gpu_layers } =
        CacheSettings::from(&settings);
    assert_eq!([&*cache_type, &flash_attention, &reproducible, &gpu_layers], ["q8_0", "on", "true", "3"]);
    let usual = CacheSettings::from(&Settings::default());
    assert_eq!([&*usual.cache_type, &usual.flash_attention, &usual.gpu_layers], ["f16", "auto", "all"]);
    let files = FileDigests::of(&root);
    let adapters = AdapterIdentity::all(&settings, &files, &mut |_, _| ControlFlow::Continue(())).unwrap();
    let digest = digest_of(b"adapter");
    assert_eq!(adapters, [0.5, 2.0].map(|scale| AdapterIdentity { digest, scale }));
}

#[test]
fn what_is_no_file_and_what_is_broken_off_is_no_digest() {
    let (_directory, root, path) = place(&[0; 100]);
    let files = FileDigests::of(&root);
    let absent = digest(&files, &path.with_extension("none")).0;
    assert!(matches!(absent, Err(Error::ModelNotFound { .. })), "{absent:?}");
    let directory = digest(&files, root.path()).0;
    assert!(matches!(directory, Err(Error::ModelLoadFailed { .. })), "{directory:?}");
    assert_eq!(files.digest(&path, &mut |_, _| ControlFlow::Break(())), Err(Error::Cancelled));
}
