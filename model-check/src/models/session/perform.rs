//! What an effect does to cache, disk and wire, what is seen of it, and how the mutants falsify that.

use modeld_spec::session::effect::{Effect, Seen, Sequence};
use modeld_spec::session::reader::Stamp;
use modeld_spec::session::snapshot::{Digest, Refused};
use modeld_spec::session::table::Key;
use modeld_spec::session::tape::TokenId;

use super::Sessions;
use super::actions::Fate;
use super::judge;
use super::mutants::Mutant;
use super::names::{self, IDENTITY, Text};
use super::state::{Broken, Cell, Cells, File, Message, Owner, Rule, SEQUENCES, State};
use crate::coverage::mark;
use crate::models::lease::shared::Shared;

impl Sessions {
    /// Performs an effect of a session, in flight or whole.
    pub(super) fn perform(
        &self,
        state: &mut State,
        index: usize,
        key: Key,
        effect: Effect,
        fate: Fate,
    ) -> Option<Seen> {
        let State { owners, disk, wire, client, broken, left, .. } = state;
        let owner = owners.get_mut(index)?.as_mut()?;
        let place = key.place;
        match fate {
            Fate::Fails(_) => left.failures = left.failures.saturating_sub(1),
            Fate::Unknown(_) => left.unknowns = left.unknowns.saturating_sub(1),
            Fate::Short => left.shorts = left.shorts.saturating_sub(1),
            _ => {}
        }
        if fate == Fate::Fenced {
            mark("session: refused by the gate");
            return Some(Seen::Fenced);
        }
        if owner.fenced && matches!(effect, Effect::Emit(_) | Effect::Save { .. }) {
            broken.note(Rule::AfterFence);
        }
        Some(match effect {
            Effect::Truncate { sequence, keep } => self.truncate(owner, key, sequence, keep, fate),
            Effect::Evaluate { sequence, count, .. } => self.evaluate(owner, key, sequence, count, fate),
            Effect::Share { from, to, position, count } => {
                self.share(owner, key, Range { from, to, position, count }, fate, broken)
            }
            Effect::Shift { sequence, position, count } => {
                self.shift(owner, key, sequence, position..position + count, fate)
            }
            Effect::Sample { position } => self.sample(owner, key, position, fate, broken)?,
            Effect::Emit(item) => {
                if owner.notes[place].chosen.take() != Some(item.token) {
                    broken.note(Rule::NotChosen);
                }
                if let Some(begun) = &mut owner.notes[place].begun {
                    begun.emitted += 1;
                    begun.target.push(item.token);
                }
                if client.key == Some(key) {
                    let stamp = Stamp { epoch: owner.epoch, life: key.life, ticket: item.ticket };
                    wire.push((stamp, Message::Item(item)));
                }
                Seen::Done
            }
            Effect::Save { sequence } => save(owner, key, sequence, fate, disk)?,
            Effect::Read(id) => self.read(owner, key, id, fate, disk.as_ref()),
            Effect::Load { sequence } => self.load(owner, key, sequence, fate)?,
            Effect::Clear { sequence } => self.clear(owner, sequence, fate),
            Effect::Answer => {
                let session = owner.table.session(key)?;
                let answer = session.answer()?;
                let text = judge::check_answer(self, owner, key, broken)?;
                if client.key == Some(key) {
                    let stamp = Stamp { epoch: owner.epoch, life: key.life, ticket: session.ticket() };
                    wire.push((stamp, Message::Answer(answer, text)));
                }
                owner.notes[place].begun = None;
                Seen::Done
            }
        })
    }

    fn clear(&self, owner: &mut Owner, sequence: Sequence, fate: Fate) -> Seen {
        if fate != Fate::Unknown(0) && !self.is(Mutant::NotCleared) {
            owner.cells_mut(sequence).truncate(0);
        }
        match fate {
            Fate::Unknown(_) => {
                mark("session: clear of unknown outcome");
                if self.is(Mutant::UnclearIsFree) { Seen::Done } else { Seen::Unknown }
            }
            _ => Seen::Done,
        }
    }

    fn truncate(&self, owner: &mut Owner, key: Key, sequence: Sequence, keep: usize, fate: Fate) -> Seen {
        let resident = owner.cells(sequence).cells().len();
        let landed = fate == Fate::Done || fate == Fate::Unknown(1);
        if landed && !self.is(Mutant::TailNotCut) {
            owner.cells_mut(sequence).truncate(keep);
            let note = &mut owner.notes[key.place];
            note.outputs = None;
            note.inexact = note.inexact.filter(|inexact| usize::from(*inexact) < keep);
        }
        let note = &mut owner.notes[key.place];
        if let Some(begun) = &mut note.begun {
            begun.cut += u8::try_from(resident.saturating_sub(keep)).unwrap_or(u8::MAX);
        }
        let repairs = note.unsure;
        match fate {
            Fate::Done if repairs => mark("session: cut back to what is known"),
            Fate::Done => mark("session: tail cut off"),
            _ => {}
        }
        match fate {
            Fate::Uncuttable => {
                mark("session: can't be cut");
                note.begun.iter_mut().for_each(|begun| (begun.common, begun.cut) = (0, 0));
                if self.is(Mutant::UncuttableIsCut) { Seen::Done } else { Seen::Uncuttable }
            }
            Fate::Fails(_) => Seen::Failed,
            Fate::Unknown(_) => {
                mark("session: cut of unknown outcome");
                note.lost |= repairs;
                note.unsure = true;
                let believed = if repairs { Mutant::FailedRepairIsDone } else { Mutant::UnknownCutIsDone };
                if self.is(believed) { Seen::Done } else { Seen::Unknown }
            }
            _ if self.is(Mutant::NeverCuts) && 0 < keep && !repairs => {
                owner.cells_mut(sequence).truncate(0);
                Seen::Uncuttable
            }
            _ => {
                note.unsure = false;
                Seen::Done
            }
        }
    }

    fn evaluate(&self, owner: &mut Owner, key: Key, sequence: Sequence, count: usize, fate: Fate) -> Seen {
        let place = key.place;
        let Some(session) = owner.table.session(key) else { return Seen::Failed };
        let feed: Vec<TokenId> = session.feed().iter().take(count).copied().collect();
        let (generated, guesses) = (session.activity().is_decode(), session.guesses());
        let came = match fate {
            Fate::Stopped(came) | Fate::Fails(came) | Fate::Unknown(came) => came,
            _ => count,
        };
        for token in feed.iter().take(came) {
            owner.cells_mut(sequence).push(Cell::new(*token, key.life, generated));
        }
        if let Some(begun) = &mut owner.notes[place].begun {
            begun.evaluated += u8::try_from(came).unwrap_or(u8::MAX);
        }
        // Of guesses every row has its outputs, else the last one.
        let rows = if guesses == 0 || self.is(Mutant::OutputsOfLast) {
            1
        } else {
            u8::try_from(came).unwrap_or(u8::MAX)
        };
        let outputs = Some((owner.cells(sequence).text(), rows));
        if 0 < came && !self.is(Mutant::NoOutputs) {
            owner.notes[place].outputs = outputs;
        }
        if self.is(Mutant::NoOutputs) && owner.notes[place].outputs.is_none() {
            owner.notes[place].outputs = outputs;
        }
        match fate {
            Fate::Stopped(came) => {
                mark("session: batch stopped");
                let came = if self.is(Mutant::StoppedIsWhole) { count } else { came };
                Seen::Evaluated { came, failed: false }
            }
            Fate::Fails(_) if self.is(Mutant::FailedIsWhole) => {
                Seen::Evaluated { came: count, failed: false }
            }
            Fate::Fails(came) => Seen::Evaluated { came, failed: true },
            Fate::Unknown(_) => {
                mark("session: batch of unknown outcome");
                owner.notes[place].unsure = true;
                match self.mutant {
                    Some(Mutant::UnknownIsNothing) => Seen::Evaluated { came: 0, failed: true },
                    Some(Mutant::UnknownIsWhole) => Seen::Evaluated { came: count, failed: false },
                    _ => Seen::Unknown,
                }
            }
            _ => Seen::Evaluated { came: count, failed: false },
        }
    }

    fn share(&self, owner: &mut Owner, key: Key, range: Range, fate: Fate, broken: &mut Broken) -> Seen {
        let Range { from, to, position, count } = range;
        let session = owner.table.session(key);
        let planned = session.map(|session| {
            let feed = session.feed().iter().take(count);
            Text::of(session.tape().tokens().iter().chain(feed).copied())
        });
        let from = if self.is(Mutant::SharesFromAny) { Sequence(SEQUENCES as u32 - 1) } else { from };
        let source = *owner.cells(from);
        let landed = matches!(fate, Fate::Done | Fate::Unknown(1));
        if landed {
            // What was computed behind another text says something else, whatever its own tokens are.
            if planned != Some(source.text().head(position + count)) {
                broken.note(Rule::SharedOther);
            }
            let (life, generated) = (key.life, session.is_some_and(|session| session.activity().is_decode()));
            for cell in source.cells().iter().skip(position).take(count) {
                owner.cells_mut(to).push(Cell::new(cell.token(), life, generated));
            }
        }
        let note = &mut owner.notes[key.place];
        if let Some(begun) = note.begun.as_mut().filter(|_| landed) {
            begun.shared += u8::try_from(count).unwrap_or(u8::MAX);
        }
        match fate {
            Fate::Done => {
                mark("session: shared");
                Seen::Done
            }
            Fate::Refused => {
                mark("session: sharing refused by the cache");
                if self.is(Mutant::RefusedIsShared) { Seen::Done } else { Seen::Failed }
            }
            _ => {
                note.unsure = true;
                if self.is(Mutant::UnknownIsShared) { Seen::Done } else { Seen::Unknown }
            }
        }
    }

    fn shift(
        &self,
        owner: &mut Owner,
        key: Key,
        sequence: Sequence,
        range: std::ops::Range<usize>,
        fate: Fate,
    ) -> Seen {
        let landed = matches!(fate, Fate::Done | Fate::Unknown(1));
        if landed {
            let before = *owner.cells(sequence);
            let cells = owner.cells_mut(sequence);
            cells.truncate(0);
            let kept = before.cells().iter().enumerate().filter(|(at, _)| !range.contains(at));
            kept.for_each(|(_, cell)| cells.push(*cell));
            let note = &mut owner.notes[key.place];
            note.outputs = None;
            let start = u8::try_from(range.start).unwrap_or(u8::MAX);
            note.inexact = Some(note.inexact.map_or(start, |inexact| inexact.min(start)));
        }
        let note = &mut owner.notes[key.place];
        if let Some(begun) = note.begun.as_mut().filter(|_| fate == Fate::Done) {
            let target = begun.target.tokens().enumerate().filter(|(at, _)| !range.contains(at));
            begun.target = Text::of(target.map(|(_, token)| token));
            begun.shifted += u8::try_from(range.len()).unwrap_or(u8::MAX);
        }
        match fate {
            Fate::Done => {
                mark("session: shifted");
                Seen::Done
            }
            Fate::Refused => {
                mark("session: shift refused by the cache");
                if self.is(Mutant::RefusedIsShifted) { Seen::Done } else { Seen::Uncuttable }
            }
            _ => {
                note.unsure = true;
                if self.is(Mutant::UnknownIsShifted) { Seen::Done } else { Seen::Unknown }
            }
        }
    }

    fn sample(
        &self,
        owner: &mut Owner,
        key: Key,
        position: usize,
        fate: Fate,
        broken: &mut Broken,
    ) -> Option<Seen> {
        Some(match fate {
            Fate::Token(token) => {
                let session = owner.table.session(key)?;
                let tape = session.tape();
                let behind = Text::of(tape.tokens().iter().take(tape.end()).copied());
                let at_hand = owner.notes[key.place].outputs.is_some_and(|(text, rows)| {
                    let from = text.len() - usize::from(rows).min(text.len());
                    (from..text.len()).contains(&position) && text.head(position + 1) == behind
                });
                if !at_hand {
                    broken.note(Rule::StaleOutputs);
                }
                let token = names::tokens(token).first().copied();
                let guess = tape.tokens().get(tape.end()).copied();
                if guess.is_some() {
                    mark(if token == guess { "session: guess held" } else { "session: guess was wrong" });
                }
                owner.notes[key.place].chosen = token;
                Seen::Sampled(if self.is(Mutant::GuessIsChosen) { guess.or(token) } else { token })
            }
            Fate::Ends => Seen::Sampled(None),
            _ => Seen::Failed,
        })
    }

    fn read(&self, owner: &mut Owner, key: Key, id: Digest, fate: Fate, disk: Option<&Shared<File>>) -> Seen {
        if fate != Fate::Done {
            return Seen::Failed;
        }
        let Some(file) = disk.filter(|file| file.id == id) else { return Seen::Read(Err(Refused::Absent)) };
        owner.notes[key.place].buffer = Some(file.clone());
        let mut head = file.head.clone();
        let found = match self.mutant {
            Some(Mutant::DigestNotCompared) if !file.torn => id,
            Some(Mutant::TornIsTaken) if file.torn => id,
            _ => names::digest(&(&file.head, &file.cells)),
        };
        if self.is(Mutant::IdentityNotCompared) {
            head.identity = IDENTITY;
        }
        Seen::Read(Ok((head, found)))
    }

    fn load(&self, owner: &mut Owner, key: Key, sequence: Sequence, fate: Fate) -> Option<Seen> {
        let buffer = owner.notes[key.place].buffer.take()?;
        let sequence = match owner.table.session(key)?.sequence() {
            Some(own) if self.is(Mutant::LoadsInPlace) => own,
            _ => sequence,
        };
        let mut cells = buffer.cells.of_life(key.life);
        if fate != Fate::Done {
            cells.truncate(cells.cells().len().saturating_sub(1));
        }
        *owner.cells_mut(sequence) = cells;
        let length = match self.mutant {
            Some(Mutant::LengthNotCompared) => buffer.head.tokens.len(),
            Some(Mutant::TornIsTaken) if buffer.torn => buffer.head.tokens.len(),
            _ => cells.cells().len(),
        };
        // What has to be in the cache if the restore ends well.
        owner.notes[key.place].loaded = Some(buffer.truth);
        Some(if matches!(fate, Fate::Unknown(_)) { Seen::Unknown } else { Seen::Loaded(length) })
    }
}

/// Positions that are to be shared.
struct Range {
    from: Sequence,
    to: Sequence,
    position: usize,
    count: usize,
}

fn save(
    owner: &Owner,
    key: Key,
    sequence: Sequence,
    fate: Fate,
    disk: &mut Option<Shared<File>>,
) -> Option<Seen> {
    let head = owner.table.session(key)?.head();
    let cells = *owner.cells(sequence);
    let id = names::digest(&(&head, &cells.of_life(0)));
    if matches!(fate, Fate::Done | Fate::Unknown(1)) {
        let truth = (head.identity, cells.text());
        *disk = Some(Shared::new(File { id, head, cells: cells.of_life(0), truth, torn: false }));
    }
    Some(match fate {
        Fate::Done => Seen::Saved(id),
        Fate::Unknown(_) => Seen::Unknown,
        _ => Seen::Failed,
    })
}

impl Owner {
    /// What a sequence holds.
    pub fn cells(&self, sequence: Sequence) -> &Cells {
        self.cache.get(sequence.0 as usize).unwrap_or(&Cells::NONE)
    }

    /// The same, to change it.
    pub fn cells_mut(&mut self, sequence: Sequence) -> &mut Cells {
        let last = self.cache.len() - 1;
        &mut self.cache[(sequence.0 as usize).min(last)]
    }
}
