//! The manifest: what a KV cache was computed with, computed here from what was loaded and never taken from a caller.
//!
//! It is a list of fields, each a name and a text ([`Manifest::fields`]). Its identity is the SHA-256 of that list, and a caller's
//! manifest is compared with that list, so no field can be in the one and not in the other. Two caches with equal
//! identities hold the same for the same tokens; that is what a snapshot is restored by.
//!
//! The length of the context and the number of sessions are not in it: they change nothing of what a position holds.

mod digests;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use modeld_spec::error::Error;
use modeld_spec::session::snapshot::Digest;
use modeld_spec::session::tape::TokenId;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use self::digests::FileDigests;
use super::backend::{Adapter, Backend, Model, Settings};

/// What a cache is computed with.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The name of the backend.
    pub backend: String,
    /// The build of the backend: another build may compute another cache.
    pub build: String,
    /// The digest of the model's file.
    pub model: Digest,
    /// The digest of all tokens and of what they stand for.
    pub tokenizer: Digest,
    /// The digest of the model's own chat template; `None` if it has none.
    pub template: Option<Digest>,
    /// The adapters, in the order in which they are applied.
    pub adapters: Vec<AdapterIdentity>,
    /// The settings of the cache.
    pub settings: CacheSettings,
}

/// An adapter as it is applied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdapterIdentity {
    /// The digest of its file.
    pub digest: Digest,
    /// How strongly.
    pub scale: f32,
}

/// What of a model's settings changes the contents of its cache, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheSettings {
    /// The type of keys and values, for instance `f16`.
    pub cache_type: String,
    /// Whether attention is computed in one pass, which lays the values out differently; `auto` where the backend decides.
    pub flash_attention: String,
    /// Whether the cache is laid out so that what one session computes depends on no other.
    pub reproducible: String,
    /// Layers on a GPU, which rounds otherwise; `all` where there is no limit.
    pub gpu_layers: String,
}

impl AdapterIdentity {
    /// The adapters of these settings, in their order, with the digests of their files.
    ///
    /// # Errors
    /// As [`FileDigests::digest`].
    pub fn all(
        settings: &Settings,
        files: &FileDigests,
        progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<Vec<Self>, Error> {
        let adapter = |adapter: &Adapter| {
            let digest = files.digest(&adapter.path, progress)?;
            Ok(AdapterIdentity { digest, scale: adapter.scale })
        };
        settings.adapters.iter().map(adapter).collect()
    }
}

impl From<&Settings> for CacheSettings {
    fn from(settings: &Settings) -> Self {
        // Each field by its name, so that a new one is thought of here; the adapters have fields of their own.
        let Settings { adapters: _, cache_type, flash_attention, reproducible, gpu_layers } = settings;
        CacheSettings {
            cache_type: word(cache_type),
            flash_attention: word(flash_attention),
            reproducible: reproducible.to_string(),
            gpu_layers: gpu_layers.map_or("all".to_string(), |layers| layers.to_string()),
        }
    }
}

impl Manifest {
    /// The manifest of what was loaded: `model` by `backend`, from a file with this digest, with these adapters in force.
    /// Asks for the text of each token once.
    ///
    /// # Errors
    /// What [`Model::piece`] says.
    pub fn of(
        backend: &dyn Backend,
        model: &dyn Model,
        digest: Digest,
        adapters: &[AdapterIdentity],
    ) -> Result<Self, Error> {
        let template = model.info().chat_template.as_deref();
        Ok(Manifest {
            backend: backend.name().to_string(),
            build: backend.build(),
            model: digest,
            tokenizer: tokenizer_digest(model)?,
            template: template.map(|template| digest_of(template.as_bytes())),
            adapters: adapters.to_vec(),
            settings: model.cache_settings(),
        })
    }

    /// All of it as names and texts, always in the same order.
    pub fn fields(&self) -> Vec<(String, String)> {
        let CacheSettings { cache_type, flash_attention, reproducible, gpu_layers } = &self.settings;
        let template = self.template.map_or(String::new(), |digest| digest.to_string());
        let mut fields = vec![
            ("backend", self.backend.clone()),
            ("build", self.build.clone()),
            ("model", self.model.to_string()),
            ("tokenizer", self.tokenizer.to_string()),
            ("template", template),
            ("cache.type", cache_type.clone()),
            ("cache.flash_attention", flash_attention.clone()),
            ("cache.reproducible", reproducible.clone()),
            ("cache.gpu_layers", gpu_layers.clone()),
            ("adapters", self.adapters.len().to_string()),
        ]
        .into_iter()
        .map(|(name, text)| (name.to_string(), text))
        .collect::<Vec<_>>();
        for (place, adapter) in self.adapters.iter().enumerate() {
            fields.push((format!("{ADAPTER}{place}.digest"), adapter.digest.to_string()));
            fields.push((format!("{ADAPTER}{place}.scale"), adapter.scale.to_string()));
        }
        fields
    }

    /// The bytes that the identity is of: each name and text behind its length.
    pub fn canonical(&self) -> Vec<u8> {
        let mut bytes = CANONICAL.to_vec();
        for (name, text) in self.fields() {
            for part in [name, text] {
                bytes.extend((part.len() as u64).to_le_bytes());
                bytes.extend(part.as_bytes());
            }
        }
        bytes
    }

    /// What tells a cache that was computed with this from every other.
    pub fn identity(&self) -> Digest {
        digest_of(&self.canonical())
    }

    /// Compares what a caller believes with what is the case. A field that the caller does not name is not compared.
    ///
    /// # Errors
    /// [`Error::ManifestMismatch`] with the first field that differs; [`Error::InvalidArgument`] if a field is none.
    pub fn compare(&self, claimed: &Claimed) -> Result<(), Error> {
        let fields = self.fields();
        for (name, found) in &fields {
            match claimed.fields.get(name) {
                Some(claimed) if claimed != found => return Err(mismatch(name, claimed, found)),
                Some(_) | None => {}
            }
        }
        match claimed.fields.iter().find(|(name, _)| fields.iter().all(|(known, _)| known != *name)) {
            Some((name, claimed)) if name.starts_with(ADAPTER) => Err(mismatch(name, claimed, "nothing")),
            Some((name, _)) => Err(invalid(format!("has no field {name:?}"))),
            None => Ok(()),
        }
    }
}

/// What a caller believes a cache is computed with: any of the [fields](Manifest::fields).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Claimed {
    fields: BTreeMap<String, String>,
}

impl Claimed {
    /// The fields of a caller, checked.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there are too many, or one is too long.
    pub fn new(fields: BTreeMap<String, String>) -> Result<Self, Error> {
        if CLAIMED_MAX < fields.len() {
            return Err(invalid(format!("has {} fields, and {CLAIMED_MAX} are allowed", fields.len())));
        }
        let longest = fields.iter().map(|(name, text)| name.len().max(text.len())).max();
        match longest.filter(|longest| FIELD_BYTES_MAX < *longest) {
            Some(bytes) => {
                Err(invalid(format!("has a field of {bytes} bytes, and {FIELD_BYTES_MAX} are allowed")))
            }
            None => Ok(Claimed { fields }),
        }
    }

    /// Whether nothing is claimed, which is true of every manifest.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

impl TryFrom<BTreeMap<String, String>> for Claimed {
    type Error = Error;

    fn try_from(fields: BTreeMap<String, String>) -> Result<Self, Error> {
        Claimed::new(fields)
    }
}

impl From<Claimed> for BTreeMap<String, String> {
    fn from(claimed: Claimed) -> Self {
        claimed.fields
    }
}

impl From<&Manifest> for Claimed {
    fn from(manifest: &Manifest) -> Self {
        Claimed { fields: manifest.fields().into_iter().collect() }
    }
}

/// The SHA-256 of these bytes.
pub fn digest_of(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

/// The digest of what each token stands for and of which of them end a text.
fn tokenizer_digest(model: &dyn Model) -> Result<Digest, Error> {
    let info = model.info();
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    part(info.bos_text.as_bytes());
    part(info.eos_text.as_bytes());
    let mut piece = Vec::new();
    for token in (0..info.vocabulary).map_while(|token| i32::try_from(token).ok()).map(TokenId) {
        piece.clear();
        model.piece(token, &mut piece)?;
        part(&piece);
        part(&[u8::from(model.is_end(token))]);
    }
    Ok(Digest(hash.finalize().into()))
}

/// The stable word for a setting.
fn word(setting: &impl Serialize) -> String {
    match serde_json::to_value(setting) {
        Ok(serde_json::Value::String(word)) => word,
        // A setting that is no word is told by its whole JSON.
        Ok(value) => value.to_string(),
        Err(error) => error.to_string(),
    }
}

fn mismatch(field: &str, claimed: &str, found: &str) -> Error {
    Error::ManifestMismatch {
        field: field.to_string(),
        claimed: claimed.to_string(),
        found: found.to_string(),
    }
}

fn invalid(problem: String) -> Error {
    Error::InvalidArgument { argument: "the manifest".to_string(), problem }
}

/// What the names of an adapter's fields begin with.
const ADAPTER: &str = "adapter.";

/// Says of what the bytes are, and in which form.
const CANONICAL: &[u8] = b"modeld manifest 1\n";

/// More fields than the manifest of a model with a hundred adapters has.
const CLAIMED_MAX: usize = 256;

/// Longer than every digest and every name of a build.
const FIELD_BYTES_MAX: usize = 1024;
