//! Ownership of a data root on real files, seen through the library.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::Duration;

use fs2::FileExt;
use modeld::data_root::DataRoot;
use modeld::lease::files::FileStore;
use modeld::owner::gate::Closed;
use modeld::owner::{self, Config, Owner, Released, StandbyEvent, Stop};
use modeld_spec::ids::Epoch;
use modeld_spec::lease::decision::Why;
use modeld_spec::lease::effect::Content;
use modeld_spec::lease::keeper::Cause;
use modeld_spec::lease::record::{Record, Residency};
use modeld_spec::time::Ttl;
use tempfile::TempDir;

/// Between two looks at what another thread brings about.
const LOOK: Duration = Duration::from_millis(2);

/// Longer than anything here takes on a busy machine; a test that waits for it fails.
const BOUND: Duration = Duration::from_secs(30);

/// Short enough to wait for its end, long enough to be renewed in time on a machine that is shared.
const SHORT: Duration = Duration::from_secs(1);

fn root() -> (TempDir, DataRoot) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let root = DataRoot::new(directory.path());
    (directory, root)
}

fn config(root: &DataRoot) -> Config {
    Config {
        endpoint: Some("unix:/nowhere".into()),
        backend: Some("toy".into()),
        ..Config::new(root.clone())
    }
}

fn short_lived(root: &DataRoot) -> Config {
    Config { ttl: Ttl::new(SHORT).expect("it is in range"), ..config(root) }
}

fn record(root: &DataRoot) -> Record {
    match FileStore::inspect(root).expect("the data root is readable") {
        Content::Record(record) => record,
        other => panic!("no record: {other:?}"),
    }
}

fn epoch(number: u64) -> Option<Epoch> {
    Epoch::new(number)
}

fn lost(owner: &Owner) -> Cause {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime
        .block_on(async { tokio::time::timeout(BOUND, owner.lost()).await.expect("the lease is never lost") })
}

/// Polls a condition that another thread or process brings about.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !holds() {
        assert!(start.elapsed() < BOUND, "never: {what}");
        std::thread::park_timeout(LOOK);
    }
}

#[test]
fn one_owns_and_the_others_know_who() {
    let (_directory, root) = root();
    let owner = owner::join(config(&root)).unwrap();
    assert!(owner.is_owner());
    assert_eq!(owner.epoch(), epoch(1));
    let follower = owner::join(config(&root)).unwrap();
    assert!(!follower.is_owner());
    assert_eq!(follower.instance_id(), owner.instance_id());
    assert_eq!(follower.endpoint(), Some("unix:/nowhere"));
    assert_eq!(follower.backend(), Some("toy"));
    assert!(follower.gate().is_none());
    assert!(owner.gate().unwrap().pass_resident().is_ok());
    assert_eq!(owner.release(&mut ()), Released::Released);
    assert!(!root.record().exists());
}

#[test]
fn epochs_rise_across_releases() {
    let (_directory, root) = root();
    for number in 1..=5 {
        let owner = owner::join(config(&root)).unwrap();
        assert_eq!(owner.epoch(), epoch(number));
        assert_eq!(owner.release(&mut ()), Released::Released);
    }
}

#[test]
fn l3_an_epoch_survives_the_loss_of_any_one_file() {
    type Damage = fn(&DataRoot);
    let damages: [(&str, Damage); 6] = [
        ("grants deleted", |root| fs::remove_dir_all(root.epochs()).unwrap()),
        ("latch deleted", |root| fs::remove_file(root.latch()).unwrap()),
        ("latch emptied", |root| fs::write(root.latch(), "").unwrap()),
        ("latch overwritten", |root| fs::write(root.latch(), "epoch one\n").unwrap()),
        ("residency deleted", |root| fs::remove_file(root.residency()).unwrap()),
        ("residency overwritten", |root| fs::write(root.residency(), "x").unwrap()),
    ];
    for (what, damage) in damages {
        let (_directory, root) = root();
        assert_eq!(owner::join(config(&root)).unwrap().release(&mut ()), Released::Released);
        damage(&root);
        let owner = owner::join(config(&root)).unwrap();
        assert_eq!(owner.epoch(), epoch(2), "{what}");
        assert_eq!(owner.release(&mut ()), Released::Released);
    }
}

#[test]
fn lost_epochs_are_an_error_and_not_a_new_beginning() {
    let (_directory, root) = root();
    assert_eq!(owner::join(config(&root)).unwrap().release(&mut ()), Released::Released);
    fs::remove_dir_all(root.epochs()).unwrap();
    fs::write(root.latch(), "epoch one\n").unwrap();
    let error = owner::join(config(&root)).unwrap_err();
    assert!(error.to_string().contains("epochs of this data root are lost"), "{error}");
}

#[test]
fn an_interval_that_can_not_work_is_refused_with_the_remedy() {
    let (_directory, root) = root();
    let join =
        |interval| owner::join(Config { renew_interval: Some(interval), ..short_lived(&root) }).unwrap_err();
    let seldom = join(Duration::from_millis(501));
    assert!(seldom.to_string().contains("too seldom"), "{seldom}");
    assert!(seldom.hint().unwrap().contains("every 500ms"), "{:?}", seldom.hint());
    let often = join(Duration::from_millis(9));
    assert!(often.to_string().contains("too often"), "{often}");
    assert!(often.hint().unwrap().contains("less often"), "{:?}", often.hint());
}

#[test]
fn an_owner_renews_without_being_asked() {
    let (_directory, root) = root();
    let owner = owner::join(short_lived(&root)).unwrap();
    let acquired = record(&root);
    let passed_ttl = acquired.ttl.expiry(acquired.renewed_at);
    eventually("renewed past the first expiry", || passed_ttl < record(&root).renewed_at);
    assert!(owner.gate().unwrap().pass().is_ok());
    assert_eq!(owner.lost_err(), None);
    assert_eq!(owner.release(&mut ()), Released::Released);
}

#[test]
fn l5_the_gate_closes_while_the_renewal_hangs() {
    let (_directory, root) = root();
    let owner = owner::join(short_lived(&root)).unwrap();
    // Whoever has the latch keeps every renewal waiting.
    let latch = File::open(root.latch()).unwrap();
    FileExt::lock_exclusive(&latch).unwrap();
    assert!(matches!(lost(&owner), Cause::DeadlinePassed(_)));
    let gate = owner.gate().unwrap();
    assert!(matches!(gate.pass(), Err(Closed::Fenced(_))));
    FileExt::unlock(&latch).unwrap();
    // L6: with the way free again the epoch stays what it is.
    assert!(matches!(gate.pass(), Err(Closed::Fenced(_))));
    assert_eq!(owner.release(&mut ()), Released::Released);
}

#[test]
fn a_deleted_or_corrupt_record_comes_back() {
    let (_directory, root) = root();
    let owner = owner::join(short_lived(&root)).unwrap();
    fs::remove_file(root.record()).unwrap();
    eventually("the deleted record is back", || root.record().exists());
    fs::write(root.record(), "{ this is no record").unwrap();
    eventually(
        "the corrupt record is whole",
        || matches!(FileStore::inspect(&root).unwrap(), Content::Record(record) if Some(record.epoch) == epoch(1)),
    );
    assert!(owner.gate().unwrap().pass().is_ok());
    assert_eq!(owner.release(&mut ()), Released::Released);
}

#[test]
fn a_corrupt_record_of_nobody_is_taken_over() {
    let (_directory, root) = root();
    assert_eq!(owner::join(config(&root)).unwrap().release(&mut ()), Released::Released);
    fs::write(root.record(), [0xff; 100]).unwrap();
    let owner = owner::join(config(&root)).unwrap();
    assert_eq!(owner.epoch(), epoch(2));
    assert_eq!(owner.release(&mut ()), Released::Released);
}

#[test]
fn l1_successor_waits_for_the_residency_lock() {
    let (_directory, root) = root();
    let first = owner::join(short_lived(&root)).unwrap();
    let latch = File::open(root.latch()).unwrap();
    FileExt::lock_exclusive(&latch).unwrap();
    lost(&first);
    FileExt::unlock(&latch).unwrap();

    // The first is fenced and has not freed anything: it still has the residency lock.
    let mut second = None;
    eventually("the record has expired", || {
        let joined = owner::join(short_lived(&root)).unwrap();
        if joined.is_owner() {
            second = Some(joined);
        }
        second.is_some()
    });
    let second = second.unwrap();
    assert_eq!(second.epoch(), epoch(2));
    // L12: both live in this process, which is not to be named as the one to end.
    assert!(matches!(record(&root).residency, Residency::Awaited { holder: None, .. }));
    let gate = second.gate().unwrap();
    // L16: not even what needs no memory begins.
    assert!(matches!(gate.pass(), Err(Closed::NotResident { .. })));
    assert!(matches!(gate.pass_resident(), Err(Closed::NotResident { .. })));

    assert_eq!(first.release(&mut ()), Released::Superseded);
    eventually("the second is resident", || gate.pass_resident().is_ok());
    eventually("the record says so", || matches!(record(&root).residency, Residency::Held(_)));
    assert_eq!(second.release(&mut ()), Released::Released);
}

#[test]
fn l14_a_leader_gets_the_lock_that_it_found_held_under_whatever_name() {
    let (_directory, root) = root();
    let first = owner::join(short_lived(&root)).unwrap();
    let latch = File::open(root.latch()).unwrap();
    FileExt::lock_exclusive(&latch).unwrap();
    lost(&first);
    FileExt::unlock(&latch).unwrap();
    let mut second = None;
    eventually("the record has expired", || {
        second = owner::join(short_lived(&root)).ok().filter(Owner::is_owner);
        second.is_some()
    });
    let second = second.unwrap();
    // Somebody tidies up: the lock that the leader waits for is on a file without a name from here on.
    fs::remove_file(root.residency()).unwrap();
    fs::write(root.residency(), "").unwrap();
    assert_eq!(first.release(&mut ()), Released::Superseded);
    let gate = second.gate().unwrap();
    eventually("the second is resident", || gate.pass_resident().is_ok());
    assert_eq!(second.release(&mut ()), Released::Released);
}

#[test]
fn a_standby_takes_over_when_the_owner_releases() {
    let (_directory, root) = root();
    let owner = owner::join(config(&root)).unwrap();
    let stop = Stop::new().unwrap();
    let (following, followed) = std::sync::mpsc::channel();
    let standby = {
        let (config, stop) = (config(&root), stop.clone());
        std::thread::spawn(move || {
            let mut tell = |event: StandbyEvent<'_>| {
                if let StandbyEvent::Following(Why::Held(record)) = event {
                    // The test may be over when the last ones come.
                    let _ = following.send(record.epoch);
                }
            };
            owner::stand_by(config, &stop, &mut tell)
        })
    };
    assert_eq!(Some(followed.recv_timeout(BOUND).unwrap()), epoch(1));
    assert_eq!(owner.release(&mut ()), Released::Released);
    let successor = standby.join().unwrap().unwrap().expect("it was not asked to stop");
    assert_eq!(successor.epoch(), epoch(2));
    assert_eq!(successor.release(&mut ()), Released::Released);
}

#[test]
fn a_standby_stops_when_asked() {
    let (_directory, root) = root();
    let owner = owner::join(config(&root)).unwrap();
    let stop = Stop::new().unwrap();
    let standby = {
        let (config, stop) = (config(&root), stop.clone());
        std::thread::spawn(move || owner::stand_by(config, &stop, &mut |_| ()))
    };
    stop.ask();
    assert!(standby.join().unwrap().unwrap().is_none());
    assert_eq!(owner.release(&mut ()), Released::Released);
}

#[test]
fn l15_a_latch_that_stays_taken_is_an_error_with_the_remedy() {
    let (_directory, root) = root();
    assert_eq!(owner::join(config(&root)).unwrap().release(&mut ()), Released::Released);
    let latch = File::open(root.latch()).unwrap();
    FileExt::lock_exclusive(&latch).unwrap();
    let error = owner::join(short_lived(&root)).unwrap_err();
    assert!(error.to_string().contains("keeps the latch"), "{error}");
    assert!(error.hint().unwrap().contains("fuser"), "{error}");
}

#[test]
fn a_release_that_can_not_free_keeps_the_residency_lock() {
    struct Stuck;
    impl owner::ResidentState for Stuck {
        fn quiesce(&mut self) -> Result<(), String> {
            Ok(())
        }
        fn flush(&mut self) -> Result<(), String> {
            Ok(())
        }
        fn free(&mut self) -> Result<(), String> {
            Err("a model thread does not end".into())
        }
    }
    let (_directory, root) = root();
    let owner = owner::join(short_lived(&root)).unwrap();
    assert!(matches!(owner.release(&mut Stuck), Released::MemoryHeld(_)));
    let mut leader = None;
    eventually("the record has expired", || {
        let joined = owner::join(short_lived(&root)).unwrap();
        if joined.is_owner() {
            leader = Some(joined);
        }
        leader.is_some()
    });
    let leader = leader.unwrap();
    assert!(matches!(leader.gate().unwrap().pass_resident(), Err(Closed::NotResident { .. })));
    // L14: what a leader still waits for, its record alone remembers.
    assert_eq!(leader.release(&mut ()), Released::RecordLeft(None));
}

#[test]
fn a_full_disk_costs_an_attempt_and_nothing_else() {
    let (_directory, root) = root();
    let config = config(&root);
    // Every write to /dev/full fails with ENOSPC, as on a full disk.
    let temporary = root.path().join(format!("modeld.lease.{}.tmp", config.instance));
    std::os::unix::fs::symlink("/dev/full", &temporary).unwrap();
    let error = owner::join(config).unwrap_err();
    assert!(error.to_string().contains("No space left on device"), "{error}");
    assert!(error.hint().unwrap().contains("free some disk space"), "{error}");

    assert!(!root.record().exists(), "no half of a record is left");
    let owner = owner::join(self::config(&root)).unwrap();
    // The epoch of the failed attempt was granted, and is not granted again.
    assert_eq!(owner.epoch(), epoch(2));
    assert_eq!(owner.release(&mut ()), Released::Released);
}

#[test]
fn a_full_disk_does_not_end_an_owner_at_the_first_failure() {
    let (_directory, root) = root();
    let config = short_lived(&root);
    let beside = root.path().join(format!("modeld.lease.{}.tmp", config.instance));
    let owner = owner::join(config).unwrap();
    let first = record(&root).renewed_at;
    // The file that the next renewal writes to; a renewal may have come in between, and then there is one.
    let _ = fs::remove_file(&beside);
    std::os::unix::fs::symlink("/dev/full", &beside).unwrap();
    // A failed renewal removes what it could not write, and with it the obstacle: the next one succeeds.
    eventually("it is renewed after all", || !beside.is_symlink() && first < record(&root).renewed_at);
    assert!(owner.gate().unwrap().pass().is_ok());
    assert_eq!(owner.lost_err(), None);
    assert_eq!(owner.release(&mut ()), Released::Released);
}

#[test]
fn renewals_write_over_two_files_and_leave_none() {
    let (_directory, root) = root();
    let config = short_lived(&root);
    let beside = root.path().join(format!("modeld.lease.{}.tmp", config.instance));
    let owner = owner::join(config).unwrap();
    let files = || {
        let inode = |path: &PathBuf| {
            fs::metadata(path).ok().map(|metadata| std::os::unix::fs::MetadataExt::ino(&metadata))
        };
        let mut inodes = [inode(&root.record()), inode(&beside)];
        inodes.sort_unstable();
        inodes
    };
    eventually("there are two files", || files()[0].is_some());
    let (two, renewed) = (files(), record(&root).renewed_at);
    eventually("there were more renewals", || renewed.after(SHORT) < record(&root).renewed_at);
    assert_eq!(files(), two, "a renewal needs no room");
    assert_eq!(owner.release(&mut ()), Released::Released);
    assert_eq!(files(), [None, None]);
}

#[test]
fn data_roots_that_can_not_be_owned_are_named_with_the_remedy() {
    let (directory, _) = root();
    let file: PathBuf = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let error = owner::join(config(&DataRoot::new(&file))).unwrap_err();
    assert!(error.to_string().contains("can't be used"), "{error}");
    assert!(error.hint().unwrap().contains("--data-root"));

    let open = directory.path().join("open");
    fs::create_dir(&open).unwrap();
    let mut permissions = fs::metadata(&open).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o777);
    fs::set_permissions(&open, permissions).unwrap();
    let error = owner::join(config(&DataRoot::new(&open))).unwrap_err();
    assert!(error.to_string().contains("other users may write"), "{error}");
}
