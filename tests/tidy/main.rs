//! What the compiler and clippy don't check of this repository: rules and their citations, first lines, banned
//! words, sizes, purity, the table of faults found elsewhere.
//!
//! Each check takes a [`tree::Tree`], the repository or one made up in a test, and returns its findings as
//! sentences that name the place and the remedy. Each is itself tested on what it must find and what it must pass.

mod bans;
mod purity;
mod rules;
mod sizes;
mod source;
mod tree;
mod upstream;

use tree::Tree;

#[test]
fn every_rule_is_cited_and_checked() {
    assert_clean(rules::check(&repository()));
}

#[test]
fn no_banned_pattern_is_used() {
    assert_clean(bans::check(&repository(), bans::EXCEPTIONS));
}

#[test]
fn files_and_functions_stay_short() {
    assert_clean(sizes::check(&repository(), sizes::LONG_FILES, sizes::LONG_FUNCTIONS));
}

#[test]
fn the_specification_is_pure_and_every_file_says_what_it_is() {
    assert_clean(purity::check(&repository()));
}

#[test]
fn faults_found_elsewhere_are_shown_not_to_be_here() {
    assert_clean(upstream::check(&repository(), upstream::ENTRIES));
}

fn repository() -> Tree {
    let tree = Tree::of_repository().expect("the repository can be read");
    assert!(tree.rust().count() > 20, "only {} Rust files were found", tree.rust().count());
    tree
}

fn assert_clean(findings: Vec<String>) {
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}
