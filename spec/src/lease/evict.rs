//! Evicting: ending a wedged previous owner whose memory the leader needs.
//!
//! Implements L12: nothing is killed without proof that it is the process that the record named, in this boot,
//! in our count of pids and of time; the proof and the signal are one effect ([`Effect::KillProcess`]).

use super::effect::{Effect, Failure, Observation, ProcessSeen, Seen};
use crate::ids::ProcessId;
use crate::step::{Breach, Machine, Step};

/// What a leader does about a previous owner that keeps the residency lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Policy {
    /// Wait until it lets go.
    #[default]
    Wait,
    /// End it.
    Kill,
}

/// How an eviction ended.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The process was killed; the kernel drops its lock.
    Killed(ProcessId),
    /// The process had ended before.
    Gone(ProcessId),
    /// Nobody was killed: it is not known which process has the lock, or it can't be told from another one.
    Unproven,
    /// Nobody was killed: the policy is to wait.
    Waiting,
    /// The system refused.
    Failed(Failure),
    /// The driver broke the contract.
    Breach(Breach),
}

/// An eviction, in progress.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Evict {
    process: ProcessId,
}

impl Evict {
    /// Begins to evict `holder`, as far as `policy` and proof allow; `here` is the caller's own process.
    pub fn start(holder: Option<ProcessId>, policy: Policy, here: ProcessId) -> Step<Self> {
        match (policy, holder) {
            (Policy::Wait, _) => Step::Done(Outcome::Waiting),
            (Policy::Kill, Some(process)) if process.comparable_from(here) => {
                Step::Do(Effect::KillProcess(process), Evict { process })
            }
            (Policy::Kill, _) => Step::Done(Outcome::Unproven),
        }
    }
}

impl Machine for Evict {
    type Effect = Effect;
    type Observed = Observation;
    type Outcome = Outcome;

    fn step(self, observed: Observation) -> Step<Self> {
        Step::Done(match observed.what {
            Seen::Process(ProcessSeen::Alive) => Outcome::Killed(self.process),
            Seen::Process(ProcessSeen::Gone) => Outcome::Gone(self.process),
            Seen::Process(ProcessSeen::Unverifiable) => Outcome::Unproven,
            Seen::Failed(failure) => Outcome::Failed(failure),
            _ => Outcome::Breach(Breach { expected: "kill process" }),
        })
    }
}
