//! Answers: from an owner, without one, and across the end of one.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Process, modeld, run};

/// Enough tokens that the client waits for its reader long before the end.
const LONG: &str = "3000";

fn serve(root: &Path, more: &[&str]) -> Process {
    Process::spawn(modeld(root, &[&["serve", "--json", "--backend", "toy"], more].concat()))
}

const MODEL: &str = "toy";

fn asked(root: &Path, tokens: &str) -> std::process::Command {
    let arguments = ["run", "--backend", "toy", "--temperature", "0", "--json", "--max-tokens", tokens];
    modeld(root, &[&arguments[..], &[MODEL, "Once"]].concat())
}

fn last_line(process: &Process) -> Value {
    let mut last = Value::Null;
    while let Some(line) = process.json() {
        last = line;
    }
    last
}

#[test]
fn without_an_owner_the_command_owns_for_as_long_as_it_answers() {
    let directory = tempfile::tempdir().unwrap();
    let mut answer = Process::spawn(asked(directory.path(), "20"));
    assert_eq!(answer.event("open")["epoch"], 1);
    let end = last_line(&answer);
    assert_eq!(answer.wait().code(), Some(0));
    assert_eq!(end["tokens"], 20);
    assert_eq!(end["finish_reason"], "length");
    assert_eq!(end["epochs"], serde_json::json!([1]));
    assert!(!directory.path().join("modeld.lease").exists(), "the lease is released");
}

#[test]
fn through_an_owner_the_answer_is_the_same_and_the_second_one_reuses() {
    let alone = tempfile::tempdir().unwrap();
    let expected = last_line(&Process::spawn(asked(alone.path(), "50")));

    let directory = tempfile::tempdir().unwrap();
    let owner = serve(directory.path(), &[]);
    let epoch = owner.event("owner")["epoch"].clone();
    for _ in 0..2 {
        let end = last_line(&Process::spawn(asked(directory.path(), "50")));
        assert_eq!(end["text"], expected["text"]);
        assert_eq!(end["epoch"], epoch);
        assert_eq!(end["stale_items"], 0);
    }
}

#[test]
fn an_answer_survives_its_owner_word_for_word() {
    let alone = tempfile::tempdir().unwrap();
    let expected = last_line(&Process::spawn(asked(alone.path(), LONG)));

    let directory = tempfile::tempdir().unwrap();
    let mut owner = serve(directory.path(), &[]);
    owner.event("owner");
    let standby = serve(directory.path(), &["--standby"]);
    standby.event("standby");
    let mut answer = Process::spawn(asked(directory.path(), LONG));
    for _ in 0..10 {
        assert_eq!(answer.event("text")["epoch"], 1);
    }
    owner.signal(Signal::KILL);
    owner.wait();
    let mut seen = Vec::new();
    let mut end = Value::Null;
    while let Some(line) = answer.json() {
        if line["event"] == "text" {
            seen.push(line["epoch"].as_u64().expect("each item has its epoch"));
        }
        end = line;
    }
    assert_eq!(answer.wait().code(), Some(0), "{end}");
    assert!(seen.is_sorted(), "an item of an old epoch came late");
    assert_eq!(seen.last(), Some(&2));
    assert_eq!(end["epochs"], serde_json::json!([1, 2]));
    assert_eq!(end["stale_items"], 0);
    assert_eq!(end["text"], expected["text"]);
}

#[test]
fn the_prompt_comes_through_a_pipe() {
    let directory = tempfile::tempdir().unwrap();
    let expected = run(asked(directory.path(), "20"));
    let arguments = ["run", "--backend", "toy", "--temperature", "0", "--json", "--max-tokens", "20", MODEL];
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(b"Once").unwrap();
    drop(writer);
    let mut command = modeld(directory.path(), &arguments);
    command.stdin(Stdio::from(reader));
    let end = |output: std::process::Output| {
        let text = String::from_utf8(output.stdout).unwrap();
        let last: Value = serde_json::from_str(text.lines().last().expect("a last line")).unwrap();
        last["text"].clone()
    };
    assert_eq!(end(run(command)), end(expected));
}

#[test]
fn text_goes_out_plain_and_ends_with_a_line() {
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["run", "--backend", "toy", "--temperature", "0", "--max-tokens", "20", MODEL, "Once"];
    let output = run(modeld(directory.path(), &arguments));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout.last(), Some(&b'\n'));
    assert!(output.stderr.is_empty(), "no progress and no figures where nobody looks");
}

#[test]
fn two_answers_without_an_owner_both_come_to_their_end() {
    let directory = tempfile::tempdir().unwrap();
    // It waits for its reader in the middle, and owns as long.
    let spawn = |tokens| {
        let mut command = asked(directory.path(), tokens);
        command.args(["--ctx", "8192"]);
        Process::spawn(command)
    };
    let mut first = spawn("1500");
    assert_eq!(first.event("open")["epoch"], 1);
    // Through the first, which leaves as soon as it has its own answer. The second's is longer than all that lies between an owner and
    // a reader who does not read: pipe, connection, stream. So it can't have come to its end before.
    let mut second = spawn("8000");
    assert_eq!(second.event("open")["epoch"], 1);
    second.event("text");
    assert_eq!(last_line(&first)["tokens"], 1500);
    assert_eq!(first.wait().code(), Some(0));
    let end = last_line(&second);
    assert_eq!(end["tokens"], 8000, "{end}");
    assert_eq!(end["epochs"], serde_json::json!([1, 2]), "it went on as owner itself");
    assert_eq!(second.wait().code(), Some(0));
    assert!(!directory.path().join("modeld.lease").exists(), "the lease is released");
}

#[test]
fn an_interrupted_answer_says_so_and_gives_back_what_it_owned() {
    let directory = tempfile::tempdir().unwrap();
    for signal in [Signal::INT, Signal::TERM] {
        let mut answer = Process::spawn(asked(directory.path(), LONG));
        answer.event("text");
        answer.signal(signal);
        let end = last_line(&answer);
        assert_eq!(answer.wait().code(), Some(130));
        assert_eq!(end["error"]["message"], "interrupted");
        assert!(!directory.path().join("modeld.lease").exists(), "the lease is released");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = asked(directory.path(), LONG);
    let (reader, writer) = std::io::pipe().unwrap();
    command.stdout(writer);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    drop(command);
    let mut first = String::new();
    BufReader::new(reader).read_line(&mut first).unwrap();
    assert!(first.starts_with('{'), "{first}");
    // The pipe is closed by now.
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!directory.path().join("modeld.lease").exists(), "the lease is released");
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(stderr, "");
}

#[test]
fn an_answer_of_a_stopped_owner_is_given_up_within_the_patience() {
    let directory = tempfile::tempdir().unwrap();
    let owner = serve(directory.path(), &["--ttl", "1s"]);
    owner.event("owner");
    let mut command = asked(directory.path(), LONG);
    command.args(["--patience", "1s"]);
    let mut answer = Process::spawn(command);
    answer.event("text");
    owner.signal(Signal::STOP);
    let end = last_line(&answer);
    assert!(end["error"]["message"].is_string(), "{end}");
    assert_ne!(answer.wait().code(), Some(0));
}

/// The last line of a run that ends well.
fn chosen(root: &Path, more: &[&str]) -> Value {
    let mut command = asked(root, "40");
    command.args(more);
    let output = run(command);
    let text = String::from_utf8(output.stdout).expect("it is text");
    assert_eq!(output.status.code(), Some(0), "{more:?}: {text}");
    serde_json::from_str(text.lines().last().expect("a last line")).expect("it is JSON")
}

#[test]
fn what_is_asked_of_the_choice_is_done() {
    let directory = tempfile::tempdir().unwrap();
    let owner = serve(directory.path(), &[]);
    owner.event("owner");
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let usual = chosen(directory.path(), &[]);
    let grammar = write("answer.gbnf", "root ::= \"yes\" | \"no\"\n");
    let answer = chosen(directory.path(), &["--grammar", &grammar]);
    assert!(["yes", "no"].contains(&answer["text"].as_str().unwrap()), "{answer}");
    let schema = write("answer.json", r#"{"type": "boolean"}"#);
    let answer = chosen(directory.path(), &["--json-schema", &schema]);
    assert!(["true", "false"].contains(&answer["text"].as_str().unwrap().trim()), "{answer}");
    // What is likeliest is never taken.
    let first = usual["text"].as_str().unwrap().bytes().next().unwrap();
    let never = format!("{first}=-100");
    let answer = chosen(directory.path(), &["--logit-bias", &never]);
    assert!(!answer["text"].as_str().unwrap().bytes().any(|byte| byte == first), "{answer}");
    // Guesses change nothing.
    assert_eq!(chosen(directory.path(), &["--draft", "8"])["text"], usual["text"]);
    assert_eq!(chosen(directory.path(), &["--typical", "0.9"])["tokens"], 40);
    let by_chance = ["run", "--temp", "1", "--mirostat", "2:3", "--seed", "7", "--json", MODEL, "Once"];
    let end = last_line(&Process::spawn(modeld(directory.path(), &by_chance)));
    assert_eq!((&end["tokens"], &end["seed"]), (&256.into(), &7.into()), "{end}");
    let mut command = asked(directory.path(), "3");
    command.args(["--logprobs", "2"]);
    let line = Process::spawn(command).event("text");
    assert_eq!(line["logprobs"][0]["top"].as_array().map(Vec::len), Some(2), "{line}");
}

#[test]
fn other_settings_are_another_load_and_a_template_is_told_what_it_does_not_know() {
    let directory = tempfile::tempdir().unwrap();
    let owner = serve(directory.path(), &[]);
    owner.event("owner");
    for more in [&[][..], &["--kv-type", "q8_0"], &["--reproducible"]] {
        assert_eq!(chosen(directory.path(), more)["tokens"], 40, "{more:?}");
    }
    let status = run(modeld(directory.path(), &["status", "--json", "--timeout", "30s"]));
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(status["models"].as_array().map(Vec::len), Some(3), "{status}");
    assert_eq!(chosen(directory.path(), &["--chat", "--no-think"])["tokens"], 40);
    let mut command = asked(directory.path(), "1");
    command.args(["--chat", "--think"]);
    let refused = last_line(&Process::spawn(command));
    assert_eq!(refused["error"]["token"], "unsupported_feature", "{refused}");
}

#[test]
fn what_can_not_be_meant_is_refused_with_a_remedy() {
    let directory = tempfile::tempdir().unwrap();
    for more in [&["--grammar", "nowhere.gbnf"][..], &["--lora", "nowhere.gguf:0.5"]] {
        let mut command = asked(directory.path(), "1");
        command.args(more);
        let output = run(command);
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let error: Value = serde_json::from_str(text.lines().last().expect("a line")).unwrap();
        assert!(error["error"]["hint"].is_string(), "{more:?}: {error}");
    }
    for more in [&["--mirostat", "3"][..], &["--kv-type", "q3"], &["--logit-bias", "x"], &["--think"]] {
        let mut command = asked(directory.path(), "1");
        command.args(more);
        assert_eq!(run(command).status.code(), Some(2), "{more:?}");
    }
    assert!(!directory.path().join("modeld.lease").exists(), "nothing was owned for that");
}

#[test]
fn a_text_is_embedded_with_an_owner_and_without() {
    let directory = tempfile::tempdir().unwrap();
    let embed = |more: &[&str]| {
        let arguments = [&["embed", "--backend", "toy", MODEL, "Once"], more].concat();
        let output = run(modeld(directory.path(), &arguments));
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    let alone: Value = serde_json::from_str(&embed(&["--json"])).unwrap();
    assert_eq!((&alone["tokens"], &alone["pooling"]), (&5.into(), &"mean".into()), "{alone}");
    assert!(!directory.path().join("modeld.lease").exists(), "the lease is released");
    let owner = serve(directory.path(), &[]);
    owner.event("owner");
    let with_owner: Value = serde_json::from_str(&embed(&["--json"])).unwrap();
    assert_eq!(with_owner["embedding"], alone["embedding"]);
    let count = alone["embedding"].as_array().unwrap().len();
    assert_eq!(embed(&[]).split_whitespace().count(), count);
}
