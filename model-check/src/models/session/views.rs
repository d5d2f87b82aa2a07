//! The world, looked at: owners, sessions, and the answers that are due.

use modeld_spec::ids::Epoch;
use modeld_spec::session::effect::{Answer, Failure};
use modeld_spec::session::machine::Session;
use modeld_spec::session::table::{Key, Table};

use super::Sessions;
use super::names::{self, IDENTITY, Text};
use super::state::{Begun, Cells, Client, File, Owner, PLACES, SEQUENCES, State};

impl Owner {
    /// An owner of the epoch with this number, without sessions.
    pub fn new(number: usize, sessions: &Sessions) -> Self {
        let epoch = names::epoch(number);
        Owner {
            epoch,
            fenced: false,
            table: Table::new(
                epoch,
                IDENTITY,
                sessions.places.min(PLACES),
                sessions.sequences.min(SEQUENCES),
                sessions.sharing,
            ),
            cache: [Cells::NONE; SEQUENCES],
            notes: Default::default(),
            orphan: None,
        }
    }

    /// The session in this place.
    pub fn at(&self, place: usize) -> Option<(Key, &Session)> {
        self.table.sessions().find(|(key, _)| key.place == place)
    }
}

impl File {
    /// The text that it says it holds.
    pub fn says(&self) -> Text {
        let head = &self.head;
        Text::of(head.tokens.iter().take(head.end).chain(&head.pending).copied())
    }
}

impl State {
    /// The owner that the lease says.
    pub fn current(&self) -> Option<&Owner> {
        self.owners[usize::from(self.epochs) - 1].as_deref()
    }

    /// The same, to change it.
    pub fn current_mut(&mut self) -> Option<&mut Owner> {
        self.owners[usize::from(self.epochs) - 1].as_deref_mut()
    }

    /// The owner of this epoch, if it lives.
    pub fn owner(&self, epoch: Epoch) -> Option<&Owner> {
        self.owners.iter().flatten().map(|owner| &**owner).find(|owner| owner.epoch == epoch)
    }

    /// Every session, with its owner.
    pub fn sessions(&self) -> impl Iterator<Item = (&Owner, Key, &Session)> {
        self.owners
            .iter()
            .flatten()
            .flat_map(|owner| owner.table.sessions().map(move |(key, session)| (&**owner, key, session)))
    }

    /// Whether an answer is due of which this holds.
    pub fn answers(&self, holds: impl Fn(Result<Answer, Failure>, Begun) -> bool) -> bool {
        self.sessions().any(|(owner, key, session)| {
            let begun = owner.notes[key.place].begun;
            session.answer().zip(begun).is_some_and(|(answer, begun)| holds(answer, begun))
        })
    }

    /// Changes the current owner, if it lives.
    pub fn wherever_current(&mut self, change: impl FnOnce(&mut Owner)) {
        if let Some(owner) = self.current_mut() {
            change(owner);
        }
    }
}

impl Client {
    /// Its owner serves no more.
    pub fn is_lost(&mut self) {
        self.reader.gives_up();
        (self.key, self.operation, self.reopen, self.lost) = (None, None, None, true);
    }
}
