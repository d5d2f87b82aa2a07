//! Everything that the bind model remembers: processes, connections, memory, and what was seen to go wrong.

use modeld_spec::holder::ask::{self, Ask};
use modeld_spec::holder::close::Close;
use modeld_spec::holder::effect::{Effect, Why};
use modeld_spec::holder::frame::Reply;
use modeld_spec::holder::serve::Holder;
use modeld_spec::holder::spawn::{self, Spawn};

use super::names::{CLIENT_WIRES, Name, TICKETS, WIRES};

/// One state of the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The process that starts the holder.
    pub client: Client,
    /// Those who ask the holder something, by number.
    pub askers: [Asker; 2],
    /// The holder.
    pub holder: Process,
    /// Every connection that there can be, by number.
    pub wires: [Wire; WIRES],
    /// The faults that may still happen.
    pub left: Budget,
    /// Whether the pid of the dead client belongs to another process.
    pub reused: bool,
    /// Rules about single steps that were seen to be broken.
    pub broken: Broken,
}

/// The process that starts the holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    /// Whether it lives.
    pub lives: bool,
    /// Whether it has asked for the holder's end, or somebody did who may.
    pub asked: bool,
    /// What it does.
    pub main: Main,
}

/// What the client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Main {
    /// It starts and binds.
    Spawning(Spawn),
    /// It takes itself for bound, on this connection.
    Bound(u8),
    /// It ends the holder that it is bound to.
    Closing(Close),
    /// It did what it wanted, or failed.
    Over(Over),
}

/// How the client's story ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Over {
    /// The detached holder serves.
    Detached,
    /// The holder was to be bound or detached, and could not be.
    Failed(spawn::Problem),
    /// The holder that it was bound to is ended.
    Closed,
    /// It died.
    Died,
}

/// Who asks the holder something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asker {
    /// Nobody, or somebody who has not begun.
    Idle,
    /// It asks.
    Asking(Ask<Name>),
    /// It knows, or knows that it does not.
    Knows(ask::Outcome),
}

/// The holder's process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Process {
    /// It was not started.
    None,
    /// It runs.
    Running(Box<Running>),
    /// It ended by its rules.
    Ended {
        /// Why.
        why: Why,
        /// Whether its memory was back before.
        drained: bool,
    },
    /// It crashed or was killed.
    Killed,
}

/// A holder that runs, with what the kernel and the engine know of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Running {
    /// The machine.
    pub machine: Holder<Name>,
    /// Whether its own socket is open.
    pub listening: bool,
    /// Whether it has told its client that it serves.
    pub ready: bool,
    /// Whether the end of the client's process will be told.
    pub watching: bool,
    /// What it knows of a change of its parent.
    pub parent: Parent,
    /// Its members, by ticket.
    pub members: [Memory; TICKETS],
    /// The latest of the connections that were ever watched.
    pub armed: Option<u8>,
}

/// What a holder knows of a change of its direct parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Parent {
    /// It has not looked who it is.
    Unknown,
    /// It is as it was when the holder looked.
    Same,
    /// It has changed, and the holder has yet to notice.
    Changed,
    /// It has changed, and the holder knows.
    Noticed,
}

/// What is in memory of a member, and what the holder has yet to hear of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Memory {
    /// What there is.
    pub model: Model,
    /// How often a load of it was begun, up to two.
    pub loads: u8,
    /// Whether its end was begun.
    pub ending: bool,
    /// Whether it is to be heard that it is up.
    pub up: bool,
    /// Whether it is to be heard that it failed.
    pub failed: bool,
    /// Whether it is to be heard that nothing is left of it.
    pub gone: bool,
}

/// A model, as the engine has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Model {
    /// Nothing is in memory.
    #[default]
    Nothing,
    /// It is being loaded.
    Loading,
    /// It is there.
    Loaded,
}

/// A connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wire {
    /// How far it is.
    pub stage: Stage,
    /// Whether the end of whoever connected is open.
    pub peer: bool,
    /// Whether the holder's end is open.
    pub here: bool,
    /// What the holder has yet to read.
    pub up: [Option<Word>; 2],
    /// What whoever connected has yet to read.
    pub down: Option<Reply>,
    /// Whether the holder has read a hello on it that agrees with its own versions.
    pub greeted: bool,
    /// Whether an ack was said on it.
    pub acked: bool,
    /// How many words that the holder has read have no reply.
    pub owed: u8,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// There is none.
    Unused,
    /// It was made, and the holder has yet to accept it.
    Waiting,
    /// The holder has it.
    Accepted,
    /// The holder has heard that it ended, or has ended it.
    Over,
}

/// What can be said on a connection. Who says it, with which number and token, the connection tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Word {
    /// Hello.
    Hello,
    /// Bind, with the token that its speaker has.
    Bind,
    /// Ack.
    Ack,
    /// The question of an asker.
    Question,
    /// Stop the first member.
    Stop,
    /// Stop everything.
    StopAll,
}

/// How many faults of each sort may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Times that somebody waits no longer for a reply.
    pub impatience: u8,
    /// Deaths of the client.
    pub deaths: u8,
    /// Crashes of the holder.
    pub crashes: u8,
    /// Words of strays.
    pub words: u8,
    /// Words that the client says on the connection that is watched.
    pub babble: u8,
    /// Loads that fail, and models that die.
    pub failures: u8,
    /// Times that the user asks the holder to end.
    pub terminations: u8,
    /// Ends of a wrapper that stood between client and holder.
    pub wrappers: u8,
}

/// Rules about single steps, which no state by itself shows to be broken: one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Broken(u16);

impl Broken {
    /// H1: a bound holder began to end, and its client lives and asked for nothing.
    pub const ENDED_IN_VAIN: Broken = Broken(1);
    /// H9: a detached holder began to end because a connection or a process ended.
    pub const DETACHED_ENDED: Broken = Broken(1 << 1);
    /// H3: another user's process was told more than a refusal.
    pub const FOREIGNER_SERVED: Broken = Broken(1 << 2);
    /// H5: something was done for a connection on which no version was agreed upon.
    pub const SERVED_WITHOUT_VERSION: Broken = Broken(1 << 3);
    /// H10: something was said to be stopped, and its memory was not back.
    pub const STOPPED_TOO_SOON: Broken = Broken(1 << 4);
    /// H7: a member was said to be up, and was not.
    pub const UP_TOO_SOON: Broken = Broken(1 << 5);
    /// A machine was given an answer that it had not asked for.
    pub const CONTRACT: Broken = Broken(1 << 6);

    /// Remembers `rule`.
    pub fn add(&mut self, rule: Broken) {
        self.0 |= rule.0;
    }

    /// Whether `rule` was broken.
    pub fn has(self, rule: Broken) -> bool {
        self.0 & rule.0 != 0
    }
}

impl Wire {
    /// No connection.
    pub const UNUSED: Wire = Wire {
        stage: Stage::Unused,
        peer: false,
        here: false,
        up: [None, None],
        down: None,
        greeted: false,
        acked: false,
        owed: 0,
    };

    /// A connection that was just made.
    pub const MADE: Wire = Wire { stage: Stage::Waiting, peer: true, here: true, ..Wire::UNUSED };

    /// Says something on it, if its other end is open.
    pub fn say(&mut self, word: Word) -> bool {
        if !self.here {
            return false;
        }
        if let Some(free) = self.up.iter_mut().find(|said| said.is_none()) {
            *free = Some(word);
        }
        true
    }

    /// Takes what was said first.
    pub fn read(&mut self) -> Option<Word> {
        let first = self.up[0].take();
        self.up.swap(0, 1);
        first
    }

    /// Whoever connected ends it, and reads nothing more.
    pub fn hang_up(&mut self) {
        self.peer = false;
        self.down = None;
    }
}

impl State {
    /// The holder, if it runs.
    pub fn running(&self) -> Option<&Running> {
        match &self.holder {
            Process::Running(running) => Some(running),
            Process::None | Process::Ended { .. } | Process::Killed => None,
        }
    }

    /// The holder's process ends, and the kernel ends everything that it had.
    pub fn end_holder(&mut self, how: Process) {
        self.holder = how;
        for wire in &mut self.wires {
            if wire.stage != Stage::Unused {
                wire.here = false;
                wire.up = [None, None];
                wire.greeted = false;
                wire.acked = false;
                wire.owed = 0;
                wire.stage = Stage::Over;
            }
        }
    }

    /// The client ends every connection that it has.
    pub fn client_hangs_up(&mut self) {
        self.wires[..CLIENT_WIRES].iter_mut().for_each(Wire::hang_up);
    }
}

impl Running {
    /// Whether it waits for something to happen.
    pub fn waits(&self) -> bool {
        *self.machine.pending() == Effect::Await
    }

    /// Whether any of its sockets is open: its own, or that of a member.
    pub fn reachable(&self) -> bool {
        use modeld_spec::holder::member::Phase;
        self.listening || self.machine.members().iter().any(|member| !matches!(member.phase, Phase::Opening))
    }
}
