//! What can happen next: operations, effects, cancels, and faults.

use std::fmt;

use modeld_spec::session::effect::{Ask, Effect};
use modeld_spec::session::machine::Session;
use modeld_spec::session::operation::Activity;
use modeld_spec::session::reopen;
use modeld_spec::session::table::Key;

use super::Sessions;
use super::names;
use super::state::{Message, Owner, State};

/// One transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A session is opened, by the client or by somebody else.
    Open {
        /// Whether by the client.
        client: bool,
    },
    /// An operation is asked for.
    Ask {
        /// The session's place at the current owner.
        place: usize,
        /// Which.
        what: What,
    },
    /// A session's effect is put in flight.
    Begin {
        /// The owner.
        owner: usize,
        /// The session.
        place: usize,
        /// The effect's name.
        effect: &'static str,
        /// Tokens of a batch.
        count: usize,
    },
    /// The effect in flight ends.
    Land {
        /// The owner.
        owner: usize,
        /// The session.
        place: usize,
        /// The effect's name.
        effect: &'static str,
        /// How.
        fate: Fate,
    },
    /// An effect is performed whole.
    Perform {
        /// The owner.
        owner: usize,
        /// The session.
        place: usize,
        /// The effect's name.
        effect: &'static str,
        /// How it ends.
        fate: Fate,
    },
    /// The caller of an operation goes away.
    Cancel {
        /// The owner.
        owner: usize,
        /// The session.
        place: usize,
    },
    /// A session is closed.
    Close {
        /// The owner.
        owner: usize,
        /// The session.
        place: usize,
    },
    /// A session hears that its owner is fenced.
    Hear {
        /// The owner.
        owner: usize,
        /// The session.
        place: usize,
    },
    /// The gate of the current owner closes for good.
    Fence,
    /// The current owner dies.
    Crash,
    /// The next owner has a model loaded.
    TakeOver,
    /// The client gets what was sent, by its place on the wire.
    Deliver(usize),
    /// An item is lost on its way to the client.
    Lose(usize),
    /// The client notices that its owner is gone.
    Notice,
    /// The client goes on opening its session again.
    Reopen,
    /// A position of the snapshot on disk is changed.
    Corrupt,
    /// The snapshot on disk ends too early.
    Tear,
    /// An observation of the operation before comes late.
    LateSeen {
        /// The owner.
        owner: usize,
        /// The session.
        place: usize,
    },
    /// A cancel of the operation before comes late.
    LateCancel {
        /// The owner.
        owner: usize,
        /// The session.
        place: usize,
    },
    /// Somebody uses the handle of a session that was in this place before, or at the owner before.
    OldHandle {
        /// The session's place at the current owner.
        place: usize,
    },
    /// A batch of a session that has ended lands: with a mutant only.
    OrphanLands {
        /// The owner.
        owner: usize,
    },
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// A prefix.
    Prefix(&'static str),
    /// A suffix.
    Suffix(&'static str),
    /// A decode.
    Decode,
    /// A snapshot.
    Snapshot,
    /// A restore of what is on disk.
    Restore,
}

/// What becomes of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It is done.
    Done,
    /// It is done for so many positions, because it was asked to stop.
    Stopped(usize),
    /// It fails after so many positions.
    Fails(usize),
    /// Nobody can tell, and it was done for so many positions.
    Unknown(usize),
    /// This token was chosen.
    Token(&'static str),
    /// The model ends its text.
    Ends,
    /// The owner is fenced.
    Fenced,
    /// The cache can't be cut there.
    Uncuttable,
    /// The load ends too early.
    Short,
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fate::Done => Ok(()),
            Fate::Stopped(came) => write!(f, " (stopped after {came})"),
            Fate::Fails(came) => write!(f, " (fails after {came})"),
            Fate::Unknown(came) => write!(f, " (outcome unknown, done for {came})"),
            Fate::Token(token) => write!(f, " -> {token}"),
            Fate::Ends => write!(f, " -> end of text"),
            Fate::Fenced => write!(f, " (fenced)"),
            Fate::Uncuttable => write!(f, " (can't be cut there)"),
            Fate::Short => write!(f, " (ends too early)"),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Prefix(text) => write!(f, "prefix {text}"),
            What::Suffix(text) => write!(f, "suffix {text}"),
            What::Decode => write!(f, "decode"),
            What::Snapshot => write!(f, "snapshot"),
            What::Restore => write!(f, "restore"),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Action::Open { client: true } => write!(f, "the client opens a session"),
            Action::Open { client: false } => write!(f, "somebody opens a session"),
            Action::Ask { place, what } => write!(f, "session {place}: asked for {what}"),
            Action::Begin { owner, place, effect, count } => {
                write!(f, "owner {owner}, session {place}: begins to {effect}, {count}")
            }
            Action::Land { owner, place, effect, fate } => {
                write!(f, "owner {owner}, session {place}: {effect} ends{fate}")
            }
            Action::Perform { owner, place, effect, fate } => {
                write!(f, "owner {owner}, session {place}: {effect}{fate}")
            }
            Action::Cancel { owner, place } => write!(f, "owner {owner}, session {place}: is cancelled"),
            Action::Close { owner, place } => write!(f, "owner {owner}, session {place}: is closed"),
            Action::Hear { owner, place } => write!(f, "owner {owner}, session {place}: hears of the fence"),
            Action::Fence => write!(f, "the owner is fenced"),
            Action::Crash => write!(f, "the owner crashes"),
            Action::TakeOver => write!(f, "another owner takes over"),
            Action::Deliver(index) => write!(f, "message {index} reaches the client"),
            Action::Lose(index) => write!(f, "message {index} is lost"),
            Action::Notice => write!(f, "the client notices that its owner is gone"),
            Action::Reopen => write!(f, "the client goes on opening its session again"),
            Action::Corrupt => write!(f, "the snapshot is changed"),
            Action::Tear => write!(f, "the snapshot is cut off"),
            Action::LateSeen { owner, place } => {
                write!(f, "owner {owner}, session {place}: an observation comes late")
            }
            Action::LateCancel { owner, place } => {
                write!(f, "owner {owner}, session {place}: a cancel comes late")
            }
            Action::OldHandle { place } => write!(f, "session {place}: a former handle is used"),
            Action::OrphanLands { owner } => write!(f, "owner {owner}: a batch of an ended session lands"),
        }
    }
}

impl What {
    /// The operation, given the snapshot on disk.
    pub fn ask(self, sessions: &Sessions, state: &State) -> Option<Ask> {
        Some(match self {
            What::Prefix(text) => Ask::Prefix(names::tokens(text)),
            What::Suffix(text) => Ask::Suffix(names::tokens(text)),
            What::Decode => Ask::Decode { max_tokens: Some(u64::from(sessions.generates)) },
            What::Snapshot => Ask::Snapshot,
            What::Restore => Ask::Restore(state.disk.as_ref()?.id),
        })
    }
}

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
        let Some(effect) = session.wants() else { return };
        let name = effect.name();
        let gated = effect.is_gated() && owner.fenced && !self.is(super::mutants::Mutant::GateNotAsked);
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
        let (fails, unknown) = (0 < state.left.failures, 0 < state.left.unknowns);
        match effect {
            Effect::Evaluate { count, .. } => {
                push(Fate::Done);
                if session.is_interrupted() {
                    (0..count).for_each(|came| push(Fate::Stopped(came)));
                }
                if fails {
                    (0..=count).for_each(|came| push(Fate::Fails(came)));
                }
                if unknown {
                    (0..=count).for_each(|came| push(Fate::Unknown(came)));
                }
            }
            Effect::Truncate { keep, .. } => {
                if !self.trims && 0 < keep {
                    return push(Fate::Uncuttable);
                }
                push(Fate::Done);
                if fails {
                    push(Fate::Fails(0));
                }
                if unknown {
                    push(Fate::Unknown(0));
                    push(Fate::Unknown(1));
                }
            }
            Effect::Clear { .. } => {
                push(Fate::Done);
                if unknown {
                    push(Fate::Unknown(0));
                    push(Fate::Unknown(1));
                }
            }
            Effect::Sample => {
                push(Fate::Token("a"));
                push(Fate::Token("b"));
                push(Fate::Ends);
                if fails {
                    push(Fate::Fails(0));
                }
            }
            Effect::Save { .. } if owner.fenced && !self.is(super::mutants::Mutant::CommitNotFenced) => {
                push(Fate::Fenced);
            }
            Effect::Save { .. } => {
                push(Fate::Done);
                if fails {
                    push(Fate::Fails(0));
                }
                if unknown {
                    push(Fate::Unknown(0));
                    push(Fate::Unknown(1));
                }
            }
            Effect::Load { .. } => {
                push(Fate::Done);
                if unknown {
                    push(Fate::Unknown(1));
                }
                if 0 < state.left.shorts {
                    push(Fate::Short);
                }
            }
            Effect::Read(_) => {
                push(Fate::Done);
                if fails {
                    push(Fate::Fails(0));
                }
            }
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

/// The sort of an action.
pub(super) fn kind(action: &Action) -> &'static str {
    match action {
        Action::Open { .. } => "session: open",
        Action::Ask { .. } => "session: ask",
        Action::Begin { .. } => "session: begin",
        Action::Land { .. } => "session: land",
        Action::Perform { .. } => "session: perform",
        Action::Cancel { .. } => "session: cancel",
        Action::Close { .. } => "session: close",
        Action::Hear { .. } => "session: hear of the fence",
        Action::Fence => "session: fence",
        Action::Crash => "session: crash",
        Action::TakeOver => "session: take over",
        Action::Deliver(_) => "session: deliver",
        Action::Lose(_) => "session: lose",
        Action::Notice => "session: notice",
        Action::Reopen => "session: reopen",
        Action::Corrupt => "session: corrupt",
        Action::Tear => "session: tear",
        Action::LateSeen { .. } => "session: late observation",
        Action::LateCancel { .. } => "session: late cancel",
        Action::OldHandle { .. } => "session: old handle",
        Action::OrphanLands { .. } => "session: orphan lands",
    }
}

/// Messages that travel at once: a reader that does not read stalls its session.
const WIRE: usize = 2;

/// Every mark that the searches of a profile have to leave.
pub(super) const MARKS: &[&str] = &[
    "session: answered as cancelled",
    "session: answered as closed",
    "session: answered as failed",
    "session: answered as fatal",
    "session: answered as fenced",
    "session: answered as not written",
    "session: ask",
    "session: batch of unknown outcome",
    "session: batch stopped",
    "session: begin",
    "session: can't be cut",
    "session: cancel",
    "session: cancelled",
    "session: cancelled in flight",
    "session: clear of unknown outcome",
    "session: close",
    "session: corrupt",
    "session: crash",
    "session: cut back to what is known",
    "session: cut of unknown outcome",
    "session: decode cancelled",
    "session: decode ended by a full context",
    "session: decode ended by length",
    "session: decode ended by the model",
    "session: deliver",
    "session: ended",
    "session: ended in flight",
    "session: fence",
    "session: former handle refused",
    "session: gap noticed",
    "session: generated tokens reused",
    "session: hear of the fence",
    "session: land",
    "session: late cancel",
    "session: late observation",
    "session: late observation ignored",
    "session: lose",
    "session: message of an older owner not taken",
    "session: message of another operation not taken",
    "session: no sequence is free",
    "session: not reopened",
    "session: notice",
    "session: old handle",
    "session: open",
    "session: operation begins",
    "session: perform",
    "session: prefilled",
    "session: refused by the gate",
    "session: refused, busy",
    "session: refused, closed",
    "session: refused, empty",
    "session: refused, fatal",
    "session: refused, fenced",
    "session: refused, no sequence",
    "session: refused, not yet",
    "session: refused, overflow",
    "session: reopen",
    "session: reopened by prefill",
    "session: reopened from a snapshot",
    "session: restore refused",
    "session: restored",
    "session: saved",
    "session: tail cut off",
    "session: take over",
    "session: tear",
];
