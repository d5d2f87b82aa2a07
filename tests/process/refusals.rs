//! What `modeld` refuses: each with a clear error, a code of its own, and nothing lost.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use rustix::process::Signal;

use crate::harness::{Process, modeld, run};

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("it is text")
}

#[test]
fn an_unknown_flag_is_a_usage_error() {
    let directory = tempfile::tempdir().unwrap();
    let output = run(modeld(directory.path(), &["serve", "--frobnicate"]));
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--frobnicate"), "{}", stderr(&output));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "nothing was written");
}

#[test]
fn a_ttl_out_of_range_is_a_usage_error() {
    let directory = tempfile::tempdir().unwrap();
    for ttl in ["1ms", "2h"] {
        let output = run(modeld(directory.path(), &["serve", "--ttl", ttl]));
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains("is not between 100ms and 1h"), "{}", stderr(&output));
    }
}

#[test]
fn a_data_root_that_is_a_file_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "kept").unwrap();
    let output = run(modeld(&file, &["serve"]));
    assert_eq!(output.status.code(), Some(9));
    assert!(stderr(&output).contains(file.to_str().unwrap()), "{}", stderr(&output));
    assert!(stderr(&output).contains("hint: pass a directory"), "{}", stderr(&output));
    assert_eq!(fs::read(&file).unwrap(), b"kept");
}

#[test]
fn a_data_root_that_can_not_be_made_is_named() {
    let output = run(modeld("/proc/modeld".as_ref(), &["serve"]));
    assert_eq!(output.status.code(), Some(9));
    assert!(stderr(&output).contains("the data root /proc/modeld can't be used"), "{}", stderr(&output));
    assert!(stderr(&output).contains("hint: pass a directory"), "{}", stderr(&output));
}

#[test]
fn a_data_root_that_others_may_write_to_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let output = run(modeld(directory.path(), &["serve"]));
    assert_eq!(output.status.code(), Some(9));
    assert!(stderr(&output).contains("chmod go-w"), "{}", stderr(&output));
}

#[test]
fn a_corrupt_lease_file_is_no_obstacle_and_takes_no_epoch_back() {
    let directory = tempfile::tempdir().unwrap();
    for (round, damage) in [&b""[..], b"{", b"\xff\xfe", &[b'x'; 100_000]].into_iter().enumerate() {
        fs::write(directory.path().join("modeld.lease"), damage).unwrap();
        let mut owner = Process::spawn(modeld(directory.path(), &["serve", "--json", "--backend", "toy"]));
        assert_eq!(owner.event("owner")["epoch"], round as u64 + 1);
        owner.signal(Signal::KILL);
        owner.wait();
    }
}
