//! The backend without models: its daemon owns the data root and answers health, and refuses the rest.

use std::ops::ControlFlow;
use std::path::Path;

use modeld_spec::error::Error;
use modeld_spec::slot::footprint::Footprint;

use super::backend::{Backend, LoadRequest, Model, ModelFacts, ModelKey};
use crate::owner::gate::ResidentPermit;

/// Serves no model.
#[derive(Clone, Copy, Debug, Default)]
pub struct None;

impl Backend for None {
    fn name(&self) -> &'static str {
        "none"
    }

    fn identify(&self, _path: &Path) -> Result<ModelKey, Error> {
        Err(unsupported("models"))
    }

    fn describe(&self, _path: &Path) -> Result<ModelFacts, Error> {
        Err(unsupported("models"))
    }

    fn load(
        &self,
        _permit: ResidentPermit<'_>,
        _request: &LoadRequest,
        _progress: &mut dyn FnMut(f32) -> ControlFlow<()>,
    ) -> Result<Box<dyn Model>, Error> {
        Err(unsupported("models"))
    }

    fn footprint(&self, _request: &LoadRequest) -> Result<Footprint, Error> {
        Err(unsupported("models"))
    }
}

fn unsupported(feature: &str) -> Error {
    Error::UnsupportedFeature { backend: "none".to_string(), feature: feature.to_string() }
}
