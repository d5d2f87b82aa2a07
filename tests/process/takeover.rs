//! Owners that die, are paused, or hand over, and what becomes of those who wait.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::{Process, eventually, modeld, run};

fn serve(root: &std::path::Path, more: &[&str]) -> Process {
    let arguments = [&["serve", "--json", "--backend", "toy"], more].concat();
    Process::spawn(modeld(root, &arguments))
}

#[test]
fn l11_a_standby_takes_over_a_killed_owner_long_before_the_ttl() {
    let directory = tempfile::tempdir().unwrap();
    let mut owner = serve(directory.path(), &["--ttl", "1h"]);
    assert_eq!(owner.event("owner")["epoch"], 1);
    let standby = serve(directory.path(), &["--ttl", "1h", "--standby"]);
    assert_eq!(standby.event("standby")["holder"]["epoch"], 1);
    let killed = Instant::now();
    owner.signal(Signal::KILL);
    owner.wait();
    assert_eq!(standby.event("owner")["epoch"], 2);
    // The bound of every wait here is a minute: with an hour to live, the record was not waited out.
    assert!(killed.elapsed() < Duration::from_secs(60));
}

#[test]
fn l11_a_paused_owner_is_replaced_after_the_ttl_and_yields_when_it_wakes() {
    let directory = tempfile::tempdir().unwrap();
    let mut paused = serve(directory.path(), &["--ttl", "2s"]);
    assert_eq!(paused.event("owner")["epoch"], 1);
    let standby = serve(directory.path(), &["--ttl", "2s", "--standby"]);
    standby.event("standby");
    paused.signal(Signal::STOP);
    // Leader, without the residency lock: the paused process may still have its models in memory.
    assert_eq!(standby.event("owner")["epoch"], 2);
    let record = || fs::read_to_string(directory.path().join("modeld.lease")).unwrap_or_default();
    let awaited: serde_json::Value = serde_json::from_str(&record()).unwrap();
    assert_eq!(awaited["residency"]["awaited"]["holder"]["pid"], paused.pid(), "{awaited}");

    paused.signal(Signal::CONT);
    assert_eq!(paused.wait().code(), Some(6), "the lease is lost");
    let lost = paused.event("lost");
    assert!(lost["reason"].as_str().is_some_and(|reason| reason.contains("lost")), "{lost}");
    eventually("the leader has the residency lock", || record().contains("held").then_some(()));
}

#[test]
fn l12_a_wedged_owner_is_ended_where_that_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let mut paused = serve(directory.path(), &["--ttl", "1s"]);
    paused.event("owner");
    let standby = serve(directory.path(), &["--ttl", "1s", "--standby", "--evict"]);
    standby.event("standby");
    paused.signal(Signal::STOP);
    assert_eq!(standby.event("owner")["epoch"], 2);
    // SIGKILL reaches a stopped process.
    assert_eq!(paused.wait().code(), None);
    let record = || fs::read_to_string(directory.path().join("modeld.lease")).unwrap_or_default();
    eventually("the leader has the residency lock", || record().contains("held").then_some(()));
}

#[test]
fn l9_a_handover_leaves_nothing_and_the_standby_is_next() {
    let directory = tempfile::tempdir().unwrap();
    let mut owner = serve(directory.path(), &[]);
    owner.event("owner");
    let mut standby = serve(directory.path(), &["--standby"]);
    standby.event("standby");
    owner.signal(Signal::TERM);
    assert_eq!(owner.wait().code(), Some(0));
    assert_eq!(owner.event("stopped")["released"], "released");
    assert_eq!(standby.event("owner")["epoch"], 2);
    standby.signal(Signal::INT);
    assert_eq!(standby.wait().code(), Some(0));
    assert!(!directory.path().join("modeld.lease").exists());
    let sockets = fs::read_dir(directory.path().join("run")).unwrap().count();
    assert_eq!(sockets, 0, "sockets are left");
}

#[test]
fn an_owner_whose_reader_is_gone_goes_on_owning_and_hands_over() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = modeld(directory.path(), &["serve", "--json", "--backend", "toy"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    command.stdout(writer).stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    eventually("it owns", || directory.path().join("modeld.lease").exists().then_some(()));
    let status = run(modeld(directory.path(), &["status", "--timeout", "30s"]));
    assert_eq!(status.status.code(), Some(0));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!directory.path().join("modeld.lease").exists());
}

#[test]
fn a_second_owner_is_told_who_owns_and_how_to_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let owner = serve(directory.path(), &[]);
    owner.event("owner");
    let second = run(modeld(directory.path(), &["serve", "--backend", "toy"]));
    assert_eq!(second.status.code(), Some(5));
    let stderr = String::from_utf8(second.stderr).unwrap();
    assert!(stderr.contains(&format!("owned by pid {}", owner.pid())), "{stderr}");
    assert!(stderr.contains("hint: ") && stderr.contains("modeld status"), "{stderr}");
    assert!(second.stdout.is_empty());
}
