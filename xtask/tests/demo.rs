//! The demo's direction, played with a stand-in for modeld: what it reports, how it fails, what it leaves (nothing).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

#[test]
fn a_takeover_is_reported_as_one_json_object() {
    let demo = Demo::new();
    let out = demo.play(&["--json", "--prompt", "good", "--tokens", "40", "--kill-after", "5"], "");
    assert!(out.status.success(), "{}", text(&out.stderr));
    let report: Value = serde_json::from_slice(&out.stdout).expect("one JSON object");
    assert_eq!(report["epochs"], serde_json::json!([1, 2]));
    assert_eq!(report["stale_items"], 0);
    assert_eq!(report["tokens"], 40);
    assert_eq!(report["prefilled"], 7);
    let words: Vec<String> = (0..40).map(|index| format!(" w{index}")).collect();
    assert_eq!(report["text"], words.concat());
    assert!(report["takeover_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{report}");
    assert!(report["client_gap_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{report}");
    assert_ne!(report["owner_pid"], report["standby_pid"]);
    demo.left_nothing();
}

#[test]
fn a_person_reads_the_whole_story() {
    let demo = Demo::new();
    let out = demo.play(&["--prompt", "good", "--tokens", "30", "--kill-after", "5"], "");
    assert!(out.status.success(), "{}", text(&out.stderr));
    let told = text(&out.stdout);
    let parts = [
        "owner     pid",
        "standby   pid",
        "asks demo: \"good\"",
        " w0 w1",
        "kill -9",
        "epoch 2 ---",
        " w29\n",
    ];
    let mut rest = told.as_str();
    for part in parts {
        let (_, after) =
            rest.split_once(part).unwrap_or_else(|| panic!("{part:?} is not, or too early, in {told}"));
        rest = after;
    }
    assert!(rest.contains("epochs    1, 2"), "{told}");
    demo.left_nothing();
}

#[test]
fn an_owner_that_does_not_start_is_quoted() {
    let demo = Demo::new();
    demo.fails(
        "good",
        "owner-fails",
        "the owner ended before it served (exit status: 4)\n  the owner wrote to standard error\n  | error: the data root",
    );
}

#[test]
fn a_standby_that_does_not_take_over_is_quoted() {
    let demo = Demo::new();
    demo.fails(
        "good",
        "standby-fails",
        "the standby ended too early (exit status: 5)\n  the standby wrote to standard error\n  | error: the lease file",
    );
}

#[test]
fn a_new_owner_without_a_new_epoch_fails() {
    let demo = Demo::new();
    demo.fails("good", "epoch-stays", "the new owner has epoch 1, the old one had 1");
}

#[test]
fn a_client_that_dies_is_quoted() {
    let demo = Demo::new();
    demo.fails(
        "die",
        "",
        "the client ended before the owner was killed (exit status: 3)\n  the client wrote to standard error\n  | error: the pipe broke",
    );
}

#[test]
fn a_piece_that_is_missing_fails() {
    let demo = Demo::new();
    demo.fails("skip", "", "pieces of the answer are missing or came twice");
}

#[test]
fn a_piece_of_an_old_epoch_fails() {
    let demo = Demo::new();
    demo.fails("stale", "", "1 pieces of an old epoch came after a newer one");
}

#[test]
fn an_answer_that_is_too_short_says_what_to_change() {
    let demo = Demo::new();
    let out = demo.play(&["--json", "--prompt", "good", "--tokens", "3", "--kill-after", "5"], "");
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stderr).contains("hint: ask for more with `--tokens`"), "{}", text(&out.stderr));
    demo.left_nothing();
}

#[test]
fn ctrl_c_ends_everything() {
    let demo = Demo::new();
    let mut running = demo.start(&["--json", "--prompt", "hang"], "");
    demo.wait_until("three processes run", || demo.pids().len() == 3);
    let killed = Command::new("kill").args(["-INT", &running.id().to_string()]).status();
    assert!(killed.is_ok_and(|status| status.success()), "kill");
    demo.wait_until("the demo has ended", || matches!(running.try_wait(), Ok(Some(_))));
    assert_eq!(running.wait().ok().and_then(|status| status.code()), Some(130));
    demo.left_nothing();
}

#[test]
fn a_data_root_is_kept_on_request() {
    let demo = Demo::new();
    let out = demo.play(&["--keep", "--prompt", "good", "--tokens", "20", "--kill-after", "3"], "");
    let told = text(&out.stdout);
    let kept = told.lines().find_map(|line| line.strip_prefix("kept      ")).map(PathBuf::from);
    assert!(kept.is_some_and(|folder| folder.join("epoch").is_file()), "{told}");
}

/// A folder for all that a demo might leave.
struct Demo {
    folder: TempDir,
}

impl Demo {
    fn new() -> Demo {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("tmp")).expect("a folder in it");
        Demo { folder }
    }

    fn start(&self, arguments: &[&str], serve: &str) -> Child {
        let fake = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fake-modeld.sh");
        Command::new(env!("CARGO_BIN_EXE_xtask"))
            .arg("demo")
            .args(arguments)
            .arg("--bin")
            .arg(fake)
            .env("TMPDIR", self.folder.path().join("tmp"))
            .env("FAKE_PIDS", self.folder.path().join("pids"))
            .env("FAKE_SERVE", serve)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the demo starts")
    }

    fn play(&self, arguments: &[&str], serve: &str) -> Output {
        self.start(arguments, serve).wait_with_output().expect("the demo ends")
    }

    fn fails(&self, prompt: &str, serve: &str, expected: &str) {
        let out = self.play(&["--json", "--prompt", prompt, "--tokens", "40", "--kill-after", "5"], serve);
        assert_eq!(out.status.code(), Some(1));
        assert_eq!(text(&out.stdout), "");
        let said = text(&out.stderr);
        assert!(said.contains(expected), "{expected:?} is not in {said}");
        self.left_nothing();
    }

    fn pids(&self) -> Vec<String> {
        let listed = fs::read_to_string(self.folder.path().join("pids")).unwrap_or_default();
        listed.lines().map(String::from).collect()
    }

    fn left_nothing(&self) {
        assert!(!self.pids().is_empty(), "no process was started");
        for pid in self.pids() {
            assert!(!Path::new("/proc").join(&pid).exists(), "process {pid} is left");
        }
        let left: Vec<_> =
            fs::read_dir(self.folder.path().join("tmp")).expect("the folder").flatten().collect();
        assert!(left.is_empty(), "{left:?}");
    }

    fn wait_until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !is_so() {
            assert!(Instant::now() < deadline, "waited too long until {what}");
            std::thread::yield_now();
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
