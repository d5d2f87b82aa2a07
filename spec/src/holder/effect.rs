//! What a holder asks of the outside, and what it sees.
//!
//! Each effect is one atomic thing; a crash or a pause can fall between any two. Loads and ends of members run
//! beside the holder, which hears of their end: it is never busy with one.

use core::time::Duration;

use super::frame::{Reply, Request, Ticket};

/// Names a connection for as long as the holder lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u32);

/// One atomic thing that the outside can do for a holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect<N> {
    /// Begin to watch the client that started this process, named by pid and start time at the launch. Answer:
    /// [`Seen::Parent`].
    WatchParent,
    /// Open the holder's own socket. Answer: [`Seen::Done`] or [`Seen::Failed`].
    Listen,
    /// Tell whoever started the process that it serves. Answer: [`Seen::Done`] or [`Seen::Failed`].
    TellReady,
    /// Wait for anything. Answer: what happened. Every deadline of
    /// [`Holder::deadlines`](super::serve::Holder::deadlines) bounds the wait.
    Await,
    /// See whether the client lives. Answer: [`Seen::Parent`].
    InspectParent,
    /// Send a reply, or drop it if the peer is gone or does not read. Answer: [`Seen::Done`] or [`Seen::Failed`].
    Send(ConnId, Reply),
    /// End a connection. Answer: [`Seen::Done`].
    Close(ConnId),
    /// Accept no more connections on the holder's own socket, and remove it if it is this process's. Answer:
    /// [`Seen::Done`] or [`Seen::Failed`].
    CloseDoors,
    /// Open the socket of a member. Answer: [`Seen::Done`] or [`Seen::Failed`].
    OpenSocket(N, Ticket),
    /// Begin to load a member. Answer: [`Seen::Done`] at once; [`Seen::MemberUp`] or [`Seen::MemberFailed`] later.
    BeginLoad(N, Ticket),
    /// Begin to end whatever there is of a member: a load under way, a model in memory, or nothing. Answer:
    /// [`Seen::Done`] at once, and later, always, [`Seen::MemberGone`].
    EndMember(N, Ticket),
    /// Close the socket of a member, and remove it if it is this process's. Answer: [`Seen::Done`] or
    /// [`Seen::Failed`].
    CloseSocket(N, Ticket),
}

impl<N> Effect<N> {
    /// Its name, for breaches and traces.
    pub fn name(&self) -> &'static str {
        match self {
            Effect::WatchParent => "watch parent",
            Effect::Listen => "listen",
            Effect::TellReady => "tell ready",
            Effect::Await => "await",
            Effect::InspectParent => "inspect parent",
            Effect::Send(..) => "send",
            Effect::Close(_) => "close",
            Effect::CloseDoors => "close doors",
            Effect::OpenSocket(..) => "open socket",
            Effect::BeginLoad(..) => "begin load",
            Effect::EndMember(..) => "end member",
            Effect::CloseSocket(..) => "close socket",
        }
    }
}

/// What a holder observes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seen<N> {
    /// It was done.
    Done,
    /// It could not be done.
    Failed,
    /// What is known of the client's process.
    Parent(ParentSeen),
    /// Somebody connected.
    Accepted(ConnId, Peer),
    /// Somebody said something.
    Said(ConnId, Request<N>),
    /// A connection ended: closed by the peer, or by the kernel when the peer's process ended.
    Ended(ConnId),
    /// The process that is watched has ended.
    ParentGone,
    /// This process has got another parent: the direct one has ended.
    Reparented,
    /// A deadline that stood came.
    Expired(Deadline),
    /// A member's load is complete.
    MemberUp(Ticket),
    /// A member's load failed, or its model died.
    MemberFailed(Ticket),
    /// Nothing is left of a member.
    MemberGone(Ticket),
    /// The user asks the process to end (SIGTERM, SIGINT).
    Terminate,
}

/// What is known of the process that started the holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParentSeen {
    /// It lives, and its end will be seen ([`Seen::ParentGone`]).
    Watched,
    /// It has ended: nothing has its pid, or a process that was started at another time.
    Gone,
    /// It can't be told from another process: its pid or start counts in another namespace, or the system
    /// offers no descriptor for it.
    Unverifiable {
        /// Whether it was this process's direct parent when the holder began, so that a change of parent is its end.
        direct: bool,
    },
}

/// Whose process is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    /// One of the user to whom the holder belongs, or of root.
    Own,
    /// Another user's.
    Foreign,
}

/// What a holder waits for no longer than a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deadline {
    /// That its client binds it.
    Bind,
    /// That something is said on a connection.
    Line(ConnId),
    /// That the memory of its members is back.
    Drain,
}

impl Deadline {
    /// How long after the deadline began to stand it comes.
    pub fn length(self) -> Duration {
        match self {
            // The client's own bounds on three attempts end before it.
            Deadline::Bind => Duration::from_secs(60),
            // A hello, a bind, an ack and a question are each sent at once by whoever means them.
            Deadline::Line(_) => Duration::from_secs(10),
            // Below the time that service managers leave before they kill, 90 s where nothing is configured.
            Deadline::Drain => Duration::from_secs(30),
        }
    }
}

/// Why a holder ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// The client to which it is bound has ended or hung up.
    ClientGone,
    /// Its client did not bind it in time.
    NeverBound,
    /// It was asked to.
    Asked,
    /// A detached holder's last member has left.
    LastMemberLeft,
}
