//! Acquiring: one attempt to become the owner of a data root.
//!
//! ```text
//! AwaitLatch -> AwaitRecord -> AwaitResidency -+-> AwaitEpochs -> AwaitClaim -> AwaitReplace -+-> AwaitUnlatch -> Acquired
//!      |                                       |-> AwaitInspect -^                            |
//!      v busy                                  v follow                                       v failed
//!   Follower / Failed                     AwaitDrop -> AwaitUnlatch -> Follower / Failed <-----
//! ```
//!
//! Implements L2 (one decision under the latch), L3 (epochs), L4 (stamps), L7 and L8. Decides; performs
//! nothing. Ends as [`Outcome::Follower`] when somebody else owns; an I/O error is passed on and never read
//! as "free". Whatever it took, it drops before it ends without ownership.

use super::decision::{Verdict, Watched, Why, decide};
use super::effect::{
    ClaimSeen, Content, Effect, Failure, LatchSeen, LockSeen, Observation, ProcessSeen, Seen,
};
use super::record::{Meta, ProtocolRange, Record, Residency, Standing};
use crate::ids::{ClockDomain, Epoch, FileId, HostName, InstanceId, ProcessId};
use crate::step::{Breach, Machine, Step};
use crate::time::{BootTime, Instants, Role, Ttl};

/// Who asks for ownership, and on what terms.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The claimant.
    pub instance: InstanceId,
    /// Its process.
    pub process: ProcessId,
    /// Its machine, for people.
    pub host: HostName,
    /// Its clock.
    pub clock: ClockDomain,
    /// For how long a renewal is to be honoured.
    pub ttl: Ttl,
    /// How it will be reached.
    pub meta: Meta,
    /// What it speaks.
    pub protocol: ProtocolRange,
}

/// How an attempt ended.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The claimant owns the data root.
    Acquired(Owned),
    /// Somebody else does.
    Follower {
        /// Why.
        why: Why,
        /// When the record may be taken unless it changes, on the claimant's clock; `None` where no record
        /// tells.
        until: Option<BootTime>,
        /// What to hand to the next attempt.
        watched: Option<Watched>,
    },
    /// The latch stayed taken for the whole of the store's bound; nothing is known (L15).
    LatchBusy,
    /// An effect failed; nothing is known about the ownership (L8).
    Failed(Failure),
    /// No epoch is left to grant (L3).
    EpochsExhausted,
    /// The driver broke the contract.
    Breach(Breach),
}

/// An ownership: what the owner keeps of an acquisition and carries from renewal to renewal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owned {
    /// The record as it was last written.
    pub record: Record,
}

impl Owned {
    /// The number of the ownership.
    pub fn epoch(&self) -> Epoch {
        self.record.epoch
    }

    /// When the owner stops unless it renews (L5).
    pub fn deadline(&self) -> BootTime {
        self.record.deadline()
    }
}

/// One attempt, in progress.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Acquire {
    claim: Claim,
    watched: Option<Watched>,
    state: State,
}

/// What the attempt awaits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    Latch,
    Record,
    Residency { content: Content },
    Inspect { content: Content, process: ProcessId, file: FileId },
    Epochs { floor: Option<Epoch>, residency: Residency, stamp: BootTime },
    Claim { epoch: Epoch, residency: Residency, stamp: BootTime },
    Replace { record: Record },
    Drop { outcome: Outcome },
    Unlatch { outcome: Outcome },
}

impl Acquire {
    /// Begins an attempt. `watched` is what the previous attempt of the same claimant returned, if any.
    pub fn start(claim: Claim, watched: Option<Watched>) -> Step<Self> {
        Acquire { claim, watched, state: State::Latch }.wants(Effect::TakeLatch)
    }

    fn wants(self, effect: Effect) -> Step<Self> {
        Step::Do(effect, self)
    }

    fn to(mut self, state: State, effect: Effect) -> Step<Self> {
        self.state = state;
        self.wants(effect)
    }

    fn give_up(self, outcome: Outcome) -> Step<Self> {
        self.to(State::Drop { outcome }, Effect::DropResidency)
    }

    fn breach(expected: &Effect) -> Step<Self> {
        Step::Done(Outcome::Breach(Breach { expected: expected.name() }))
    }

    fn decided(self, content: Content, lock: LockSeen, at: BootTime) -> Step<Self> {
        let verdict = decide(&self.claim.clock, self.watched.as_ref(), &content, lock, at);
        match verdict {
            Verdict::Acquire(file) => self.claim_epoch(&content, Residency::Held(file), at),
            Verdict::Lead { file, holder } => {
                // L12: the process is named as the one to end; a record that it left itself does not make it so.
                let holder = holder.filter(|process| *process != self.claim.process);
                self.claim_epoch(&content, Residency::Awaited { file, holder }, at)
            }
            Verdict::Inspect(process, file) => {
                self.to(State::Inspect { content, process, file }, Effect::InspectProcess(process))
            }
            Verdict::Follow(why) => self.follow(why, &content, at),
        }
    }

    /// L3: the next epoch is above everything that any file remembers, this record included.
    fn claim_epoch(self, content: &Content, residency: Residency, stamp: BootTime) -> Step<Self> {
        let floor = match content {
            Content::Record(record) => Some(record.epoch),
            Content::Absent | Content::Unreadable(_) => None,
        };
        self.to(State::Epochs { floor, residency, stamp }, Effect::ReadEpochs)
    }

    fn follow(self, why: Why, content: &Content, at: BootTime) -> Step<Self> {
        let Content::Record(record) = content else {
            return self.give_up(Outcome::Follower { why, until: None, watched: None });
        };
        let watched = Watched::after(self.watched.as_ref(), record, at);
        let until = match record.standing(&self.claim.clock, at) {
            Standing::Valid { until } => Some(until),
            // L4: a record of another time namespace is waited out on our own clock.
            Standing::Incomparable => Some(record.ttl.expiry(watched.since)),
            Standing::Void | Standing::Expired { .. } | Standing::Implausible => None,
        };
        self.give_up(Outcome::Follower { why, until, watched: Some(watched) })
    }

    fn granted(self, epoch: Epoch, residency: Residency, stamp: BootTime) -> Step<Self> {
        let claim = &self.claim;
        let record = Record {
            epoch,
            instance: claim.instance.clone(),
            process: claim.process,
            host: claim.host.clone(),
            clock: claim.clock.clone(),
            acquired_at: stamp,
            renewed_at: stamp,
            ttl: claim.ttl,
            residency,
            meta: claim.meta.clone(),
            protocol: claim.protocol,
        };
        self.to(State::Replace { record: record.clone() }, Effect::ReplaceRecord(record))
    }
}

impl Machine for Acquire {
    type Effect = Effect;
    type Observed = Observation;
    type Outcome = Outcome;

    fn step(mut self, observed: Observation) -> Step<Self> {
        let state = core::mem::replace(&mut self.state, State::Latch);
        match (state, observed.what) {
            (State::Latch, Seen::Latch(LatchSeen::Taken)) => self.to(State::Record, Effect::ReadRecord),
            (State::Latch, Seen::Latch(LatchSeen::Busy)) => self.give_up(Outcome::LatchBusy),

            (State::Record, Seen::Record(content)) => {
                self.to(State::Residency { content }, Effect::TryResidency)
            }

            (State::Residency { content }, Seen::Residency(lock)) => self.decided(content, lock, observed.at),

            (State::Inspect { content, process, file }, Seen::Process(seen)) => match seen {
                ProcessSeen::Gone => self.claim_epoch(&content, Residency::Held(file), observed.at),
                // L14: without proof of its end the previous owner may still be resident.
                ProcessSeen::Alive | ProcessSeen::Unverifiable => {
                    self.follow(Why::LockReplaced(process), &content, observed.at)
                }
            },

            (State::Epochs { floor, residency, stamp }, Seen::Epochs(highest)) => {
                let next = match highest.max(floor) {
                    None => Some(Epoch::FIRST),
                    Some(epoch) => epoch.next(),
                };
                match next {
                    Some(epoch) => {
                        self.to(State::Claim { epoch, residency, stamp }, Effect::ClaimEpoch(epoch))
                    }
                    None => self.give_up(Outcome::EpochsExhausted),
                }
            }

            (State::Claim { epoch, residency, stamp }, Seen::Claim(ClaimSeen::Granted)) => {
                self.granted(epoch, residency, stamp)
            }
            // L3: somebody claimed it although we have the latch; theirs is granted, ours is the next one.
            (State::Claim { epoch, residency, stamp }, Seen::Claim(ClaimSeen::Refused)) => {
                self.to(State::Epochs { floor: Some(epoch), residency, stamp }, Effect::ReadEpochs)
            }

            (State::Replace { record }, Seen::Done) => {
                let outcome = Outcome::Acquired(Owned { record });
                self.to(State::Unlatch { outcome }, Effect::DropLatch)
            }

            // L8: a failure is passed on. A record that landed all the same says that its owner has a lock
            // that is free, or waits for one: the next claimant gets past it.
            (State::Latch, Seen::Failed(failure))
            | (State::Record, Seen::Failed(failure))
            | (State::Residency { .. }, Seen::Failed(failure))
            | (State::Inspect { .. }, Seen::Failed(failure))
            | (State::Epochs { .. }, Seen::Failed(failure))
            | (State::Claim { .. }, Seen::Failed(failure))
            | (State::Replace { .. }, Seen::Failed(failure)) => self.give_up(Outcome::Failed(failure)),

            // Dropping a lock ends with the descriptor closed, whatever the system says about it.
            (State::Drop { outcome }, Seen::Done | Seen::Failed(_)) => {
                self.to(State::Unlatch { outcome }, Effect::DropLatch)
            }
            (State::Unlatch { outcome }, Seen::Done | Seen::Failed(_)) => Step::Done(outcome),

            (state, _) => Acquire::breach(&state.pending()),
        }
    }
}

impl State {
    /// The effect that this state awaits an answer to.
    fn pending(&self) -> Effect {
        match self {
            State::Latch => Effect::TakeLatch,
            State::Record => Effect::ReadRecord,
            State::Residency { .. } => Effect::TryResidency,
            State::Inspect { process, .. } => Effect::InspectProcess(*process),
            State::Epochs { .. } => Effect::ReadEpochs,
            State::Claim { epoch, .. } => Effect::ClaimEpoch(*epoch),
            State::Replace { record } => Effect::ReplaceRecord(record.clone()),
            State::Drop { .. } => Effect::DropResidency,
            State::Unlatch { .. } => Effect::DropLatch,
        }
    }
}

impl Instants for Outcome {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        match self {
            Outcome::Acquired(owned) => owned.instants(change),
            Outcome::Follower { why, until, watched } => {
                why.instants(change);
                if let Some(until) = until {
                    change(Role::Until, until);
                }
                watched.instants(change);
            }
            Outcome::LatchBusy | Outcome::Failed(_) | Outcome::EpochsExhausted | Outcome::Breach(_) => {}
        }
    }
}

impl Instants for Owned {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        self.record.instants(change);
    }
}

impl Instants for Acquire {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        self.watched.instants(change);
        match &mut self.state {
            State::Residency { content } | State::Inspect { content, .. } => content.instants(change),
            State::Epochs { stamp, .. } | State::Claim { stamp, .. } => change(Role::From, stamp),
            State::Replace { record } => record.instants(change),
            State::Drop { outcome } | State::Unlatch { outcome } => outcome.instants(change),
            State::Latch | State::Record => {}
        }
    }
}
