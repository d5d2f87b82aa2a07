//! The Unix socket: where an owner listens, and whom it lets in.
//!
//! The directory is 0700 and the socket 0600; the kernel says who connects, and only the same user or root is served.
//! A socket appears under its name only when it listens, so a socket that refuses connections is the remains of a process
//! that was killed, and is removed by whoever binds next in the directory.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net;
use std::path::{Path, PathBuf};
use std::task::{Context, Poll, ready};

use modeld_spec::ids::{FileId, InstanceId};
use tokio::net::{UnixListener, UnixStream};

use super::endpoint::Endpoint;
use crate::data_root::DataRoot;
use crate::os;

/// A socket that listens; its file goes when it is dropped.
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    path: PathBuf,
    file: FileId,
}

/// Why there is no socket to listen on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The path is longer than the system takes.
    #[error("the socket path {path} has {length} bytes, and a Unix socket can have {PATH_BYTES_MAX}", path = .path.display())]
    PathTooLong {
        /// The path.
        path: PathBuf,
        /// Its length in bytes.
        length: usize,
    },
    /// Others could put something else in the socket's place.
    #[error("the directory {path} of the socket belongs to user {owner}, and this is user {us}", path = .path.display())]
    ForeignDirectory {
        /// The directory.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who we are.
        us: u32,
    },
    /// Something else is there.
    #[error("{path} is not a directory", path = .path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// A process listens on this very path.
    #[error("another process listens on {path}", path = .path.display())]
    InUse {
        /// The path.
        path: PathBuf,
    },
    /// The system refused.
    #[error("could not {doing} {path}", path = .path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Listener {
    /// Listens at `path`, within a tokio runtime. Makes the directory if it is missing, closes it to others, and removes
    /// the remains of killed processes from it.
    ///
    /// # Errors
    /// [`ListenError`].
    pub fn bind(path: &Path) -> Result<Self, ListenError> {
        let hidden = path.with_extension("new");
        fits(path)?;
        fits(&hidden)?;
        let directory = path.parent().unwrap_or(Path::new("/"));
        make_private(directory)?;
        remove_remains(directory)?;
        if path.exists() {
            return Err(ListenError::InUse { path: path.to_path_buf() });
        }
        let failed = |doing| {
            let path = path.to_path_buf();
            move |source| ListenError::Io { doing, path, source }
        };
        // Named only when it listens and nobody else may connect.
        let _ = fs::remove_file(&hidden);
        let socket = net::UnixListener::bind(&hidden).map_err(failed("bind"))?;
        let named = fs::set_permissions(&hidden, Permissions::from_mode(0o600))
            .and_then(|()| fs::rename(&hidden, path));
        if let Err(source) = named {
            let _ = fs::remove_file(&hidden);
            return Err(failed("name")(source));
        }
        let metadata = fs::symlink_metadata(path).map_err(failed("look at"))?;
        let file = os::file_id(&metadata);
        let socket = socket.set_nonblocking(true).and_then(|()| UnixListener::from_std(socket));
        let socket = socket.map_err(failed("listen on"))?;
        Ok(Listener { socket, path: path.to_path_buf(), file })
    }

    /// Where to connect to.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint::Unix(self.path.clone())
    }

    /// The next connection of somebody who is to be served.
    ///
    /// # Errors
    /// What the system says; the next call may succeed.
    pub(super) fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<UnixStream>> {
        let us = os::user_id();
        loop {
            let (stream, _) = ready!(self.socket.poll_accept(context))?;
            // A peer that is gone by now, or that is not to be served, gets its connection closed and no answer.
            if stream.peer_cred().is_ok_and(|peer| serves(peer.uid(), us)) {
                return Poll::Ready(Ok(stream));
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let is_ours =
            fs::symlink_metadata(&self.path).is_ok_and(|metadata| os::file_id(&metadata) == self.file);
        if is_ours {
            // Whoever binds next in the directory removes what stays.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The socket of `instance`: `run/` in the data root, or in the first of the other directories where the name is short
/// enough. Each instance has its own, so that nobody removes or answers at the socket of another.
///
/// # Errors
/// [`ListenError::PathTooLong`] with the path in the data root if none is.
pub fn socket_path(
    data_root: &DataRoot,
    instance: &InstanceId,
    others: impl IntoIterator<Item = PathBuf>,
) -> Result<PathBuf, ListenError> {
    let short = &instance.as_str()[..instance.as_str().len().min(INSTANCE_BYTES)];
    let preferred = data_root.run().join(format!("{short}.sock"));
    let Err(too_long) = fits(&preferred) else { return Ok(preferred) };
    let fallbacks = others.into_iter().map(|directory| directory.join(format!("{short}.sock")));
    fallbacks.into_iter().find(|path| fits(path).is_ok()).ok_or(too_long)
}

/// Where a socket can be if the data root's path is too long: the user's runtime directory, else a private one under /tmp.
pub fn other_directories() -> Vec<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let shared = PathBuf::from(format!("/tmp/modeld-{}", os::user_id()));
    runtime.map(|path| path.join("modeld")).into_iter().chain([shared]).collect()
}

/// Whether a process of user `peer` is served by one of user `us`: the same user, and root, which could read our memory anyway.
fn serves(peer: u32, us: u32) -> bool {
    peer == us || peer == 0
}

fn fits(path: &Path) -> Result<(), ListenError> {
    let length = path.as_os_str().len();
    if length <= PATH_BYTES_MAX {
        return Ok(());
    }
    Err(ListenError::PathTooLong { path: path.to_path_buf(), length })
}

fn make_private(directory: &Path) -> Result<(), ListenError> {
    let path = || directory.to_path_buf();
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|source| ListenError::Io {
        doing: "create",
        path: path(),
        source,
    })?;
    // Not followed: a link would lead into a directory that is not the one looked at here.
    let metadata = fs::symlink_metadata(directory).map_err(|source| ListenError::Io {
        doing: "look at",
        path: path(),
        source,
    })?;
    if !metadata.is_dir() {
        return Err(ListenError::NotADirectory { path: path() });
    }
    let us = os::user_id();
    if metadata.uid() != us {
        return Err(ListenError::ForeignDirectory { path: path(), owner: metadata.uid(), us });
    }
    if metadata.mode() & 0o077 != 0 {
        fs::set_permissions(directory, Permissions::from_mode(0o700)).map_err(|source| ListenError::Io {
            doing: "close to others",
            path: path(),
            source,
        })?;
    }
    Ok(())
}

/// Removes sockets on which nobody listens. One that can't be judged stays.
fn remove_remains(directory: &Path) -> Result<(), ListenError> {
    let failed = |source| ListenError::Io { doing: "list", path: directory.to_path_buf(), source };
    for entry in fs::read_dir(directory).map_err(failed)?.take(REMAINS_MAX).flatten() {
        let path = entry.path();
        let is_socket = path.extension().is_some_and(|extension| extension == "sock")
            && entry.file_type().is_ok_and(|file| file.is_socket());
        if is_socket && is_abandoned(&path) {
            let _ = fs::remove_file(&path);
        }
    }
    Ok(())
}

fn is_abandoned(path: &Path) -> bool {
    // A connect to a Unix socket does not wait for an accept; a full queue of a living process says "try again".
    let refused = || -> io::Result<bool> {
        use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        let address = SocketAddrUnix::new(path)?;
        Ok(rustix::net::connect(&socket, &address) == Err(rustix::io::Errno::CONNREFUSED))
    };
    refused().unwrap_or(false)
}

/// The longest path of a Unix socket on Linux, in bytes: `sun_path` has 108, and one ends it.
pub const PATH_BYTES_MAX: usize = 107;

/// How much of an instance id names its socket: 12 hexadecimal digits, 48 random bits, tell the instances of a data root
/// apart, and the path stays short.
const INSTANCE_BYTES: usize = 12;

/// How many files of the directory are looked at when remains are removed: each killed owner leaves one.
const REMAINS_MAX: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn the_same_user_and_root_are_served() {
        assert!(serves(1000, 1000) && serves(0, 1000) && serves(0, 0));
        assert!(!serves(1001, 1000) && !serves(1000, 0));
    }

    #[tokio::test]
    async fn directory_and_socket_are_closed_to_others() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("run/a.sock");
        let listener = Listener::bind(&path).unwrap();
        assert_eq!((mode(&root.path().join("run")), mode(&path)), (0o700, 0o600));
        let (client, served) = tokio::join!(
            UnixStream::connect(&path),
            std::future::poll_fn(|context| listener.poll_accept(context))
        );
        assert!(client.is_ok() && served.is_ok());
    }

    #[tokio::test]
    async fn the_file_goes_with_the_listener_and_only_its_own() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a.sock");
        drop(Listener::bind(&path).unwrap());
        assert!(!path.exists());

        let listener = Listener::bind(&path).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "of somebody else").unwrap();
        drop(listener);
        assert!(path.exists());
    }

    #[tokio::test]
    async fn remains_are_removed_and_the_living_are_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let killed = root.path().join("killed.sock");
        // Its file stays when a std listener is dropped, as it does when a process is killed.
        drop(net::UnixListener::bind(&killed).unwrap());
        let living = Listener::bind(&root.path().join("living.sock")).unwrap();
        assert!(!killed.exists());
        let other = Listener::bind(&root.path().join("other.sock")).unwrap();
        assert!(living.endpoint().path().exists() && other.endpoint().path().exists());
        let again = Listener::bind(living.endpoint().path());
        assert!(matches!(again, Err(ListenError::InUse { .. })));
    }

    #[test]
    fn a_long_data_root_moves_the_socket_elsewhere() {
        let instance = InstanceId::new("0123abcd456789abcdef0123456789ab").unwrap();
        let short = socket_path(&DataRoot::new("/d"), &instance, []).unwrap();
        assert_eq!(short, Path::new("/d/run/0123abcd4567.sock"));
        let long = PathBuf::from(format!("/{}", "d".repeat(100)));
        let moved = socket_path(&DataRoot::new(&long), &instance, [long.clone(), "/r".into()]).unwrap();
        assert_eq!(moved, Path::new("/r/0123abcd4567.sock"));
        let nowhere = socket_path(&DataRoot::new(&long), &instance, []);
        assert!(matches!(nowhere, Err(ListenError::PathTooLong { length: 123, .. })), "{nowhere:?}");
    }

    #[test]
    fn a_file_in_the_place_of_the_directory_is_named() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("run");
        fs::write(&file, "").unwrap();
        let refused = Listener::bind(&file.join("a.sock"));
        assert!(matches!(refused, Err(ListenError::Io { .. } | ListenError::NotADirectory { .. })));
    }
}
