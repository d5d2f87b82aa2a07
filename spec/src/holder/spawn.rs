//! Starting a holder, and binding it: the client's half of the handshake.
//!
//! ```text
//! StartChild -> AwaitReady -> Connect -> hello -> bind -> ack -> HangUpEarlier -> Bound
//!                                ^    \            (if bound)  \
//!                                |     +-- ended, silent -------+-- hello was answered, detached --> Detached
//!                                |              v
//!                                +------ the next attempt, of three; then, or after a refusal: EndChild -> Failed
//! ```
//!
//! All or nothing: what could not be bound or greeted is ended, and never left behind (H6). Earlier connections
//! stay open until a later one is bound (H4): the holder may have armed one whose `bound` did not arrive, and to
//! hang up would end it. The client believes to be bound when it has read `bound`, not when it has sent `ack` (H2).

use core::time::Duration;

use super::frame::{Attempt, Handshake, Refusal, Reply, Version, Versions};
use super::serve::Life;
use crate::step::{Breach, Machine, Step};

/// What a client asks of the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Start the holder's process. Answer: [`Seen::Done`] or [`Seen::Failed`].
    StartChild,
    /// Wait until it says that it serves, or ends. Answer: [`Seen::Done`], [`Seen::ChildEnded`] or [`Seen::TimedOut`].
    AwaitReady,
    /// Connect to its socket. Answer: [`Seen::Done`], [`Seen::Failed`] or [`Seen::TimedOut`].
    Connect(Attempt),
    /// Say something on that connection. Answer: [`Seen::Done`] or [`Seen::Failed`].
    Say(Attempt, Handshake),
    /// Wait for a reply. Answer: [`Seen::Reply`], [`Seen::Ended`] or [`Seen::TimedOut`].
    Receive(Attempt),
    /// End the connections before this one. Answer: [`Seen::Done`].
    HangUpEarlier(Attempt),
    /// End this connection. Answer: [`Seen::Done`].
    HangUp(Attempt),
    /// End the process that was started, by force if need be, and reap it. Answer: [`Seen::Done`].
    EndChild,
}

impl Effect {
    /// How long it may take at most, where it waits for another process.
    pub fn within(self) -> Option<Duration> {
        match self {
            // From exec to a listening socket, on a machine that is busy loading models.
            Effect::AwaitReady => Some(Duration::from_secs(10)),
            // The holder answers between two effects of its own; none of them takes long.
            Effect::Connect(_) | Effect::Receive(_) => Some(Duration::from_secs(4)),
            _ => None,
        }
    }

    /// Its name, for breaches and traces.
    pub fn name(&self) -> &'static str {
        match self {
            Effect::StartChild => "start child",
            Effect::AwaitReady => "await ready",
            Effect::Connect(_) => "connect",
            Effect::Say(..) => "say",
            Effect::Receive(_) => "receive",
            Effect::HangUpEarlier(_) => "hang up earlier",
            Effect::HangUp(_) => "hang up",
            Effect::EndChild => "end child",
        }
    }
}

/// What a client observes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// It was done.
    Done,
    /// It could not be done.
    Failed,
    /// A reply.
    Reply(Reply),
    /// The connection ended.
    Ended,
    /// The process that was started has ended.
    ChildEnded,
    /// The bound of the effect has passed.
    TimedOut,
}

/// What went wrong on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Problem {
    /// The process could not be started.
    #[error("the holder could not be started")]
    NotStarted,
    /// It ended before it served.
    #[error("the holder ended before it served")]
    ChildEnded,
    /// It said nothing in time.
    #[error("the holder did not answer in time")]
    Silent,
    /// It could not be connected to, or the connection ended.
    #[error("the connection to the holder ended")]
    Disconnected,
    /// It refused.
    #[error(transparent)]
    Refused(Refusal),
    /// It answered something else than what it was asked.
    #[error("the holder answered something else than what it was asked")]
    Unexpected,
}

/// How it ended.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The holder watches the connection of this attempt, which is the only one left.
    Bound {
        /// The attempt.
        attempt: Attempt,
        /// The version to speak on it.
        version: Version,
    },
    /// The holder serves and belongs to nobody.
    Detached {
        /// The version that was agreed upon.
        version: Version,
    },
    /// Nothing of it is left.
    Failed(Problem),
    /// The driver broke the contract.
    Breach(Breach),
}

/// The start of a holder, in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spawn {
    life: Life,
    versions: Versions,
    /// What the last welcome said.
    version: Version,
    attempt: Attempt,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    Starting,
    AwaitingReady,
    Connecting,
    Saying(Handshake),
    /// The reply to this is awaited.
    Hearing(Handshake),
    HangingUp(Outcome),
    Ending(Problem),
}

impl Spawn {
    /// Starts a holder of this life.
    pub fn start(life: Life, versions: Versions) -> Step<Self> {
        let version = versions.min();
        let spawn = Spawn { life, versions, version, attempt: Attempt::FIRST, state: State::Starting };
        Step::Do(Effect::StartChild, spawn)
    }

    /// Which attempt it is at.
    pub fn attempt(&self) -> Attempt {
        self.attempt
    }

    /// The effect that is to be performed.
    pub fn effect(&self) -> Effect {
        match self.state {
            State::Starting => Effect::StartChild,
            State::AwaitingReady => Effect::AwaitReady,
            State::Connecting => Effect::Connect(self.attempt),
            State::Saying(handshake) => Effect::Say(self.attempt, handshake),
            State::Hearing(_) => Effect::Receive(self.attempt),
            State::HangingUp(Outcome::Detached { .. }) => Effect::HangUp(self.attempt),
            State::HangingUp(_) => Effect::HangUpEarlier(self.attempt),
            State::Ending(_) => Effect::EndChild,
        }
    }

    fn to(mut self, state: State) -> Step<Self> {
        self.state = state;
        Step::Do(self.effect(), self)
    }

    fn retry(mut self, problem: Problem) -> Step<Self> {
        if self.attempt < ATTEMPTS_MAX {
            // H4: the connection that is given up stays open.
            self.attempt = self.attempt.next();
            self.to(State::Connecting)
        } else {
            self.to(State::Ending(problem))
        }
    }

    fn replied(mut self, to: Handshake, reply: Reply) -> Step<Self> {
        let attempt = self.attempt;
        match (to, reply) {
            // H3: strays may have taken the room for a moment; they are ended before long.
            (_, Reply::Refused(Refusal::TooManyConnections)) => {
                self.retry(Problem::Refused(Refusal::TooManyConnections))
            }
            (_, Reply::Refused(refusal)) => self.to(State::Ending(Problem::Refused(refusal))),
            // H5: a version that was not offered is none.
            (Handshake::Hello(_), Reply::Welcome(version)) if self.versions.contains(version) => {
                self.version = version;
                match self.life {
                    Life::Bound(token) => self.to(State::Saying(Handshake::Bind { token, attempt })),
                    Life::Detached => self.to(State::HangingUp(Outcome::Detached { version })),
                }
            }
            (Handshake::Bind { .. }, Reply::Offer(offered)) if offered == attempt => {
                self.to(State::Saying(Handshake::Ack))
            }
            // H2: this is the only place from which a client takes itself for bound.
            (Handshake::Ack, Reply::Bound(bound)) if bound == attempt => {
                self.to(State::HangingUp(Outcome::Bound { attempt, version: self.version }))
            }
            _ => self.to(State::Ending(Problem::Unexpected)),
        }
    }
}

impl Machine for Spawn {
    type Effect = Effect;
    type Observed = Seen;
    type Outcome = Outcome;

    fn step(self, seen: Seen) -> Step<Self> {
        match (self.state, seen) {
            (State::Starting, Seen::Done) => self.to(State::AwaitingReady),
            (State::Starting, Seen::Failed) => Step::Done(Outcome::Failed(Problem::NotStarted)),

            (State::AwaitingReady, Seen::Done) => self.to(State::Connecting),
            // H6: it is reaped, whatever it ended of.
            (State::AwaitingReady, Seen::ChildEnded) => self.to(State::Ending(Problem::ChildEnded)),
            (State::AwaitingReady, Seen::TimedOut) => self.to(State::Ending(Problem::Silent)),

            (State::Connecting, Seen::Done) => {
                let hello = Handshake::Hello(self.versions);
                self.to(State::Saying(hello))
            }
            (State::Saying(handshake), Seen::Done) => self.to(State::Hearing(handshake)),
            (State::Hearing(to), Seen::Reply(reply)) => self.replied(to, reply),

            (State::Connecting | State::Saying(_), Seen::Failed) | (State::Hearing(_), Seen::Ended) => {
                self.retry(Problem::Disconnected)
            }
            (State::Connecting | State::Hearing(_), Seen::TimedOut) => self.retry(Problem::Silent),

            (State::HangingUp(outcome), Seen::Done) => Step::Done(outcome),
            (State::Ending(problem), Seen::Done) => Step::Done(Outcome::Failed(problem)),
            _ => Step::Done(Outcome::Breach(Breach { expected: self.effect().name() })),
        }
    }
}

/// Three: each is short, and the last of them says why.
pub const ATTEMPTS_MAX: Attempt = Attempt(3);
