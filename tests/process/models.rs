//! Real models, and files that are none: a clear error, a code of its own, and the owner goes on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Process, modeld, run};

fn answer(root: &Path, model: &str, more: &[&str]) -> Output {
    run(modeld(root, &[&["run", model, "The lease is", "--json", "--temperature", "0"], more].concat()))
}

fn last_line(output: &Output) -> Value {
    let text = String::from_utf8(output.stdout.clone()).expect("it is text");
    let last = text.lines().last().unwrap_or_else(|| panic!("no output: {output:?}"));
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error} in {last:?}"))
}

fn demo() -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/demo.gguf")).expect("the demo model is there")
}

fn written(directory: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, bytes).expect("a temporary directory");
    path
}

#[test]
fn the_demo_model_answers_and_says_what_it_did() {
    let directory = tempfile::tempdir().unwrap();
    let output = answer(directory.path(), "demo", &["--max-tokens", "16"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let end = last_line(&output);
    assert_eq!(end["tokens"], 16);
    assert!(end["text"].as_str().is_some_and(|text| text.is_ascii() && text.contains(' ')), "{end}");
    assert_eq!(end["prefilled"], end["prompt_tokens"]);
    assert_eq!(end["epoch"], 1);
}

#[test]
fn a_chat_is_rendered_by_the_models_own_template() {
    let directory = tempfile::tempdir().unwrap();
    let output = answer(directory.path(), "demo", &["--max-tokens", "200", "--chat"]);
    let chat = last_line(&output);
    assert_eq!(output.status.code(), Some(0), "{chat}");
    let raw = last_line(&answer(directory.path(), "demo", &["--max-tokens", "1"]));
    assert!(raw["prompt_tokens"].as_u64() < chat["prompt_tokens"].as_u64(), "{chat}");
    assert_eq!(chat["finish_reason"], "end_of_generation", "an answer ends by itself: {chat}");
}

#[test]
fn files_that_are_no_models_are_refused_and_the_owner_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    let mut owner = Process::spawn(modeld(&root, &["serve", "--json"]));
    owner.event("owner");
    let demo = demo();
    let text = written(directory.path(), "text.gguf", b"This is a letter and not a model.\n");
    let empty = written(directory.path(), "empty.gguf", b"");
    let header = written(directory.path(), "header.gguf", &demo[..200]);
    let half = written(directory.path(), "half.gguf", &demo[..demo.len() / 2]);
    let mut torn = demo.clone();
    torn[30..400].fill(0xff);
    let torn = written(directory.path(), "torn.gguf", &torn);
    for (path, says) in [
        (text, "GGUF"),
        (empty, "GGUF"),
        (header, "header.gguf"),
        (half, "half.gguf"),
        (torn, "torn.gguf"),
        (directory.path().to_path_buf(), "directory"),
    ] {
        let output = answer(&root, path.to_str().unwrap(), &[]);
        let error = &last_line(&output)["error"];
        assert_eq!(output.status.code(), Some(7), "{}: {error}", path.display());
        assert_eq!(error["token"], "model_load_failed", "{error}");
        assert!(
            error["message"].as_str().is_some_and(|text| text.contains(says)),
            "{}: {error}",
            path.display()
        );
    }
    let missing = answer(&root, "/nowhere/model.gguf", &[]);
    assert_eq!(missing.status.code(), Some(7));
    assert_eq!(last_line(&missing)["error"]["token"], "model_not_found");

    let good = last_line(&answer(&root, "demo", &["--max-tokens", "8"]));
    assert_eq!((good["tokens"].as_u64(), good["epoch"].as_u64()), (Some(8), Some(1)), "{good}");
    owner.signal(Signal::TERM);
    assert_eq!(owner.wait().code(), Some(0));
}

#[test]
fn a_prompt_that_overflows_the_context_is_refused_with_the_numbers() {
    let directory = tempfile::tempdir().unwrap();
    let prompt = "lease ".repeat(300);
    let output = run(modeld(directory.path(), &["run", "demo", &prompt, "--json", "--ctx", "64"]));
    assert_eq!(output.status.code(), Some(8));
    let error = last_line(&output)["error"].clone();
    assert_eq!(error["token"], "context_overflow");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("and 64 fit"), "{message}");
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("--ctx")), "{error}");
}

#[test]
fn arguments_out_of_range_are_usage_errors() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [["--temperature", "nan"], ["--top-p", "0"], ["--repeat-penalty", "-1"], ["--stop", ""]]
    {
        let arguments = [&["run", "demo", "x"][..], &arguments].concat();
        let output = run(modeld(directory.path(), &arguments));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
    }
}

#[test]
fn a_seed_makes_a_choice_repeatable_and_none_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let ask = |more: &[&str]| {
        let arguments = [&["run", "demo", "The lease is", "--json", "--max-tokens", "24"], more].concat();
        last_line(&run(modeld(directory.path(), &arguments)))
    };
    let drawn = ask(&["--temperature", "1.5"]);
    let again = ask(&["--temperature", "1.5", "--seed", &drawn["seed"].to_string()]);
    assert_eq!(drawn["text"], again["text"], "the reported seed gives the same text");
    let other = ask(&["--temperature", "1.5", "--seed", &(drawn["seed"].as_u64().unwrap() ^ 1).to_string()]);
    assert_ne!(drawn["text"], other["text"]);
}

#[test]
fn a_stop_text_ends_the_answer_before_it() {
    let directory = tempfile::tempdir().unwrap();
    let whole = last_line(&answer(directory.path(), "demo", &["--max-tokens", "30"]));
    let text = whole["text"].as_str().unwrap();
    let word = text.split(' ').filter(|word| word.len() > 2).nth(3).expect("an answer of several words");
    let cut = last_line(&answer(directory.path(), "demo", &["--max-tokens", "30", "--stop", word]));
    assert_eq!(cut["finish_reason"], "stop_string");
    assert_eq!(cut["text"].as_str(), text.split(word).next());
}
