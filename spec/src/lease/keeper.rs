//! Keeping: the owner renews in time, or stops in time.
//!
//! ```text
//!            renewal due                 renewed                 the record says that we have the lock
//! Await ----------------> Begin renewal ---------> Extend gate -+-> Open residency (a leader, once) -> Await ...
//!   |  deadline passed, lease lost, gate refused                +-> Await ...
//!   v
//! Fence ---> Lost (final: L6)
//! ```
//!
//! The deadline does not depend on the renewal: a renewal runs beside the keeper and may never return (L5).
//! Implements L5, L6, L8 and L16. The keeper waits for one of: the instant it named, the end of the renewal that it
//! began, the residency lock (if it leads without it), and being asked to stop.

use super::acquire::Owned;
use super::record::Residency;
use super::renew::{self, Problem};
use crate::ids::{Epoch, FileId};
use crate::step::{Breach, Machine, Step};
use crate::time::{BootTime, Instants, Observed, RenewInterval, Role};

/// What the keeper asks of the outside.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Wait until this instant, or until something else happens. Answer: any of [`Seen::Woke`],
    /// [`Seen::RenewalEnded`], [`Seen::ResidencyTaken`], [`Seen::StopAsked`].
    Await {
        /// The instant.
        until: BootTime,
        /// What happens then.
        reason: Reason,
    },
    /// Begin a renewal beside the keeper ([`renew::Renew::start`]). Answer: [`Seen::Done`] at once.
    BeginRenewal {
        /// What is renewed.
        owned: Owned,
        /// What the owner has of the residency lock.
        residency: Residency,
    },
    /// Move the deadline of the gate. Answer: [`Seen::GateMoved`].
    ExtendGate(BootTime),
    /// Let owned effects begin: the residency lock is in hand, and the record says so. Answer: [`Seen::Done`].
    OpenResidency,
    /// Close the gate for good and tell everybody why. Answer: [`Seen::Done`].
    Fence(Cause),
}

impl Effect {
    /// The name of the effect, for traces and reports.
    pub fn name(&self) -> &'static str {
        match self {
            Effect::Await { .. } => "await",
            Effect::BeginRenewal { .. } => "begin renewal",
            Effect::ExtendGate(_) => "extend gate",
            Effect::OpenResidency => "open residency",
            Effect::Fence(_) => "fence",
        }
    }
}

/// Why the keeper wakes at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A renewal is due.
    Renewal,
    /// The deadline, after which nothing owned begins.
    Deadline,
}

/// What the keeper observes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// The instant came.
    Woke,
    /// The renewal that was begun has ended.
    RenewalEnded(renew::Outcome),
    /// The residency lock was taken on this file, by the wait that runs beside the keeper. That wait is for the
    /// very file that was found held: the lock on one that replaced it under its name is ignored (L14).
    ResidencyTaken(FileId),
    /// The owner hands over: keep no longer.
    StopAsked,
    /// Whether the gate took the new deadline; it refuses once its old one has passed (L6).
    GateMoved(bool),
    /// It was done.
    Done,
}

/// Why an ownership ended against the owner's will.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Cause {
    /// It could not be renewed before its deadline.
    #[error("the lease could not be renewed before its deadline{}", because(.0))]
    DeadlinePassed(Option<Problem>),
    /// A later epoch was granted to somebody else.
    #[error("epoch {0} was granted to another owner")]
    Superseded(Epoch),
    /// The driver of a machine broke its contract.
    #[error(transparent)]
    Breach(Breach),
}

/// How keeping ended.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The gate is closed; the owner has to free what it has.
    Lost {
        /// What was owned.
        owned: Owned,
        /// Why it ended.
        cause: Cause,
    },
    /// The owner asked to stop; the gate is as it was.
    Stopped {
        /// What is owned, to be released.
        owned: Owned,
    },
}

/// Keeps one ownership.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Keeper {
    owned: Owned,
    residency: Residency,
    /// Whether owned effects may begin, as far as the residency lock goes (L16).
    open: bool,
    interval: RenewInterval,
    next_renewal: BootTime,
    renewing: bool,
    stopping: bool,
    last_problem: Option<Problem>,
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    Waiting,
    Beginning,
    Extending,
    Opening,
    Fencing(Cause),
}

impl Keeper {
    /// Begins to keep what was acquired, renewing every `interval`, which is that of its TTL.
    pub fn start(owned: Owned, interval: RenewInterval) -> Step<Self> {
        let keeper = Keeper {
            open: matches!(owned.record.residency, Residency::Held(_)),
            residency: owned.record.residency.clone(),
            next_renewal: owned.record.renewed_at.after(interval.length()),
            owned,
            interval,
            renewing: false,
            stopping: false,
            last_problem: None,
            state: State::Waiting,
        };
        keeper.wait()
    }

    fn to(mut self, state: State, effect: Effect) -> Step<Self> {
        self.state = state;
        Step::Do(effect, self)
    }

    fn wait(self) -> Step<Self> {
        let deadline = self.owned.deadline();
        let (until, reason) = if self.renewing || deadline <= self.next_renewal {
            (deadline, Reason::Deadline)
        } else {
            (self.next_renewal, Reason::Renewal)
        };
        self.to(State::Waiting, Effect::Await { until, reason })
    }

    fn fence(self, cause: Cause) -> Step<Self> {
        self.to(State::Fencing(cause.clone()), Effect::Fence(cause))
    }

    /// Fences for the deadline; what the last renewal failed of is the reason, if one failed.
    fn too_late(self) -> Step<Self> {
        let problem = self.last_problem.clone();
        self.fence(Cause::DeadlinePassed(problem))
    }

    /// What to do at `at`, with nothing new to take in.
    fn proceed(self, at: BootTime) -> Step<Self> {
        if self.owned.deadline() <= at {
            self.too_late()
        } else if self.stopping && !self.renewing {
            Step::Done(Outcome::Stopped { owned: self.owned })
        } else if !self.stopping && !self.renewing && self.next_renewal <= at {
            let effect =
                Effect::BeginRenewal { owned: self.owned.clone(), residency: self.residency.clone() };
            self.to(State::Beginning, effect)
        } else {
            self.wait()
        }
    }

    fn renewal_ended(mut self, outcome: renew::Outcome, at: BootTime) -> Step<Self> {
        self.renewing = false;
        match outcome {
            renew::Outcome::Renewed(owned) => {
                let deadline = owned.deadline();
                let current = self.owned.deadline();
                // L6: a renewal that ends after the deadline it was to move comes too late.
                if current <= at {
                    return self.too_late();
                }
                self.last_problem = None;
                self.next_renewal = if self.residency == owned.record.residency {
                    owned.record.renewed_at.after(self.interval.length())
                } else {
                    // The lock came while the renewal ran: the record has to say so soon (L7).
                    at
                };
                self.owned = owned;
                self.to(State::Extending, Effect::ExtendGate(deadline))
            }
            renew::Outcome::Lost { to } => self.fence(Cause::Superseded(to)),
            renew::Outcome::Late => self.too_late(),
            renew::Outcome::Breach(breach) => self.fence(Cause::Breach(breach)),
            // L8: the deadline stands. The next try comes soon enough to leave several before the deadline.
            renew::Outcome::Unknown(problem) => {
                self.last_problem = Some(problem);
                self.next_renewal = at.after(self.owned.deadline().since(at) / RETRIES_BEFORE_DEADLINE);
                self.proceed(at)
            }
        }
    }
}

impl Machine for Keeper {
    type Effect = Effect;
    type Observed = Observed<Seen>;
    type Outcome = Outcome;

    fn step(mut self, observed: Observed<Seen>) -> Step<Self> {
        let at = observed.at;
        let state = core::mem::replace(&mut self.state, State::Waiting);
        match (state, observed.what) {
            (State::Waiting, Seen::Woke) => self.proceed(at),
            (State::Waiting, Seen::RenewalEnded(outcome)) if self.renewing => self.renewal_ended(outcome, at),
            (State::Waiting, Seen::StopAsked) => {
                self.stopping = true;
                self.proceed(at)
            }
            // L14: the lock file was replaced; the lock on the new one does not say that the memory is back.
            (State::Waiting, Seen::ResidencyTaken(taken)) if matches!(self.residency, Residency::Awaited { file, .. } if file != taken) => {
                self.proceed(at)
            }
            (State::Waiting, Seen::ResidencyTaken(file)) => {
                self.residency = Residency::Held(file);
                self.next_renewal = at;
                self.proceed(at)
            }

            (State::Beginning, Seen::Done) => {
                self.renewing = true;
                self.wait()
            }
            // L16: the renewal found under the latch that nobody took over, and wrote that the lock is ours.
            (State::Extending, Seen::GateMoved(true))
                if !self.open && matches!(self.owned.record.residency, Residency::Held(_)) =>
            {
                self.to(State::Opening, Effect::OpenResidency)
            }
            (State::Extending, Seen::GateMoved(true)) => self.proceed(at),
            (State::Opening, Seen::Done) => {
                self.open = true;
                self.proceed(at)
            }
            (State::Extending, Seen::GateMoved(false)) => self.too_late(),
            (State::Fencing(cause), Seen::Done) => Step::Done(Outcome::Lost { owned: self.owned, cause }),

            (state, _) => {
                let expected = state.pending();
                match state {
                    // Fencing is final whatever the driver answers.
                    State::Fencing(cause) => Step::Done(Outcome::Lost { owned: self.owned, cause }),
                    _ => self.fence(Cause::Breach(Breach { expected })),
                }
            }
        }
    }
}

impl State {
    fn pending(&self) -> &'static str {
        match self {
            State::Waiting => "await",
            State::Beginning => "begin renewal",
            State::Extending => "extend gate",
            State::Opening => "open residency",
            State::Fencing(_) => "fence",
        }
    }
}

impl Instants for Effect {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        match self {
            Effect::Await { until, .. } | Effect::ExtendGate(until) => change(Role::Until, until),
            Effect::BeginRenewal { owned, .. } => owned.instants(change),
            Effect::OpenResidency | Effect::Fence(_) => {}
        }
    }
}

impl Instants for Seen {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        if let Seen::RenewalEnded(outcome) = self {
            outcome.instants(change);
        }
    }
}

impl Instants for Outcome {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        match self {
            Outcome::Lost { owned, .. } | Outcome::Stopped { owned } => owned.instants(change),
        }
    }
}

impl Instants for Keeper {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        self.owned.instants(change);
        change(Role::Until, &mut self.next_renewal);
    }
}

fn because(problem: &Option<Problem>) -> alloc::string::String {
    match problem {
        Some(problem) => alloc::format!(": {problem}"),
        None => alloc::string::String::new(),
    }
}

/// After a renewal with an unknown outcome the rest of the time to the deadline is divided by this, so that
/// one transient error, and several, leave the lease where it is.
const RETRIES_BEFORE_DEADLINE: u32 = 4;
