//! The probe: what the lease file and the process table say about the owner, without taking a lock.
//!
//! ```text
//!     no file ------------------------------> NotRunning
//!     not a record -------------------------> Unreadable
//!     another boot -------------------------> Stale
//!     this boot, process gone --------------> Stale
//!     this boot, not renewed in time -------> Stale
//!     this boot, renewed, process not gone -> Running
//!     another time namespace, not gone -----> Foreign
//! ```
//!
//! An observer's view: it holds the record against what it saw and says how it knows (L4). It decides nothing about
//! ownership: a stale record may be taken only by the rule of L2, under the latch and with the residency lock. Whether the
//! owner answers is asked afterwards, over its endpoint.

use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;

use crate::ids::{BootId, ClockDomain, ProcessId};
use crate::lease::effect::{Content, ProcessSeen};
use crate::lease::record::{Record, Standing, Unreadable};
use crate::time::BootTime;

/// What is known about the owner of a data root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody owns: there is no record.
    NotRunning,
    /// The record is honoured, and nothing speaks against its process.
    Running(Running),
    /// The record is there, and its owner does not own any more.
    Stale {
        /// What the file says.
        record: Box<Record>,
        /// How that is known.
        evidence: Staleness,
    },
    /// The record's clock can't be compared with ours; only the owner itself can say whether it lives.
    Foreign {
        /// What the file says.
        record: Box<Record>,
        /// Whether the process was seen.
        process: ProcessSeen,
    },
    /// The file is there and is not a record.
    Unreadable(Unreadable),
}

/// An owner whose record is honoured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// What the file says.
    pub record: Box<Record>,
    /// Until when the record is honoured without another renewal.
    pub until: BootTime,
    /// For how long from the observation on.
    pub left: Duration,
    /// Whether the process was seen, or is out of sight.
    pub process: ProcessSeen,
}

/// How it is known that a record's owner does not own any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Staleness {
    /// The machine was started anew since.
    OtherBoot {
        /// The boot of the record.
        then: BootId,
    },
    /// Its process has ended.
    ProcessGone(ProcessId),
    /// It was not renewed in time; its process is paused, wedged, or out of sight.
    Expired {
        /// Since when.
        since: BootTime,
        /// For how long at the observation.
        ago: Duration,
        /// Whether the process was seen.
        process: ProcessSeen,
    },
    /// It was renewed in our future, which the boot clock excludes.
    FromTheFuture {
        /// By how much.
        by: Duration,
    },
}

/// Tells the state of an owner from what was seen by an observer in `here` at `now`.
///
/// `process` is what was seen of the record's process; it is not looked at where there is no record.
pub fn classify(content: Content, here: &ClockDomain, now: BootTime, process: ProcessSeen) -> State {
    let record = match content {
        Content::Absent => return State::NotRunning,
        Content::Unreadable(unreadable) => return State::Unreadable(unreadable),
        Content::Record(record) => Box::new(record),
    };
    let evidence = match (record.standing(here, now), process) {
        // A pid of another boot means nothing in this one, so the boot decides first.
        (Standing::Void, _) => Staleness::OtherBoot { then: record.clock.boot_id.clone() },
        (_, ProcessSeen::Gone) => Staleness::ProcessGone(record.process),
        (Standing::Valid { until }, _) => {
            return State::Running(Running { record, until, left: until.since(now), process });
        }
        (Standing::Expired { since }, _) => Staleness::Expired { since, ago: now.since(since), process },
        (Standing::Implausible, _) => Staleness::FromTheFuture { by: record.renewed_at.since(now) },
        (Standing::Incomparable, _) => return State::Foreign { record, process },
    };
    State::Stale { record, evidence }
}

impl State {
    /// The record, where there is one.
    pub fn record(&self) -> Option<&Record> {
        match self {
            State::Running(Running { record, .. })
            | State::Stale { record, .. }
            | State::Foreign { record, .. } => Some(record),
            State::NotRunning | State::Unreadable(_) => None,
        }
    }

    /// The stable name of the state, for scripts.
    pub fn token(&self) -> &'static str {
        match self {
            State::NotRunning => "not_running",
            State::Running(_) => "running",
            State::Stale { .. } => "stale",
            State::Foreign { .. } => "foreign",
            State::Unreadable(_) => "unreadable",
        }
    }

    /// Whether it is worth asking the owner at its endpoint.
    pub fn may_answer(&self) -> bool {
        matches!(self, State::Running(_) | State::Foreign { .. })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            State::NotRunning => f.write_str("nobody owns the data root: there is no lease file"),
            State::Running(Running { record, left, process, .. }) => {
                write!(
                    f,
                    "epoch {} is owned by {}, {}, for another {left:.1?} at least",
                    record.epoch,
                    record.process,
                    sight(*process)
                )
            }
            State::Stale { record, evidence } => {
                write!(
                    f,
                    "epoch {} was owned by {} and is not any more: {evidence}",
                    record.epoch, record.process
                )
            }
            State::Foreign { record, process } => write!(
                f,
                "epoch {} is owned from another time namespace by {}, {}",
                record.epoch,
                record.process,
                sight(*process)
            ),
            State::Unreadable(unreadable) => unreadable.fmt(f),
        }
    }
}

impl fmt::Display for Staleness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Staleness::OtherBoot { then } => write!(f, "it is from another boot ({then})"),
            Staleness::ProcessGone(process) => write!(f, "{process} has ended"),
            Staleness::Expired { ago, process, .. } => {
                write!(f, "it was not renewed in time, {ago:.1?} ago, by a process {}", sight(*process))
            }
            Staleness::FromTheFuture { by } => write!(f, "it was renewed {by:.1?} in the future"),
        }
    }
}

fn sight(process: ProcessSeen) -> &'static str {
    match process {
        ProcessSeen::Alive => "which is alive",
        ProcessSeen::Gone => "which has ended",
        ProcessSeen::Unverifiable => "which can't be seen from here",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Epoch, FileId, HostName, InstanceId, Namespace};
    use crate::lease::record::{Meta, ProtocolRange, Residency};
    use crate::time::Ttl;
    use alloc::string::ToString;
    use proptest::prelude::*;

    const RENEWED: BootTime = BootTime::from_nanos(50_000_000_000);

    fn clock(boot: &str, time_namespace: u64) -> ClockDomain {
        ClockDomain { boot_id: BootId::new(boot).unwrap(), time_namespace: Namespace(time_namespace) }
    }

    fn record() -> Record {
        Record {
            epoch: Epoch::FIRST,
            instance: InstanceId::new("i-1").unwrap(),
            process: ProcessId {
                pid: 4711,
                start_time: 9,
                pid_namespace: Namespace(2),
                time_namespace: Namespace(1),
            },
            host: HostName::lossy("here"),
            clock: clock("boot-1", 1),
            acquired_at: RENEWED,
            renewed_at: RENEWED,
            ttl: Ttl::DEFAULT,
            residency: Residency::Held(FileId { device: 1, inode: 2 }),
            meta: Meta::default(),
            protocol: ProtocolRange::CURRENT,
        }
    }

    fn seen(here: ClockDomain, seconds: u64, process: ProcessSeen) -> State {
        classify(Content::Record(record()), &here, RENEWED.after(Duration::from_secs(seconds)), process)
    }

    #[test]
    fn no_file_means_that_nobody_owns() {
        let state = classify(Content::Absent, &clock("boot-1", 1), RENEWED, ProcessSeen::Gone);
        assert_eq!(state, State::NotRunning);
        assert!(!state.may_answer());
    }

    #[test]
    fn a_file_that_is_no_record_is_not_a_free_data_root() {
        let content = Content::Unreadable(Unreadable("the file is empty".to_string()));
        let state = classify(content, &clock("boot-1", 1), RENEWED, ProcessSeen::Gone);
        assert_eq!(state.token(), "unreadable");
    }

    #[test]
    fn a_renewed_record_of_a_living_process_is_running() {
        let State::Running(running) = seen(clock("boot-1", 1), 10, ProcessSeen::Alive) else { panic!() };
        assert_eq!(running.left, Duration::from_secs(20));
    }

    #[test]
    fn a_process_out_of_sight_is_no_dead_one() {
        assert_eq!(seen(clock("boot-1", 1), 10, ProcessSeen::Unverifiable).token(), "running");
        assert_eq!(seen(clock("boot-1", 2), 10, ProcessSeen::Unverifiable).token(), "foreign");
    }

    #[test]
    fn l4_a_record_of_another_boot_is_stale_whatever_its_pid_means_here() {
        for process in [ProcessSeen::Alive, ProcessSeen::Gone, ProcessSeen::Unverifiable] {
            let state = seen(clock("boot-2", 1), 0, process);
            assert!(matches!(state, State::Stale { evidence: Staleness::OtherBoot { .. }, .. }), "{state}");
        }
    }

    #[test]
    fn a_paused_owner_is_stale_from_the_expiry_on() {
        assert_eq!(seen(clock("boot-1", 1), 29, ProcessSeen::Alive).token(), "running");
        let state = seen(clock("boot-1", 1), 32, ProcessSeen::Alive);
        let State::Stale { evidence: Staleness::Expired { ago, .. }, .. } = &state else { panic!("{state}") };
        assert_eq!(*ago, Duration::from_secs(2));
    }

    #[test]
    fn a_record_from_the_future_is_stale() {
        let state = classify(
            Content::Record(record()),
            &clock("boot-1", 1),
            BootTime::from_nanos(1),
            ProcessSeen::Alive,
        );
        assert!(matches!(state, State::Stale { evidence: Staleness::FromTheFuture { .. }, .. }), "{state}");
    }

    proptest! {
        #[test]
        fn only_a_valid_record_without_a_dead_process_is_running(
            same_boot: bool, same_namespace: bool, now: u32, process in 0..3u8,
        ) {
            let process = [ProcessSeen::Alive, ProcessSeen::Gone, ProcessSeen::Unverifiable][process as usize];
            let here = clock(if same_boot { "boot-1" } else { "boot-2" }, if same_namespace { 1 } else { 2 });
            let now = BootTime::from_nanos(u64::from(now) * 50);
            let valid = matches!(record().standing(&here, now), Standing::Valid { .. });
            let state = classify(Content::Record(record()), &here, now, process);
            prop_assert_eq!(state.token() == "running", valid && process != ProcessSeen::Gone);
            prop_assert_eq!(state.record(), Some(&record()));
            prop_assert!(!state.to_string().is_empty());
        }
    }
}
