//! SIGTERM and SIGINT: the first one asks for an orderly end, the second one is that end.

use std::future::Future;
use std::io;

use rustix::process::{Signal, getpid, kill_process};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Resolves at the first SIGTERM or SIGINT. At the second one this process kills itself: the kernel then takes back
/// its memory and drops its locks, which is all that a hand-over that hangs has left to do.
pub(super) fn asked_to_stop() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (first, asked) = oneshot::channel();
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        next().await;
        // Whoever waits may be gone, because it ends by itself.
        let _ = first.send(());
        next().await;
        // Nothing that runs at an ordinary exit could be relied on to end.
        let _ = kill_process(getpid(), Signal::KILL);
    });
    Ok(async move {
        // The sender is dropped with the runtime only.
        let _ = asked.await;
    })
}
