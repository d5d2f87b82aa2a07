//! Which file a client means by the name of a model.
//!
//! A client of the same user may name any file by its absolute path. `demo` names the model that this program
//! carries, which is laid into the data root when it is first asked for; `toy` and `toy:NAME` the models of the
//! toy backend, which have no file.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use modeld_spec::error::Error;
use uuid::Uuid;

use crate::data_root::DataRoot;

/// Whether `name` is that of a model and not the path of one.
pub fn is_model_name(name: &str) -> bool {
    name == DEMO_MODEL || name == TOY_MODEL || name.starts_with(TOY_PREFIX)
}

/// The models of one data root.
#[derive(Clone, Debug)]
pub(super) struct ModelFiles {
    root: DataRoot,
}

impl ModelFiles {
    pub(super) fn new(root: DataRoot) -> Self {
        ModelFiles { root }
    }

    /// The file of the model `name`.
    pub(super) fn resolve(&self, name: &str) -> Result<PathBuf, Error> {
        if name == DEMO_MODEL {
            let path = self.root.path().join("models").join("modeld-demo.gguf");
            return lay_down(&path, DEMO_BYTES).map(|()| path).map_err(|error| Error::ModelLoadFailed {
                model: DEMO_MODEL.to_owned(),
                cause: format!("it could not be laid into the data root: {error}"),
            });
        }
        let path = Path::new(name);
        // A toy backend alone takes a name for a path, and it reads no file.
        if path.is_absolute() || is_model_name(name) {
            Ok(path.to_path_buf())
        } else {
            Err(Error::ModelNotFound { model: name.to_owned() })
        }
    }
}

/// Makes sure that `path` holds exactly `bytes`; whoever looks sees all of it or none.
fn lay_down(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    let directory = path.parent().ok_or_else(|| io::Error::other("the model has no directory"))?;
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let temporary = directory.join(format!(".{}.tmp", Uuid::new_v4().simple()));
    let written = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// The name of the model that comes with this program.
const DEMO_MODEL: &str = "demo";

/// The models of the toy backend.
const TOY_MODEL: &str = "toy";
const TOY_PREFIX: &str = "toy:";

/// The demo model: see `demo/PROVENANCE.md`.
const DEMO_BYTES: &[u8] = include_bytes!("../../demo/demo.gguf");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_model_is_laid_down_and_mended() {
        let directory = tempfile::tempdir().unwrap();
        let files = ModelFiles::new(DataRoot::new(directory.path()));
        let path = files.resolve(DEMO_MODEL).unwrap();
        assert!(fs::read(&path).unwrap().starts_with(b"GGUF"));
        fs::write(&path, "damaged").unwrap();
        files.resolve(DEMO_MODEL).unwrap();
        assert_eq!(fs::read(&path).unwrap(), DEMO_BYTES);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no remains");
    }

    #[test]
    fn other_names_are_absolute_paths() {
        let files = ModelFiles::new(DataRoot::new("/nowhere"));
        assert_eq!(files.resolve("/models/a.gguf"), Ok(PathBuf::from("/models/a.gguf")));
        assert_eq!(files.resolve("toy:a"), Ok(PathBuf::from("toy:a")));
        for name in ["a.gguf", "./a.gguf", "../a.gguf", "demo/x"] {
            assert!(matches!(files.resolve(name), Err(Error::ModelNotFound { .. })), "{name}");
        }
    }
}
