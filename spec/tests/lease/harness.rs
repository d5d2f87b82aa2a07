//! What every test of the lease needs: the driver loop, and a small cast of records, files and instants.

use std::time::Duration;

use modeld_spec::ids::{BootId, ClockDomain, Epoch, FileId, HostName, InstanceId, Namespace, ProcessId};
use modeld_spec::lease::acquire::{Claim, Owned};
use modeld_spec::lease::effect::{
    ClaimSeen, Content, Effect, Failure, FailureKind, LatchSeen, LockSeen, Observation, Seen,
};
use modeld_spec::lease::record::{Meta, ProtocolRange, Record, Residency, Unreadable};
use modeld_spec::step::{Machine, Step};
use modeld_spec::time::{BootTime, Observed, RenewInterval, Ttl};

/// What a script led to: the effects that were asked for, and where the machine stands.
pub(crate) struct Run<M: Machine> {
    /// Every effect asked for, in order; the last one is unanswered if the machine has not ended.
    pub(crate) effects: Vec<M::Effect>,
    /// The outcome, if the machine has ended.
    pub(crate) outcome: Option<M::Outcome>,
}

/// The driver: answers each effect with the next observation of the script.
pub(crate) fn drive<M: Machine>(step: Step<M>, script: impl IntoIterator<Item = M::Observed>) -> Run<M> {
    let mut effects = Vec::new();
    let mut script = script.into_iter();
    let mut step = step;
    loop {
        match step {
            Step::Done(outcome) => {
                assert!(script.next().is_none(), "the machine ended before its script");
                return Run { effects, outcome: Some(outcome) };
            }
            Step::Do(effect, machine) => {
                effects.push(effect);
                match script.next() {
                    Some(observed) => step = machine.step(observed),
                    None => return Run { effects, outcome: None },
                }
            }
        }
    }
}

impl<M: Machine<Effect = Effect>> Run<M> {
    /// The names of the effects, in order.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.effects.iter().map(Effect::name).collect()
    }
}

impl<M: Machine> Run<M> {
    /// The outcome of a script that is complete.
    pub(crate) fn ended(self) -> M::Outcome {
        self.outcome.expect("the machine waits for more than the script has")
    }
}

/// The time to live of every record here: a second. The deadline is at 750 ms.
pub(crate) fn ttl() -> Ttl {
    Ttl::new(Duration::from_secs(1)).expect("a second is within the bounds")
}

/// How often every owner here renews: every 300 ms.
pub(crate) fn interval() -> RenewInterval {
    RenewInterval::new(Duration::from_millis(300), ttl()).expect("it is less than half of a second")
}

/// `ms` milliseconds after the instant at which the stories here begin.
pub(crate) fn at(ms: u64) -> BootTime {
    BootTime::from_nanos((60_000 + ms) * 1_000_000)
}

/// Observed at `ms`.
pub(crate) fn seen<T>(ms: u64, what: T) -> Observed<T> {
    Observed { at: at(ms), what }
}

pub(crate) fn here() -> ClockDomain {
    domain("boot-1", 1)
}

pub(crate) fn domain(boot: &str, time_namespace: u64) -> ClockDomain {
    ClockDomain { boot_id: BootId::new(boot).expect("a boot id"), time_namespace: Namespace(time_namespace) }
}

pub(crate) fn instance(name: &str) -> InstanceId {
    InstanceId::new(name).expect("an instance id")
}

pub(crate) fn epoch(number: u64) -> Epoch {
    Epoch::new(number).expect("an epoch above zero")
}

/// The process of the instance with this name: its pid is its first letter.
pub(crate) fn process(name: &str) -> ProcessId {
    ProcessId {
        pid: u32::from(name.as_bytes().first().copied().unwrap_or(b'?')),
        start_time: 1,
        pid_namespace: Namespace(7),
        time_namespace: here().time_namespace,
    }
}

pub(crate) fn file(inode: u64) -> FileId {
    FileId { device: 1, inode }
}

pub(crate) fn held() -> Residency {
    Residency::Held(file(1))
}

pub(crate) fn claim(name: &str) -> Claim {
    Claim {
        instance: instance(name),
        process: process(name),
        host: HostName::lossy("host"),
        clock: here(),
        ttl: ttl(),
        meta: Meta::default(),
        protocol: ProtocolRange::CURRENT,
    }
}

/// The record of `name` with epoch `number`, renewed at `ms`, its owner having the residency lock on file 1.
pub(crate) fn record(name: &str, number: u64, ms: u64) -> Record {
    let claim = claim(name);
    Record {
        epoch: epoch(number),
        instance: claim.instance,
        process: claim.process,
        host: claim.host,
        clock: claim.clock,
        acquired_at: at(ms),
        renewed_at: at(ms),
        ttl: claim.ttl,
        residency: held(),
        meta: claim.meta,
        protocol: claim.protocol,
    }
}

/// The record of a leader that waits for the lock that `holder` has on file 1.
pub(crate) fn awaiting(name: &str, number: u64, ms: u64, holder: &str) -> Record {
    let residency = Residency::Awaited { file: file(1), holder: Some(process(holder)) };
    Record { residency, ..record(name, number, ms) }
}

pub(crate) fn owned(name: &str, number: u64, ms: u64) -> Owned {
    Owned { record: record(name, number, ms) }
}

pub(crate) fn eio() -> Failure {
    Failure {
        doing: "do",
        path: "file".to_string(),
        cause: "input/output error".to_string(),
        kind: FailureKind::Other,
    }
}

/// The failure of an effect, at `ms`.
pub(crate) fn failed(ms: u64) -> Observation {
    seen(ms, Seen::Failed(eio()))
}

pub(crate) fn latched(ms: u64) -> Observation {
    seen(ms, Seen::Latch(LatchSeen::Taken))
}

pub(crate) fn latch_busy(ms: u64) -> Observation {
    seen(ms, Seen::Latch(LatchSeen::Busy))
}

pub(crate) fn read(ms: u64, record: Record) -> Observation {
    seen(ms, Seen::Record(Content::Record(record)))
}

pub(crate) fn absent(ms: u64) -> Observation {
    seen(ms, Seen::Record(Content::Absent))
}

pub(crate) fn unreadable() -> Content {
    Content::Unreadable(Unreadable("it ends early".to_string()))
}

pub(crate) fn free(ms: u64) -> Observation {
    seen(ms, Seen::Residency(LockSeen::Taken(file(1))))
}

pub(crate) fn taken_by_another(ms: u64) -> Observation {
    seen(ms, Seen::Residency(LockSeen::Held(file(1))))
}

pub(crate) fn epochs(ms: u64, highest: Option<u64>) -> Observation {
    seen(ms, Seen::Epochs(highest.map(epoch)))
}

pub(crate) fn granted(ms: u64) -> Observation {
    seen(ms, Seen::Claim(ClaimSeen::Granted))
}

pub(crate) fn refused(ms: u64) -> Observation {
    seen(ms, Seen::Claim(ClaimSeen::Refused))
}

pub(crate) fn done(ms: u64) -> Observation {
    seen(ms, Seen::Done)
}
