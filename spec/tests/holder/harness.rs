//! What every test of the holder needs: the driver loops, and a small cast.

use modeld_spec::holder::effect::{ConnId, Effect, ParentSeen, Peer, Seen};
use modeld_spec::holder::frame::{
    Attempt, Handshake, Question, Reply, Request, Ticket, Token, Version, Versions,
};
use modeld_spec::holder::serve::{Holder, Life, Limits, Outcome};
use modeld_spec::step::{Machine, Step};

/// What the client knows.
pub(crate) const TOKEN: Token = Token(7);

/// The versions from one to another.
pub(crate) fn versions(min: u8, max: u8) -> Versions {
    Versions::new(Version(min), Version(max)).expect("the lower one comes first")
}

/// Answers each effect with the next observation of the script; what was asked for, and the outcome if it came.
pub(crate) fn drive<M: Machine>(
    mut step: Step<M>,
    script: impl IntoIterator<Item = M::Observed>,
) -> (Vec<M::Effect>, Option<M::Outcome>) {
    let mut effects = Vec::new();
    let mut script = script.into_iter();
    loop {
        match step {
            Step::Done(outcome) => {
                assert!(script.next().is_none(), "the machine ended before its script");
                return (effects, Some(outcome));
            }
            Step::Do(effect, machine) => {
                effects.push(effect);
                let Some(observed) = script.next() else { return (effects, None) };
                step = machine.step(observed);
            }
        }
    }
}

/// A holder in a world in which every effect succeeds.
pub(crate) struct World {
    step: Step<Holder<&'static str>>,
    /// What the client's process looks like.
    pub(crate) parent: ParentSeen,
    /// Everything it did since the last look.
    pub(crate) did: Vec<Effect<&'static str>>,
}

impl World {
    /// A bound holder with one member, `a`, that waits.
    pub(crate) fn bound() -> World {
        World::start(Life::Bound(TOKEN), Limits::DEFAULT, ParentSeen::Watched)
    }

    /// A detached one.
    pub(crate) fn detached() -> World {
        World::start(Life::Detached, Limits::DEFAULT, ParentSeen::Watched)
    }

    /// One of this life and these limits, with this parent.
    pub(crate) fn start(life: Life, limits: Limits, parent: ParentSeen) -> World {
        let step = Holder::start(life, versions(1, 2), limits, vec![("a", Ticket(1))]);
        let mut world = World { step, parent, did: Vec::new() };
        world.run();
        world
    }

    /// A bound one whose client is bound on connection 1, at its first attempt.
    pub(crate) fn armed() -> World {
        let mut world = World::bound();
        world.arm(1, 1);
        world
    }

    /// Goes through the handshake on a connection.
    pub(crate) fn arm(&mut self, conn: u32, attempt: u8) -> Vec<Reply> {
        let mut replies = self.greet(conn);
        replies.extend(self.says(conn, bind(TOKEN, attempt)));
        replies.extend(self.says(conn, Request::Handshake(Handshake::Ack)));
        replies
    }

    /// Somebody of the same user connects and says hello.
    pub(crate) fn greet(&mut self, conn: u32) -> Vec<Reply> {
        self.hears(Seen::Accepted(ConnId(conn), Peer::Own));
        self.says(conn, hello(1, 2))
    }

    /// Something is said on a connection; what is replied on it.
    pub(crate) fn says(&mut self, conn: u32, request: Request<&'static str>) -> Vec<Reply> {
        self.hears(Seen::Said(ConnId(conn), request));
        self.replies(conn)
    }

    /// What it said on a connection since the last look.
    pub(crate) fn replies(&self, conn: u32) -> Vec<Reply> {
        let said = |effect: &Effect<_>| match effect {
            Effect::Send(to, reply) if *to == ConnId(conn) => Some(*reply),
            _ => None,
        };
        self.did.iter().filter_map(said).collect()
    }

    /// Something happens, and the holder does what is due.
    pub(crate) fn hears(&mut self, seen: Seen<&'static str>) {
        self.did.clear();
        let machine = self.machine();
        assert_eq!(*machine.pending(), Effect::Await);
        self.step = machine.step(seen);
        self.run();
    }

    fn run(&mut self) {
        while let Step::Do(effect, machine) = self.step.clone() {
            let seen = match effect {
                Effect::Await => return,
                Effect::WatchParent | Effect::InspectParent => Seen::Parent(self.parent),
                _ => Seen::Done,
            };
            self.did.push(effect);
            self.step = machine.step(seen);
        }
    }

    /// The holder, which lives.
    pub(crate) fn machine(&self) -> Holder<&'static str> {
        match &self.step {
            Step::Do(_, machine) => machine.clone(),
            Step::Done(outcome) => panic!("the holder has ended: {outcome:?}"),
        }
    }

    /// How it ended, if it has.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        match &self.step {
            Step::Do(..) => None,
            Step::Done(outcome) => Some(*outcome),
        }
    }

    /// The names of what it did since the last look.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.did.iter().map(Effect::name).collect()
    }
}

pub(crate) fn hello(min: u8, max: u8) -> Request<&'static str> {
    Request::Handshake(Handshake::Hello(versions(min, max)))
}

pub(crate) fn bind(token: Token, attempt: u8) -> Request<&'static str> {
    Request::Handshake(Handshake::Bind { token, attempt: Attempt(attempt) })
}

pub(crate) fn add(member: &'static str, ticket: u64) -> Request<&'static str> {
    Request::Question(Question::Add { member, ticket: Ticket(ticket) })
}

pub(crate) fn stop(member: &'static str) -> Request<&'static str> {
    Request::Question(Question::Stop { member })
}

pub(crate) const STOP_ALL: Request<&str> = Request::Question(Question::StopAll);
pub(crate) const ACK: Request<&str> = Request::Handshake(Handshake::Ack);
