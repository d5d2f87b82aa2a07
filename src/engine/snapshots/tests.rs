//! The store on real files: what is kept, what is refused, what is left by whatever goes wrong.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use modeld_spec::lease::effect::FailureKind;
use modeld_spec::session::retention::{Retention, Room};
use modeld_spec::session::snapshot::{Digest, Head, Refused};
use modeld_spec::session::tape::TokenId;
use proptest::prelude::*;

use super::landing::Fault;
use super::{SnapshotLimits, SnapshotStore, StoreError, format};
use crate::data_root::DataRoot;
use crate::owner::gate::Gate;
use crate::owner::{CommitError, Config, Owner, Released, join};

/// An owner and its store.
struct Place {
    owner: Owner,
    gate: Arc<Gate>,
    store: SnapshotStore,
}

fn data_root() -> (tempfile::TempDir, DataRoot) {
    let directory = tempfile::tempdir().unwrap();
    let root = DataRoot::new(directory.path());
    (directory, root)
}

fn small() -> SnapshotLimits {
    let retention = Retention { bytes_max: 1_000, age_max: Duration::from_secs(3600), count_max: 100 };
    SnapshotLimits { retention, snapshot_bytes_max: 500 }
}

impl Place {
    fn new(root: &DataRoot) -> Self {
        Place::with(root, small())
    }

    fn with(root: &DataRoot, limits: SnapshotLimits) -> Self {
        let owner = join(Config::new(root.clone())).unwrap();
        let gate = owner.gate().expect("nobody else owns");
        let store =
            SnapshotStore::open(root, owner.committer().unwrap(), &gate.pass().unwrap(), limits).unwrap();
        Place { owner, gate, store }
    }

    fn save(&self, head: &Head, contents: &[u8]) -> Result<Digest, StoreError> {
        self.store.save(&self.gate.pass().unwrap(), head, contents)
    }

    /// A snapshot of 300 bytes, used so many seconds ago.
    fn saved(&self, kind: u8, ago: u64) -> Digest {
        let id = self.save(&head(0), &[kind; 300 - format::FIXED]).unwrap();
        let file = File::open(self.store.path_of(id)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(ago)).unwrap();
        id
    }

    fn fail(&self, step: &'static str, kind: io::ErrorKind, crashes: bool) {
        *self.store.faults.plan.lock().unwrap() = Some(Fault { step, kind, crashes, met: false });
    }

    fn mend(&self) {
        *self.store.faults.plan.lock().unwrap() = None;
    }

    fn ids(&self) -> Vec<Digest> {
        let mut ids: Vec<Digest> = self.store.list().unwrap().iter().map(|stored| stored.id).collect();
        ids.sort();
        ids
    }

    fn temporaries(&self) -> Vec<PathBuf> {
        super::entries(&self.store.temporaries()).unwrap()
    }
}

fn head(tokens: usize) -> Head {
    let tokens: Vec<TokenId> = (0..tokens as i32).map(|number| TokenId(number * 7 - 3)).collect();
    let (prefix, end) = (tokens.len() / 2, tokens.len());
    Head { identity: Digest([7; 32]), tokens, prefix, end, pending: Some(TokenId(-5)) }
}

#[test]
fn what_was_saved_is_read_after_a_restart_and_by_the_next_owner() {
    let (_directory, root) = data_root();
    let first = Place::new(&root);
    let id = first.save(&head(20), b"contents").unwrap();
    let snapshot = first.store.read(id).unwrap();
    assert_eq!((&snapshot.head, &*snapshot.contents, snapshot.digest), (&head(20), &b"contents"[..], id));
    assert!(snapshot.head.verify(id, snapshot.digest, Digest([7; 32]), 20).is_ok());
    assert!(first.temporaries().is_empty());
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(first.store.path_of(id)), 0o600);
    assert_eq!(mode(first.store.folder_of(id)), 0o700);
    assert_eq!(mode(first.store.place.clone()), 0o700);
    assert_eq!(first.owner.release(&mut ()), Released::Released);
    let second = Place::new(&root);
    assert_eq!(second.store.read(id), Ok(snapshot));
    // The same session is the same snapshot, also across owners.
    assert_eq!(second.save(&head(20), b"contents"), Ok(id));
    assert_eq!(second.store.usage().unwrap().count, 1);
    assert_eq!(second.owner.release(&mut ()), Released::Released);
}

#[test]
fn f2_a_late_save_of_a_deposed_owner_is_refused() {
    let (_directory, root) = data_root();
    let Place { owner, gate, store } = Place::new(&root);
    // Begun in its ownership; the disk is slow.
    let permit = gate.pass().unwrap();
    let kept = store.save(&permit, &head(3), b"kept").unwrap();
    assert_eq!(owner.release(&mut ()), Released::Released);
    let second = Place::new(&root);
    let refused = store.save(&permit, &head(3), b"late").unwrap_err();
    assert!(refused.is_superseded(), "{refused}");
    // Nor does it remove anything any more.
    assert!(store.remove(&permit, kept).unwrap_err().is_superseded());
    assert_eq!(second.ids(), [kept]);
    assert!(second.temporaries().is_empty());
    assert!(second.save(&head(3), b"current").is_ok());
    assert_eq!(second.owner.release(&mut ()), Released::Released);
}

#[test]
fn what_does_not_fit_gives_way_oldest_use_first() {
    let (_directory, root) = data_root();
    let place = Place::new(&root);
    let [oldest, middle, newest] = [(1, 30), (2, 20), (3, 10)].map(|(kind, ago)| place.saved(kind, ago));
    // To read it is to use it.
    assert!(place.store.read(oldest).is_ok());
    let fourth = place.saved(4, 0);
    let mut expected = [oldest, newest, fourth];
    expected.sort();
    assert_eq!(place.ids(), expected);
    assert_eq!(place.store.read(middle), Err(Refused::Absent));
    let usage = place.store.usage().unwrap();
    assert_eq!((usage.count, usage.bytes, usage.bytes_max), (3, 900, 1_000));
    assert!(place.temporaries().is_empty());
}

#[test]
fn threads_that_save_at_once_stay_within_what_may_be_kept() {
    let (_directory, root) = data_root();
    let place = Place::new(&root);
    std::thread::scope(|scope| {
        for kind in 0..4_u8 {
            let (store, gate) = (&place.store, &place.gate);
            scope.spawn(move || {
                for turn in 0..6_u8 {
                    // Every third one is the same for all.
                    let contents = if turn % 3 == 0 { [turn; 150] } else { [16 * kind + turn; 150] };
                    let id = store.save(&gate.pass().unwrap(), &head(0), &contents).unwrap();
                    match store.read(id) {
                        Ok(snapshot) => {
                            assert_eq!((snapshot.digest, &*snapshot.contents), (id, &contents[..]))
                        }
                        Err(refused) => assert_eq!(refused, Refused::Absent),
                    }
                }
            });
        }
    });
    let usage = place.store.usage().unwrap();
    assert!(0 < usage.count && usage.bytes <= 1_000, "{usage:?}");
    assert!(place.temporaries().is_empty());
    assert_eq!(*place.store.under_way(), Room::default());
}

#[test]
fn what_is_too_old_goes_and_what_was_asked_to() {
    let (_directory, root) = data_root();
    let place = Place::new(&root);
    // The old one last: a save collects as well.
    let (young, old) = (place.saved(2, 3_500), place.saved(1, 3_600));
    assert_eq!(place.store.collect(&place.gate.pass().unwrap()), Ok(1));
    assert_eq!(place.ids(), [young]);
    let remove = |id| place.store.remove(&place.gate.pass().unwrap(), id);
    assert_eq!(remove(old), Ok(false));
    assert_eq!(remove(young), Ok(true));
    assert_eq!(place.ids(), []);
    assert!(place.temporaries().is_empty());
}

#[test]
fn a_snapshot_that_is_being_read_can_be_removed() {
    let (_directory, root) = data_root();
    let place = Place::new(&root);
    let id = place.save(&head(4), b"contents").unwrap();
    let mut open = File::open(place.store.path_of(id)).unwrap();
    assert_eq!(place.store.remove(&place.gate.pass().unwrap(), id), Ok(true));
    let length = open.metadata().unwrap().len();
    assert_eq!(format::read(&mut open, length).map(|snapshot| snapshot.digest), Ok(id));
}

#[test]
fn what_is_too_large_is_refused_with_the_numbers() {
    let (_directory, root) = data_root();
    let place = Place::new(&root);
    let kept = place.saved(1, 0);
    let error = place.save(&head(0), &[0; 500]).unwrap_err();
    assert_eq!(error, StoreError::TooLarge { bytes: 500 + format::FIXED as u64, limit: 500 });
    assert_eq!(place.ids(), [kept]);
    // A file that is larger than may be read is not read.
    let large = Digest([9; 32]);
    fs::create_dir_all(place.store.folder_of(large)).unwrap();
    fs::write(place.store.path_of(large), [0; 501]).unwrap();
    assert_eq!(place.store.read(large), Err(Refused::Unreadable));
}

#[test]
fn a_full_and_a_read_only_disk_are_told_apart_and_leave_nothing() {
    let (_directory, root) = data_root();
    let place = Place::new(&root);
    let kept = place.saved(1, 0);
    for (kind, expected) in [
        (io::ErrorKind::StorageFull, FailureKind::StorageFull),
        (io::ErrorKind::ReadOnlyFilesystem, FailureKind::ReadOnly),
        (io::ErrorKind::PermissionDenied, FailureKind::PermissionDenied),
    ] {
        for step in ["create", "write", "sync file", "make folder"] {
            place.fail(step, kind, false);
            let error = place.save(&head(5), b"new").unwrap_err();
            let StoreError::Failed(failure) = &error else { panic!("{step}: {error}") };
            assert_eq!(failure.kind, expected);
            assert!(place.temporaries().is_empty(), "{step}");
        }
        place.fail("rename", kind, false);
        let error = place.save(&head(5), b"new").unwrap_err();
        assert!(matches!(&error, StoreError::NotCommitted(CommitError::Unknown(_))), "{error}");
        place.fail("move away", kind, false);
        assert!(place.store.remove(&place.gate.pass().unwrap(), kept).is_err());
        place.mend();
        assert_eq!(place.ids(), [kept]);
        assert!(place.temporaries().is_empty());
    }
    assert!(place.save(&head(5), b"new").is_ok());
}

#[test]
fn f4_a_crash_at_any_step_leaves_all_or_nothing_and_the_next_owner_sweeps() {
    for (step, landed) in [
        ("create", false),
        ("write", false),
        ("sync file", false),
        ("make folder", false),
        ("rename", false),
        ("sync folder", true),
    ] {
        let (_directory, root) = data_root();
        let first = Place::new(&root);
        let kept = first.save(&head(2), b"kept").unwrap();
        first.fail(step, io::ErrorKind::Other, true);
        assert!(first.save(&head(5), b"new").is_err());
        assert_eq!(first.owner.release(&mut ()), Released::Released);
        let second = Place::new(&root);
        assert!(second.temporaries().is_empty(), "{step}");
        let ids = second.ids();
        assert_eq!(ids.len(), if landed { 2 } else { 1 }, "{step}");
        for id in ids {
            assert_eq!(second.store.read(id).map(|snapshot| snapshot.digest), Ok(id));
        }
        assert!(second.store.read(kept).is_ok());
        assert_eq!(second.owner.release(&mut ()), Released::Released);
    }
}

#[test]
fn f4_a_sweep_leaves_alone_what_is_not_left_behind() {
    let (_directory, root) = data_root();
    drop(Place::new(&root).owner.release(&mut ()));
    let directory = root.snapshots().join("new");
    let names = ["00000000000000000001-a", "00000000000000000002-a", "00000000000000000003-a", "1-a", "note"];
    for name in names {
        fs::write(directory.join(name), "").unwrap();
    }
    let place = Place::new(&root);
    assert_eq!(place.owner.epoch().unwrap().get(), 2);
    let mut left = place.temporaries();
    left.sort();
    let left: Vec<_> = left.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    assert_eq!(left, names[1..]);
}

#[test]
fn what_is_in_the_way_of_a_file_is_unreadable_and_not_followed() {
    let (_directory, root) = data_root();
    let place = Place::new(&root);
    let id = place.save(&head(1), b"x").unwrap();
    let other = Digest([1; 32]);
    fs::create_dir_all(place.store.folder_of(other)).unwrap();
    std::os::unix::fs::symlink(place.store.path_of(id), place.store.path_of(other)).unwrap();
    assert_eq!(place.store.read(other), Err(Refused::Unreadable));
    let third = Digest([2; 32]);
    fs::create_dir_all(place.store.path_of(third)).unwrap();
    assert_eq!(place.store.read(third), Err(Refused::Unreadable));
    assert_eq!(place.store.read(Digest([3; 32])), Err(Refused::Absent));
}

#[test]
fn t11_bytes_that_were_changed_have_another_digest() {
    let (_directory, root) = data_root();
    let place = Place::new(&root);
    let id = place.save(&head(4), b"contents").unwrap();
    let path = place.store.path_of(id);
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, &bytes).unwrap();
    let snapshot = place.store.read(id).unwrap();
    let refused = snapshot.head.verify(id, snapshot.digest, snapshot.head.identity, 10);
    assert_eq!(refused, Err(Refused::Digest));
    // To save it again repairs it.
    assert_eq!(place.save(&head(4), b"contents"), Ok(id));
    assert_eq!(place.store.read(id).unwrap().digest, id);
}

fn encoded(head: &Head, contents: &[u8]) -> (Vec<u8>, Digest) {
    let mut bytes = Vec::new();
    let head = format::encode_head(head, contents.len()).unwrap();
    let digest = format::write_hashed(&mut bytes, &[&head, contents]).unwrap();
    (bytes, digest)
}

fn decoded(bytes: &[u8]) -> Result<super::Snapshot, Refused> {
    format::read(&mut &*bytes, bytes.len() as u64)
}

#[test]
fn a_snapshot_that_ends_early_is_refused_at_each_length() {
    let (bytes, digest) = encoded(&head(9), b"some contents");
    assert_eq!(decoded(&bytes).unwrap().digest, digest);
    for length in 0..bytes.len() {
        assert_eq!(decoded(&bytes[..length]), Err(Refused::Unreadable), "{length}");
        // Also where the file became shorter after its length was asked for.
        let read = format::read(&mut &bytes[..length], bytes.len() as u64);
        assert_eq!(read, Err(Refused::Unreadable), "{length}");
    }
    let longer = [&*bytes, b"x"].concat();
    assert_eq!(decoded(&longer), Err(Refused::Unreadable));
}

proptest! {
    #[test]
    fn a_head_is_read_as_it_was_written(
        tokens in prop::collection::vec(any::<i32>(), 0..200),
        (prefix, end) in (0..500_usize, 0..500_usize),
        pending in prop::option::of(any::<i32>()),
        contents in prop::collection::vec(any::<u8>(), 0..300),
        identity in any::<[u8; 32]>(),
    ) {
        let tokens = tokens.into_iter().map(TokenId).collect();
        let head = Head { identity: Digest(identity), tokens, prefix, end, pending: pending.map(TokenId) };
        let (bytes, digest) = encoded(&head, &contents);
        prop_assert_eq!(decoded(&bytes), Ok(super::Snapshot { head, contents, digest }));
    }

    #[test]
    fn damage_is_refused_or_has_another_digest(
        tokens in 0..40_usize,
        damage in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 1..5),
    ) {
        let (mut bytes, digest) = encoded(&head(tokens), b"some contents");
        let before = bytes.clone();
        for (index, change) in damage {
            let index = index.index(bytes.len());
            bytes[index] ^= change;
        }
        prop_assume!(bytes != before);
        match decoded(&bytes) {
            Ok(snapshot) => prop_assert_ne!(snapshot.digest, digest),
            Err(refused) => prop_assert!(matches!(refused, Refused::Unreadable | Refused::Digest)),
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic_or_allocate_what_they_say(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        sizes in any::<(u32, u64)>(),
    ) {
        prop_assert!(decoded(&bytes).is_err());
        let (mut good, _) = encoded(&head(2), b"x");
        good[12..16].copy_from_slice(&sizes.0.to_le_bytes());
        good[64..72].copy_from_slice(&sizes.1.to_le_bytes());
        prop_assert!(decoded(&good).is_err());
    }
}
