//! What the machines of the background daemon ask of the outside, and what it answers.
//!
//! Each effect is one atomic thing; a crash, a pause or an error can fall between any two. Whoever performs them
//! (files and processes, or the model) decides nothing.
//!
//! Two types are left open. `L` names one life of one daemon: the daemon uses what its metadata says (instance,
//! process, boot, endpoint), the model a small number; machines only compare lives and pass them on. `W` is what
//! the system or a child said in words: why something failed, how a process ended, the last lines of a log.

use crate::time::BootTime;

/// One atomic thing that the outside can do for a machine of the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect<L> {
    /// Take the start lock, waiting for it no longer than until this instant. Answer: [`Seen::Lock`].
    TakeStart {
        /// The end of the wait.
        until: BootTime,
    },
    /// Drop the start lock if it is in hand. Answer: [`Seen::Done`].
    DropStart,
    /// Take the run lock, waiting for it no longer than a moment. It is dropped by the end of the process and by
    /// nothing else (D1). Answer: [`Seen::Lock`].
    TakeRun,
    /// Look whether anybody has the run lock, without taking it (D7). Answer: [`Seen::Run`].
    LookRun,
    /// Read the metadata. Answer: [`Seen::Metadata`].
    ReadMetadata,
    /// Replace the metadata, whole or not at all. Answer: [`Seen::Done`].
    WriteMetadata(Said<L>),
    /// Look whether exactly this process lives, by [`proof::prove`](super::proof::prove). Answer:
    /// [`Seen::Process`].
    Inspect(L),
    /// Ask at the endpoint of this life who answers there, and in which phase. Answer: [`Seen::Answer`].
    Ask(L),
    /// Ask exactly this life to stop. Answer: [`Seen::Accepted`].
    AskStop(L),
    /// Send a signal to exactly this process, through a descriptor of it, or to nobody (D10). Answer:
    /// [`Seen::Sent`].
    Signal(L, Signal),
    /// Wait until this process has ended, no longer than until this instant. Answer: [`Seen::Ended`].
    AwaitEnd {
        /// Whose.
        who: L,
        /// The end of the wait.
        until: BootTime,
    },
    /// Wait a moment before looking again. Answer: [`Seen::Woke`], or [`Seen::Late`] once this instant has come.
    AwaitChange {
        /// The end of all waiting.
        until: BootTime,
    },
    /// Start a child with a channel to report on. It inherits nothing else. Answer: [`Seen::Done`].
    Spawn,
    /// Wait for a line of the child, or the end of its channel. Answer: [`Seen::Line`], or [`Seen::Late`].
    AwaitLine {
        /// The end of the wait.
        until: BootTime,
    },
    /// Refuse whatever the child may still say, and then read the next line of what it had said before, without a
    /// wait (D5). Answer: [`Seen::Line`].
    GiveUp,
    /// End the child, which nobody has waited for yet, so that its pid is its own. Answer: [`Seen::Done`].
    KillChild,
    /// Wait for the end of the child. Answer: [`Seen::Exit`], or [`Seen::Late`].
    Reap {
        /// The end of the wait.
        until: BootTime,
    },
    /// Read the last lines of the log. Answer: [`Seen::Log`].
    ReadLog,
    /// Remove the socket of whoever was there before. Answer: [`Seen::Done`].
    RemoveSocket,
    /// Bind the socket, which nobody answers yet. Answer: [`Seen::Done`].
    Bind,
    /// Set up what serves, and begin to answer requests. Answer: [`Seen::Done`] or [`Seen::StopAsked`].
    Serve,
    /// Tell whoever waits for it that this life serves. Answer: [`Seen::Heard`].
    SayReady,
    /// Tell whoever waits for it that another process has the run lock. Answer: [`Seen::Heard`].
    SayHeld,
    /// Tell whoever waits for it why it won't serve. Answer: [`Seen::Heard`].
    SayError,
    /// Answer [`Effect::Ask`] with [`Answer::Ready`] from here on. Answer: [`Seen::Done`].
    Announce,
    /// Wait for being asked to stop, by a request or by a signal. Answer: [`Seen::StopAsked`], or [`Seen::Woke`]
    /// from time to time, or [`Seen::Failed`] where serving has ended by itself.
    AwaitStop,
    /// Answer no request any more, and end what runs. Answer: [`Seen::Done`].
    Quiesce,
}

impl<L> Effect<L> {
    /// The name of the effect, for traces and reports.
    pub fn name(&self) -> &'static str {
        match self {
            Effect::TakeStart { .. } => "take start lock",
            Effect::DropStart => "drop start lock",
            Effect::TakeRun => "take run lock",
            Effect::LookRun => "look at run lock",
            Effect::ReadMetadata => "read metadata",
            Effect::WriteMetadata(_) => "write metadata",
            Effect::Inspect(_) => "inspect process",
            Effect::Ask(_) => "ask",
            Effect::AskStop(_) => "ask to stop",
            Effect::Signal(_, Signal::Term) => "send TERM",
            Effect::Signal(_, Signal::Kill) => "send KILL",
            Effect::AwaitEnd { .. } => "await end",
            Effect::AwaitChange { .. } => "await change",
            Effect::Spawn => "spawn",
            Effect::AwaitLine { .. } => "await line",
            Effect::GiveUp => "give up",
            Effect::KillChild => "kill child",
            Effect::Reap { .. } => "reap",
            Effect::ReadLog => "read log",
            Effect::RemoveSocket => "remove socket",
            Effect::Bind => "bind",
            Effect::Serve => "serve",
            Effect::SayReady => "say ready",
            Effect::SayHeld => "say held",
            Effect::SayError => "say error",
            Effect::Announce => "announce",
            Effect::AwaitStop => "await stop",
            Effect::Quiesce => "quiesce",
        }
    }
}

/// What the outside saw when it performed an [`Effect`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Seen<L, W> {
    /// Whether a lock was had within the bound.
    Lock(LockSeen),
    /// Whether anybody has the run lock.
    Run(RunSeen),
    /// What the metadata says.
    Metadata(Content<L>),
    /// What became of a process.
    Process(ProcessSeen),
    /// Who answered.
    Answer(Answer<L>),
    /// Whether the request to stop was accepted by exactly the life that was asked.
    Accepted(bool),
    /// Whether the signal was sent; if not, the process had ended.
    Sent(bool),
    /// Whether the process ended within the bound.
    Ended(bool),
    /// What the child said.
    Line(Line<L, W>),
    /// How the child ended.
    Exit(W),
    /// The last lines of the log, if there are any.
    Log(Option<W>),
    /// Whether anybody listens.
    Heard(bool),
    /// It was done.
    Done,
    /// A moment has passed.
    Woke,
    /// The instant has come and nothing else has.
    Late,
    /// Somebody asks for the end of this process.
    StopAsked,
    /// It could not be done, or nobody knows whether it was (D13).
    Failed(W),
}

/// See [`Effect::TakeStart`] and [`Effect::TakeRun`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockSeen {
    /// In hand.
    Taken,
    /// Somebody else kept it for the whole of the bound.
    Busy,
}

/// See [`Effect::LookRun`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RunSeen {
    /// A process has it, and so lives.
    Held,
    /// No process has it: no daemon lives here.
    Free,
}

/// What the metadata file holds. It is only ever replaced: what is in it outlives its writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Content<L> {
    /// There is no file.
    Absent,
    /// A file that is no metadata.
    Unreadable,
    /// What a daemon said of itself.
    Says(Said<L>),
}

/// What a daemon says of itself, and what stays there when it has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Said<L> {
    /// Which life.
    pub who: L,
    /// Where it had come to.
    pub phase: Phase,
}

/// Where a daemon says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// It has the run lock and sets up what serves.
    Starting,
    /// It answers requests.
    Running,
    /// It ends what runs.
    Stopping,
    /// It has cleaned up after itself; its process ends.
    Stopped,
}

/// See [`Effect::Inspect`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProcessSeen {
    /// Exactly this process lives.
    Alive,
    /// It has ended; its pid may belong to another one by now.
    Gone,
    /// It can't be told: its pid or its start is counted in another namespace.
    Unverifiable,
}

/// See [`Effect::Ask`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer<L> {
    /// This life serves and stays.
    Ready(L),
    /// This life is there, and does not serve yet or any more.
    NotReady(L),
    /// Nobody answers in time.
    Nobody,
}

/// What a child says on its channel. Lines that are no line, or too long, are read as [`Line::Closed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Line<L, W> {
    /// It is at work.
    Progress,
    /// It serves, as this life.
    Ready(L),
    /// Another process has the run lock.
    Held,
    /// Why it won't serve.
    Error(W),
    /// Nothing more will be said.
    Closed,
}

/// How hard a process is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// It may clean up.
    Term,
    /// It ends.
    Kill,
}
