//! What a daemon has to end before it may release: its server and its engine.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::engine::Engine;
use crate::owner::ResidentState;
use crate::transport::server::ServeError;

/// The resident state of a daemon.
pub(super) struct Resident {
    runtime: Handle,
    engine: Arc<Engine>,
    stop: watch::Sender<bool>,
    server: Option<JoinHandle<Result<(), ServeError>>>,
}

impl Resident {
    pub(super) fn new(
        runtime: Handle,
        engine: Arc<Engine>,
        stop: watch::Sender<bool>,
        server: JoinHandle<Result<(), ServeError>>,
    ) -> Self {
        Resident { runtime, engine, stop, server: Some(server) }
    }
}

impl ResidentState for Resident {
    /// The server takes no more calls; what streams is ended by the engine, whose models go with their work.
    fn quiesce(&mut self) -> Result<(), String> {
        self.stop.send_replace(true);
        self.runtime.block_on(self.engine.shutdown(QUIESCE_MAX)).map_err(|running| running.to_string())
    }

    /// A snapshot is on disk when it is answered: nothing else of a session outlives the owner.
    fn flush(&mut self) -> Result<(), String> {
        Ok(())
    }

    /// Waits for what quiescing left: threads whose evaluation or load takes its time, and connections.
    fn free(&mut self) -> Result<(), String> {
        if let Some(server) = self.server.take()
            && !server.is_finished()
        {
            // It cuts off by itself what does not end; whatever it says, no connection holds a model.
            let _ = self.runtime.block_on(server);
        }
        self.runtime.block_on(self.engine.shutdown(FREE_MAX)).map_err(|running| running.to_string())
    }
}

/// Work ends at the next token or graph node: far sooner than this, unless a machine swaps.
const QUIESCE_MAX: Duration = Duration::from_secs(10);

/// How long unloading may take after that, before the residency lock is left to the end of the process.
const FREE_MAX: Duration = Duration::from_secs(20);
