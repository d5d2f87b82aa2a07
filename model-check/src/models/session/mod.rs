//! The session model: sessions of one model that share its cache, and the client of one of them.
//!
//! The machines of `modeld-spec` are part of the state and are stepped with what the modelled backend, disk and wire answer; no
//! decision of the protocol is made here. What is modelled beside them: a cache that holds real contents and knows of each position
//! who had it evaluated, a disk with one snapshot, the stream to the client, and two owners, one after the other.
//!
//! A batch, a save and a load take two transitions, so that a cancel, a close, a fence or a crash can fall into them; everything else is
//! one. A batch of several sessions is one for each: what it does to a session does not depend on the others in it.
//!
//! Not modelled: how many rows each session gets in a batch (any number is among the paths), text and stop strings (a token is an
//! item), and who may own when (the lease model).

pub mod actions;
mod client;
mod configurations;
mod describe;
mod enabled;
mod judge;
pub mod mutants;
pub mod names;
pub mod perform;
pub mod properties;
pub mod state;
mod step;
mod views;

use modeld_spec::session::draft::Drafts;
use modeld_spec::session::reader::Reader;
use modeld_spec::session::table::Sharing;
use stateright::{Model, Property};

use crate::configuration::Configuration;
use crate::models::lease::shared::Shared;
use crate::study::{self, Mutated, Promise, Study};
use actions::Action;
use mutants::Mutant;
use names::{FOREIGN, Text};
use state::{Broken, Budget, Cell, Cells, Client, File, Owner, State};

/// One configuration of the model: its bounds, its faults.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sessions {
    /// Sessions at once.
    pub places: usize,
    /// Sequences of the cache.
    pub sequences: usize,
    /// Tokens that the first user's session and everybody else's has room for.
    pub limits: [usize; 2],
    /// Tokens of a batch at most.
    pub batch: usize,
    /// What is asked for as a prefix: tokens `a` and `b`.
    pub prefixes: &'static [&'static str],
    /// What is asked for as a suffix.
    pub suffixes: &'static [&'static str],
    /// Tokens that a decode is asked for; none: nobody decodes.
    pub generates: u8,
    /// Whether the cache can be cut elsewhere than at 0.
    pub trims: bool,
    /// How far a decode guesses ahead.
    pub drafts: Drafts,
    /// Whether a decode takes tokens out to make room.
    pub shifts: bool,
    /// Whether sessions share what they have both.
    pub sharing: Sharing,
    /// Whether snapshots are taken and restored.
    pub snapshots: bool,
    /// Whether the snapshot of another model is on disk.
    pub foreign: bool,
    /// Whether the first session is that of a client that follows its owners.
    pub client: bool,
    /// How often things happen, faults among them.
    pub budget: Budget,
    /// A change that has to be noticed.
    pub mutant: Option<Mutant>,
}

impl Sessions {
    /// Nothing happens at all.
    pub const NOTHING: Budget = Budget {
        opens: 0,
        asks: 0,
        cancels: 0,
        closes: 0,
        failures: 0,
        unknowns: 0,
        fences: 0,
        crashes: 0,
        corruptions: 0,
        tears: 0,
        shorts: 0,
        lates: 0,
        losses: 0,
    };

    /// One session and three operations, without a fault.
    pub const SMALL: Sessions = Sessions {
        places: 1,
        sequences: 2,
        limits: [3, 3],
        batch: 2,
        prefixes: &["a", "ab", "abb"],
        suffixes: &["b"],
        generates: 2,
        trims: true,
        drafts: Drafts::NONE,
        shifts: false,
        sharing: Sharing::Off,
        snapshots: false,
        foreign: false,
        client: false,
        budget: Budget { opens: 1, asks: 3, ..Sessions::NOTHING },
        mutant: None,
    };

    /// The state in which the first owner has a model loaded and nobody has a session.
    pub fn beginning(&self) -> State {
        let first = Owner::new(1, self);
        State {
            owners: [Some(Shared::new(first)), None],
            epochs: 1,
            disk: self.foreign.then(|| Shared::new(foreign())),
            wire: Vec::new(),
            client: Shared::new(Client { reader: Reader::new(), ..Client::default() }),
            left: self.budget,
            broken: Broken::default(),
        }
    }

    /// Whether this mutant is at work.
    pub fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }
}

/// A snapshot of another model.
fn foreign() -> File {
    let text = Text::of(names::tokens("b"));
    let head = modeld_spec::session::snapshot::Head {
        identity: FOREIGN,
        tokens: text.tokens().collect(),
        prefix: 1,
        end: 1,
        pending: None,
    };
    let mut cells = Cells::default();
    text.tokens().for_each(|token| cells.push(Cell::new(token, 0, false)));
    File { id: names::digest(&(&head, &cells)), head, cells, truth: (FOREIGN, text), torn: false }
}

impl Model for Sessions {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.beginning()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.enabled(state, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        self.apply(&mut next, action);
        Some(next)
    }

    fn format_action(&self, action: &Action) -> String {
        action.to_string()
    }

    fn format_step(&self, state: &State, action: Action) -> Option<String> {
        let next = self.next_state(state, action)?;
        Some(format!("{next:#?}"))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        study::properties(self)
    }
}

impl Study for Sessions {
    const NAME: &'static str = "session";
    const ABOUT: &'static str =
        "sessions on one cache: prefix, suffix, decode, cancel, snapshot, restore, close, owner change";

    fn bounds(&self) -> String {
        let Budget { opens, asks, .. } = self.budget;
        format!("n{}-q{}-l{}-o{opens}-a{asks}", self.places, self.sequences, self.limits[0])
    }

    fn bounds_in_words(&self) -> String {
        let Budget { opens, asks, .. } = self.budget;
        format!(
            "{} sessions at once on {} sequences, {opens} opened, {asks} operations, room for {} tokens, batches of {}",
            self.places, self.sequences, self.limits[0], self.batch
        )
    }

    fn faults(&self) -> Vec<&'static str> {
        let budget = &self.budget;
        let switches = [
            (0 < budget.cancels, "cancel"),
            (0 < budget.closes, "close"),
            (0 < budget.failures, "failed effect"),
            (0 < budget.unknowns, "unknown outcome"),
            (0 < budget.fences, "fence"),
            (0 < budget.crashes, "crash"),
            (0 < budget.corruptions, "corrupt snapshot"),
            (0 < budget.tears, "torn snapshot"),
            (0 < budget.shorts, "short load"),
            (self.foreign, "foreign snapshot"),
            (0 < budget.lates, "late observation, cancel or call"),
            (0 < budget.losses, "lost item"),
            (!self.trims, "cache that can't be cut"),
        ];
        switches.into_iter().filter_map(|(on, what)| on.then_some(what)).collect()
    }

    fn configurations() -> Vec<Configuration<Self>> {
        configurations::all()
    }

    fn promises(&self) -> Vec<Promise<Self>> {
        properties::of(self)
    }

    fn mutants() -> Vec<Mutated<Self>> {
        mutants::all()
    }

    fn kind(action: &Action) -> &'static str {
        actions::kind(action)
    }

    fn marks() -> &'static [&'static str] {
        actions::MARKS
    }
}
