//! The probe: who owns a data root, found out from outside and without taking a lock.
//!
//! [`Detector::detect`] reads the lease file and the process table and is offline; [`Detector::probe`] then asks the owner
//! itself. What it means is decided in [`modeld_spec::probe`]. An answer is as old as the moment it was made: an owner can come or
//! go right after it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use modeld_spec::ids::{ClockDomain, Epoch, InstanceId, ProcessId};
use modeld_spec::lease::effect::{Content, ProcessSeen};
use modeld_spec::lease::record::Record;
use modeld_spec::probe::classify;

use crate::conn::ConnError;
use crate::conn::link::Link;
use crate::data_root::DataRoot;
use crate::lease::files::read_record;
use crate::os::{self, BootClock, Clock};

pub use modeld_spec::probe::{Running, Staleness, State};

/// Looks at one data root. Clones share what it knows about this machine.
#[derive(Clone, Debug)]
pub struct Detector(Arc<Here>);

#[derive(Debug)]
struct Here {
    root: DataRoot,
    clock: ClockDomain,
    process: ProcessId,
}

/// Nothing is known about the owner, because something could not be looked at (L8).
#[derive(Debug, thiserror::Error)]
#[error("could not {doing}")]
pub struct ProbeError {
    /// What was tried.
    pub doing: String,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// What is known about the owner, its own answer included.
#[derive(Debug)]
pub struct Probed {
    /// What file and process table say.
    pub state: State,
    /// What the owner says; `None` where there is nobody to ask.
    pub answer: Option<Result<Answer, ConnError>>,
}

/// What an owner says about itself; its instance and epoch are those of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Who it is.
    pub instance: InstanceId,
    /// Its epoch.
    pub epoch: Epoch,
    /// Whether it serves: not once it is fenced or stopping.
    pub serving: bool,
    /// The inference backend.
    pub backend: String,
}

impl Detector {
    /// A detector for `root`.
    ///
    /// # Errors
    /// [`ProbeError`] if this process can't find out where it runs.
    pub fn new(root: DataRoot) -> Result<Self, ProbeError> {
        let failed = |source| ProbeError { doing: "identify this process".to_string(), source };
        let clock = os::clock_domain().map_err(failed)?;
        let process = os::this_process().map_err(failed)?;
        Ok(Detector(Arc::new(Here { root, clock, process })))
    }

    /// The data root that it looks at.
    pub fn data_root(&self) -> &DataRoot {
        &self.0.root
    }

    /// What file and process table say. Blocks for a read of at most 64 KiB and a look into the process table.
    ///
    /// # Errors
    /// [`ProbeError`]; never to be read as "nobody owns".
    pub fn detect(&self) -> Result<State, ProbeError> {
        let path = self.0.root.record();
        let content = read_record(&path)
            .map_err(|source| ProbeError { doing: format!("read {}", path.display()), source })?;
        let process = match &content {
            Content::Record(record) => self.look_for(record)?,
            Content::Absent | Content::Unreadable(_) => ProcessSeen::Unverifiable,
        };
        // Taken last: whatever was seen was so no later than this.
        Ok(classify(content, &self.0.clock, BootClock.now(), process))
    }

    /// [`Detector::detect`], and then the owner's own answer, for which it waits `answer_max` at most.
    ///
    /// # Errors
    /// As [`Detector::detect`]. That the owner does not answer is a finding, not an error.
    pub async fn probe(&self, answer_max: Duration) -> Result<Probed, ProbeError> {
        let state = self.detect_off_thread().await?;
        let record = state.record().filter(|_| state.may_answer()).cloned();
        let answer = match record {
            Some(record) => Some(Link::connect(&record, answer_max).await.map(|link| link.answer().clone())),
            None => None,
        };
        Ok(Probed { state, answer })
    }

    /// [`Detector::detect`] for async code.
    pub(crate) async fn detect_off_thread(&self) -> Result<State, ProbeError> {
        let detector = self.clone();
        let detected = tokio::task::spawn_blocking(move || detector.detect()).await;
        detected.unwrap_or_else(|error| {
            Err(ProbeError { doing: "look at the data root".to_string(), source: io::Error::other(error) })
        })
    }

    fn look_for(&self, record: &Record) -> Result<ProcessSeen, ProbeError> {
        let process = record.process;
        let same_machine = record.clock.boot_id == self.0.clock.boot_id;
        if !same_machine || !process.comparable_from(self.0.process) {
            return Ok(ProcessSeen::Unverifiable);
        }
        let found = os::process_with_pid(process.pid)
            .map_err(|source| ProbeError { doing: format!("look for {process}"), source })?;
        Ok(if found == Some(process) { ProcessSeen::Alive } else { ProcessSeen::Gone })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::owner::{self, Config};

    #[test]
    fn an_owner_is_seen_from_its_join_to_its_release() {
        let directory = tempfile::tempdir().unwrap();
        let root = DataRoot::new(directory.path());
        let detector = Detector::new(root.clone()).unwrap();
        assert_eq!(detector.detect().unwrap(), State::NotRunning);

        let owner = owner::join(Config { endpoint: Some("unix:/nowhere".to_string()), ..Config::new(root) });
        let owner = owner.unwrap();
        let State::Running(running) = detector.detect().unwrap() else { panic!("not running") };
        assert_eq!(Some(running.record.epoch), owner.epoch());
        assert_eq!(running.process, ProcessSeen::Alive);

        let _ = owner.release(&mut ());
        assert_eq!(detector.detect().unwrap(), State::NotRunning);
    }

    #[test]
    fn a_file_that_can_not_be_read_is_an_error_and_not_a_free_data_root() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("modeld.lease")).unwrap();
        assert!(Detector::new(DataRoot::new(directory.path())).unwrap().detect().is_err());
    }

    #[test]
    fn a_large_file_is_unreadable() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("modeld.lease"), vec![b' '; 1 << 20]).unwrap();
        let state = Detector::new(DataRoot::new(directory.path())).unwrap().detect().unwrap();
        assert!(matches!(state, State::Unreadable(_)), "{state}");
    }
}
