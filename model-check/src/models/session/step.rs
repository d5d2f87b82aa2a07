//! The transitions, and the rules that are watched where they happen.

use modeld_spec::session::effect::{Ask, Effect, Refusal, Seen};
use modeld_spec::session::machine::Ending;
use modeld_spec::session::operation::{Activity, Operation};
use modeld_spec::session::reader::Stamp;
use modeld_spec::session::table::Key;
use modeld_spec::session::tape::TokenId;

use super::Sessions;
use super::actions::{Action, Fate, What};
use super::judge::expected;
use super::mutants::Mutant;
use super::names::{self, IDENTITY, Text};
use super::state::{Begun, Cell, Cells, Note, Owner, Rule, State};
use crate::coverage::mark;
use crate::models::lease::shared::Shared;

impl Sessions {
    /// Makes `action` happen.
    pub(super) fn apply(&self, state: &mut State, action: Action) {
        match action {
            Action::Open { client } => self.open(state, client),
            Action::Ask { place, what } => self.ask(state, place, what),
            Action::Begin { owner, place, count, .. } => self.begin(state, owner, place, count),
            Action::Land { owner, place, fate, .. } => self.land(state, owner, place, fate),
            Action::Perform { owner, place, fate, .. } => {
                self.begin(state, owner, place, usize::MAX);
                self.land(state, owner, place, fate);
            }
            Action::Cancel { owner, place } => self.cancel(state, owner, place),
            Action::Close { owner, place } => {
                state.left.closes -= 1;
                self.end(state, owner, place, Ending::Closed);
            }
            Action::Hear { owner, place } => self.end(state, owner, place, Ending::Fenced),
            Action::Fence => {
                state.left.fences -= 1;
                state.wherever_current(|owner| owner.fenced = true);
            }
            Action::Crash => {
                state.left.crashes -= 1;
                state.owners[usize::from(state.epochs) - 1] = None;
            }
            Action::TakeOver => {
                state.epochs += 1;
                let number = usize::from(state.epochs);
                state.owners[number - 1] = Some(Shared::new(Owner::new(number, self)));
            }
            Action::Deliver(index) => self.deliver(state, index),
            Action::Lose(index) => {
                state.left.losses -= 1;
                state.wire.remove(index);
            }
            Action::Notice => state.client.is_lost(),
            Action::Reopen => self.reopen(state),
            Action::Corrupt => {
                state.left.corruptions -= 1;
                if let Some(file) = &mut state.disk {
                    let cells: Vec<Cell> = file.cells.cells().to_vec();
                    let mut changed = Cells::default();
                    for (index, cell) in cells.iter().enumerate() {
                        let flipped = index + 1 == cells.len();
                        let bit = cell.token().0 ^ i32::from(flipped);
                        changed.push(Cell::new(TokenId(bit), 0, cell.generated()));
                    }
                    file.cells = changed;
                }
            }
            Action::Tear => {
                state.left.tears -= 1;
                if let Some(file) = &mut state.disk {
                    let kept = file.cells.cells().len() - 1;
                    file.cells.truncate(kept);
                    file.torn = true;
                }
            }
            Action::LateSeen { owner, place } => self.late(state, owner, place, true),
            Action::LateCancel { owner, place } => self.late(state, owner, place, false),
            Action::OldHandle { place } => self.old_handle(state, place),
            Action::OrphanLands { owner } => {
                if let Some(owner) = state.owners[owner].as_mut()
                    && let Some((sequence, cells)) = owner.orphan.take()
                {
                    cells.cells().iter().for_each(|cell| owner.cells_mut(sequence).push(*cell));
                }
            }
        }
    }

    fn open(&self, state: &mut State, client: bool) {
        state.left.opens -= 1;
        // More room than was reserved: the model's instead of the session's.
        let limit = self.limits[usize::from(!client)] + usize::from(self.is(Mutant::LimitOfModel));
        let Some(owner) = state.current_mut() else { return };
        match owner.table.open(limit) {
            Ok(key) => {
                owner.notes[key.place] = Note::default();
                if client {
                    state.client.key = Some(key);
                    state.client.synced = true;
                }
            }
            Err(_) => mark("session: no sequence is free"),
        }
    }

    fn ask(&self, state: &mut State, place: usize, what: What) {
        let Some(ask) = what.ask(self, state) else { return };
        let snapshot = state.disk.as_ref().map(|file| file.says());
        let Some((key, _)) = state.current().and_then(|owner| owner.at(place)) else { return };
        let clients = state.client.key == Some(key);
        self.ask_as(state, key, &ask, snapshot, clients);
    }

    /// Asks, holds the answer against what has to come, and lets the client wait for it.
    pub(super) fn ask_as(
        &self,
        state: &mut State,
        key: Key,
        ask: &Ask,
        snapshot: Option<Text>,
        clients: bool,
    ) -> bool {
        let State { owners, epochs, broken, client, left, .. } = state;
        let Some(owner) = owners[usize::from(*epochs) - 1].as_mut() else { return false };
        let place = key.place;
        if self.is(Mutant::BusyNotAsked) {
            self.forget_operation(owner, key);
        }
        let Some(before) = owner.table.session(key).cloned() else { return false };
        let (fits, begun) = expected(owner, &before, place, ask, snapshot);
        let asked = match ask {
            Ask::Suffix(tokens) if !fits && self.truncates() => {
                let room = before.limit().saturating_sub(before.text().count());
                let asked = owner.table.ask(key, &Ask::Suffix(tokens.iter().take(room).copied().collect()));
                let refusal = Refusal::Busy(Operation::PrefillSuffix);
                if self.is(Mutant::RefusesAfterwards) { Err(refusal) } else { asked }
            }
            ask => owner.table.ask(key, ask),
        };
        match asked {
            Ok(ticket) => {
                mark("session: operation begins");
                left.asks = left.asks.saturating_sub(1);
                if owner.notes[place].begun.is_some() {
                    broken.note(Rule::TwoOperations);
                }
                if !fits {
                    broken.note(Rule::Overflow);
                }
                if owner.notes[place].unsure {
                    broken.note(Rule::UnsureUsed);
                }
                if owner.notes[place].lost {
                    broken.note(Rule::FatalUsed);
                }
                if begun.generated {
                    mark("session: generated tokens reused");
                }
                owner.notes[place].begun = Some(Begun { ticket, ..begun.begun });
                if clients {
                    let stamp = Stamp { epoch: owner.epoch, life: key.life, ticket };
                    client.reader.awaits(stamp);
                    client.operation = Some(ask.operation());
                }
                true
            }
            Err(refusal) => {
                mark(refused(refusal));
                if owner.table.session(key) != Some(&before) {
                    broken.note(Rule::RefusalChanged);
                }
                if fits && matches!(refusal, Refusal::Overflow { .. }) {
                    broken.note(Rule::Overflow);
                }
                false
            }
        }
    }

    fn truncates(&self) -> bool {
        self.is(Mutant::PromptTruncated) || self.is(Mutant::RefusesAfterwards)
    }

    /// A machine that does not ask whether it is busy begins the next operation in the place of the one under way, which
    /// nobody answers.
    fn forget_operation(&self, owner: &mut Owner, key: Key) {
        let Some(session) = owner.table.session(key) else { return };
        let ticket = session.ticket();
        if matches!(session.activity(), Activity::Running(_)) && session.in_flight().is_none() {
            owner.table.cancel(key, ticket);
            if owner.table.session(key).is_some_and(|session| session.wants() == Some(Effect::Answer)) {
                owner.table.begin(key, usize::MAX);
                let _ = owner.table.seen(key, ticket, Seen::Done);
            }
        }
    }

    fn begin(&self, state: &mut State, index: usize, place: usize, count: usize) {
        let State { owners, broken, .. } = state;
        let Some(owner) = owners[index].as_mut() else { return };
        let Some((key, _)) = owner.at(place) else { return };
        let Some(effect) = owner.table.begin(key, count) else { return broken.note(Rule::Contract) };
        let note = &owner.notes[place];
        let goes_on = matches!(
            effect,
            Effect::Evaluate { .. }
                | Effect::Share { .. }
                | Effect::Shift { .. }
                | Effect::Sample { .. }
                | Effect::Emit(_)
                | Effect::Save { .. }
                | Effect::Load { .. }
        );
        if goes_on && note.begun.is_some_and(|begun| begun.cancelled) {
            broken.note(Rule::CancelOverrun);
        }
        if goes_on && note.unsure {
            broken.note(Rule::UnsureUsed);
        }
        if goes_on && note.lost {
            broken.note(Rule::FatalUsed);
        }
    }

    fn land(&self, state: &mut State, index: usize, place: usize, fate: Fate) {
        let Some((key, effect)) = state.owners[index].as_ref().and_then(|owner| {
            let (key, session) = owner.at(place)?;
            Some((key, session.in_flight()?))
        }) else {
            return state.broken.note(Rule::Contract);
        };
        let Some(seen) = self.perform(state, index, key, effect, fate) else {
            return state.broken.note(Rule::Contract);
        };
        self.see(state, index, key, seen);
    }

    fn see(&self, state: &mut State, index: usize, key: Key, seen: Seen) {
        let State { owners, broken, .. } = state;
        let Some(owner) = owners[index].as_mut() else { return };
        let Some(session) = owner.table.session(key) else { return broken.note(Rule::Contract) };
        let (ticket, sequence) = (session.ticket(), session.sequence());
        if owner.table.seen(key, ticket, seen).is_err() {
            return broken.note(Rule::Contract);
        }
        let loaded = owner.notes[key.place].loaded.take();
        let Some(session) = owner.table.session(key) else {
            owner.notes[key.place] = Note::default();
            return;
        };
        let (now, is_answered) = (session.sequence(), session.answer().is_some());
        if sequence.is_some() && now.is_some() && sequence != now {
            // T11: the contents of another sequence are the session's from here on.
            mark("session: restored");
            let tape = Text::of(session.tape().tokens().iter().copied());
            let cells = now.map_or(Text::default(), |sequence| owner.cells(sequence).text());
            if loaded != Some((IDENTITY, cells)) || tape != cells {
                broken.note(Rule::RestoredOther);
            }
            owner.notes[key.place].outputs = None;
            owner.notes[key.place].inexact = None;
        }
        if is_answered {
            owner.notes[key.place].chosen = None;
        }
    }

    pub(super) fn cancel(&self, state: &mut State, index: usize, place: usize) {
        state.left.cancels = state.left.cancels.saturating_sub(1);
        let State { owners, client, .. } = state;
        let Some(owner) = owners[index].as_mut() else { return };
        let Some((key, session)) = owner.at(place) else { return };
        let ticket = session.ticket();
        mark(if session.in_flight().is_some() {
            "session: cancelled in flight"
        } else {
            "session: cancelled"
        });
        let due = session.wants();
        if !self.is(Mutant::CancelIgnored) {
            owner.table.cancel(key, ticket);
        }
        let is_answered = owner.table.session(key).is_some_and(|session| session.answer().is_some());
        let note = &mut owner.notes[place];
        if is_answered {
            note.chosen = None;
        }
        if let Some(begun) = &mut note.begun {
            begun.cancelled = true;
            if self.is(Mutant::CancelHandsOut)
                && let Some(Effect::Emit(item)) = due
            {
                begun.emitted += 1;
                begun.target.push(item.token);
            }
        }
        if client.key == Some(key) {
            client.reader.gives_up();
            (client.operation, client.synced) = (None, false);
        }
    }

    fn end(&self, state: &mut State, index: usize, place: usize, ending: Ending) {
        let Some(owner) = state.owners[index].as_mut() else { return };
        let Some((key, session)) = owner.at(place) else { return };
        mark(if session.in_flight().is_some() { "session: ended in flight" } else { "session: ended" });
        let batch = match session.in_flight() {
            Some(Effect::Evaluate { sequence, count, .. }) if self.is(Mutant::FreedInFlight) => {
                let mut cells = Cells::default();
                session
                    .feed()
                    .iter()
                    .take(count)
                    .for_each(|token| cells.push(Cell::new(*token, key.life, false)));
                Some((sequence, cells, session.ticket()))
            }
            _ => None,
        };
        owner.table.end(key, ending);
        owner.notes[place].chosen = None;
        if ending == Ending::Fenced {
            owner.notes[place].told = true;
        }
        if let Some((sequence, cells, ticket)) = batch {
            owner.orphan = Some((sequence, cells));
            let _ = owner.table.seen(key, ticket, Seen::Evaluated { came: 0, failed: false });
        }
        if owner.table.session(key).is_none() {
            owner.notes[place] = Note::default();
        }
    }

    /// T8: something of the operation before comes late, and nothing may come of it.
    fn late(&self, state: &mut State, index: usize, place: usize, observation: bool) {
        state.left.lates -= 1;
        let State { owners, broken, .. } = state;
        let Some(owner) = owners[index].as_mut() else { return };
        let Some((key, session)) = owner.at(place) else { return };
        let before = session.clone();
        let mut ticket = before.ticket();
        if !self.is(if observation { Mutant::TicketNotCompared } else { Mutant::CancelHitsAny }) {
            ticket.0 -= 1;
        }
        if observation {
            if owner.table.seen(key, ticket, Seen::Evaluated { came: 1, failed: false }).is_err() {
                mark("session: late observation ignored");
            }
        } else {
            owner.table.cancel(key, ticket);
        }
        if owner.table.session(key) != Some(&before) {
            broken.note(Rule::LateTookHold);
        }
    }

    /// T8: a handle of a session that was here before, or at the owner before.
    fn old_handle(&self, state: &mut State, place: usize) {
        state.left.lates -= 1;
        let State { owners, broken, epochs, .. } = state;
        let Some(owner) = owners[usize::from(*epochs) - 1].as_mut() else { return };
        let Some((key, session)) = owner.at(place) else { return };
        let before = session.clone();
        let mut old = key;
        if 1 < key.life {
            old.life = if self.is(Mutant::LifeNotCompared) { key.life } else { key.life - 1 };
        } else {
            old.epoch = if self.is(Mutant::EpochNotCompared) { key.epoch } else { names::epoch(1) };
        }
        if owner.table.ask(old, &Ask::Prefix(names::tokens("b"))) == Err(Refusal::Closed) {
            mark("session: former handle refused");
        }
        if owner.table.session(key) != Some(&before) {
            broken.note(Rule::LateTookHold);
        }
    }
}

fn refused(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NotYet => "session: refused, not yet",
        Refusal::Busy(_) => "session: refused, busy",
        Refusal::Fatal => "session: refused, fatal",
        Refusal::Closed => "session: refused, closed",
        Refusal::Fenced => "session: refused, fenced",
        Refusal::Overflow { .. } => "session: refused, overflow",
        Refusal::Empty => "session: refused, empty",
        Refusal::Shifted => "session: refused, shifted",
        Refusal::NoSequence => "session: refused, no sequence",
    }
}
