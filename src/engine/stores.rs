//! What an engine keeps on disk, and what ties it to a model.

use std::ops::ControlFlow;
use std::sync::Arc;

use modeld_spec::error::Error;
use modeld_spec::session::snapshot::Digest;

use super::backend::{Backend, LoadRequest, Model, ModelKey};
use super::manifest::{AdapterIdentity, FileDigests, Manifest, digest_of};
use super::snapshots::SnapshotStore;

/// The stores of an engine. The default is none: its sessions can't be written to disk.
#[derive(Clone, Default)]
pub struct Stores {
    /// The snapshots, and the digests of the model files: a snapshot says which model it is of.
    pub snapshots: Option<(Arc<SnapshotStore>, Arc<FileDigests>)>,
}

impl Stores {
    /// What tells the cache of this model from every other, and what that is made of where there is a disk. Reads the model's file once a content; `progress` can break that off.
    ///
    /// # Errors
    /// What [`FileDigests::digest`] and [`Manifest::of`] say.
    pub(super) fn identity(
        &self,
        backend: &dyn Backend,
        model: &dyn Model,
        key: &ModelKey,
        request: &LoadRequest,
        progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<(Digest, Option<Arc<Manifest>>), Error> {
        // Without snapshots it is compared with nothing.
        let Some((_, digests)) = &self.snapshots else { return Ok((digest_of(key.0.as_bytes()), None)) };
        let digest = backend.digest(&request.path, digests, progress)?;
        let adapters = AdapterIdentity::all(&request.settings, digests, progress)?;
        let manifest = Manifest::of(backend, model, digest, &adapters)?;
        Ok((manifest.identity(), Some(Arc::new(manifest))))
    }
}
