//! The holder: a process that hosts members, from its first step to its last.
//!
//! ```text
//! WatchParent -> Listen -> TellReady -> Serving --client gone, never bound, asked, last member left--> Draining
//!  (if bound)      | failed                ^  |                                                          |
//!    | gone        v                       +--+ connections, questions, members           all memory back, or
//!    v          Failed                                                                    the drain deadline
//!  Ended                                                                                        v
//!                                                                                             Ended
//! ```
//!
//! Between two waits the holder does everything that is due, one effect at a time and in this order: look at the
//! client, answer, end connections, close the doors, move members on. So whatever is heard meets members that load,
//! run or end, and connections that are owed nothing.
//!
//! Implements H1 to H4 and H6 to H11 of the chapter; the client's half is [`spawn`](super::spawn) and
//! [`ask`](super::ask). It does not read the clock (deadlines come as [`Seen::Expired`]), and it does not
//! answer questions that change nothing: what is there to be told is [`Holder::members`].

use alloc::vec::Vec;

use super::effect::{ConnId, Deadline, Effect, ParentSeen, Peer, Seen, Why};
use super::frame::{Attempt, Fate, Handshake, Question, Refusal, Reply, Request, Ticket, Token, Versions};
use super::line::{Line, Stage, WaitsFor};
use super::member::{Member, Phase};
use crate::step::{Breach, Machine, Step};

/// Whose end is the holder's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Life {
    /// The end of the client that knows this token.
    Bound(Token),
    /// Nobody's.
    Detached,
}

/// How much of everything a holder takes on (H11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Connections.
    pub lines: u8,
    /// Members.
    pub members: u8,
    /// Members that are remembered after they have left; the oldest is forgotten first.
    pub departed: u8,
}

impl Limits {
    /// Enough for a person with scripts, and little enough for one process with default limits.
    pub const DEFAULT: Limits = Limits { lines: 64, members: 32, departed: 255 };
}

/// How a holder ended.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// By its rules.
    Ended {
        /// Why.
        why: Why,
        /// Whether the memory of every member was back.
        drained: bool,
    },
    /// Its own socket could not be opened.
    NotListening,
    /// The driver broke the contract.
    Breach(Breach),
}

/// A holder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Holder<N> {
    versions: Versions,
    limits: Limits,
    bond: Option<Bond>,
    stage: Progress,
    pending: Effect<N>,
    lines: Vec<Line>,
    members: Vec<Member<N>>,
    departed: Vec<Departed<N>>,
}

/// A member that has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Departed<N> {
    /// Its name.
    pub name: N,
    /// The wish that brought it.
    pub ticket: Ticket,
    /// How it left.
    pub fate: Fate,
}

/// What a bound holder knows of its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Bond {
    token: Token,
    /// The latest attempt that was heard of.
    latest: Attempt,
    armed_once: bool,
    /// Whether a change of this process's parent is the end of the client where nothing else tells.
    direct: bool,
    /// Whether the client is to be looked at.
    look: bool,
}

/// How far the holder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Progress {
    Booting,
    Serving,
    Draining {
        why: Why,
        doors: Doors,
    },
    /// The drain deadline has passed.
    Abandoning {
        why: Why,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Doors {
    Open,
    Closed,
}

impl<N: Clone + Eq> Holder<N> {
    /// A holder of this life, which begins with these members.
    pub fn start(life: Life, versions: Versions, limits: Limits, members: Vec<(N, Ticket)>) -> Step<Self> {
        let bond = match life {
            Life::Bound(token) => {
                Some(Bond { token, latest: Attempt(0), armed_once: false, direct: false, look: false })
            }
            Life::Detached => None,
        };
        // H1: the client is watched before anything else is done, and only where it was asked for.
        let first = if bond.is_some() { Effect::WatchParent } else { Effect::Listen };
        let holder = Holder {
            versions,
            limits,
            bond,
            stage: Progress::Booting,
            pending: first.clone(),
            lines: Vec::new(),
            members: members.into_iter().map(|(name, ticket)| Member::new(name, ticket)).collect(),
            departed: Vec::new(),
        };
        Step::Do(first, holder)
    }

    /// The effect that is to be performed.
    pub fn pending(&self) -> &Effect<N> {
        &self.pending
    }

    /// The connections.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The members, for status: a connection that was greeted may be told of them at any time.
    pub fn members(&self) -> &[Member<N>] {
        &self.members
    }

    /// The members that have left, as far as they are remembered; the last one left last.
    pub fn departed(&self) -> &[Departed<N>] {
        &self.departed
    }

    /// Why the holder is about to end, if it is.
    pub fn ending(&self) -> Option<Why> {
        match self.stage {
            Progress::Draining { why, .. } | Progress::Abandoning { why } => Some(why),
            Progress::Booting | Progress::Serving => None,
        }
    }

    /// Whether `deadline` stands. The driver counts its length from when it began to.
    pub fn stands(&self, deadline: Deadline) -> bool {
        match deadline {
            Deadline::Bind => {
                self.stage == Progress::Serving && self.bond.is_some_and(|bond| !bond.armed_once)
            }
            Deadline::Line(conn) => self.lines.iter().any(|line| line.conn == conn && line.is_bounded()),
            Deadline::Drain => self.ending().is_some(),
        }
    }

    /// The deadlines that stand.
    pub fn deadlines(&self) -> impl Iterator<Item = Deadline> + '_ {
        let lines = self.lines.iter().map(|line| Deadline::Line(line.conn));
        [Deadline::Bind, Deadline::Drain].into_iter().chain(lines).filter(|deadline| self.stands(*deadline))
    }

    fn to(mut self, effect: Effect<N>) -> Step<Self> {
        self.pending = effect.clone();
        Step::Do(effect, self)
    }

    /// The next thing that is due, or a wait, or the end.
    fn proceed(mut self) -> Step<Self> {
        // H9: nobody's end is a detached holder's end, but it is of no use without members.
        if self.bond.is_none() && self.stage == Progress::Serving && self.members.is_empty() {
            self.end(Why::LastMemberLeft);
        }
        if let Some(effect) = self.due() {
            return self.to(effect);
        }
        match self.stage {
            Progress::Draining { why, .. } if self.members.is_empty() => {
                Step::Done(Outcome::Ended { why, drained: true })
            }
            Progress::Abandoning { why } => Step::Done(Outcome::Ended { why, drained: false }),
            _ => self.to(Effect::Await),
        }
    }

    fn due(&mut self) -> Option<Effect<N>> {
        if self.bond.is_some_and(|bond| bond.look) {
            return Some(Effect::InspectParent);
        }
        // H10: what is owed is said before a connection is closed, and before the process ends.
        if let Progress::Draining { .. } = self.stage
            && self.members.is_empty()
        {
            self.answer_all(WaitsFor::End, Reply::Stopped);
        }
        if let Some((conn, reply)) = self.lines.iter().find_map(|line| Some((line.conn, line.owes?))) {
            return Some(Effect::Send(conn, reply));
        }
        if let Some(line) = self.lines.iter().find(|line| line.parting) {
            return Some(Effect::Close(line.conn));
        }
        match self.stage {
            Progress::Draining { doors: Doors::Open, .. } => Some(Effect::CloseDoors),
            Progress::Abandoning { .. } => None,
            _ => self.members.iter().find_map(Member::due),
        }
    }

    fn end(&mut self, why: Why) {
        if self.ending().is_none() {
            self.stage = Progress::Draining { why, doors: Doors::Open };
            self.members.iter_mut().for_each(Member::leave);
        }
    }

    fn heard(mut self, seen: Seen<N>) -> Step<Self> {
        match seen {
            Seen::Accepted(conn, peer) => self.accepted(conn, peer),
            Seen::Said(conn, request) => self.said(conn, request),
            Seen::Ended(conn) => self.ended(conn),
            Seen::ParentGone if self.bond.is_some() => self.end(Why::ClientGone),
            // H1: another process may have been the direct parent, a shell for one. It is a reason to look.
            Seen::Reparented => {
                if let Some(bond) = &mut self.bond {
                    bond.look = true;
                }
            }
            Seen::Expired(deadline) if self.stands(deadline) => match deadline {
                Deadline::Bind => self.end(Why::NeverBound),
                Deadline::Line(conn) => self.with_line(conn, |line| line.parting = true),
                Deadline::Drain => return self.give_up(),
            },
            // What it was for came first.
            Seen::Expired(_) => {}
            Seen::MemberUp(ticket) => self.member_up(ticket),
            Seen::MemberFailed(ticket) => self.member_failed(ticket),
            Seen::MemberGone(ticket) => {
                self.with_member(ticket, |member| {
                    if member.phase == Phase::Ending {
                        member.phase = Phase::Closing(Fate::Stopped);
                    }
                });
            }
            Seen::Terminate => self.end(Why::Asked),
            Seen::Done | Seen::Failed | Seen::Parent(_) | Seen::ParentGone => return self.breach(),
        }
        self.proceed()
    }

    fn accepted(&mut self, conn: ConnId, peer: Peer) {
        let full = usize::from(self.limits.lines) <= self.lines.len();
        let mut line = Line::new(conn);
        if peer == Peer::Foreign {
            line.refuse(Refusal::NotPermitted);
        } else if full {
            // H11: it is told so and ended before anything else is heard.
            line.refuse(Refusal::TooManyConnections);
        }
        self.lines.push(line);
    }

    fn said(&mut self, conn: ConnId, request: Request<N>) {
        let Some(line) = self.lines.iter().find(|line| line.conn == conn).copied() else { return };
        match (line.stage, request) {
            (Stage::Silent, Request::Handshake(Handshake::Hello(theirs))) => {
                match self.versions.common(theirs) {
                    Some(version) => self.with_line(conn, |line| {
                        line.stage = Stage::Greeted;
                        line.answer(Reply::Welcome(version));
                    }),
                    None => self.refuse(conn, Refusal::Versions(self.versions)),
                }
            }
            (Stage::Silent, _) => self.refuse(conn, Refusal::HelloFirst),
            // One question at a time: what is said before its answer is nobody's question.
            _ if line.waits.is_some() => self.refuse(conn, Refusal::Unexpected),
            (Stage::Greeted, Request::Handshake(Handshake::Bind { token, attempt })) => {
                self.bind(conn, token, attempt);
            }
            (Stage::Offered(attempt), Request::Handshake(Handshake::Ack)) => self.ack(conn, attempt),
            (stage, Request::Question(question)) => {
                self.question(conn, matches!(stage, Stage::Armed(_)), question);
            }
            (_, Request::Handshake(_)) => self.refuse(conn, Refusal::Unexpected),
        }
    }

    fn bind(&mut self, conn: ConnId, token: Token, attempt: Attempt) {
        let ending = self.ending().is_some();
        let refusal = match &mut self.bond {
            None => Refusal::Detached,
            // H3: who does not know it is not the client, whatever else it says.
            Some(bond) if bond.token != token => Refusal::WrongToken,
            Some(bond) if attempt < bond.latest => Refusal::Superseded,
            Some(_) if ending => Refusal::Ending,
            Some(bond) => {
                bond.latest = attempt;
                return self.with_line(conn, |line| {
                    line.stage = Stage::Offered(attempt);
                    line.answer(Reply::Offer(attempt));
                });
            }
        };
        self.refuse(conn, refusal);
    }

    fn ack(&mut self, conn: ConnId, attempt: Attempt) {
        if self.ending().is_some() {
            return self.refuse(conn, Refusal::Ending);
        }
        let Some(bond) = &mut self.bond else { return };
        // H4: an ack that comes late must not take the watch away from the attempt that its client is at.
        if attempt < bond.latest {
            return self.refuse(conn, Refusal::Superseded);
        }
        // H2: this is the only place that arms.
        bond.armed_once = true;
        for line in &mut self.lines {
            if line.conn == conn {
                line.stage = Stage::Armed(attempt);
                line.answer(Reply::Bound(attempt));
            } else if line.is_armed() {
                line.stage = Stage::Released;
            }
        }
    }

    fn question(&mut self, conn: ConnId, armed: bool, question: Question<N>) {
        let ending = self.ending().is_some();
        let answered = match question {
            Question::Add { member, ticket } => self.add(member, ticket, ending),
            Question::Stop { member } => self.stop(&member),
            // H1: a bound holder ends only for its own client.
            Question::StopAll if self.bond.is_some() && !armed => Err(Refusal::NotYours),
            Question::StopAll => {
                self.end(Why::Asked);
                Ok(WaitsFor::End)
            }
        };
        match answered {
            Ok(waits) => self.with_line(conn, |line| line.waits = Some(waits)),
            Err(refusal) => self.refuse(conn, refusal),
        }
        self.answer_up();
    }

    /// H8: a wish is fulfilled once, however often it is made.
    fn add(&mut self, name: N, ticket: Ticket, ending: bool) -> Result<WaitsFor, Refusal> {
        if let Some(departed) = self.departed.iter().find(|departed| departed.ticket == ticket) {
            return Err(Refusal::Spent(departed.fate));
        }
        if ending {
            return Err(Refusal::Ending);
        }
        match self.members.iter().find(|member| member.name == name) {
            Some(member) if member.ticket == ticket => {}
            Some(_) => return Err(Refusal::Exists),
            None if usize::from(self.limits.members) <= self.members.len() => return Err(Refusal::Full),
            None => self.members.push(Member::new(name, ticket)),
        }
        Ok(WaitsFor::Up(ticket))
    }

    fn stop(&mut self, name: &N) -> Result<WaitsFor, Refusal> {
        let member = self.members.iter_mut().find(|member| member.name == *name);
        let member = member.ok_or(Refusal::NoSuchMember)?;
        member.leave();
        Ok(WaitsFor::Gone(member.ticket))
    }

    fn ended(&mut self, conn: ConnId) {
        let armed = self.lines.iter().any(|line| line.conn == conn && line.is_armed());
        self.lines.retain(|line| line.conn != conn);
        // H1, H3: the end of any other connection says nothing about the client.
        if armed {
            self.end(Why::ClientGone);
        }
    }

    fn member_up(&mut self, ticket: Ticket) {
        self.with_member(ticket, |member| {
            // H7: a load that ends after its member was stopped is not taken on; it is being ended.
            if member.phase == Phase::Loading {
                member.phase = Phase::Running;
            }
        });
        self.answer_up();
    }

    fn member_failed(&mut self, ticket: Ticket) {
        self.with_member(ticket, |member| {
            if matches!(member.phase, Phase::Loading | Phase::Running) {
                member.phase = Phase::Closing(Fate::Failed);
            }
        });
    }

    /// Answers whoever waits for a member that runs.
    fn answer_up(&mut self) {
        for line in &mut self.lines {
            if let Some(WaitsFor::Up(ticket)) = line.waits
                && self.members.iter().any(|member| member.ticket == ticket && member.phase == Phase::Running)
            {
                line.answer(Reply::Up);
            }
        }
    }

    fn answer_all(&mut self, waits: WaitsFor, reply: Reply) {
        for line in self.lines.iter_mut().filter(|line| line.waits == Some(waits)) {
            line.answer(reply);
        }
    }

    /// Nothing is left of a member: its wish is spent, and whoever waits for it is answered.
    fn left(&mut self, name: N, ticket: Ticket, fate: Fate) {
        self.members.retain(|member| member.ticket != ticket);
        let excess = (self.departed.len() + 1).saturating_sub(usize::from(self.limits.departed));
        self.departed.push(Departed { name, ticket, fate });
        self.departed.drain(..excess);
        self.answer_all(WaitsFor::Up(ticket), Reply::Refused(Refusal::Left(fate)));
        self.answer_all(WaitsFor::Gone(ticket), Reply::Stopped);
    }

    /// The drain deadline came: the process ends, and whoever waits is not told that memory is back (H10).
    fn give_up(mut self) -> Step<Self> {
        let tickets: Vec<Ticket> = self.members.iter().map(|member| member.ticket).collect();
        let held = Reply::Refused(Refusal::MemoryHeld);
        for ticket in tickets {
            self.answer_all(WaitsFor::Up(ticket), held);
            self.answer_all(WaitsFor::Gone(ticket), held);
        }
        self.answer_all(WaitsFor::End, held);
        if let Some(why) = self.ending() {
            self.stage = Progress::Abandoning { why };
        }
        self.proceed()
    }

    fn refuse(&mut self, conn: ConnId, refusal: Refusal) {
        self.with_line(conn, |line| line.refuse(refusal));
    }

    fn with_line(&mut self, conn: ConnId, change: impl FnOnce(&mut Line)) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.conn == conn) {
            change(line);
        }
    }

    fn with_member(&mut self, ticket: Ticket, change: impl FnOnce(&mut Member<N>)) {
        if let Some(member) = self.members.iter_mut().find(|member| member.ticket == ticket) {
            change(member);
        }
    }

    fn breach(self) -> Step<Self> {
        Step::Done(Outcome::Breach(Breach { expected: self.pending.name() }))
    }
}

impl<N: Clone + Eq> Machine for Holder<N> {
    type Effect = Effect<N>;
    type Observed = Seen<N>;
    type Outcome = Outcome;

    fn step(mut self, seen: Seen<N>) -> Step<Self> {
        match (self.pending.clone(), seen) {
            (Effect::Await, seen) => return self.heard(seen),

            (Effect::WatchParent, Seen::Parent(ParentSeen::Gone)) => {
                let why = Why::ClientGone;
                return Step::Done(Outcome::Ended { why, drained: true });
            }
            (Effect::WatchParent, Seen::Parent(parent)) => {
                if let (Some(bond), ParentSeen::Unverifiable { direct }) = (&mut self.bond, parent) {
                    bond.direct = direct;
                }
                return self.to(Effect::Listen);
            }
            (Effect::Listen, Seen::Done) => return self.to(Effect::TellReady),
            (Effect::Listen, Seen::Failed) => return Step::Done(Outcome::NotListening),
            // Nobody hears it: whoever started the process is gone, or does not care.
            (Effect::TellReady, Seen::Done | Seen::Failed) => self.stage = Progress::Serving,

            (Effect::InspectParent, Seen::Parent(parent)) => {
                let direct = self.bond.as_mut().is_some_and(|bond| {
                    bond.look = false;
                    bond.direct
                });
                match parent {
                    ParentSeen::Gone => self.end(Why::ClientGone),
                    ParentSeen::Unverifiable { .. } if direct => self.end(Why::ClientGone),
                    ParentSeen::Watched | ParentSeen::Unverifiable { .. } => {}
                }
            }
            // A reply that can't be sent has no reader; the end of its connection is heard of by itself.
            (Effect::Send(conn, _), Seen::Done | Seen::Failed) => {
                self.with_line(conn, |line| line.owes = None);
            }
            (Effect::Close(conn), Seen::Done) => self.lines.retain(|line| line.conn != conn),
            (Effect::CloseDoors, Seen::Done | Seen::Failed) => {
                if let Progress::Draining { doors, .. } = &mut self.stage {
                    *doors = Doors::Closed;
                }
            }

            (Effect::OpenSocket(_, ticket), Seen::Done) => {
                self.with_member(ticket, |member| member.phase = Phase::Starting);
            }
            // What can't be asked or stopped is not loaded.
            (Effect::OpenSocket(_, ticket), Seen::Failed) => {
                self.with_member(ticket, |member| member.phase = Phase::Closing(Fate::Failed));
            }
            (Effect::BeginLoad(_, ticket), Seen::Done) => {
                self.with_member(ticket, |member| member.phase = Phase::Loading);
            }
            (Effect::EndMember(_, ticket), Seen::Done) => {
                self.with_member(ticket, |member| member.phase = Phase::Ending);
            }
            (Effect::CloseSocket(name, ticket), Seen::Done | Seen::Failed) => {
                let fate = self.members.iter().find_map(|member| match member.phase {
                    Phase::Closing(fate) if member.ticket == ticket => Some(fate),
                    _ => None,
                });
                self.left(name, ticket, fate.unwrap_or(Fate::Stopped));
            }
            _ => return self.breach(),
        }
        self.proceed()
    }
}
