//! Where an owner serves, as the lease file says it: `unix:/absolute/path`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A place to connect to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// A Unix socket at this absolute path.
    Unix(PathBuf),
}

impl Endpoint {
    /// The path of the socket.
    pub fn path(&self) -> &Path {
        match self {
            Endpoint::Unix(path) => path,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Unix(path) => write!(f, "{SCHEME}{}", path.display()),
        }
    }
}

impl FromStr for Endpoint {
    type Err = UnknownEndpoint;

    fn from_str(text: &str) -> Result<Self, UnknownEndpoint> {
        match text.strip_prefix(SCHEME).map(Path::new) {
            Some(path) if path.is_absolute() => Ok(Endpoint::Unix(path.to_path_buf())),
            _ => Err(UnknownEndpoint(text.chars().take(SHOWN_CHARS).collect())),
        }
    }
}

/// An endpoint of a kind that this version can't connect to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the endpoint {0:?} is not {SCHEME}/path")]
pub struct UnknownEndpoint(pub String);

const SCHEME: &str = "unix:";

/// How much of a text that is no endpoint is shown: enough to recognise it.
const SHOWN_CHARS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_what_it_writes() {
        let endpoint = Endpoint::Unix("/run/user/1/modeld/a.sock".into());
        assert_eq!(endpoint.to_string().parse(), Ok(endpoint));
    }

    #[test]
    fn other_kinds_are_named_and_refused() {
        for text in ["", "unix:", "unix:relative.sock", "127.0.0.1:4711", "http://localhost"] {
            assert_eq!(text.parse::<Endpoint>(), Err(UnknownEndpoint(text.to_string())));
        }
    }
}
