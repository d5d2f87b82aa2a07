//! The inference backends by name.

use std::fmt;
use std::str::FromStr;

use crate::engine::backend::Backend;
#[cfg(feature = "llama")]
use crate::engine::llama::Llama;
use crate::engine::{none, toy};

/// Which inference backend a daemon serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackendKind {
    /// llama.cpp: GGUF models.
    #[cfg(feature = "llama")]
    Llama,
    /// A small deterministic model without weights, to try the rest with.
    Toy,
    /// No inference: answers health and refuses the rest.
    None,
}

impl BackendKind {
    /// All that this build has, the usual one first.
    pub const ALL: &'static [BackendKind] = &[
        #[cfg(feature = "llama")]
        BackendKind::Llama,
        BackendKind::Toy,
        BackendKind::None,
    ];

    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "llama")]
            BackendKind::Llama => "llama",
            BackendKind::Toy => "toy",
            BackendKind::None => "none",
        }
    }

    /// The backend itself.
    pub(super) fn make(self) -> Box<dyn Backend> {
        match self {
            #[cfg(feature = "llama")]
            BackendKind::Llama => Box::new(Llama),
            // Where a toy ends its text is chance, so only what the caller says ends it.
            BackendKind::Toy => Box::new(toy::Toy { ends: false, ..toy::Toy::default() }),
            BackendKind::None => Box::new(none::None),
        }
    }
}

impl Default for BackendKind {
    /// The first of [`BackendKind::ALL`].
    fn default() -> Self {
        BackendKind::ALL.first().copied().unwrap_or(BackendKind::None)
    }
}

impl fmt::Display for BackendKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for BackendKind {
    type Err = UnknownBackend;

    fn from_str(name: &str) -> Result<Self, UnknownBackend> {
        BackendKind::ALL
            .iter()
            .copied()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| UnknownBackend { name: name.to_owned() })
    }
}

/// This build has no backend of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this build has no backend {name:?}; it has {}", known())]
pub struct UnknownBackend {
    name: String,
}

fn known() -> String {
    BackendKind::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ")
}
