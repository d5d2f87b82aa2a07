//! What is said on a connection to a holder: versions, requests, replies, refusals.
//!
//! ```text
//! client                      holder
//! hello(1..2)       ---->
//!                   <----     welcome(2)      or refused(versions 3..4), and the connection ends
//! bind(token, 1)    ---->
//!                   <----     offer(1)
//! ack               ---->                     from here on the end of this connection ends the holder
//!                   <----     bound(1)        from here on the client may rely on it
//! ```
//!
//! Frames are values here; how they are put into bytes, and how large one may be, is the shell's business. Texts
//! (why a load failed) travel beside a reply and decide nothing.

/// A version of this protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u8);

/// The versions that a process speaks, from the lowest to the highest (H5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Versions {
    min: Version,
    max: Version,
}

impl Versions {
    /// What this revision speaks.
    pub const OURS: Versions = Versions { min: Version(1), max: Version(1) };

    /// The versions from `min` to `max`; `None` if there is none.
    pub fn new(min: Version, max: Version) -> Option<Self> {
        (min <= max).then_some(Versions { min, max })
    }

    /// The highest version that both speak; `None` if they have to part.
    pub fn common(self, other: Versions) -> Option<Version> {
        let version = self.max.min(other.max);
        (self.min.max(other.min) <= version).then_some(version)
    }

    /// Whether `version` is one of them.
    pub fn contains(self, version: Version) -> bool {
        self.min <= version && version <= self.max
    }

    /// The lowest.
    pub fn min(self) -> Version {
        self.min
    }

    /// The highest.
    pub fn max(self) -> Version {
        self.max
    }
}

/// What a client gives to the holder that it starts, and proves itself with when it binds.
///
/// Random, made for one holder. It keeps the connections of one user apart; users are kept apart by the
/// credentials of the peer ([`Peer`](super::effect::Peer)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(pub u64);

/// The number of an attempt to bind: from 1 on, rising with each connection that a client tries (H4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt(pub u8);

impl Attempt {
    /// The first.
    pub const FIRST: Attempt = Attempt(1);

    /// The one after it.
    #[must_use]
    pub fn next(self) -> Attempt {
        Attempt(self.0.saturating_add(1))
    }
}

/// Names one wish for a member: random, the same at every retry of it, never used for another (H8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub u64);

/// What a client says. `N` is the name of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request<N> {
    /// Part of the handshake.
    Handshake(Handshake),
    /// A question; one is open on a connection at a time, and each has an answer.
    Question(Question<N>),
}

/// How a connection begins, and how it is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Handshake {
    /// The first frame on every connection.
    Hello(Versions),
    /// Asks to be the client whose end is the holder's end.
    Bind {
        /// What the holder was started with.
        token: Token,
        /// Which attempt of the client this is.
        attempt: Attempt,
    },
    /// Commits to hold this very connection, which was offered: from its receipt on its end counts (H2).
    Ack,
}

/// What a client wants of the members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Question<N> {
    /// Load this member. Answered when it is up, or with the reason why it is not.
    Add {
        /// Its name.
        member: N,
        /// This wish.
        ticket: Ticket,
    },
    /// End this member. Answered when its memory is back.
    Stop {
        /// Its name.
        member: N,
    },
    /// End every member and the holder. Answered when all memory is back.
    StopAll,
}

/// What a holder says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// The version to speak.
    Welcome(Version),
    /// The holder will watch this connection if it is acked.
    Offer(Attempt),
    /// The holder watches this connection.
    Bound(Attempt),
    /// The member is up.
    Up,
    /// The memory of what was to be stopped is back.
    Stopped,
    /// It was not done.
    Refused(Refusal),
}

/// Why something was not done. A refusal has no effect other than the reply, and where
/// [`parts`](Refusal::parts) says so the end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The peer is another user's process.
    #[error("the holder belongs to another user")]
    NotPermitted,
    /// More connections than the holder serves.
    #[error("the holder has as many connections as it serves")]
    TooManyConnections,
    /// Something was said before hello.
    #[error("a connection begins with hello")]
    HelloFirst,
    /// No version is spoken by both.
    #[error("the holder speaks versions {} to {}", .0.min().0, .0.max().0)]
    Versions(Versions),
    /// The frame does not fit what was said before.
    #[error("the request does not fit what was said before")]
    Unexpected,
    /// The holder is detached: nobody's end is its end.
    #[error("the holder is detached and is bound to nobody")]
    Detached,
    /// The token is another one.
    #[error("the holder was started by another client")]
    WrongToken,
    /// A later attempt of the same client came first.
    #[error("a later attempt to bind came first")]
    Superseded,
    /// Only the client that a bound holder belongs to may end it.
    #[error("the holder is bound to another client")]
    NotYours,
    /// The holder is about to end.
    #[error("the holder is ending")]
    Ending,
    /// There is a member of this name, which another wish brought.
    #[error("there is a member of this name")]
    Exists,
    /// This wish was fulfilled or failed before, and the member has left since.
    #[error("the member of this request {0}")]
    Spent(Fate),
    /// As many members as the holder has room for.
    #[error("the holder has as many members as it has room for")]
    Full,
    /// No member of this name.
    #[error("there is no such member")]
    NoSuchMember,
    /// The member that was to come up has left.
    #[error("the member {0}")]
    Left(Fate),
    /// The holder ends although memory could not be freed in time; the kernel frees it with the process.
    #[error("memory was not freed in time")]
    MemoryHeld,
}

impl Refusal {
    /// Whether the holder ends the connection after it, unless it is the one that it watches (H3).
    pub fn parts(self) -> bool {
        matches!(
            self,
            Refusal::NotPermitted
                | Refusal::TooManyConnections
                | Refusal::HelloFirst
                | Refusal::Versions(_)
                | Refusal::Unexpected
                | Refusal::Detached
                | Refusal::WrongToken
                | Refusal::Superseded
        )
    }
}

/// How a member left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Somebody stopped it, or the holder ended.
    Stopped,
    /// Its load failed, or its model died.
    Failed,
}

impl core::fmt::Display for Fate {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Fate::Stopped => "was stopped",
            Fate::Failed => "failed",
        })
    }
}
