//! What `status` says, and its exit codes.

use std::fs;
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Process, modeld, run};

fn status(root: &Path) -> (i32, Value) {
    let output = run(modeld(root, &["status", "--json", "--timeout", "30s"]));
    let code = output.status.code().expect("it is not killed");
    (code, serde_json::from_slice(&output.stdout).expect("one JSON object"))
}

#[test]
fn it_tells_the_life_of_an_owner() {
    let directory = tempfile::tempdir().unwrap();
    let (code, value) = status(directory.path());
    assert_eq!((code, value["state"].as_str()), (3, Some("not_running")));

    let mut owner = Process::spawn(modeld(directory.path(), &["serve", "--json", "--backend", "toy"]));
    let event = owner.event("owner");
    let (code, value) = status(directory.path());
    assert_eq!((code, value["state"].as_str()), (0, Some("running")), "{value}");
    assert_eq!(value["pid"], owner.pid());
    assert_eq!(value["epoch"], event["epoch"]);
    assert_eq!(value["endpoint"], event["endpoint"]);
    assert_eq!(value["resident"], true);
    assert_eq!(value["models"], serde_json::json!([]));

    owner.signal(Signal::KILL);
    owner.wait();
    let (code, value) = status(directory.path());
    assert_eq!((code, value["state"].as_str()), (1, Some("stale")), "{value}");
    assert!(
        value["evidence"].as_str().is_some_and(|text| text.contains(&owner.pid().to_string())),
        "{value}"
    );
}

#[test]
fn a_stopped_owner_does_not_hang_it() {
    let directory = tempfile::tempdir().unwrap();
    let owner = Process::spawn(modeld(directory.path(), &["serve", "--json", "--backend", "toy"]));
    owner.event("owner");
    owner.signal(Signal::STOP);
    let output = run(modeld(directory.path(), &["status", "--json", "--timeout", "300ms"]));
    assert_eq!(output.status.code(), Some(4));
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["state"], "unreachable", "{value}");
}

#[test]
fn it_takes_no_lock_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("modeld.lease"), "{").unwrap();
    let (code, value) = status(directory.path());
    assert_eq!((code, value["state"].as_str()), (4, Some("unreadable")), "{value}");
    let names: Vec<_> =
        fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["modeld.lease"]);
}

#[test]
fn people_get_lines_that_fit_a_terminal() {
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    let owner = Process::spawn(modeld(directory.path(), &["serve", "--json", "--backend", "toy"]));
    owner.event("owner");
    let output = run(modeld(directory.path(), &["status"]));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("running\n"), "{text}");
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}
