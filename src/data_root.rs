//! The data root: the directory whose models one process owns.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// The directory of the lease and everything beside it. Absolute, so that it means the same from every working directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataRoot(PathBuf);

impl DataRoot {
    /// The data root that was `given`, else `$CONTENOX_DATA_ROOT`, else `~/.contenox`. Creates nothing.
    ///
    /// # Errors
    /// [`NoDataRoot`] if a relative path can't be completed, or neither variable is set.
    pub fn resolve(given: Option<PathBuf>) -> Result<Self, NoDataRoot> {
        let chosen = choose(given, env::var_os(DATA_ROOT_VARIABLE), env::var_os("HOME"))?;
        let absolute = std::path::absolute(&chosen)
            .map_err(|error| NoDataRoot::Relative { path: chosen, cause: error.to_string() })?;
        Ok(DataRoot(absolute))
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The record of the owner.
    pub fn lease_file(&self) -> PathBuf {
        self.0.join("modeld.lease")
    }
}

impl fmt::Display for DataRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

/// There is no way to tell which directory is meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDataRoot {
    /// Neither a path nor a variable.
    #[error("no data root: neither --data-root nor {DATA_ROOT_VARIABLE} nor HOME is set")]
    Unset,
    /// The path is relative, and the working directory is not known.
    #[error("the data root {path} can't be made absolute: {cause}", path = .path.display())]
    Relative {
        /// The path as it was given.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
}

fn choose(
    given: Option<PathBuf>,
    variable: Option<OsString>,
    home: Option<OsString>,
) -> Result<PathBuf, NoDataRoot> {
    let set = |value: Option<OsString>| value.filter(|text| !text.is_empty()).map(PathBuf::from);
    given
        .filter(|path| !path.as_os_str().is_empty())
        .or_else(|| set(variable))
        .or_else(|| set(home).map(|home| home.join(DIRECTORY_IN_HOME)))
        .ok_or(NoDataRoot::Unset)
}

/// Names the data root where no option does; contenox reads the same one.
pub const DATA_ROOT_VARIABLE: &str = "CONTENOX_DATA_ROOT";

/// The data root in the home directory.
const DIRECTORY_IN_HOME: &str = ".contenox";

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(given: Option<&str>, variable: Option<&str>, home: Option<&str>) -> Option<PathBuf> {
        choose(given.map(PathBuf::from), variable.map(OsString::from), home.map(OsString::from)).ok()
    }

    #[test]
    fn the_option_comes_before_the_variable_and_that_before_the_home() {
        assert_eq!(chosen(Some("/a"), Some("/b"), Some("/c")), Some("/a".into()));
        assert_eq!(chosen(None, Some("/b"), Some("/c")), Some("/b".into()));
        assert_eq!(chosen(None, None, Some("/c")), Some("/c/.contenox".into()));
        assert_eq!(chosen(None, None, None), None);
    }

    #[test]
    fn an_empty_value_is_none() {
        assert_eq!(chosen(Some(""), Some(""), Some("/c")), Some("/c/.contenox".into()));
        assert_eq!(chosen(None, None, Some("")), None);
    }

    #[test]
    fn a_relative_path_becomes_absolute() {
        let root = DataRoot::resolve(Some("somewhere".into())).unwrap();
        assert!(root.path().is_absolute() && root.lease_file().ends_with("somewhere/modeld.lease"));
    }
}
