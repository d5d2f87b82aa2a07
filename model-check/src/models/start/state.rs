//! Everything that the model of the start remembers: the state directory, processes, and what was seen to go wrong.

use modeld_spec::daemon::effect::{Content, Effect, Phase, RunSeen, Said};
use modeld_spec::daemon::serve::Serve;
use modeld_spec::daemon::start::{self, Start};
use modeld_spec::daemon::status::{self, Status};
use modeld_spec::daemon::stop::{self, Stop};

/// A life of a daemon, by number: children first, then the two that were there before the story began.
pub type Life = u8;

/// The most starters.
pub const STARTERS: usize = 3;
/// The most stoppers.
pub const STOPPERS: usize = 2;
/// The most status probes.
pub const PROBES: usize = 2;
/// The most children.
pub const CHILDREN: usize = 5;
/// A life that crashed in this boot before the story began.
pub const CRASHED: Life = 6;
/// A life of the boot before this one.
pub const OTHER_BOOT: Life = 7;

/// One state of the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Whether it is known what the state directory had in it when the story began.
    pub found: bool,
    /// The state directory.
    pub disk: Disk,
    /// The starters, by slot.
    pub starters: [Starter; STARTERS],
    /// The stoppers, by slot.
    pub stoppers: [Stopper; STOPPERS],
    /// The status probes, by slot.
    pub probes: [Probe; PROBES],
    /// The processes that become daemons, by life.
    pub children: [Child; CHILDREN],
    /// The lives whose pid belongs to a stranger by now, as bits.
    pub strangers: u8,
    /// The faults that may still happen.
    pub left: Budget,
    /// Whether anything has happened by which a start may fail: a fault (damaged metadata is none), an early end of
    /// a wait, a stop.
    pub excused: bool,
    /// Rules about single steps that were seen to be broken, as bits; none for ever in a sound protocol.
    pub broken: u32,
}

impl State {
    /// The child of this life, where it is one.
    pub fn child(&self, life: Life) -> Option<&Child> {
        self.children.get(usize::from(life))
    }

    /// Whether the process of this life lives.
    pub fn lives(&self, life: Life) -> bool {
        self.child(life).is_some_and(|child| child.body.is_some())
    }

    /// The body of this life, if it lives.
    pub fn body(&self, life: Life) -> Option<&Body> {
        self.child(life).and_then(|child| child.body.as_ref())
    }

    /// The bodies that live, with their lives.
    pub fn bodies(&self) -> impl Iterator<Item = (Life, &Body)> {
        (0..).zip(&self.children).filter_map(|(life, child)| Some((life, child.body.as_ref()?)))
    }

    /// Whether whoever asks at the endpoint of this life is answered, and by a daemon that is ready.
    pub fn is_ready(&self, life: Life) -> bool {
        self.body(life).is_some_and(|body| body.announced && body.serving && !body.hung)
    }

    /// Remembers that a rule about single steps was broken.
    pub fn broke(&mut self, rule: Broken) {
        self.broken |= 1 << rule as u32;
    }

    /// Whether this rule about single steps was broken.
    pub fn has_broken(&self, rule: Broken) -> bool {
        self.broken & (1 << rule as u32) != 0
    }

    /// What may be said of the daemon at this moment without saying anything false.
    pub fn truth(&self) -> Truth {
        let metadata = self.disk.metadata;
        let Some(Holder::Life(life)) = self.disk.run_lock else {
            return match metadata {
                Content::Says(Said { who, phase }) if phase != Phase::Stopped => {
                    Truth { may: Truth::STOPPED | Truth::STALE, life: Some(who) }
                }
                Content::Unreadable => Truth { may: Truth::STOPPED | Truth::STALE_UNREADABLE, life: None },
                Content::Absent | Content::Says(_) => Truth { may: Truth::STOPPED, life: None },
            };
        };
        let Some(body) = self.body(life) else { return Truth { may: 0, life: None } };
        let mut may = 0;
        for (is_so, what) in [
            (!body.named, Truth::STARTING_UNNAMED),
            (body.named && !body.said, Truth::STARTING),
            (body.serving || body.unsaid, Truth::RUNNING),
            (body.leaving, Truth::STOPPING),
        ] {
            if is_so {
                may |= what;
            }
        }
        Truth { may, life: Some(life) }
    }
}

/// The state directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Disk {
    /// Which starter has the start lock.
    pub start_lock: Option<u8>,
    /// Who has the run lock.
    pub run_lock: Option<Holder>,
    /// The metadata.
    pub metadata: Content<Life>,
    /// Whose socket is there.
    pub socket: Option<Life>,
}

/// Who has the run lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A daemon, or what becomes one.
    Life(Life),
    /// A status probe, which has no business with it.
    Probe(u8),
}

/// A process that wants a daemon.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Starter {
    /// There is none in this slot.
    Absent,
    /// It is at work.
    Running {
        /// The machine.
        machine: Start<Life, ()>,
        /// Its child, until that was reaped.
        child: Option<Life>,
        /// Whether it is paused for good.
        frozen: bool,
        /// The daemon that was ready when the start lock was found to stay taken.
        witness: Option<Life>,
    },
    /// It has ended, its attempt over.
    Ended(start::Outcome<Life, ()>),
    /// It died.
    Crashed,
}

/// A process that wants the daemon to end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Stopper {
    /// There is none in this slot.
    Absent,
    /// It is at work.
    Running(Stop<Life, ()>),
    /// It has ended.
    Ended(stop::Outcome<Life, ()>),
}

/// A process that looks, again and again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Probe {
    /// There is none in this slot.
    Absent,
    /// It is at work.
    Looking(Look),
}

/// One look.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Look {
    /// The machine.
    pub machine: Status<Life, ()>,
    /// What was true when it inspected a process.
    pub at_inspection: Truth,
    /// What was true when it looked at the lock.
    pub at_lock: Truth,
    /// What it read first, where a mutant wants that again.
    pub read: Option<Content<Life>>,
    /// What it saw of the lock before it inspected, where a mutant looks there first.
    pub sampled: Option<RunSeen>,
}

impl Look {
    /// The beginning of a look.
    pub fn new(machine: Status<Life, ()>) -> Self {
        let nothing = Truth { may: 0, life: None };
        Look { machine, at_inspection: nothing, at_lock: nothing, read: None, sampled: None }
    }

    /// Whether this was so at one of the moments that count.
    pub fn was_true(&self, said: &status::Outcome<Life, ()>) -> bool {
        self.at_inspection.allows(said) || self.at_lock.allows(said)
    }
}

/// What was true at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Truth {
    /// What may be said, as bits.
    may: u8,
    /// Of which life.
    life: Option<Life>,
}

impl Truth {
    const STOPPED: u8 = 1;
    const STALE: u8 = 2;
    const STALE_UNREADABLE: u8 = 4;
    const STARTING_UNNAMED: u8 = 8;
    const STARTING: u8 = 16;
    const RUNNING: u8 = 32;
    const STOPPING: u8 = 64;

    fn allows(self, said: &status::Outcome<Life, ()>) -> bool {
        let (what, of) = match *said {
            status::Outcome::Stopped => (Truth::STOPPED, None),
            status::Outcome::Stale(None) => (Truth::STALE_UNREADABLE, None),
            status::Outcome::Stale(life) => (Truth::STALE, life),
            status::Outcome::Starting(None) => (Truth::STARTING_UNNAMED, None),
            status::Outcome::Starting(life) => (Truth::STARTING, life),
            status::Outcome::Running(life) => (Truth::RUNNING, Some(life)),
            status::Outcome::Stopping(life) => (Truth::STOPPING, Some(life)),
            status::Outcome::Unknown(_) => return true,
            status::Outcome::Breach(_) => return false,
        };
        self.may & what != 0 && of.is_none_or(|life| self.life == Some(life))
    }
}

/// A process that becomes a daemon: what lives of it, and what it leaves behind in its channel.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Child {
    /// Whether there ever was one.
    pub born: bool,
    /// Whether it said that it was ready, to somebody who listened.
    pub said: bool,
    /// The process, while it lives.
    pub body: Option<Body>,
    /// What its starter has yet to read.
    pub channel: Channel,
}

impl Child {
    /// A child that is yet to be born.
    pub const UNBORN: Child = Child { born: false, said: false, body: None, channel: Channel::CLOSED };
}

/// What lives of a child.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Body {
    /// The machine.
    pub machine: Serve<Life, ()>,
    /// The starter whose child it is; `None` for a daemon in the foreground.
    pub starter: Option<u8>,
    /// Whether it takes no step any more.
    pub hung: bool,
    /// Whether a request or a signal to stop has reached it and was not heeded yet.
    pub told: bool,
    /// Whether a signal to stop was ever sent to it.
    pub signalled: bool,
    /// Whether its first metadata was written.
    pub named: bool,
    /// Whether it answers requests.
    pub serving: bool,
    /// Whether it said that it was ready, to somebody who listened.
    pub said: bool,
    /// Whether it answers that it is ready.
    pub announced: bool,
    /// Whether it is on its way out.
    pub leaving: bool,
    /// Whether it could not write that it is.
    pub unsaid: bool,
    /// Whether it has reported progress.
    pub reported: bool,
    /// Whether it has done everything, and its process is about to end.
    pub exiting: bool,
}

impl Body {
    /// A child of `starter`, or a daemon in the foreground.
    pub fn new(machine: Serve<Life, ()>, starter: Option<u8>) -> Self {
        Body {
            machine,
            starter,
            hung: false,
            told: false,
            signalled: false,
            named: false,
            serving: false,
            said: false,
            announced: false,
            leaving: false,
            unsaid: false,
            reported: false,
            exiting: false,
        }
    }

    /// Whether it waits for a request to stop.
    pub fn waits(&self) -> bool {
        !self.exiting && matches!(self.machine.pending(), Effect::AwaitStop)
    }
}

/// The channel from a child to its starter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Channel {
    /// Whether the starter listens.
    pub open: bool,
    /// Whether a line of progress is unread.
    pub progress: bool,
    /// The last word, unread.
    pub word: Option<Word>,
}

impl Channel {
    /// Nobody listens, and nothing is to be read.
    pub const CLOSED: Channel = Channel { open: false, progress: false, word: None };
}

/// The last word of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Word {
    /// It serves.
    Ready,
    /// Another process has the run lock.
    Held,
    /// It won't serve.
    Error,
}

/// How many faults of each sort may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Starters that die.
    pub crashes: u8,
    /// Starters that are paused for good.
    pub pauses: u8,
    /// Daemons, or what becomes one, that die.
    pub deaths: u8,
    /// Daemons, or what becomes one, that take no step any more.
    pub hangs: u8,
    /// Effects that fail.
    pub failures: u8,
    /// Times that somebody damages or removes the metadata.
    pub damages: u8,
    /// Pids of dead lives that are given to a stranger.
    pub reuses: u8,
}

/// Rules about single steps, which no state by itself shows to be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// D2: a start succeeded by a life that did not serve.
    NotServing,
    /// D2: a child said that it was ready and did not serve.
    ReadyTooSoon,
    /// D3: a start failed over the start lock beside a daemon that was ready all the time.
    PassedBy,
    /// D5: a child was killed that had said that it was ready.
    ReadyKilled,
    /// D5: a start failed and left a child.
    ChildLeft,
    /// D6: metadata or a socket of a living daemon was replaced or removed by another process.
    RemainsOfLiving,
    /// D8: a status was false.
    FalseStatus,
    /// D10: a signal reached another process than the one that was meant.
    OtherSignalled,
    /// D11: a stop reported success while a daemon had the run lock.
    StoppedWhileHeld,
    /// D11: a stop reported the end of a daemon that lived.
    EndedWhileAlive,
    /// D12: a stop that may kill left the daemon running.
    LeftRunning,
    /// D12: a daemon waits for requests although it was told to end.
    DeafToStop,
    /// D13: a stop or a status decided upon a look that had failed.
    DecidedUponFailure,
    /// A machine was given an answer that it had not asked for.
    Contract,
}
