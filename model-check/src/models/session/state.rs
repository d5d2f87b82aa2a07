//! Everything that the session model remembers: owners with their caches, the disk, the wire, the client, and what was seen to go
//! wrong.

use std::hash::{Hash, Hasher};

use modeld_spec::ids::Epoch;
use modeld_spec::session::effect::{Answer, Failure, Item, Sequence, Ticket};
use modeld_spec::session::operation::Operation;
use modeld_spec::session::reader::{Reader, Stamp};
use modeld_spec::session::reopen::{self, Reopen};
use modeld_spec::session::snapshot::{Digest, Head};
use modeld_spec::session::table::{Key, Table};
use modeld_spec::session::tape::TokenId;

use super::names::Text;
use crate::models::lease::shared::Shared;

/// One state of the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The owners so far; the last one is the one that the lease says. `None`: it crashed.
    pub owners: [Option<Shared<Owner>>; OWNERS],
    /// How many owners there were.
    pub epochs: u8,
    /// The snapshot on disk.
    pub disk: Option<Shared<File>>,
    /// What the current owner has said to the client and the client has not got, in order.
    pub wire: Vec<(Stamp, Message)>,
    /// The client.
    pub client: Shared<Client>,
    /// What may still happen.
    pub left: Budget,
    /// Rules about single steps that were seen to be broken; empty for ever in a sound protocol.
    pub broken: Broken,
}

/// How many owners there can be, one after the other.
pub const OWNERS: usize = 2;

/// The most sequences of a cache.
pub const SEQUENCES: usize = 3;

/// The most sessions at once.
pub const PLACES: usize = 2;

/// One owner: its sessions, and what its cache really holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    /// Its epoch.
    pub epoch: Epoch,
    /// Whether its gate lets nothing pass any more.
    pub fenced: bool,
    /// Its sessions.
    pub table: Table,
    /// What is in each sequence.
    pub cache: [Cells; SEQUENCES],
    /// What is noted of each session, by place.
    pub notes: [Note; PLACES],
    /// A batch that lands although its session has ended: with a mutant only.
    pub orphan: Option<(Sequence, Cells)>,
}

/// What is noted of a session, to hold it against what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Note {
    /// The operation under way.
    pub begun: Option<Begun>,
    /// The text behind whose last tokens the outputs at hand were computed, and how many these are.
    pub outputs: Option<(Text, u8)>,
    /// From where on its positions were computed behind tokens that have gone.
    pub inexact: Option<u8>,
    /// What was chosen and not handed out yet.
    pub chosen: Option<TokenId>,
    /// Whether an outcome was unknown, and nothing has cut the sequence back since.
    pub unsure: bool,
    /// Whether that happened to what was to cut it back: nobody will ever know.
    pub lost: bool,
    /// A snapshot that was read into memory.
    pub buffer: Option<Shared<File>>,
    /// What was saved under the name of the snapshot that was just loaded: identity, and tokens.
    pub loaded: Option<(Digest, Text)>,
    /// Whether it has heard of the fence.
    pub told: bool,
}

/// An operation that was begun and has not been answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Begun {
    /// Which.
    pub operation: Operation,
    /// Its number.
    pub ticket: Ticket,
    /// The text before.
    pub before: Text,
    /// The text after, if it ends well. A decode has it behind each item.
    pub target: Text,
    /// How many tokens of the cache it can use again.
    pub common: u8,
    /// How many tokens it asks for.
    pub asked: u8,
    /// A digest of tape and cache before.
    pub was: u64,
    /// How many tokens came into the cache.
    pub evaluated: u8,
    /// How many were cut off.
    pub cut: u8,
    /// How many were taken from another session.
    pub shared: u8,
    /// How many went to make room.
    pub shifted: u8,
    /// How many items were handed out.
    pub emitted: u8,
    /// Whether its caller went away.
    pub cancelled: bool,
}

/// What a sequence of the cache holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cells {
    len: u8,
    cells: [Cell; 6],
}

/// One position of a sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cell {
    /// The token, the session that had it evaluated, and whether it was generated.
    bits: u8,
}

impl Cell {
    /// A token that a session of this life had evaluated.
    pub fn new(token: TokenId, life: u32, generated: bool) -> Self {
        let life = u8::try_from(life).unwrap_or(u8::MAX);
        Cell { bits: u8::from(token.0 != 0) | u8::from(generated) << 1 | life << 2 }
    }

    /// The token.
    pub fn token(self) -> TokenId {
        TokenId(i32::from(self.bits & 1))
    }

    /// Whether it was generated.
    pub fn generated(self) -> bool {
        self.bits & 2 != 0
    }

    /// Whose it is.
    pub fn life(self) -> u32 {
        u32::from(self.bits >> 2)
    }
}

impl Hash for Cells {
    /// One word: there are six of these in every state.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f] = self.cells.map(|cell| cell.bits);
        state.write_u64(u64::from_le_bytes([self.len, a, b, c, d, e, f, 0]));
    }
}

impl Cells {
    /// Nothing.
    pub const NONE: Cells = Cells { len: 0, cells: [Cell { bits: 0 }; 6] };

    /// The positions.
    pub fn cells(&self) -> &[Cell] {
        self.cells.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The tokens.
    pub fn text(&self) -> Text {
        Text::of(self.cells().iter().map(|cell| cell.token()))
    }

    /// Puts a position behind the last one.
    pub fn push(&mut self, cell: Cell) {
        if let Some(place) = self.cells.get_mut(usize::from(self.len)) {
            *place = cell;
            self.len += 1;
        }
    }

    /// Removes everything from `len` on.
    pub fn truncate(&mut self, len: usize) {
        let kept: Vec<Cell> = self.cells().iter().take(len).copied().collect();
        *self = Cells::default();
        kept.into_iter().for_each(|cell| self.push(cell));
    }

    /// The same as contents of another session.
    #[must_use]
    pub fn of_life(&self, life: u32) -> Cells {
        let mut cells = Cells::default();
        self.cells().iter().for_each(|cell| cells.push(Cell::new(cell.token(), life, cell.generated())));
        cells
    }
}

/// A snapshot on disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct File {
    /// Its name.
    pub id: Digest,
    /// What it says.
    pub head: Head,
    /// What it holds.
    pub cells: Cells,
    /// What was saved under its name: identity, and tokens.
    pub truth: (Digest, Text),
    /// Whether it ends too early.
    pub torn: bool,
}

/// What an owner says to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// A generated token.
    Item(Item),
    /// The end of an operation, and the text that it made.
    Answer(Result<Answer, Failure>, Text),
}

/// The client of one session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Client {
    /// What it takes and has taken.
    pub reader: Reader,
    /// Its session.
    pub key: Option<Key>,
    /// The operation that it waits for.
    pub operation: Option<Operation>,
    /// Whether its history is what the session's text has to be.
    pub synced: bool,
    /// Whether its owner was lost and another one not found yet.
    pub lost: bool,
    /// The snapshot that it knows of, and the text that it holds.
    pub snapshot: Option<(Digest, Text)>,
    /// The session that it opens again.
    pub reopen: Option<(reopen::Effect, Reopen)>,
    /// What the session was opened from again.
    pub source: Option<reopen::Source>,
}

/// How often each thing may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Sessions that are opened.
    pub opens: u8,
    /// Operations that are asked for.
    pub asks: u8,
    /// Cancels.
    pub cancels: u8,
    /// Closes.
    pub closes: u8,
    /// Batches and other effects that fail.
    pub failures: u8,
    /// Effects whose outcome is unknown.
    pub unknowns: u8,
    /// Fences.
    pub fences: u8,
    /// Crashes.
    pub crashes: u8,
    /// Snapshots that are changed on disk.
    pub corruptions: u8,
    /// Snapshots that end too early.
    pub tears: u8,
    /// Loads that end too early.
    pub shorts: u8,
    /// Things that come late: an observation, a cancel, a call with a former handle.
    pub lates: u8,
    /// Items that are lost on the way.
    pub losses: u8,
}

/// A set of rules that were broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Broken(u32);

impl Broken {
    /// Notes a rule.
    pub fn note(&mut self, rule: Rule) {
        self.0 |= 1 << rule as u32;
    }

    /// Whether the rule was broken.
    pub fn has(self, rule: Rule) -> bool {
        self.0 & 1 << rule as u32 != 0
    }
}

/// Rules about single steps, which no state by itself shows to be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// T13: something was taken from another session that is not what was to be evaluated.
    SharedOther,
    /// T14: a token was handed out that was not chosen.
    NotChosen,
    /// T1: a token was chosen by outputs that are not those behind the tape.
    StaleOutputs,
    /// T2: a cache of which nobody can tell what it holds was used.
    UnsureUsed,
    /// T4: an operation was begun while another one was under way.
    TwoOperations,
    /// T5: a cancelled operation began another effect.
    CancelOverrun,
    /// T5: a cancel did not leave what it has to leave.
    CancelAfterState,
    /// T6: an operation that does not fit was begun, or one that fits was refused for want of room.
    Overflow,
    /// T6, T4: a refusal changed the session.
    RefusalChanged,
    /// T7: an answer said something else than what was done.
    AnswerInexact,
    /// T8: something late changed a session.
    LateTookHold,
    /// T8: the client took something of another operation.
    OtherOperationTaken,
    /// T9: an effect took hold after the fence.
    AfterFence,
    /// T9: the client took something of an older owner.
    OldEpochTaken,
    /// T10: a fatal session was used.
    FatalUsed,
    /// T11: a restore ended well and its contents are not what was saved.
    RestoredOther,
    /// T11: a restore was refused and the session is not as it was.
    RefusedChanged,
    /// T12: the client took an item that is not the next one.
    GapTaken,
    /// A machine was given an answer that it had not asked for.
    Contract,
}
