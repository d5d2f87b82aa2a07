//! The cast: names of members, tickets, tokens, and whose each connection is.

use modeld_spec::holder::effect::{ConnId, Peer};
use modeld_spec::holder::frame::{Attempt, Handshake, Question, Request, Ticket, Token, Version, Versions};

use super::Bind;
use super::state::Word;

/// The name of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Name {
    /// The one that the holder begins with.
    First,
    /// The one that is added.
    Second,
    /// Nobody's wish: what a mutant makes of a name.
    Third,
}

/// Connections of the client: one for each attempt.
pub const CLIENT_WIRES: usize = 3;
/// Connections of each asker: one for each attempt.
pub const ASKER_WIRES: usize = 2;
/// The first connection of a stray.
pub const FIRST_STRAY: usize = CLIENT_WIRES + 2 * ASKER_WIRES;
/// All connections.
pub const WIRES: usize = FIRST_STRAY + 2;

/// The wish for the member that the holder begins with.
pub const FIRST: Ticket = Ticket(0);
/// The wish of the asker who adds.
pub const SECOND: Ticket = Ticket(1);
/// What a mutant makes of a repeated wish.
pub const AGAIN: Ticket = Ticket(2);
/// How many tickets there are.
pub const TICKETS: usize = 3;

/// What the client knows, and the holder.
pub const TOKEN: Token = Token(7);
/// What a stray has.
const WRONG_TOKEN: Token = Token(8);

/// Whose a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The client's.
    Client,
    /// That of the asker with this number.
    Asker(usize),
    /// A stray's.
    Stray,
}

/// Whose this connection is.
pub fn whose(wire: usize) -> Whose {
    if wire < CLIENT_WIRES {
        Whose::Client
    } else if wire < FIRST_STRAY {
        Whose::Asker((wire - CLIENT_WIRES) / ASKER_WIRES)
    } else {
        Whose::Stray
    }
}

/// The connection of an attempt of the client.
pub fn client_wire(attempt: Attempt) -> usize {
    usize::from(attempt.0).saturating_sub(1).min(CLIENT_WIRES - 1)
}

/// The connection of an attempt of an asker.
pub fn asker_wire(asker: usize, attempt: Attempt) -> usize {
    CLIENT_WIRES + ASKER_WIRES * asker + usize::from(attempt.0).saturating_sub(1).min(ASKER_WIRES - 1)
}

/// The name by which the holder knows a connection.
pub fn conn(wire: usize) -> ConnId {
    ConnId(u32::try_from(wire).unwrap_or(u32::MAX))
}

/// The connection of this name.
pub fn wire(conn: ConnId) -> usize {
    usize::try_from(conn.0).unwrap_or(WIRES).min(WIRES - 1)
}

/// Where a ticket stands in a list of members.
pub fn place(ticket: Ticket) -> usize {
    usize::try_from(ticket.0).unwrap_or(TICKETS).min(TICKETS - 1)
}

/// The versions from one to another.
pub fn versions((min, max): (u8, u8)) -> Versions {
    Versions::new(Version(min), Version(max)).unwrap_or(Versions::OURS)
}

impl Bind {
    /// The versions that whoever has this connection speaks.
    pub fn speaks(&self, wire: usize) -> Versions {
        match whose(wire) {
            Whose::Client | Whose::Asker(_) => versions(self.client_versions),
            Whose::Stray => versions(self.holder_versions),
        }
    }

    /// The process at the other end of this connection.
    pub fn peer(&self, wire: usize) -> Peer {
        if self.foreign && whose(wire) == Whose::Stray { Peer::Foreign } else { Peer::Own }
    }

    /// The request that a word is, on this connection.
    pub fn request(&self, wire: usize, word: Word) -> Request<Name> {
        let attempt = Attempt(u8::try_from(wire).unwrap_or(0) + 1);
        let token = if whose(wire) == Whose::Client { TOKEN } else { WRONG_TOKEN };
        let first = Name::First;
        match word {
            Word::Hello => Request::Handshake(Handshake::Hello(self.speaks(wire))),
            Word::Bind => Request::Handshake(Handshake::Bind { token, attempt }),
            Word::Ack => Request::Handshake(Handshake::Ack),
            Word::Stop => Request::Question(Question::Stop { member: first }),
            Word::StopAll => Request::Question(Question::StopAll),
            Word::Question => {
                let asked = match whose(wire) {
                    Whose::Asker(asker) => self.asks.get(asker).copied().flatten(),
                    Whose::Client | Whose::Stray => None,
                };
                Request::Question(asked.unwrap_or(Question::Stop { member: first }))
            }
        }
    }
}
