//! The arguments that say which model, and how it is evaluated.

use std::path::{Path, PathBuf};

use clap::Args;
use modeld_spec::error::Error;

use super::exit::Exit;
use super::failure::Failure;
use crate::conn::OpenSession;
use crate::daemon::{BackendKind, is_model_name};
use crate::engine::backend::{Adapter, CacheType, FlashAttention, Settings};

/// Which model, and how it is evaluated.
#[derive(Args, Clone, Debug)]
pub(super) struct ModelArgs {
    /// A GGUF file, or `demo` for the model that comes with this program; `toy` with --backend toy
    model: String,
    /// Tokens of context [default: as much as the model was trained on, at most 4096]
    #[arg(long, value_name = "N")]
    ctx: Option<u64>,
    /// How the cache keeps its numbers: f32, f16, bf16, q8_0, q5_1, q5_0, q4_1, q4_0 [default: f16]
    #[arg(long, value_name = "TYPE", value_parser = word::<CacheType>)]
    kv_type: Option<CacheType>,
    /// Compute attention in one pass: auto, on, off [default: auto]
    #[arg(long, value_name = "WHEN", value_parser = word::<FlashAttention>)]
    flash_attention: Option<FlashAttention>,
    /// Apply the adapter in this GGUF file, times SCALE (can be repeated)
    #[arg(long, value_name = "FILE[:SCALE]")]
    lora: Vec<String>,
    /// The same answer to the last bit whatever else the owner computes; slower
    #[arg(long)]
    reproducible: bool,
}

impl ModelArgs {
    /// The session that is wanted.
    ///
    /// # Errors
    /// What is wrong with a path.
    pub(super) fn open(&self, backend: Option<BackendKind>) -> Result<OpenSession, Failure> {
        Ok(OpenSession {
            context_tokens: self.ctx,
            backend: backend.map(|backend| backend.name().to_owned()),
            settings: Settings {
                adapters: self.lora.iter().map(|text| adapter(text)).collect::<Result<_, _>>()?,
                cache_type: self.kv_type.unwrap_or_default(),
                flash_attention: self.flash_attention.unwrap_or_default(),
                reproducible: self.reproducible,
                ..Settings::default()
            },
            ..OpenSession::new(self.name()?)
        })
    }

    /// What the owner is to call the model.
    fn name(&self) -> Result<String, Failure> {
        if is_model_name(&self.model) {
            return Ok(self.model.clone());
        }
        let path = absolute(Path::new(&self.model));
        let path = path.ok_or_else(|| Failure::from(Error::ModelNotFound { model: self.model.clone() }))?;
        path.into_os_string().into_string().map_err(|_| not_utf8(&self.model))
    }
}

/// `FILE` or `FILE:SCALE`; what is behind the last colon counts as a scale only if it is a number.
fn adapter(text: &str) -> Result<Adapter, Failure> {
    let scaled = text.rsplit_once(':').and_then(|(path, scale)| Some((path, scale.parse::<f32>().ok()?)));
    let (path, scale) = scaled.unwrap_or((text, 1.0));
    if !scale.is_finite() {
        return Err(Failure::text(
            Exit::Usage,
            format!("the scale of the adapter {path} is no number"),
            None,
        ));
    }
    let path = absolute(Path::new(path)).ok_or_else(|| {
        let hint = "pass the path of a GGUF file with an adapter, as in `--lora style.gguf:0.5`".to_owned();
        Failure::text(Exit::Usage, format!("there is no adapter {path}"), Some(hint))
    })?;
    match path.to_str() {
        Some(_) => Ok(Adapter { path, scale }),
        None => Err(not_utf8(text)),
    }
}

/// The owner has another working directory.
fn absolute(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok()
}

fn not_utf8(path: &str) -> Failure {
    Failure::text(Exit::Usage, format!("the path of {path} is not valid UTF-8"), None)
}

/// The value with this stable name.
fn word<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    serde_json::from_value(serde_json::Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adapter_has_a_scale_if_there_is_a_number() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["a.gguf", "b:c.gguf"] {
            let path = directory.path().join(name);
            std::fs::write(&path, "").unwrap();
            let path = path.canonicalize().unwrap();
            let text = path.to_str().unwrap();
            assert_eq!(adapter(text).unwrap(), Adapter { path: path.clone(), scale: 1.0 });
            assert_eq!(
                adapter(&format!("{text}:-0.5")).unwrap(),
                Adapter { path: path.clone(), scale: -0.5 }
            );
            assert!(adapter(&format!("{text}:inf")).is_err());
            assert!(adapter(&format!("{text}:x")).is_err());
        }
    }
}
