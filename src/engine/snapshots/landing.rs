//! What the store lets land: a snapshot that comes, and snapshots that go. Each is a few renames between preparation and clean-up.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use modeld_spec::session::snapshot::Digest;

use super::{SnapshotStore, format, is_absent, make_directory, sync_directory};
use crate::owner::Landing;

/// A file of a name of its own.
pub(super) struct Temporary {
    path: PathBuf,
}

impl Temporary {
    pub(super) fn new(path: PathBuf) -> Self {
        Temporary { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn remove(&self) {
        // What stays is swept by the next owner.
        let _ = fs::remove_file(&self.path);
    }
}

/// A snapshot on its way into its place.
pub(super) struct Landed<'a> {
    store: &'a SnapshotStore,
    parts: [&'a [u8]; 2],
    temporary: Temporary,
    digest: Digest,
}

impl<'a> Landed<'a> {
    pub(super) fn new(store: &'a SnapshotStore, parts: [&'a [u8]; 2]) -> Self {
        Landed { store, parts, temporary: store.temporary(), digest: Digest([0; 32]) }
    }

    /// Its name, once it was prepared.
    pub(super) fn digest(&self) -> Digest {
        self.digest
    }
}

impl Landing for Landed<'_> {
    fn prepare(&mut self) -> io::Result<()> {
        let faults = &self.store.faults;
        faults.before("create")?;
        let path = self.temporary.path();
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        faults.before("write")?;
        self.digest = format::write_hashed(&mut file, &self.parts)?;
        faults.before("sync file")?;
        file.sync_all()?;
        let folder = self.store.folder_of(self.digest);
        faults.before("make folder")?;
        make_directory(&folder, false)?;
        // The entry of the folder as well, and before the latch: what is left to sync under it is one rename.
        sync_directory(&self.store.place)?;
        sync_directory(&self.store.temporaries())
    }

    fn land(&mut self) -> io::Result<()> {
        self.store.faults.before("rename")?;
        fs::rename(self.temporary.path(), self.store.path_of(self.digest))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.store.faults.before("sync folder")?;
        sync_directory(&self.store.folder_of(self.digest))
    }

    fn discard(&mut self) {
        if self.store.faults.before("discard").is_ok() {
            self.temporary.remove();
        }
    }

    fn name(&self) -> String {
        self.temporary.path().display().to_string()
    }
}

/// Snapshots on their way out.
pub(super) struct Departure<'a> {
    store: &'a SnapshotStore,
    ways: Vec<Way>,
}

struct Way {
    from: PathBuf,
    to: Temporary,
    left: bool,
}

impl<'a> Departure<'a> {
    pub(super) fn new(store: &'a SnapshotStore, ids: &[Digest]) -> Self {
        let way = |id: &Digest| Way { from: store.path_of(*id), to: store.temporary(), left: false };
        let ways = ids.iter().map(way).filter(|way| fs::symlink_metadata(&way.from).is_ok()).collect();
        Departure { store, ways }
    }

    /// Whether none of them is there.
    pub(super) fn is_needless(&self) -> bool {
        self.ways.is_empty()
    }

    /// Removes what has left its place; says how many.
    pub(super) fn finish(&mut self) -> usize {
        let left = self.ways.iter().filter(|way| way.left);
        left.map(|way| way.to.remove()).count()
    }
}

impl Landing for Departure<'_> {
    fn prepare(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn land(&mut self) -> io::Result<()> {
        for way in &mut self.ways {
            self.store.faults.before("move away")?;
            match fs::rename(&way.from, way.to.path()) {
                Ok(()) => way.left = true,
                // Somebody has removed it meanwhile.
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        // A removal that a power loss takes back is made again: it need not be durable.
        Ok(())
    }

    fn discard(&mut self) {
        if self.store.faults.before("discard").is_ok() {
            self.finish();
        }
    }

    fn name(&self) -> String {
        self.store.place.display().to_string()
    }
}

/// What a test lets fail.
#[derive(Default)]
pub(super) struct Faults {
    #[cfg(test)]
    pub(super) plan: std::sync::Mutex<Option<Fault>>,
}

/// One step that fails.
#[cfg(test)]
pub(super) struct Fault {
    pub(super) step: &'static str,
    pub(super) kind: io::ErrorKind,
    /// Whether it is the end: nothing is done from there on.
    pub(super) crashes: bool,
    pub(super) met: bool,
}

impl Faults {
    /// Called before each step; an error takes its place.
    #[cfg(not(test))]
    fn before(&self, _step: &'static str) -> io::Result<()> {
        Ok(())
    }

    /// Called before each step; an error takes its place.
    #[cfg(test)]
    fn before(&self, step: &'static str) -> io::Result<()> {
        let mut plan = self.plan.lock().unwrap();
        let Some(fault) = plan.as_mut() else { return Ok(()) };
        let fails = fault.step == step || (fault.met && fault.crashes);
        fault.met |= fails;
        if fails { Err(io::Error::from(fault.kind)) } else { Ok(()) }
    }
}
