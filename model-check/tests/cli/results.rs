//! What the commands print when all is well, and how a counterexample gets into files and back.

use serde_json::Value;

use crate::{Ran, run, smallest};

#[test]
fn check_prints_one_array_with_every_field() {
    let setup = smallest();
    let Ran { code, out, err } = run(&["check", &setup.id, "--salts", "2", "--json"]);
    let value: Value = serde_json::from_str(&out).expect("one value and nothing else");
    // What comes at last may be checked under the same name; it has no depth.
    let searched = |found: &&Value| found["depth"].is_u64();
    let found = value.as_array().expect("an array").iter().find(searched).expect("a search");
    assert_eq!(found["model"], setup.model);
    assert_eq!(found["config"], setup.id);
    // Which counts they have to be is for `check` itself to say, as its exit code does.
    let counts = ["unique", "generated", "depth"].map(|count| found[count].as_u64().expect("a count"));
    let pinned = [setup.pinned.unique, setup.pinned.generated, setup.pinned.depth].map(|count| count as u64);
    assert_eq!(found["as_pinned"], counts == pinned);
    assert_eq!(code, Some(i32::from(counts != pinned)), "{out}{err}");
    assert_eq!(found["complete"], true);
    assert_eq!(found["salts_agree"], true);
    assert!(found["seconds"].is_f64());
    let properties = found["properties"].as_array().expect("properties");
    assert!(!properties.is_empty());
    for property in properties {
        assert_eq!(property["status"], "holds", "{property}");
        assert!(property["id"].is_string() && property["kind"].is_string(), "{property}");
    }
}

#[test]
fn check_prints_a_table_that_fits() {
    let setup = smallest();
    let Ran { code, out, err } = run(&["check", &setup.id]);
    let verdict = if code == Some(0) { "\nall as expected: " } else { "\nNOT as expected: " };
    assert!(out.contains(&format!("{verdict}1 of 1 configurations complete")), "{code:?} {out}{err}");
    assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
    assert!(out.contains(&setup.id), "{out}");
    // Where nobody looks at a terminal there is a line for each search.
    assert!(err.starts_with(&format!("{}: ", setup.id)), "{err}");
}

#[test]
fn specimens_fall_and_are_printed_as_they_are_asked_for() {
    let Ran { code, out, .. } = run(&["specimens", "--json"]);
    assert_eq!(code, Some(0), "{out}");
    let value: Value = serde_json::from_str(&out).expect("one value and nothing else");
    for specimen in value.as_array().expect("an array") {
        assert_eq!(specimen["status"], "killed", "{specimen}");
        assert!(specimen["steps"].is_u64() && specimen["property"].is_string(), "{specimen}");
    }
    let Ran { code, out, .. } = run(&["specimens"]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.ends_with("killed, 0 survived\n"), "{out}");
}

#[test]
fn a_counterexample_goes_into_files_and_is_played_from_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name).display().to_string();
    let (schedule, page, picture) = (place("a.json"), place("a.html"), place("a.svg"));
    let mutant = ["explain", "lease", "--mutant", "read_error_is_free"];
    let files = ["--schedule", &schedule, "--html", &page, "--svg", &picture];
    let explained = run(&[mutant.as_slice(), files.as_slice()].concat());
    assert_eq!(explained.code, Some(0), "{}", explained.err);
    assert!(explained.out.contains("      broken: L8: "), "{}", explained.out);

    let replayed = run(&["replay", &schedule]);
    assert_eq!(replayed.code, Some(1), "{}", replayed.err);
    assert!(explained.out.ends_with(&replayed.out), "{}\n{}", explained.out, replayed.out);

    let read = |file: &str| std::fs::read_to_string(file).expect("a file that was written");
    let picture = read(&picture);
    let picture = roxmltree::Document::parse(&picture).expect("a picture is well-formed");
    assert!(picture.root_element().has_tag_name("svg"));
    let page = read(&page);
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"), "{page}");
    assert!(page.contains("read_error_is_free") && page.contains("&quot;steps&quot;"), "{page}");
}

#[test]
fn list_names_every_model_and_specimen() {
    let Ran { code, out, .. } = run(&["list"]);
    assert_eq!(code, Some(0));
    for model in model_check::registry::models() {
        assert!(out.contains(&format!("{}: {}", model.name(), model.about())), "{out}");
        for setup in model.setups() {
            assert!(out.contains(&setup.id), "{}", setup.id);
        }
        for mutant in model.mutants() {
            assert!(out.contains(mutant.id), "{}", mutant.id);
        }
    }
    for specimen in model_check::registry::specimens() {
        assert!(out.contains(specimen.id()), "{}", specimen.id());
    }
}
