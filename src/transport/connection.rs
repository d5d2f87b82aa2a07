//! A connection, and the sessions that belong to it.
//!
//! A session is used only over the connection that opened it and ends with that connection, or before with the stream that opened
//! it: the kernel tells the end of a client however it died, so nothing has to be kept alive by messages, and nothing is left
//! behind. A session that comes from the engine after its connection has ended is closed at once.
//!
//! Sessions are closed by one task in the background ([`close_sessions`]), because a connection ends where nobody can wait.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use modeld_spec::error::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tonic::transport::server::Connected;

use crate::engine::Session;

/// The bytes of a connection; the connection ends when this is dropped.
pub(super) struct Wire {
    socket: UnixStream,
    connection: Arc<Connection>,
}

/// A connection as its requests see it.
pub(super) struct Connection {
    state: Mutex<State>,
    closer: mpsc::UnboundedSender<Session>,
}

struct State {
    /// A second descriptor of the socket, to end it from outside; `None` once the connection has ended.
    socket: Option<OwnedFd>,
    sessions: BTreeMap<String, Held>,
}

/// A session, and whose turn it is on it.
struct Held {
    session: Session,
    turn: Arc<Semaphore>,
    /// Dropped with the session.
    _open: oneshot::Sender<()>,
}

/// The right to begin an operation; the next one waits until it is dropped.
pub(super) type Turn = OwnedSemaphorePermit;

/// The connections of one server.
pub(super) struct Connections {
    open: Mutex<Vec<Weak<Connection>>>,
    closer: mpsc::UnboundedSender<Session>,
}

impl Connections {
    /// None yet. Sessions that are to be closed are sent to `closer`.
    pub(super) fn new(closer: mpsc::UnboundedSender<Session>) -> Self {
        Connections { open: Mutex::default(), closer }
    }

    /// Takes a connection in; `None`, and the socket is closed, if there are [`CONNECTIONS_MAX`] or no descriptor is left.
    pub(super) fn take(&self, socket: UnixStream) -> Option<Wire> {
        let mut open = lock(&self.open);
        open.retain(|connection| connection.upgrade().is_some_and(|connection| connection.is_open()));
        if CONNECTIONS_MAX <= open.len() {
            return None;
        }
        let descriptor = socket.as_fd().try_clone_to_owned().ok()?;
        let state = State { socket: Some(descriptor), sessions: BTreeMap::new() };
        let connection = Arc::new(Connection { state: Mutex::new(state), closer: self.closer.clone() });
        open.push(Arc::downgrade(&connection));
        Some(Wire { socket, connection })
    }

    /// How many are open.
    pub(super) fn count(&self) -> usize {
        lock(&self.open).iter().filter_map(Weak::upgrade).filter(|connection| connection.is_open()).count()
    }

    /// Ends all of them, whatever they are doing.
    pub(super) fn sever(&self) {
        let open: Vec<_> = lock(&self.open).iter().filter_map(Weak::upgrade).collect();
        for connection in open {
            if let Some(socket) = &connection.lock().socket {
                // Refused only if the peer has ended it before.
                let _ = rustix::net::shutdown(socket, rustix::net::Shutdown::Both);
            }
        }
    }
}

impl Connection {
    /// Makes `session` one of this connection. What is given resolves when it is one no longer.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if the connection has ended; the session is closed.
    pub(super) fn adopt(&self, session: Session) -> Result<oneshot::Receiver<()>, Error> {
        let mut state = self.lock();
        if state.socket.is_none() {
            drop(state);
            self.close(session);
            return Err(Error::Cancelled);
        }
        let turn = Arc::new(Semaphore::new(1));
        let (open, closed) = oneshot::channel();
        state.sessions.insert(session.id().to_string(), Held { session, turn, _open: open });
        Ok(closed)
    }

    /// The session with this id.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] if this connection has none, also where another one has it.
    pub(super) fn session(&self, id: &str) -> Result<Session, Error> {
        self.held(id).map(|(session, _)| session)
    }

    /// The session with this id, for an operation. A call that its caller has dropped ends a moment after the next one arrives, and
    /// is waited for: so who drops a call and makes another is not told that the session is busy. If it does not end within
    /// [`TURN_MAX`] there is no turn, and the engine says what the session is busy with.
    ///
    /// # Errors
    /// As [`Connection::session`].
    pub(super) async fn operation(&self, id: &str) -> Result<(Session, Option<Turn>), Error> {
        let (session, turn) = self.held(id)?;
        let turn = tokio::time::timeout(TURN_MAX, turn.acquire_owned()).await;
        Ok((session, turn.ok().and_then(Result::ok)))
    }

    /// Takes the session out, for whoever closes it.
    pub(super) fn give_up(&self, id: &str) -> Option<Session> {
        self.lock().sessions.remove(id).map(|held| held.session)
    }

    /// Lets the session be closed in the background.
    pub(super) fn close(&self, session: Session) {
        // The task ends only after the last connection; with it the engine shuts down, which closes all sessions.
        let _ = self.closer.send(session);
    }

    fn is_open(&self) -> bool {
        self.lock().socket.is_some()
    }

    fn end(&self) {
        let (socket, sessions) = {
            let mut state = self.lock();
            (state.socket.take(), std::mem::take(&mut state.sessions))
        };
        drop(socket);
        sessions.into_values().for_each(|held| self.close(held.session));
    }

    fn held(&self, id: &str) -> Result<(Session, Arc<Semaphore>), Error> {
        let state = self.lock();
        let held = state.sessions.get(id).ok_or_else(|| Error::SessionClosed { session: id.to_string() })?;
        Ok((held.session.clone(), held.turn.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// Closes the sessions that come, until nobody can send one any more.
pub(super) async fn close_sessions(mut sessions: mpsc::UnboundedReceiver<Session>) {
    while let Some(session) = sessions.recv().await {
        // Closed before, fenced or draining: in each case nothing of it is left, or the engine's shutdown ends it.
        let _ = tokio::time::timeout(CLOSE_MAX, session.close()).await;
    }
}

impl Connected for Wire {
    type ConnectInfo = Arc<Connection>;

    fn connect_info(&self) -> Arc<Connection> {
        self.connection.clone()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.connection.end();
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The most connections of one server: each costs two descriptors, of which a process has 1,024 where nothing else is set.
pub(super) const CONNECTIONS_MAX: usize = 256;

/// How long closing one session may take: it waits for the batch that is being evaluated.
const CLOSE_MAX: Duration = Duration::from_secs(30);

/// How long an operation waits for one that was dropped: the frame that drops it has arrived before, and only a task has to run.
const TURN_MAX: Duration = Duration::from_secs(1);
