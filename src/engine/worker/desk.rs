//! Where snapshots are written and read: a thread of its own, so that nobody's next token waits for a disk.
//!
//! It is started with the first job. A session has one job at most, so the queue needs no bound of its own. A write that is under way at a
//! fence is refused where it lands.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread;

use modeld_spec::error::Error;
use modeld_spec::session::effect::{Seen, Ticket};
use modeld_spec::session::snapshot::{Digest, Head};
use modeld_spec::session::table::Key;

use super::Control;
use crate::engine::snapshots::{SnapshotStore, StoreError};
use crate::sync::{self, Mutex};

/// The desk of one model.
pub(super) struct Desk {
    store: Option<Arc<SnapshotStore>>,
    control: Arc<Control>,
    jobs: Option<Sender<Job>>,
    done: sync::Arc<Mutex<VecDeque<Done>>>,
}

/// Something for the desk.
pub(super) enum Work {
    /// Write this.
    Save(Head, Vec<u8>),
    /// Read this.
    Read(Digest),
}

struct Job {
    key: Key,
    ticket: Ticket,
    work: Work,
}

/// What has come of a job.
pub(super) struct Done {
    /// Whose it was.
    pub(super) key: Key,
    /// In which operation.
    pub(super) ticket: Ticket,
    /// What was seen.
    pub(super) seen: Seen,
    /// What was read.
    pub(super) contents: Option<Vec<u8>>,
    /// Why it failed.
    pub(super) cause: Option<String>,
}

impl Desk {
    pub(super) fn new(store: Option<Arc<SnapshotStore>>, control: Arc<Control>) -> Self {
        Desk { store, control, jobs: None, done: sync::Arc::default() }
    }

    /// Hands a job in; what comes of it is [`done`](Self::done) later.
    ///
    /// # Errors
    /// Why it can't be done.
    pub(super) fn submit(&mut self, key: Key, ticket: Ticket, work: Work) -> Result<(), String> {
        let jobs = match &self.jobs {
            Some(jobs) => jobs,
            None => self.jobs.insert(self.open()?),
        };
        jobs.send(Job { key, ticket, work }).map_err(|_| "the thread that writes snapshots ended".to_string())
    }

    /// The next job that has ended.
    pub(super) fn done(&self) -> Option<Done> {
        self.done.lock().pop_front()
    }

    fn open(&self) -> Result<Sender<Job>, String> {
        let store = self.store.clone().ok_or("this daemon keeps no snapshots")?;
        let (sender, jobs) = mpsc::channel::<Job>();
        let (control, done) = (self.control.clone(), self.done.clone());
        let work = move || {
            for job in jobs {
                let ended = perform(&store, &control, job);
                done.lock().push_back(ended);
                control.wake();
            }
        };
        let spawned = thread::Builder::new().name("modeld-snapshots".to_string()).spawn(work);
        spawned.map(|_| sender).map_err(|error| format!("no thread for snapshots: {error}"))
    }
}

fn perform(store: &SnapshotStore, control: &Control, job: Job) -> Done {
    let Job { key, ticket, work } = job;
    let (mut contents, mut cause) = (None, None);
    let seen = match work {
        Work::Save(head, bytes) => match save(store, control, &head, &bytes) {
            Ok(seen) => seen,
            Err(error) => {
                cause = Some(error.to_string());
                Seen::Failed
            }
        },
        Work::Read(id) => match store.read(id) {
            Ok(snapshot) => {
                contents = Some(snapshot.contents);
                Seen::Read(Ok((snapshot.head, snapshot.digest)))
            }
            Err(refused) => Seen::Read(Err(refused)),
        },
    };
    Done { key, ticket, seen, contents, cause }
}

fn save(store: &SnapshotStore, control: &Control, head: &Head, bytes: &[u8]) -> Result<Seen, StoreError> {
    let Ok(permit) = control.gate.pass() else { return Ok(Seen::Fenced) };
    match store.save(&permit, head, bytes) {
        Ok(id) => Ok(Seen::Saved(id)),
        Err(error) if error.is_superseded() => Ok(Seen::Fenced),
        Err(error) => Err(error),
    }
}

/// Why a snapshot could not be written, for its caller.
pub(super) fn not_written(cause: Option<String>) -> Error {
    Error::SnapshotFailed { cause: cause.unwrap_or_else(|| "the disk failed".to_string()) }
}
