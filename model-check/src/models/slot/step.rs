//! What an action does to the world, and what the table hears of it.

use modeld_spec::slot::entry::Phase;
use modeld_spec::slot::event::{Ask, Event, Gate, Generation};
use modeld_spec::slot::member::Member;
use modeld_spec::slot::table::Slots;

use super::Slot;
use super::actions::{Action, Fate};
use super::mutants::Mutant;
use super::names::{Choice, MODELS, Want, model_id};
use super::state::{Broken, Echo, Stage, State, Work};

impl Slot {
    /// Performs an action that `state` allows.
    pub(super) fn apply(&self, state: &mut State, action: Action) {
        match action {
            Action::Ask { caller, choice, what } => self.ask(state, usize::from(caller), choice, what),
            Action::Close(caller) => {
                let gone = state.ask_of(usize::from(caller));
                state.callers[usize::from(caller)].stage = Stage::Idle;
                self.hear(state, Event::Gone(gone));
            }
            Action::HangUp(caller) => state.callers[usize::from(caller)].stage = Stage::Left,
            Action::HearGone(caller) => self.hear_gone(state, usize::from(caller)),
            Action::MarkEnds(model) => self.mark_ends(state, usize::from(model)),
            Action::Begin(model) => self.begin_load(state, usize::from(model)),
            Action::Progress(model) => {
                if let Work::Loading { generation, half, .. } = &mut state.engine[usize::from(model)] {
                    *half = true;
                    let generation = *generation;
                    self.hear_of(state, generation, |generation| Event::Progress {
                        generation,
                        percent: HALF,
                    });
                }
            }
            Action::LoadEnds(model, fate) => self.load_ends(state, usize::from(model), fate),
            Action::Freed(model) => {
                if let Work::Freeing { generation, .. } = state.engine[usize::from(model)] {
                    state.engine[usize::from(model)] = Work::None;
                    self.hear_of(state, generation, |generation| Event::Freed { generation });
                }
            }
            Action::IdleTick => self.hear(state, Event::IdleTick),
            Action::DrainTick => self.drain_tick(state),
            Action::Fence => {
                state.left.fences -= 1;
                state.gate_closed = true;
            }
            Action::Look => {
                state.noticed = true;
                if self.mutant != Some(Mutant::FenceUnheard) {
                    self.hear(state, Event::Look);
                }
            }
            Action::Crash { landed } => Self::crash(state, landed),
            Action::Restart => self.restart(state),
            Action::DiskFails => {
                state.left.disk_failures -= 1;
                state.disk_fails = true;
            }
            Action::DiskRecovers => state.disk_fails = false,
            Action::Echo => self.echo(state),
        }
    }

    fn ask(&self, state: &mut State, caller: usize, choice: u8, what: Choice) {
        state.callers[caller].left -= 1;
        let good = self.good_model(state, what);
        state.callers[caller].stage = Stage::Waiting { choice, told: false, good };
        if let Want::Load(model) | Want::LoadInstead(model) = what.want {
            state.ghost.ended_a_process &= !bit(model);
            state.ghost.wanted[usize::from(what.member)] |= bit(model);
        }
        let ask = Ask { id: state.ask_of(caller), member: what.member_id(), wish: what.wish(&self.needs) };
        self.hear(state, Event::Asked(ask));
    }

    /// The model that has to outlive a failure of this ask: nobody may give it up first.
    fn good_model(&self, state: &State, what: Choice) -> Option<u8> {
        let Want::Load(wanted) = what.want else { return None };
        let gives_up =
            |choice: &Choice| choice.member == what.member && matches!(choice.want, Want::LoadInstead(_));
        if self.menu.iter().any(gives_up) {
            return None;
        }
        let table = state.table.as_ref()?;
        let old = table.members().iter().find(|member| member.id == what.member_id())?.model?;
        let serves = table.slot(old).is_some_and(|slot| matches!(slot.phase, Phase::Ready(_)));
        (serves && old != model_id(wanted)).then(|| u8::try_from(old.0).unwrap_or(u8::MAX))
    }

    fn hear_gone(&self, state: &mut State, caller: usize) {
        let others = |state: &State| {
            let waits = |other: &usize| {
                let is_waiting = matches!(state.callers[*other].stage, Stage::Waiting { .. });
                is_waiting && state.is_waiting(state.ask_of(*other))
            };
            (0..state.callers.len()).filter(|other| *other != caller).filter(waits).collect::<Vec<usize>>()
        };
        let gone = state.ask_of(caller);
        let before = others(state);
        if self.mutant != Some(Mutant::HangUpUnheard) {
            self.hear(state, Event::Gone(gone));
        }
        // An answer that was under way until here reached nobody.
        state.callers[caller].stage = Stage::Idle;
        let after = others(state);
        // Who is answered in that step, as one who waited for a drain that is given up, has lost nothing.
        let is_lost = |other: &usize| {
            !after.contains(other) && matches!(state.callers[*other].stage, Stage::Waiting { .. })
        };
        // A closed gate is seen by everybody, and ends every wait.
        if !state.gate_closed && before.iter().any(is_lost) {
            state.broke(Broken::HangUpFelt);
        }
    }

    fn mark_ends(&self, state: &mut State, model: usize) {
        let Work::Marking { generation } = state.engine[model] else { return };
        if state.disk_fails && self.mutant == Some(Mutant::RetriesMark) {
            return;
        }
        state.engine[model] = Work::None;
        let restores = state.table.as_ref().is_some_and(|table| {
            table.slots().iter().any(|slot| slot.generation.get() == u64::from(generation) && slot.restore)
        });
        let durable = match self.mutant {
            Some(Mutant::ForgetsRestore) if restores => false,
            Some(Mutant::MarkErrorIgnored) if state.disk_fails => true,
            _ => !state.disk_fails,
        };
        if state.disk_fails {
            state.ghost.owed &= !bit_at(model);
        } else if self.mutant != Some(Mutant::LoadsBeforeMark) {
            state.marks |= bit_at(model);
        }
        self.hear_of(state, generation, |generation| Event::Marked { generation, durable });
    }

    /// The gate is asked once more where a load begins: it may have closed since the table wanted it.
    fn begin_load(&self, state: &mut State, model: usize) {
        let Work::Starting { generation, breaking } = state.engine[model] else { return };
        if state.gate_closed && self.mutant == Some(Mutant::AsksGateAgain) {
            return;
        }
        if state.gate_closed && self.mutant != Some(Mutant::LoadsWithoutPermit) {
            state.engine[model] = Work::None;
            return self.hear_of(state, generation, |generation| Event::LoadFailed { generation });
        }
        if state.gate_closed {
            state.broke(Broken::LoadedAfterFence);
        }
        if state.ghost.ended_a_process & bit_at(model) != 0 {
            state.broke(Broken::RetriedByItself);
        }
        state.engine[model] = Work::Loading { generation, breaking, half: false };
    }

    fn load_ends(&self, state: &mut State, model: usize, fate: Fate) {
        let Work::Loading { generation, breaking, .. } = state.engine[model] else { return };
        state.ghost.owed &= !bit_at(model);
        match fate {
            Fate::Failed if !breaking => state.left.failures -= 1,
            Fate::TookMore => state.left.overshoots -= 1,
            Fate::Failed | Fate::Loaded => {}
        }
        let more = fate == Fate::TookMore;
        let loaded = fate != Fate::Failed;
        state.engine[model] = if loaded { Work::Resident { generation, more } } else { Work::None };
        if 0 < state.left.echoes {
            let model = u8::try_from(model).unwrap_or(u8::MAX);
            state.echo = Some(Echo { model, generation, loaded });
        }
        let is_seen = more && self.mutant != Some(Mutant::OvershootUnseen);
        let taken = u64::from(self.needs[model]) + u64::from(is_seen);
        self.hear_of(state, generation, |generation| {
            if loaded { Event::Loaded { generation, taken } } else { Event::LoadFailed { generation } }
        });
    }

    fn drain_tick(&self, state: &mut State) {
        let draining = draining(state);
        if self.mutant != Some(Mutant::DrainUnbounded) {
            self.hear(state, Event::DrainTick);
        }
        // What a fence ends has no other bound than the work that is told to end.
        if state.table.as_ref().is_some_and(Slots::is_fenced) {
            state.ghost.drained_for = [0; MODELS];
            return;
        }
        for (model, drained_for) in state.ghost.drained_for.iter_mut().enumerate() {
            *drained_for = (*drained_for + u8::from(draining[model])).min(2);
        }
        forget_ended_drains(state);
    }

    fn echo(&self, state: &mut State) {
        let Some(Echo { model, mut generation, loaded }) = state.echo.take() else { return };
        state.left.echoes -= 1;
        if self.mutant == Some(Mutant::AnyGeneration)
            && let Some(present) = state.table.as_ref().and_then(|table| table.slot(model_id(model)))
        {
            generation = u8::try_from(present.generation.get()).unwrap_or(u8::MAX);
        }
        let taken = u64::from(self.needs[usize::from(model)]);
        self.hear_of(state, generation, |generation| {
            if loaded { Event::Loaded { generation, taken } } else { Event::LoadFailed { generation } }
        });
    }

    /// The daemon dies, and everything that was in its memory is gone.
    fn crash(state: &mut State, landed: bool) {
        state.left.crashes -= 1;
        for (model, work) in state.engine.iter_mut().enumerate() {
            match work {
                Work::Loading { .. } => {
                    state.ghost.ended_a_process |= bit_at(model);
                    state.ghost.excused |= bit_at(model);
                }
                Work::Marking { .. } if landed => {
                    state.marks |= bit_at(model);
                    state.ghost.excused |= bit_at(model);
                }
                // It had not begun, and its mark was on disk.
                Work::Starting { .. } => state.ghost.excused |= bit_at(model),
                Work::None | Work::Marking { .. } | Work::Resident { .. } | Work::Freeing { .. } => {}
            }
            *work = Work::None;
        }
        // Connections end with it: nobody waits, nobody works.
        for caller in &mut state.callers {
            caller.stage = Stage::Idle;
        }
        state.table = None;
        state.echo = None;
        state.ghost.owed = 0;
        state.ghost.drained_for = [0; MODELS];
        state.ghost.wanted = Default::default();
    }

    /// Another daemon, with an epoch of its own.
    fn restart(&self, state: &mut State) {
        let marked = (0..MODELS).filter(|model| state.marks & bit_at(*model) != 0);
        let crashed = marked.filter_map(|model| u8::try_from(model).ok()).map(model_id);
        let budget = u64::from(self.budget);
        state.table = Some(match self.mutant {
            Some(Mutant::ForgetsCrashes) => Slots::new(budget, []),
            _ => Slots::new(budget, crashed),
        });
        state.gate_closed = false;
        state.noticed = false;
        state.disk_fails = false;
    }

    /// The table hears of the load of this generation.
    fn hear_of(&self, state: &mut State, generation: u8, event: impl FnOnce(Generation) -> Event) {
        if let Some(generation) = Generation::new(u64::from(generation)) {
            self.hear(state, event(generation));
        }
    }

    /// The table hears an event, and what it wants is done.
    fn hear(&self, state: &mut State, event: Event) {
        let Some(mut table) = state.table.take() else { return };
        let before: Vec<Member> = table.members().to_vec();
        let gate = if state.gate_closed { Gate::Fenced } else { Gate::Open };
        let effects = match self.mutant {
            None => table.hear(event, gate),
            Some(mutant) => self.hear_lies(mutant, state, &mut table, event, gate),
        };
        let asked = Self::asked(state, &effects);
        for effect in &effects {
            self.perform(state, effect);
        }
        self.judge(state, &before, &table, &effects, &asked);
        state.table = Some(table);
        forget_ended_drains(state);
    }
}

/// Models that are draining.
fn draining(state: &State) -> [bool; MODELS] {
    let mut draining = [false; MODELS];
    for slot in state.table.iter().flat_map(Slots::slots) {
        if let Some(place) = draining.get_mut(usize::from(slot.model.0)) {
            *place = matches!(slot.phase, Phase::Draining { .. });
        }
    }
    draining
}

/// A drain that has ended is counted no more.
fn forget_ended_drains(state: &mut State) {
    if state.ghost.drained_for != [0; MODELS] {
        let draining = draining(state);
        for (model, drained_for) in state.ghost.drained_for.iter_mut().enumerate() {
            *drained_for = if draining[model] { *drained_for } else { 0 };
        }
    }
}

/// The bit of a model.
pub(super) fn bit(model: u8) -> u8 {
    1_u8.checked_shl(u32::from(model)).unwrap_or(0)
}

/// The bit of a model.
pub(super) fn bit_at(model: usize) -> u8 {
    u8::try_from(model).map_or(0, bit)
}

/// Half of the way, in percent.
pub(super) const HALF: u8 = 50;
