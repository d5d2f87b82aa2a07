//! Which transitions a state allows.

use modeld_spec::session::effect::Effect;
use modeld_spec::session::machine::Session;
use modeld_spec::session::operation::Activity;
use modeld_spec::session::reopen;
use modeld_spec::session::table::Key;

use super::Sessions;
use super::actions::{Action, Fate, What};
use super::mutants::Mutant;
use super::state::{Message, Owner, State};

impl Sessions {
    /// Every action that `state` allows.
    pub(super) fn enabled(&self, state: &State, actions: &mut Vec<Action>) {
        for (index, owner) in state.owners.iter().enumerate() {
            let Some(owner) = owner else { continue };
            if owner.orphan.is_some() {
                actions.push(Action::OrphanLands { owner: index });
            }
            for (key, session) in owner.table.sessions() {
                self.effects(state, index, owner, key, session, actions);
                self.interrupts(state, index, owner, key, session, actions);
            }
        }
        self.asks(state, actions);
        self.clients(state, actions);
        self.faults_of(state, actions);
    }

    fn effects(
        &self,
        state: &State,
        index: usize,
        owner: &Owner,
        key: Key,
        session: &Session,
        actions: &mut Vec<Action>,
    ) {
        let place = key.place;
        if let Some(effect) = session.in_flight() {
            let land = |fate| Action::Land { owner: index, place, effect: effect.name(), fate };
            return self.fates(state, owner, session, effect, &mut |fate| actions.push(land(fate)));
        }
        let Some(effect) = owner.table.wants(key) else { return };
        let name = effect.name();
        let gated = effect.is_gated() && owner.fenced && !self.is(Mutant::GateNotAsked);
        match effect {
            _ if gated => {
                actions.push(Action::Perform { owner: index, place, effect: name, fate: Fate::Fenced });
            }
            Effect::Evaluate { count, .. } => {
                for count in 1..=count.min(self.batch) {
                    actions.push(Action::Begin { owner: index, place, effect: name, count });
                }
            }
            Effect::Save { .. } | Effect::Load { .. } => {
                actions.push(Action::Begin { owner: index, place, effect: name, count: 0 });
            }
            Effect::Emit(_) if state.client.key == Some(key) && WIRE <= state.wire.len() => {}
            _ => {
                let perform = |fate| Action::Perform { owner: index, place, effect: name, fate };
                self.fates(state, owner, session, effect, &mut |fate| actions.push(perform(fate)));
            }
        }
    }

    /// What can become of an effect.
    fn fates(
        &self,
        state: &State,
        owner: &Owner,
        session: &Session,
        effect: Effect,
        push: &mut impl FnMut(Fate),
    ) {
        let fails = (0 < state.left.failures).then_some(Fate::Fails(0));
        let unknown = if 0 < state.left.unknowns { UNKNOWN } else { &[] };
        match effect {
            Effect::Evaluate { count, .. } => batch_fates(state, session, count, push),
            Effect::Truncate { keep, .. } if !self.trims && 0 < keep => push(Fate::Uncuttable),
            Effect::Save { .. } if owner.fenced && !self.is(Mutant::CommitNotFenced) => {
                push(Fate::Fenced);
            }
            Effect::Truncate { .. } | Effect::Save { .. } => {
                push(Fate::Done);
                fails.into_iter().chain(unknown.iter().copied()).for_each(push);
            }
            Effect::Clear { .. } => {
                push(Fate::Done);
                unknown.iter().copied().for_each(push);
            }
            Effect::Share { .. } | Effect::Shift { .. } => {
                [Fate::Done, Fate::Refused].into_iter().chain(unknown.iter().copied()).for_each(push);
            }
            Effect::Sample { .. } => {
                [Fate::Token("a"), Fate::Token("b"), Fate::Ends].into_iter().chain(fails).for_each(push);
            }
            Effect::Load { .. } => {
                push(Fate::Done);
                if 0 < state.left.unknowns {
                    push(Fate::Unknown(1));
                }
                if 0 < state.left.shorts {
                    push(Fate::Short);
                }
            }
            Effect::Read(_) => [Fate::Done].into_iter().chain(fails).for_each(push),
            Effect::Emit(_) | Effect::Answer => push(Fate::Done),
        }
    }

    fn interrupts(
        &self,
        state: &State,
        index: usize,
        owner: &Owner,
        key: Key,
        session: &Session,
        actions: &mut Vec<Action>,
    ) {
        let place = key.place;
        let clients = state.client.key == Some(key);
        if 0 < state.left.cancels && matches!(session.activity(), Activity::Running(_)) {
            // A client that opens its session again waits for it.
            if !(clients && state.client.reopen.is_some()) {
                actions.push(Action::Cancel { owner: index, place });
            }
        }
        if 0 < state.left.closes && !session.is_ending() && !clients {
            actions.push(Action::Close { owner: index, place });
        }
        if owner.fenced && !owner.notes[place].told {
            actions.push(Action::Hear { owner: index, place });
        }
        if 0 < state.left.lates && 1 < session.ticket().0 {
            if session.in_flight().is_some_and(|effect| matches!(effect, Effect::Evaluate { .. })) {
                actions.push(Action::LateSeen { owner: index, place });
            }
            if matches!(session.activity(), Activity::Running(_)) {
                actions.push(Action::LateCancel { owner: index, place });
            }
        }
    }

    fn asks(&self, state: &State, actions: &mut Vec<Action>) {
        let Some(owner) = state.current() else { return };
        if !owner.fenced && 0 < state.left.opens {
            if self.client && state.client.key.is_none() && !state.client.lost {
                actions.push(Action::Open { client: true });
            }
            if !self.client || 1 < self.places {
                actions.push(Action::Open { client: false });
            }
        }
        if state.left.asks == 0 {
            return;
        }
        for (key, session) in owner.table.sessions() {
            let place = key.place;
            let clients = state.client.key == Some(key);
            let client_waits =
                state.client.operation.is_some() || state.client.reopen.is_some() || state.client.lost;
            if clients && client_waits {
                continue;
            }
            let mut ask = |what| actions.push(Action::Ask { place, what });
            if session.activity() != Activity::Idle {
                // Any will do to be refused.
                ask(What::Snapshot);
                continue;
            }
            self.prefixes.iter().for_each(|text| ask(What::Prefix(text)));
            self.suffixes.iter().for_each(|text| ask(What::Suffix(text)));
            if 0 < self.generates {
                ask(What::Decode);
            }
            if self.snapshots {
                ask(What::Snapshot);
            }
            if state.disk.is_some() {
                ask(What::Restore);
            }
            if 0 < state.left.lates && (1 < key.life || 1 < state.epochs) {
                actions.push(Action::OldHandle { place });
            }
        }
    }

    fn clients(&self, state: &State, actions: &mut Vec<Action>) {
        for (index, (stamp, message)) in state.wire.iter().enumerate() {
            // What belongs to one operation comes in order.
            if state.wire.iter().take(index).any(|(before, _)| before == stamp) {
                continue;
            }
            actions.push(Action::Deliver(index));
            if 0 < state.left.losses && matches!(message, Message::Item(_)) {
                actions.push(Action::Lose(index));
            }
        }
        let client = &state.client;
        if let Some(key) = client.key
            && !client.lost
            && state.owner(key.epoch).is_none_or(|owner| owner.fenced)
        {
            actions.push(Action::Notice);
        }
        let new = state
            .current()
            .is_some_and(|owner| !owner.fenced && client.key.is_none_or(|key| key.epoch < owner.epoch));
        let goes_on = match &client.reopen {
            None => client.lost && new,
            Some((effect, _)) => *effect == reopen::Effect::Open || client.operation.is_none(),
        };
        if goes_on && state.current().is_some_and(|owner| !owner.fenced) {
            actions.push(Action::Reopen);
        }
    }

    fn faults_of(&self, state: &State, actions: &mut Vec<Action>) {
        match state.current() {
            Some(owner) => {
                if 0 < state.left.crashes {
                    actions.push(Action::Crash);
                }
                if 0 < state.left.fences && !owner.fenced {
                    actions.push(Action::Fence);
                }
                if owner.fenced && usize::from(state.epochs) < state.owners.len() {
                    actions.push(Action::TakeOver);
                }
            }
            None if usize::from(state.epochs) < state.owners.len() => actions.push(Action::TakeOver),
            None => {}
        }
        if let Some(file) = &state.disk {
            if 0 < state.left.corruptions && !file.cells.cells().is_empty() {
                actions.push(Action::Corrupt);
            }
            if 0 < state.left.tears && !file.torn && !file.cells.cells().is_empty() {
                actions.push(Action::Tear);
            }
        }
    }
}

/// What can become of a batch of `count` tokens.
fn batch_fates(state: &State, session: &Session, count: usize, push: &mut impl FnMut(Fate)) {
    push(Fate::Done);
    if session.is_interrupted() {
        (0..count).for_each(|came| push(Fate::Stopped(came)));
    }
    if 0 < state.left.failures {
        (0..=count).for_each(|came| push(Fate::Fails(came)));
    }
    if 0 < state.left.unknowns {
        (0..=count).for_each(|came| push(Fate::Unknown(came)));
    }
}

/// What nobody knows the outcome of has not happened, or it has.
const UNKNOWN: &[Fate] = &[Fate::Unknown(0), Fate::Unknown(1)];
/// Messages that travel at once: a reader that does not read stalls its session.
const WIRE: usize = 2;
