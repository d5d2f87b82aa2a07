//! Counts that were measured, as `check --json` prints them.

use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::super::Failure;
use super::super::account::failed;

/// What one configuration's searches came to.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Measured {
    pub(super) model: String,
    pub(super) config: String,
    pub(super) unique: Option<usize>,
    pub(super) generated: Option<usize>,
    pub(super) depth: Option<usize>,
    pub(super) seconds: f64,
    pub(super) complete: bool,
}

/// Reads a file of them.
pub(super) fn read(file: &Path) -> Result<Vec<Measured>, Failure> {
    let opened = std::fs::File::open(file).map_err(|cause| failed(file, cause))?;
    let mut text = String::new();
    opened.take(LIMIT).read_to_string(&mut text).map_err(|cause| failed(file, cause))?;
    let name = file.display().to_string();
    match serde_json::from_str(&text) {
        Ok(value) => of(&name, value),
        Err(cause) => Err(Failure::Measured { file: name, cause: cause.to_string() }),
    }
}

/// Those in an array that `source` gave.
pub(super) fn of(source: &str, value: Value) -> Result<Vec<Measured>, Failure> {
    serde_json::from_value(value)
        .map_err(|cause| Failure::Measured { file: source.to_string(), cause: cause.to_string() })
}

/// No run has as many configurations as would fill this, in bytes; what is longer is cut and then no JSON.
const LIMIT: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_check_prints_is_read_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("counts.json");
        std::fs::write(
            &file,
            r#"[{"model": "m", "config": "c", "unique": 7, "generated": 9, "depth": null, "seconds": 0.5,
                "complete": false, "other": []}]"#,
        )
        .unwrap();
        let measured = read(&file).unwrap();
        assert_eq!(
            measured.iter().map(|each| (each.unique, each.depth)).collect::<Vec<_>>(),
            [(Some(7), None)]
        );
        std::fs::write(&file, "{}").unwrap();
        assert!(matches!(read(&file), Err(Failure::Measured { .. })));
        assert!(matches!(read(&folder.path().join("none")), Err(Failure::Io { .. })));
    }
}
