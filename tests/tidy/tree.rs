//! The files to look at: those of the repository that git does not ignore, or a few made up for a test.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::source::Source;

/// Files by path from the root, with `/` between the parts.
pub(crate) struct Tree {
    pub(crate) files: Vec<File>,
}

/// One text file.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
    /// For Rust files: code, comments and strings apart.
    pub(crate) source: Option<Source>,
}

impl Tree {
    /// The repository that this test belongs to. Files that are not text are left out.
    pub(crate) fn of_repository() -> io::Result<Tree> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = Vec::new();
        for path in listed_by_git(root).map_or_else(|| walked(root), Ok)? {
            match fs::read_to_string(root.join(&path)) {
                Ok(text) => files.push(File::new(path, text)),
                // Removed and not yet committed, or a model.
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Tree { files })
    }

    /// A made-up repository.
    pub(crate) fn of(files: &[(&str, &str)]) -> Tree {
        Tree {
            files: files.iter().map(|(path, text)| File::new(path.to_string(), text.to_string())).collect(),
        }
    }

    /// The Rust files.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&File, &Source)> {
        self.files.iter().filter_map(|file| Some((file, file.source.as_ref()?)))
    }
}

impl File {
    fn new(path: String, text: String) -> File {
        let source = path.ends_with(".rs").then(|| Source::new(&path, &text));
        File { path, text, source }
    }
}

/// Tracked and new files; `None` where there is no git or no repository, as in an unpacked archive.
fn listed_by_git(root: &Path) -> Option<Vec<String>> {
    let out = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .ok()
        .filter(|out| out.status.success())?;
    let listed = String::from_utf8(out.stdout).ok()?;
    let mut paths: Vec<String> = listed.split_terminator('\0').map(String::from).collect();
    paths.sort();
    paths.dedup();
    Some(paths).filter(|paths| !paths.is_empty())
}

fn walked(root: &Path) -> io::Result<Vec<String>> {
    let mut paths = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = folder.join(&name);
            if entry.file_type()?.is_file() {
                paths.push(path.to_string_lossy().replace('\\', "/"));
            } else if entry.file_type()?.is_dir() && name != "target" && name != ".git" {
                folders.push(path);
            }
        }
    }
    paths.sort();
    Ok(paths)
}

#[test]
fn without_git_the_folders_are_walked() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let paths = walked(root).unwrap();
    for path in ["Cargo.toml", "tests/tidy/tree.rs", "spec/src/lib.rs"] {
        assert!(paths.iter().any(|found| found == path), "{path}");
    }
    assert!(paths.iter().all(|path| !path.starts_with("target/") && !path.starts_with(".git/")));
}
