//! One connection, as the holder sees it.
//!
//! ```text
//! Silent --hello--> Greeted --bind--> Offered --ack--> Armed --a later attempt is armed--> Released
//! ```
//!
//! In every state a refusal can end it; the holder itself ends any but `Armed` ones when nothing is said for long
//! (H11). The end of a connection means something in `Armed` alone (H1).

use super::effect::ConnId;
use super::frame::{Attempt, Refusal, Reply, Ticket};

/// One connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    /// Its name.
    pub conn: ConnId,
    /// How far its handshake went.
    pub stage: Stage,
    /// The reply that is due.
    pub(super) owes: Option<Reply>,
    /// What its open question waits for.
    pub(super) waits: Option<WaitsFor>,
    /// Whether it is closed once nothing is owed.
    pub(super) parting: bool,
}

/// How far a handshake went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Nothing was said.
    Silent,
    /// A version was agreed upon.
    Greeted,
    /// The holder offered to watch it.
    Offered(Attempt),
    /// The holder watches it: its end is the end of the client.
    Armed(Attempt),
    /// It was armed, and a later attempt took its place: its end means nothing.
    Released,
}

/// What has to happen before a question is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WaitsFor {
    /// This member comes up.
    Up(Ticket),
    /// This member's memory is back.
    Gone(Ticket),
    /// The holder has ended all of its members.
    End,
}

impl Line {
    /// A connection on which nothing was said.
    pub(super) fn new(conn: ConnId) -> Self {
        Line { conn, stage: Stage::Silent, owes: None, waits: None, parting: false }
    }

    /// Whether the holder watches it.
    pub fn is_armed(&self) -> bool {
        matches!(self.stage, Stage::Armed(_))
    }

    /// Whether the next frame on it has to come within a bound: there is no open question, and it isn't watched.
    pub fn is_bounded(&self) -> bool {
        !self.is_armed() && self.waits.is_none() && !self.parting
    }

    /// Whether it is closed once it was told why.
    pub fn is_parting(&self) -> bool {
        self.parting
    }

    /// Whether a question on it waits for what it is about.
    pub fn is_asking(&self) -> bool {
        self.waits.is_some()
    }

    pub(super) fn answer(&mut self, reply: Reply) {
        self.waits = None;
        self.owes = Some(reply);
        if let Reply::Refused(refusal) = reply {
            // H3: what the holder watches it does not end by itself.
            self.parting |= refusal.parts() && !self.is_armed();
        }
    }

    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.answer(Reply::Refused(refusal));
    }
}
