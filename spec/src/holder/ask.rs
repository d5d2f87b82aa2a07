//! Asking a holder one thing: add a member through a sibling's socket, stop one, stop all.
//!
//! ```text
//! Connect -> hello -> question -> Answered
//!    ^          \         \-- ended, silent --> HangUp --> the next attempt, of two; then Unanswered
//!    +-----------+----------------------------------+
//! ```
//!
//! A question is repeated word for word, with its ticket (H8): whoever asked it never learns less than the truth,
//! and nothing is done twice. `Unanswered` is neither yes nor no.

use core::time::Duration;

use super::frame::{Attempt, Handshake, Question, Refusal, Reply, Request, Versions};
use crate::step::{Breach, Machine, Step};

/// What a client asks of the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect<N> {
    /// Connect to the socket of a member that is thought to live, another one at each attempt. Answer:
    /// [`Seen::Done`], [`Seen::Failed`] or [`Seen::TimedOut`].
    Connect(Attempt),
    /// Say something. Answer: [`Seen::Done`] or [`Seen::Failed`].
    Say(Attempt, Request<N>),
    /// Wait for the reply to this. Answer: [`Seen::Reply`], [`Seen::Ended`] or [`Seen::TimedOut`].
    Receive(Attempt, Request<N>),
    /// End the connection. Answer: [`Seen::Done`].
    HangUp(Attempt),
}

impl<N> Effect<N> {
    /// How long it may take at most, where it waits for another process.
    pub fn within(&self) -> Option<Duration> {
        match self {
            Effect::Connect(_) | Effect::Receive(_, Request::Handshake(_)) => Some(Duration::from_secs(4)),
            // More than the holder's drain; a caller who waits for a load by its progress has `wait`.
            Effect::Receive(_, Request::Question(Question::Stop { .. } | Question::StopAll)) => {
                Some(Duration::from_secs(35))
            }
            Effect::Receive(_, Request::Question(Question::Add { .. })) => Some(Duration::from_secs(300)),
            Effect::Say(..) | Effect::HangUp(_) => None,
        }
    }

    /// Its name, for breaches and traces.
    pub fn name(&self) -> &'static str {
        match self {
            Effect::Connect(_) => "connect",
            Effect::Say(..) => "say",
            Effect::Receive(..) => "receive",
            Effect::HangUp(_) => "hang up",
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
    /// The bound of the effect has passed.
    TimedOut,
}

/// How it ended.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was not done.
    Refused(Refusal),
    /// Nothing is known of it.
    Unanswered(Problem),
    /// The driver broke the contract.
    Breach(Breach),
}

/// Why nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Problem {
    /// No reply came in time.
    #[error("the holder did not answer in time")]
    Silent,
    /// Nobody could be connected to, or the connection ended.
    #[error("the connection to the holder ended")]
    Disconnected,
    /// The holder had as many connections as it serves.
    #[error("the holder has as many connections as it serves")]
    Crowded,
    /// The reply does not fit.
    #[error("the holder answered something else than what it was asked")]
    Unexpected,
}

/// A question, in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ask<N> {
    versions: Versions,
    question: Question<N>,
    attempt: Attempt,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    Connecting,
    Saying(Topic),
    Hearing(Topic),
    HangingUp(Next),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Topic {
    Hello,
    Question,
}

/// What follows the end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Next {
    Retry,
    End(Outcome),
}

impl<N: Clone> Ask<N> {
    /// Begins to ask.
    pub fn start(versions: Versions, question: Question<N>) -> Step<Self> {
        let ask = Ask { versions, question, attempt: Attempt::FIRST, state: State::Connecting };
        Step::Do(ask.effect(), ask)
    }

    /// The effect that is to be performed.
    pub fn effect(&self) -> Effect<N> {
        match self.state {
            State::Connecting => Effect::Connect(self.attempt),
            State::Saying(topic) => Effect::Say(self.attempt, self.request(topic)),
            State::Hearing(topic) => Effect::Receive(self.attempt, self.request(topic)),
            State::HangingUp(_) => Effect::HangUp(self.attempt),
        }
    }

    fn request(&self, topic: Topic) -> Request<N> {
        match topic {
            Topic::Hello => Request::Handshake(Handshake::Hello(self.versions)),
            Topic::Question => Request::Question(self.question.clone()),
        }
    }

    fn to(mut self, state: State) -> Step<Self> {
        self.state = state;
        Step::Do(self.effect(), self)
    }

    fn retry(self, problem: Problem) -> Step<Self> {
        let next =
            if self.attempt < ATTEMPTS_MAX { Next::Retry } else { Next::End(Outcome::Unanswered(problem)) };
        self.to(State::HangingUp(next))
    }

    fn replied(self, topic: Topic, reply: Reply) -> Step<Self> {
        if reply == Reply::Refused(Refusal::TooManyConnections) {
            return self.retry(Problem::Crowded);
        }
        let outcome = match (topic, reply, &self.question) {
            (_, Reply::Refused(refusal), _) => Outcome::Refused(refusal),
            // H5: a version that was not offered is none.
            (Topic::Hello, Reply::Welcome(version), _) if self.versions.contains(version) => {
                return self.to(State::Saying(Topic::Question));
            }
            (Topic::Question, Reply::Up, Question::Add { .. })
            | (Topic::Question, Reply::Stopped, Question::Stop { .. } | Question::StopAll) => Outcome::Done,
            _ => Outcome::Unanswered(Problem::Unexpected),
        };
        self.to(State::HangingUp(Next::End(outcome)))
    }
}

impl<N: Clone> Machine for Ask<N> {
    type Effect = Effect<N>;
    type Observed = Seen;
    type Outcome = Outcome;

    fn step(mut self, seen: Seen) -> Step<Self> {
        match (self.state, seen) {
            (State::Connecting, Seen::Done) => self.to(State::Saying(Topic::Hello)),
            (State::Saying(topic), Seen::Done) => self.to(State::Hearing(topic)),
            (State::Hearing(topic), Seen::Reply(reply)) => self.replied(topic, reply),
            (State::Connecting | State::Saying(_), Seen::Failed) | (State::Hearing(_), Seen::Ended) => {
                self.retry(Problem::Disconnected)
            }
            (State::Connecting | State::Hearing(_), Seen::TimedOut) => self.retry(Problem::Silent),
            (State::HangingUp(Next::Retry), Seen::Done) => {
                self.attempt = self.attempt.next();
                self.to(State::Connecting)
            }
            (State::HangingUp(Next::End(outcome)), Seen::Done) => Step::Done(outcome),
            _ => Step::Done(Outcome::Breach(Breach { expected: self.effect().name() })),
        }
    }
}

/// Two: the sibling that was asked first may be the one that leaves.
pub const ATTEMPTS_MAX: Attempt = Attempt(2);
