//! A backend that is nothing but lists of tokens, and the loop that performs what sessions want on it.

use modeld_spec::ids::Epoch;
use modeld_spec::session::effect::{Answer, Ask, Effect, Failure, Item, Seen, Sequence};
use modeld_spec::session::snapshot::{Digest, Head, Refused};
use modeld_spec::session::table::{Key, Sharing, Table};
use modeld_spec::session::tape::TokenId;

pub(crate) const IDENTITY: Digest = Digest([1; 32]);

pub(crate) fn ids(tokens: &[u8]) -> Vec<TokenId> {
    tokens.iter().map(|token| TokenId(i32::from(*token))).collect()
}

/// Sessions, the cache that they share, and what a snapshot file holds.
pub(crate) struct Rig {
    pub(crate) table: Table,
    pub(crate) cache: Vec<Vec<TokenId>>,
    pub(crate) file: Option<(Digest, Head, Vec<TokenId>)>,
    pub(crate) items: Vec<Item>,
    /// What the model writes next, in order; the end of its text where there is nothing more.
    pub(crate) writes: Vec<TokenId>,
    pub(crate) trims: bool,
    pub(crate) shares: bool,
    /// After how many items positions were taken out, from where on, and how many.
    pub(crate) shifts: Vec<(usize, usize, usize)>,
    /// By sequence: the texts behind which the outputs at hand were computed.
    outputs: Vec<Vec<Vec<TokenId>>>,
    buffer: Option<Vec<TokenId>>,
}

impl Rig {
    pub(crate) fn new(places: usize, sequences: usize) -> Self {
        Rig::sharing(places, sequences, Sharing::Off)
    }

    pub(crate) fn sharing(places: usize, sequences: usize, sharing: Sharing) -> Self {
        Rig {
            table: Table::new(Epoch::FIRST, IDENTITY, places, sequences, sharing),
            cache: vec![Vec::new(); sequences],
            file: None,
            items: Vec::new(),
            writes: Vec::new(),
            trims: true,
            shares: true,
            shifts: Vec::new(),
            outputs: vec![Vec::new(); sequences],
            buffer: None,
        }
    }

    /// Opens a session whose text is `tokens`.
    pub(crate) fn with_text(&mut self, limit: usize, tokens: &[u8]) -> Key {
        let key = self.table.open(limit).expect("a sequence is free");
        self.table.ask(key, &Ask::Prefix(ids(tokens))).expect("the text fits");
        assert!(matches!(self.run(key), Some(Ok(_))));
        key
    }

    /// Performs what the session wants until it wants nothing more; its last answer.
    pub(crate) fn run(&mut self, key: Key) -> Option<Result<Answer, Failure>> {
        let mut answer = None;
        while let Some(effect) = self.table.begin(key, 2) {
            if effect == Effect::Answer {
                answer = self.table.session(key).expect("the session is there").answer();
            }
            self.land(key, effect);
        }
        answer
    }

    /// The same for a session that ends: the names of what it wanted.
    pub(crate) fn run_to_end(&mut self, key: Key) -> Vec<&'static str> {
        let mut names = Vec::new();
        while let Some(effect) = self.table.begin(key, 2) {
            names.push(effect.name());
            self.land(key, effect);
        }
        names
    }

    /// Asks and performs.
    pub(crate) fn call(&mut self, key: Key, ask: &Ask) -> Result<Answer, Failure> {
        self.table.ask(key, ask).expect("the session is idle");
        self.run(key).expect("each operation is answered")
    }

    /// Performs the effect in flight.
    pub(crate) fn land(&mut self, key: Key, effect: Effect) {
        let seen = self.perform(key, effect);
        self.see(key, seen);
    }

    pub(crate) fn see(&mut self, key: Key, seen: Seen) {
        let ticket = self.table.session(key).expect("the session is there").ticket();
        self.table.seen(key, ticket, seen).expect("the effect is in flight");
    }

    pub(crate) fn perform(&mut self, key: Key, effect: Effect) -> Seen {
        let session = self.table.session(key).expect("the session is there");
        match effect {
            Effect::Truncate { keep, .. } if !self.trims && 0 < keep => Seen::Uncuttable,
            Effect::Truncate { sequence, keep } => {
                self.cells(sequence).truncate(keep);
                Seen::Done
            }
            Effect::Evaluate { sequence, position, count } => {
                let (tokens, wanted) = (session.feed()[..count].to_vec(), session.guesses() + 1);
                assert_eq!(self.cells(sequence).len(), position);
                self.cells(sequence).extend(tokens);
                let cells = self.cells(sequence).clone();
                let last = (cells.len() - wanted.min(count)..cells.len()).map(|at| cells[..=at].to_vec());
                self.outputs[sequence.0 as usize] = last.collect();
                Seen::Evaluated { came: count, failed: false }
            }
            Effect::Share { .. } if !self.shares => Seen::Failed,
            Effect::Share { from, to, position, count } => {
                // T13: what lies before is the same, so what was computed behind it is.
                assert_eq!(self.cache[from.0 as usize][..position], self.cache[to.0 as usize]);
                let shared = self.cache[from.0 as usize][position..position + count].to_vec();
                self.cells(to).extend(shared);
                Seen::Done
            }
            Effect::Shift { .. } if !self.trims => Seen::Uncuttable,
            Effect::Shift { sequence, position, count } => {
                self.cells(sequence).drain(position..position + count);
                self.outputs[sequence.0 as usize].clear();
                self.shifts.push((self.items.len(), position, count));
                Seen::Done
            }
            Effect::Sample { position } => {
                let sequence = session.sequence().expect("the session has a sequence").0 as usize;
                let behind = self.cache[sequence][..=position].to_vec();
                assert!(self.outputs[sequence].contains(&behind), "T1: no outputs behind {behind:?}");
                Seen::Sampled((!self.writes.is_empty()).then(|| self.writes.remove(0)))
            }
            Effect::Emit(item) => {
                self.items.push(item);
                Seen::Done
            }
            Effect::Save { sequence } => {
                let id = Digest([7; 32]);
                self.file = Some((id, session.head(), self.cache[sequence.0 as usize].clone()));
                Seen::Saved(id)
            }
            Effect::Read(id) => match &self.file {
                Some((found, head, cells)) if *found == id => {
                    self.buffer = Some(cells.clone());
                    Seen::Read(Ok((head.clone(), *found)))
                }
                _ => Seen::Read(Err(Refused::Absent)),
            },
            Effect::Load { sequence } => {
                let cells = self.buffer.take().expect("the snapshot was read");
                *self.cells(sequence) = cells;
                Seen::Loaded(self.cells(sequence).len())
            }
            Effect::Clear { sequence } => {
                self.cells(sequence).clear();
                Seen::Done
            }
            Effect::Answer => Seen::Done,
        }
    }

    /// The text of a session.
    pub(crate) fn text(&self, key: Key) -> Vec<TokenId> {
        self.table.session(key).expect("the session is there").text().collect()
    }

    /// T1.
    pub(crate) fn tape_is_cache(&self, key: Key) -> bool {
        let session = self.table.session(key).expect("the session is there");
        let sequence = session.sequence().expect("the session has a sequence");
        !session.claims_cache() || session.tape().tokens() == self.cache[sequence.0 as usize]
    }

    fn cells(&mut self, sequence: Sequence) -> &mut Vec<TokenId> {
        &mut self.cache[sequence.0 as usize]
    }
}
