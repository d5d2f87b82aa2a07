//! What cannot be done is said in one line, with the right exit code.

use std::net::{Ipv4Addr, TcpListener};

use crate::{Ran, run, smallest};

/// The command ends with `code`, prints nothing, and its error begins with a line that has `says` in it.
fn refused(arguments: &[&str], code: i32, says: &str) {
    let Ran { code: ended, out, err } = run(arguments);
    assert_eq!(ended, Some(code), "{arguments:?}: {err}");
    assert_eq!(out, "", "{arguments:?}");
    let first = err.lines().next().unwrap_or_default();
    assert!(first.starts_with("error: ") && first.contains(says), "{arguments:?}: {err}");
    // Nothing but a hint comes after it.
    let rest: Vec<&str> = err.lines().skip(1).filter(|line| !line.is_empty()).collect();
    assert!(rest.iter().all(|line| line.starts_with("hint: ")), "{arguments:?}: {err}");
}

#[test]
fn names_that_nothing_has() {
    refused(&["check", "leese"], 2, "there is no model or configuration \"leese\"");
    refused(&["mutants", "leese"], 2, "there is no model \"leese\"");
    refused(&["explore", "leese"], 2, "there is no model or configuration \"leese\"");
    refused(&["explain", "leese", "--mutant", "m"], 2, "there is no model \"leese\"");
    refused(&["explain", "lease", "--mutant", "m"], 2, "there is no mutant \"m\"");
    refused(&["explain", "--specimen", "s"], 2, "there is no specimen \"s\"");
}

#[test]
fn a_command_line_that_is_none() {
    let cases: [&[&str]; 7] = [
        &["check", "--profile", "thorough"],
        &["check", "--memory", "much"],
        &["check", "--salts", "0"],
        &["explain", "lease"],
        &["explain", "lease", "--mutant", "m", "--specimen", "s"],
        &["report"],
        &["prove"],
    ];
    for arguments in cases {
        let ran = run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ran.err.starts_with("error: "), "{arguments:?}: {}", ran.err);
    }
    let ran = run(&["check", "--profile", "thorough"]);
    assert!(ran.err.contains("quick, deep"), "{}", ran.err);
}

#[test]
fn schedules_that_are_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let id = &registry_of_lease();
    let step = format!(r#"{{"model": "lease", "configuration": "{id}", "steps": ["fly"]}}"#);
    let cases = [
        ("{", "not a schedule: "),
        ("[1]", "not a schedule: "),
        (r#"{"model": "lease", "steps": []}"#, "not a schedule: "),
        (r#"{"model": "leese", "mutant": "m", "steps": []}"#, "there is no model \"leese\""),
        (r#"{"model": "lease", "mutant": "m", "steps": []}"#, "the model lease has no mutant \"m\""),
        (r#"{"model": "lease", "configuration": "c", "steps": []}"#, "has no configuration \"c\""),
        (step.as_str(), "step 1, \"fly\", is not possible there; possible: "),
    ];
    for (text, says) in cases {
        let file = folder.path().join("schedule.json");
        std::fs::write(&file, text).expect("a file");
        refused(&["replay", &file.display().to_string()], 2, says);
    }
    refused(&["replay", &folder.path().join("none").display().to_string()], 2, "none: ");
}

fn registry_of_lease() -> String {
    let model = model_check::registry::model("lease").expect("the model");
    model.setups().first().expect("a configuration").id.clone()
}

#[test]
fn a_file_that_is_no_schedule_by_its_size_or_its_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("large");
    let large = std::fs::File::create(&file).expect("a file");
    large.set_len(64 << 20).expect("a hole");
    refused(&["replay", &file.display().to_string()], 2, "larger than 16777216 bytes");
    std::fs::write(&file, [0xff, 0xfe]).expect("a file");
    refused(&["replay", &file.display().to_string()], 2, "not a schedule: ");
}

#[test]
fn a_port_in_use() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = taken.local_addr().expect("its address").port().to_string();
    refused(&["explore", "lease", "--port", &port], 2, &format!("port {port} on the loopback address: "));
}

#[test]
fn too_little_memory_is_said_before_anything_begins() {
    refused(&["check", "lease", "--memory", "1M"], 3, "which take ");
}

#[test]
fn a_search_that_outgrows_its_memory_is_not_complete() {
    // The process itself is larger than that.
    let Ran { code, out, err } = run(&["check", &smallest().id, "--memory", "2M"]);
    assert_eq!(code, Some(3), "{out}{err}");
    assert!(out.contains("memory") || err.contains("memory"), "{out}{err}");
    assert!(!out.contains("as expected"), "{out}");
}

#[test]
fn files_that_cannot_be_written_or_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("none").join("page.html").display().to_string();
    let ran = run(&["explain", "--specimen", "directory_lock", "--html", &place]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.starts_with(&format!("error: {place}: ")), "{}", ran.err);
    let out = folder.path().display().to_string();
    refused(&["report", "--out", &out, "--measured", &place], 2, "page.html: ");
    let counts = folder.path().join("counts.json");
    std::fs::write(&counts, "{}").expect("a file");
    let counts = counts.display().to_string();
    refused(&["report", "--out", &out, "--measured", &counts], 2, "not what `check --json` prints");
}
