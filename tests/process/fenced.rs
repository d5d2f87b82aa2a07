//! An owner whose lease is taken away in the middle of sixteen answers: how soon its memory may be another's.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

use fs2::FileExt;
use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Process, eventually, modeld};

const CLIENTS: usize = 16;

const TTL: Duration = Duration::from_secs(2);

/// What the release of the lock takes beyond the time that the lease had left: renewals look every third of it, and the models are
/// freed. Far more than was seen, for machines that are busy.
const SLACK: Duration = Duration::from_secs(20);

/// An owner, and sixteen clients in the middle of their answers.
struct Busy {
    owner: Process,
    clients: Vec<Process>,
}

fn busy(root: &Path) -> Busy {
    let ttl = format!("{}s", TTL.as_secs());
    let sessions = CLIENTS.to_string();
    let serve = ["serve", "--json", "--backend", "toy", "--ttl", &ttl, "--sessions", &sessions];
    let owner = Process::spawn(modeld(root, &serve));
    assert_eq!(owner.event("owner")["epoch"], 1);
    let ask = ["run", "--backend", "toy", "--json", "--max-tokens", "7000", "--patience", "1s", "toy"];
    let clients: Vec<Process> = (0..CLIENTS)
        .map(|number| Process::spawn(modeld(root, &[&ask[..], &[&format!("Once {number}")]].concat())))
        .collect();
    for client in &clients {
        assert_eq!(client.event("text")["epoch"], 1);
    }
    Busy { owner, clients }
}

/// Waits until the lock of this file, which may have been renamed, can be taken; how long that was.
fn until_free(lock: &Path, since: Instant) -> Duration {
    let file = File::options().read(true).write(true).open(lock).expect("the lock file is there");
    eventually("the residency lock is free", || file.try_lock_exclusive().ok());
    since.elapsed()
}

/// The owner ends with the code of a lost lease, and no client was given anything after it of that epoch that it took for an end.
fn all_end(Busy { mut owner, clients }: Busy, what: &str, free: Duration) {
    println!("{what}: the residency lock was free after {free:.2?}; the bound is {:?}", TTL + SLACK);
    assert!(free < TTL + SLACK, "{what}: {free:?}");
    let status = owner.wait();
    assert_eq!(status.code(), Some(6), "{what}: {}", owner.rest());
    for client in clients {
        let mut last = Value::Null;
        while let Some(line) = client.json() {
            last = line;
        }
        assert!(last["error"]["message"].is_string() || last["epochs"].is_array(), "{what}: {last}");
    }
}

#[test]
fn l13_an_owner_that_was_replaced_frees_its_memory_within_a_bound() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let busy = busy(root);
    let text = fs::read_to_string(root.join("modeld.lease")).unwrap();
    let mut record: Value = serde_json::from_str(&text).unwrap();
    record["epoch"] = Value::from(2);
    record["instance_id"] = Value::from("another");
    let beside = root.join("beside");
    fs::write(&beside, record.to_string()).unwrap();
    let lock = residency(root);
    let since = Instant::now();
    fs::rename(beside, root.join("modeld.lease")).unwrap();
    let free = until_free(&lock, since);
    all_end(busy, "record replaced", free);
}

#[test]
fn l5_an_owner_whose_data_root_is_gone_frees_its_memory_within_a_bound() {
    let directory = tempfile::tempdir().unwrap();
    let (root, moved) = (directory.path().join("root"), directory.path().join("moved"));
    fs::create_dir(&root).unwrap();
    let busy = busy(&root);
    let lock = residency(&root);
    let since = Instant::now();
    fs::rename(&root, &moved).unwrap();
    let free = until_free(&moved.join(lock.file_name().expect("it has a name")), since);
    all_end(busy, "data root gone", free);
}

#[test]
fn l11_a_standby_has_the_memory_of_a_killed_owner_in_the_middle_of_answers() {
    let directory = tempfile::tempdir().unwrap();
    let Busy { mut owner, clients } = busy(directory.path());
    let lock = residency(directory.path());
    let since = Instant::now();
    owner.signal(Signal::KILL);
    let free = until_free(&lock, since);
    println!("killed: the residency lock was free after {free:.2?}");
    owner.wait();
    drop(clients);
}

fn residency(root: &Path) -> std::path::PathBuf {
    modeld::data_root::DataRoot::new(root).residency()
}
