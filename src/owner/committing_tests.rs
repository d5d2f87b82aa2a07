//! Durable effects on real lease files: what lands, what is refused where it lands, and what is left.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use fs2::FileExt;
use modeld_spec::fence::commit::{Cause, Refusal};
use modeld_spec::ids::Epoch;
use modeld_spec::lease::effect::{Content, FailureKind};
use modeld_spec::lease::record::WallClock;
use modeld_spec::time::Ttl;

use super::{CommitError, Config, Landing, Owner, Released, join};
use crate::data_root::DataRoot;
use crate::lease::files::FileStore;

/// One file that is written beside its place and put there.
struct Note {
    place: PathBuf,
    text: &'static str,
    /// What fails, and at nothing else.
    fails: Option<&'static str>,
    /// Whether whatever fails is the end: nothing of it is performed any more, as after a crash.
    crashes: bool,
    done: Vec<&'static str>,
}

impl Note {
    fn new(root: &DataRoot, text: &'static str) -> Self {
        Note { place: root.path().join("note"), text, fails: None, crashes: false, done: Vec::new() }
    }

    fn beside(&self) -> PathBuf {
        self.place.with_extension("new")
    }

    fn step(&mut self, name: &'static str) -> io::Result<()> {
        let crashed = self.crashes && self.done.iter().any(|done| Some(*done) == self.fails);
        self.done.push(name);
        if crashed || self.fails == Some(name) {
            Err(io::Error::from(io::ErrorKind::StorageFull))
        } else {
            Ok(())
        }
    }

    fn landed(&self) -> Option<String> {
        fs::read_to_string(&self.place).ok()
    }
}

impl Landing for Note {
    fn prepare(&mut self) -> io::Result<()> {
        self.step("prepare")?;
        fs::write(self.beside(), self.text)
    }

    fn land(&mut self) -> io::Result<()> {
        self.step("land")?;
        fs::rename(self.beside(), &self.place)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.step("sync")?;
        File::open(self.place.parent().unwrap())?.sync_all()
    }

    fn discard(&mut self) {
        if self.step("discard").is_ok() {
            let _ = fs::remove_file(self.beside());
        }
    }

    fn name(&self) -> String {
        "the note".to_string()
    }
}

fn root() -> (tempfile::TempDir, DataRoot) {
    let directory = tempfile::tempdir().unwrap();
    let root = DataRoot::new(directory.path());
    (directory, root)
}

fn owner(root: &DataRoot) -> Owner {
    let owner = join(Config::new(root.clone())).unwrap();
    assert!(owner.is_owner());
    owner
}

fn commit(owner: &Owner, landing: &mut Note) -> Result<(), CommitError> {
    let gate = owner.gate().unwrap();
    let permit = gate.pass().unwrap();
    owner.committer().unwrap().commit(&permit, landing)
}

#[test]
fn what_an_owner_commits_is_in_its_place() {
    let (_directory, root) = root();
    let owner = owner(&root);
    let mut note = Note::new(&root, "1");
    assert_eq!(commit(&owner, &mut note), Ok(()));
    assert_eq!(note.landed().as_deref(), Some("1"));
    assert_eq!(note.done, ["prepare", "land", "sync"]);
    assert_eq!(owner.release(&mut ()), Released::Released);
}

/// Does something else before its own preparation.
struct Within<'a>(Note, &'a mut dyn FnMut());

impl Landing for Within<'_> {
    fn prepare(&mut self) -> io::Result<()> {
        (self.1)();
        self.0.prepare()
    }

    fn land(&mut self) -> io::Result<()> {
        self.0.land()
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync()
    }

    fn discard(&mut self) {
        self.0.discard();
    }

    fn name(&self) -> String {
        self.0.name()
    }
}

#[test]
fn f2_whoever_prepares_holds_up_nobody() {
    let (_directory, root) = root();
    let owner = owner(&root);
    let (gate, committer) = (owner.gate().unwrap(), owner.committer().unwrap());
    let mut inner = None;
    let mut within = || {
        // Would find the latch busy if the one who prepares had it.
        inner = Some(commit(&owner, &mut Note { place: root.path().join("other"), ..Note::new(&root, "2") }));
    };
    let mut outer = Within(Note::new(&root, "1"), &mut within);
    assert_eq!(committer.commit(&gate.pass().unwrap(), &mut outer), Ok(()));
    assert_eq!(outer.0.landed().as_deref(), Some("1"));
    assert_eq!(inner, Some(Ok(())));
}

#[test]
fn f2_a_deposed_owner_is_refused_where_it_lands() {
    let (_directory, root) = root();
    let first = owner(&root);
    let (gate, committer) = (first.gate().unwrap(), first.committer().unwrap());
    // Begun while it was the owner, and still under way when another one is.
    let permit = gate.pass().unwrap();
    assert_eq!(first.release(&mut ()), Released::Released);
    let mut late = Note::new(&root, "late");
    assert_eq!(committer.commit(&permit, &mut late), Err(CommitError::Refused(Refusal::Unproven)));
    let second = owner(&root);
    let mut current = Note::new(&root, "current");
    assert_eq!(commit(&second, &mut current), Ok(()));
    let by = Epoch::new(2).unwrap();
    assert_eq!(committer.commit(&permit, &mut late), Err(CommitError::Refused(Refusal::Superseded { by })));
    assert_eq!(late.landed().as_deref(), Some("current"));
    assert!(!late.beside().exists());
    assert_eq!(second.release(&mut ()), Released::Released);
}

#[test]
fn f2_a_record_that_a_later_epoch_replaced_refuses() {
    let (_directory, root) = root();
    let owner = owner(&root);
    let Content::Record(mut record) = FileStore::inspect(&root).unwrap() else { panic!("no record") };
    record.epoch = Epoch::new(9).unwrap();
    fs::write(root.record(), record.encode(WallClock { acquired_at: "", renewed_at: "" })).unwrap();
    let mut note = Note::new(&root, "1");
    let refused = CommitError::Refused(Refusal::Superseded { by: record.epoch });
    assert_eq!(commit(&owner, &mut note), Err(refused));
    assert_eq!(note.landed(), None);
    assert!(!note.beside().exists());
}

#[test]
fn l15_a_busy_latch_is_waited_for_within_its_bound() {
    let (_directory, root) = root();
    let config = Config { ttl: Ttl::new(Duration::from_secs(2)).unwrap(), ..Config::new(root.clone()) };
    let owner = join(config).unwrap();
    let latch = OpenOptions::new().read(true).write(true).open(root.latch()).unwrap();
    // A renewal may have it at this instant.
    FileExt::lock_exclusive(&latch).unwrap();
    let mut note = Note::new(&root, "1");
    assert_eq!(commit(&owner, &mut note), Err(CommitError::NotDone(Cause::LatchBusy)));
    assert_eq!(note.done, ["prepare", "discard"]);
    assert!(!note.beside().exists());
    FileExt::unlock(&latch).unwrap();
    assert_eq!(commit(&owner, &mut Note::new(&root, "2")), Ok(()));
}

#[test]
fn f3_an_error_before_the_landing_is_not_done_and_one_of_it_is_unknown() {
    let (_directory, root) = root();
    let owner = owner(&root);
    for (fails, landed) in [("prepare", None), ("land", None), ("sync", Some("1"))] {
        let mut note = Note { fails: Some(fails), ..Note::new(&root, "1") };
        let error = commit(&owner, &mut note).unwrap_err();
        assert_eq!(matches!(error, CommitError::Unknown(_)), fails != "prepare", "{error}");
        let failure = error.failure().unwrap();
        assert_eq!((failure.doing, failure.kind), (fails, FailureKind::StorageFull));
        assert_eq!(note.landed().as_deref(), landed, "{fails}");
        assert!(!note.beside().exists(), "{fails}");
        // The latch is free, whatever failed.
        assert_eq!(
            commit(&owner, &mut Note { place: root.path().join("other"), ..Note::new(&root, "2") }),
            Ok(())
        );
    }
}

#[test]
fn f2_a_crash_between_any_two_steps_leaves_the_old_or_the_new_whole() {
    for (crash, expected) in [("prepare", "old"), ("land", "old"), ("sync", "new")] {
        let (_directory, root) = root();
        let first = owner(&root);
        assert_eq!(commit(&first, &mut Note::new(&root, "old")), Ok(()));
        let mut note = Note { fails: Some(crash), crashes: true, ..Note::new(&root, "new") };
        assert!(commit(&first, &mut note).is_err());
        assert_eq!(note.landed().as_deref(), Some(expected), "{crash}");
        drop(first);
    }
}
