//! Clients: what they read of the record, whom they call, and what they accept.
//!
//! A client has one answer, which follows its owners, and may ask others things that are answered at once; one watch
//! over epochs sees both. The answer and the watch are the machines of `modeld_spec::follow`, made again from what
//! has happened to them, since they hold lists.

use std::time::Duration;

use modeld_spec::error::Error;
use modeld_spec::fence::commit::Ownership;
use modeld_spec::fence::entry::{Generation, Here, Opened, Refusal, admit, admit_item};
use modeld_spec::follow::{EpochWatch, Follow, Loss};
use modeld_spec::ids::Epoch;
use modeld_spec::session::report::DecodeEvent;
use modeld_spec::session::tape::TokenId;
use modeld_spec::time::BootTime;

use super::Fence;
use super::actions::Action;
use super::mutants::Mutant;
use super::state::{Broken, Client, Event, Life, State, epoch, ownership};
use crate::coverage::mark;

impl Fence {
    /// What a client can do.
    pub(super) fn calls(&self, state: &State, index: u8, actions: &mut Vec<Action>) {
        let client = &state.clients[usize::from(index)];
        for slot in self.slots() {
            if client.pipes[usize::from(slot)].is_some() && client.server == Some(slot) {
                actions.push(Action::Receive(index, slot));
            }
        }
        if client.server.is_some_and(|slot| client.has_room() && self.is_lost(state, slot)) {
            actions.push(Action::Lose(index));
        }
        if state.left.calls == 0 {
            return;
        }
        let read = state.record.map(|record| (record.slot, record.epoch));
        if self.stale && read.is_some() && read != client.meant {
            actions.push(Action::Lookup(index));
        }
        let Some((named, _)) = (if self.stale { client.meant } else { read }) else { return };
        for slot in self.slots() {
            let process = state.process(slot);
            // Whoever called at once reaches the owner that it read; an old address may have another one.
            let reached = self.stale || slot == named;
            let answers = process.runs() && 0 < process.epoch && !matches!(process.life, Life::Granted);
            if reached && answers {
                if client.server.is_none() && client.has_room() && process.resident {
                    actions.push(Action::Open(index, slot));
                }
                actions.push(Action::Ask(index, slot));
            }
        }
    }

    /// Whether a client that is served by this process has reason to give it up.
    fn is_lost(&self, state: &State, slot: u8) -> bool {
        let process = state.process(slot);
        !process.runs() || !process.owns() || !process.gate.admits(state.now()) || process.permits.is_closed()
    }

    pub(super) fn lookup(&self, state: &mut State, index: u8) {
        let read = state.record.map(|record| (record.slot, record.epoch));
        state.clients[usize::from(index)].meant = read;
    }

    pub(super) fn open(&self, state: &mut State, index: u8, slot: u8) {
        let place = usize::from(index);
        if !self.admitted(state, index, slot) {
            return;
        }
        let (number, generation) = (state.process(slot).epoch, state.process(slot).generation);
        let mut client = state.clients[place];
        let accepted = self.accepts(state, &mut client, number)
            && follow(&client).is_some_and(|mut answer| {
                answer.asked();
                answer.opened(epoch(number)).is_some()
            });
        if accepted {
            client.note(Event::Opened(number));
            client.server = Some(slot);
            client.pipes[usize::from(slot)] = None;
            let process = state.process_mut(slot);
            process.sessions[place] = Some((number, generation));
            process.sent[place] = 0;
        } else {
            mark("fence: a client finds no session at an owner that it does not accept");
        }
        state.clients[place] = client;
    }

    pub(super) fn ask(&self, state: &mut State, index: u8, slot: u8) {
        if self.admitted(state, index, slot) {
            let number = state.process(slot).epoch;
            let mut client = state.clients[usize::from(index)];
            self.accepts(state, &mut client, number);
            state.clients[usize::from(index)] = client;
        }
    }

    /// Whether the call of a client is admitted where it arrives.
    fn admitted(&self, state: &mut State, index: u8, slot: u8) -> bool {
        state.left.calls -= 1;
        let read = state.record.map(|record| (record.slot, record.epoch));
        let client = &mut state.clients[usize::from(index)];
        if !self.stale {
            client.meant = read;
        }
        let Some(meant) = client.meant else { return false };
        let here = self.here(state, slot, None);
        let named = ownership(meant.0, meant.1);
        let named = match self.mutant {
            Some(Mutant::EntryComparesInstanceOnly) => Ownership { epoch: here.ownership.epoch, ..named },
            Some(Mutant::EntryComparesEpochOnly) => Ownership { instance: here.ownership.instance, ..named },
            _ => named,
        };
        let judged = admit(&named, &here);
        mark(match judged {
            Ok(()) => "fence: a call is admitted",
            Err(Refusal::Fenced) => "fence: a call is refused by the gate",
            Err(Refusal::Draining) => "fence: a call is refused by a stopping owner",
            Err(Refusal::NotMeant | Refusal::SessionGone) => "fence: a call is for another ownership",
        });
        if judged.is_ok() {
            if meant != (slot, state.process(slot).epoch) {
                state.broke(Broken::MISDIRECTED);
            }
            self.watch_beginning(state, slot, super::state::Work::Load);
        }
        judged.is_ok()
    }

    /// Whether the session of a client may have an item produced here.
    pub(super) fn admits_item(
        &self,
        state: &State,
        slot: u8,
        index: u8,
        here: &Here<u8>,
    ) -> Result<Epoch, Refusal> {
        let process = state.process(slot);
        let Some((number, generation)) = process.sessions[usize::from(index)] else {
            return Err(Refusal::SessionGone);
        };
        let resident = Generation(u32::from(process.generation));
        let mut opened = Opened { epoch: epoch(number), generation: Generation(u32::from(generation)) };
        match self.mutant {
            Some(Mutant::SessionOutlivesLoad) => opened.generation = resident,
            Some(Mutant::SessionOutlivesOwnership) => opened.epoch = here.ownership.epoch,
            _ => {}
        }
        admit_item(opened, resident, here)
    }

    /// F6, F7: an item leaves the process for its client.
    pub(super) fn produce(&self, state: &mut State, slot: u8, index: u8) {
        let place = usize::from(index);
        let process = state.process_mut(slot);
        let (number, sent) = (process.epoch, process.sent[place]);
        process.sent[place] += 1;
        state.clients[place].pipes[usize::from(slot)] = Some((number, sent));
    }

    pub(super) fn receive(&self, state: &mut State, index: u8, slot: u8) {
        let place = usize::from(index);
        let mut client = state.clients[place];
        let Some((number, sent)) = client.pipes[usize::from(slot)].take() else { return };
        if !self.accepts(state, &mut client, number) {
            client.refused = true;
            client.server = None;
            let seen = client.seen;
            client.note(Event::Stale(seen));
        } else if let Some(mut answer) = follow(&client)
            && answer.item(epoch(number), u64::from(sent), &item()).is_ok()
        {
            mark("fence: a client accepts an item");
            let first = client.log.iter().rev().find(|event| **event != Event::None);
            if matches!(first, Some(Event::Opened(_))) {
                client.served_by += 1;
            }
            client.note(Event::Item);
        }
        state.clients[place] = client;
    }

    pub(super) fn lose(&self, state: &mut State, index: u8) {
        let place = usize::from(index);
        let mut client = state.clients[place];
        let Some(slot) = client.server.take() else { return };
        client.pipes[usize::from(slot)] = None;
        let process = state.process(slot);
        let served = client.log.iter().rev().find_map(|event| match event {
            Event::Opened(number) => Some(*number),
            _ => None,
        });
        let number = served.unwrap_or(process.epoch);
        // Who is reached and is that owner says so; who is gone, or paused, says nothing.
        let says = process.runs() && process.owns() && process.epoch == number;
        client.note(if says { Event::Fenced(number) } else { Event::Lost(number) });
        state.clients[place] = client;
    }

    /// F8: whether a client accepts an answer of this epoch.
    fn accepts(&self, state: &mut State, client: &mut Client, number: u8) -> bool {
        let mut watch = EpochWatch::default();
        if 0 < client.seen && self.mutant != Some(Mutant::ClientForgetsEpochs) {
            // What has been seen was admitted.
            let _ = watch.admit(epoch(client.seen));
        }
        let admitted = watch.admit(epoch(number)).is_ok();
        if !admitted {
            mark("fence: a client finds an answer too old");
        } else if number < client.seen {
            state.broke(Broken::OLDER_ACCEPTED);
        }
        if admitted {
            client.seen = client.seen.max(number);
        }
        admitted
    }
}

/// The answer of a client, made again from what has happened to it; `None` once it was given up.
fn follow(client: &Client) -> Option<Follow> {
    let mut answer = Follow::new(None, None, PATIENCE, BootTime::ZERO);
    let (mut served, mut next) = (Epoch::FIRST, 0);
    for event in client.log {
        match event {
            Event::None => break,
            Event::Opened(number) => {
                answer.asked();
                answer.opened(epoch(number))?;
                (served, next) = (epoch(number), 0);
            }
            Event::Item => {
                answer.item(served, next, &item()).ok()?;
                next += 1;
            }
            Event::Lost(number) => {
                answer.lost(epoch(number), Loss::Connection, BootTime::ZERO).ok()?;
            }
            Event::Fenced(number) => {
                let error = Error::Fenced { epoch: epoch(number) };
                answer.lost(epoch(number), Loss::Owner(error), BootTime::ZERO).ok()?;
            }
            Event::Stale(seen) => {
                let error = Error::StaleEpoch { got: served, seen: epoch(seen) };
                answer.lost(served, Loss::Owner(error), BootTime::ZERO).ok()?;
            }
        }
    }
    Some(answer)
}

/// An item of one token.
fn item() -> DecodeEvent {
    DecodeEvent::Text { text: String::new(), tokens: vec![TokenId(1)], logprobs: Vec::new() }
}

/// For how long a client looks for an owner: longer than any story here.
const PATIENCE: Duration = Duration::from_secs(3600);
