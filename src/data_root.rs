//! The data root: the directory that is owned, and the places of the files in it.
//!
//! Fails with [`DataRootError`], which names the directory and the remedy. Creates nothing but the directory.

use std::env;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::os;

/// A directory that at most one process owns.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DataRoot(PathBuf);

impl DataRoot {
    /// The data root at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        DataRoot(path.into())
    }

    /// The data root that a user means: `given`, else `$CONTENOX_DATA_ROOT`, else `~/.contenox`.
    ///
    /// # Errors
    /// [`DataRootError::NoHome`] if it comes to the home directory and there is none.
    pub fn resolve(given: Option<PathBuf>) -> Result<Self, DataRootError> {
        let path = match given.or_else(|| non_empty(DATA_ROOT_VARIABLE)) {
            Some(path) => path,
            None => non_empty("HOME").ok_or(DataRootError::NoHome)?.join(".contenox"),
        };
        // Made absolute at the edge: what is advertised to other processes must mean the same to them.
        std::path::absolute(&path).map(DataRoot).map_err(|cause| DataRootError::Unusable { path, cause })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The lease file.
    pub fn record(&self) -> PathBuf {
        self.0.join("modeld.lease")
    }

    /// The lock around each decision.
    pub fn latch(&self) -> PathBuf {
        self.0.join("modeld.latch")
    }

    /// The lock of whoever has resident state.
    pub fn residency(&self) -> PathBuf {
        self.0.join("modeld.residency")
    }

    /// The directory of the epochs that were granted.
    pub fn epochs(&self) -> PathBuf {
        self.0.join("modeld.epochs")
    }

    /// The directory of the snapshots.
    pub fn snapshots(&self) -> PathBuf {
        self.0.join("snapshots")
    }

    /// The digests of files that were computed.
    pub fn digests(&self) -> PathBuf {
        self.0.join("modeld.digests")
    }

    /// The directory of the marks of loads that are under way.
    pub fn loads(&self) -> PathBuf {
        self.0.join("loads")
    }

    /// The directory of the sockets.
    pub fn run(&self) -> PathBuf {
        self.0.join("run")
    }

    /// Makes the directory ready to be owned: creates it with mode 0700 if it is missing, and refuses one
    /// whose locks or privacy can't be relied on.
    ///
    /// # Errors
    /// [`DataRootError`], see there.
    pub fn prepare(&self) -> Result<(), DataRootError> {
        let unusable = |cause| DataRootError::Unusable { path: self.0.clone(), cause };
        DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(&self.0).map_err(unusable)?;
        let metadata = fs::metadata(&self.0).map_err(unusable)?;
        if metadata.uid() != os::user_id() {
            return Err(DataRootError::NotYours { path: self.0.clone(), owner: metadata.uid() });
        }
        if metadata.permissions().mode() & OTHERS_MAY_WRITE != 0 {
            return Err(DataRootError::OpenToOthers { path: self.0.clone() });
        }
        match os::untrusted_filesystem(&self.0).map_err(unusable)? {
            Some(filesystem) => Err(DataRootError::NetworkFilesystem { path: self.0.clone(), filesystem }),
            None => Ok(()),
        }
    }
}

/// A data root that can't be owned.
#[derive(Debug, thiserror::Error)]
pub enum DataRootError {
    /// Neither a flag nor a variable names one, and there is no home directory.
    #[error("there is no home directory to keep models in")]
    NoHome,
    /// It can't be created, read or written.
    #[error("the data root {} can't be used", .path.display())]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// It belongs to another user.
    #[error("the data root {} belongs to user {owner}", .path.display())]
    NotYours {
        /// The directory.
        path: PathBuf,
        /// The user id of its owner.
        owner: u32,
    },
    /// Other users may write to it, and so replace the lease.
    #[error("other users may write to the data root {}", .path.display())]
    OpenToOthers {
        /// The directory.
        path: PathBuf,
    },
    /// Its locks are not those of one kernel: two machines could own it at once.
    #[error(
        "the data root {} is on a network file system ({filesystem}), whose locks do not keep two machines apart",
        .path.display()
    )]
    NetworkFilesystem {
        /// The directory.
        path: PathBuf,
        /// The name of the file system.
        filesystem: &'static str,
    },
}

impl DataRootError {
    /// What the user can do about it.
    pub fn hint(&self) -> String {
        match self {
            DataRootError::NoHome => format!("set {DATA_ROOT_VARIABLE}, or pass --data-root"),
            DataRootError::Unusable { .. } | DataRootError::NotYours { .. } => {
                "pass a directory of yours with --data-root".to_owned()
            }
            DataRootError::OpenToOthers { path } => format!("chmod go-w {}", path.display()),
            DataRootError::NetworkFilesystem { .. } => {
                "pass a directory on a local disk with --data-root".to_owned()
            }
        }
    }
}

/// The environment variable that names the data root, as in the seeds.
pub const DATA_ROOT_VARIABLE: &str = "CONTENOX_DATA_ROOT";

/// What is in a data root is its owner's alone.
const DIRECTORY_MODE: u32 = 0o700;

/// The write bits of group and others.
const OTHERS_MAY_WRITE: u32 = 0o022;

fn non_empty(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}
