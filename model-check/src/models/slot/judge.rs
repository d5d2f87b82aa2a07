//! The rules about single steps, held against what one event did.

use modeld_spec::slot::entry::Phase;
use modeld_spec::slot::event::{Answer, Effect, Effects, Refusal};
use modeld_spec::slot::member::Member;
use modeld_spec::slot::table::Slots;

use super::Slot;
use super::marks;
use super::names::{Want, member_of, model_id, model_of};
use super::state::{Broken, Stage, State, Work};
use super::step::bit_at;

/// What an ask was told, and what it had asked for, before the answer reached it.
pub(super) struct Asked {
    /// Its place on the menu.
    choice: usize,
    /// The model that has to outlive a failure.
    good: Option<u8>,
}

impl Slot {
    /// What those who are answered by `effects` wait for.
    pub(super) fn asked(state: &State, effects: &Effects) -> Vec<Option<Asked>> {
        let asked = |effect: &Effect| match effect {
            Effect::Answer(ask, _) | Effect::Planned(ask, _) => {
                match state.asker(*ask).map(|caller| state.callers[caller].stage) {
                    Some(Stage::Waiting { choice, good, .. }) => {
                        Some(Asked { choice: usize::from(choice), good })
                    }
                    _ => None,
                }
            }
            _ => None,
        };
        effects.iter().map(asked).collect()
    }

    /// Remembers what one event broke, and marks what happened.
    pub(super) fn judge(
        &self,
        state: &mut State,
        before: &[Member],
        table: &Slots,
        effects: &Effects,
        asked: &[Option<Asked>],
    ) {
        marks::of_effects(effects);
        marks::of_table(table);
        for (effect, asked) in effects.iter().zip(asked) {
            let (Effect::Answer(_, answer), Some(asked)) = (effect, asked) else { continue };
            match answer {
                Answer::Unloaded => self.judge_unloaded(state, before, table, asked),
                Answer::Refused(refusal) => judge_refused(state, table, asked, refusal),
                Answer::Ready(_) => {}
            }
        }
        for old in before {
            let new = table.members().iter().find(|member| member.id == old.id);
            let Some((old_model, new)) = old.model.zip(new) else { continue };
            if old.gave_up.is_none() && new.gave_up.is_some() {
                self.judge_given_up(state, effects, asked);
            }
            if let Some(model) = new.model.filter(|model| *model != old_model) {
                judge_switched(state, old, model_of(model));
            }
            // The switch for which it was given up has failed.
            if old.gave_up.is_some()
                && new.coming.is_none()
                && new.model == Some(old_model)
                && !table.is_fenced()
            {
                state.ghost.owed |= bit_at(model_of(old_model));
                marks::owed();
            }
        }
        self.excuse_what_is_owed(state, table);
    }

    /// S7: unloaded means that nothing of it is in memory, unless another member is that model.
    fn judge_unloaded(&self, state: &mut State, before: &[Member], table: &Slots, asked: &Asked) {
        let Some(choice) = self.menu.get(asked.choice) else { return };
        let was =
            before.iter().find(|member| member.id == choice.member_id()).and_then(|member| member.model);
        let Some(model) = was else { return };
        let is_bound = table.members().iter().any(|member| member.model == Some(model));
        if !is_bound && state.engine[model_of(model)].is_in_memory() {
            state.broke(Broken::UnloadedTooSoon);
        }
    }

    /// S4: given up only where the asker allowed it, and after it was told.
    fn judge_given_up(&self, state: &mut State, effects: &Effects, asked: &[Option<Asked>]) {
        let was_told_and_allowed = effects.iter().zip(asked).any(|(effect, asked)| {
            let is_told = matches!(effect, Effect::Planned(_, plan) if plan.gives_up.is_some());
            let choice = asked.as_ref().and_then(|asked| self.menu.get(asked.choice));
            is_told && choice.is_some_and(|choice| matches!(choice.want, Want::LoadInstead(_)))
        });
        if !was_told_and_allowed {
            state.broke(Broken::GivenUpUnasked);
        }
    }

    /// S4: what is owed is owed no more once it serves, or once there is no room for it.
    fn excuse_what_is_owed(&self, state: &mut State, table: &Slots) {
        if state.ghost.owed == 0 {
            return;
        }
        let stays: u64 = table.slots().iter().filter(|slot| !slot.is_leaving()).map(|slot| slot.bytes).sum();
        for (model, need) in (0_u8..).zip(self.needs) {
            let bit = bit_at(usize::from(model));
            let slot = table.slot(model_id(model));
            let serves = slot.is_some_and(|slot| matches!(slot.phase, Phase::Ready(_)));
            let has_no_room = slot.is_none() && u64::from(self.budget) < stays + u64::from(need);
            if state.ghost.owed & bit != 0 && (serves || has_no_room || table.is_fenced()) {
                marks::paid(serves);
                state.ghost.owed &= !bit;
            }
        }
    }
}

/// S4: whoever is refused finds the model that was there, unless the owner is fenced.
fn judge_refused(state: &mut State, table: &Slots, asked: &Asked, refusal: &Refusal) {
    let Some(good) = asked.good.filter(|_| *refusal != Refusal::Fenced) else { return };
    let work = state.engine.get(usize::from(good));
    let is_there = matches!(work, Some(Work::Resident { .. }));
    let is_bound = table.members().iter().any(|member| member.model == Some(model_id(good)));
    if !is_there || !is_bound {
        state.broke(Broken::GoodModelLost);
    }
}

/// S4: only a load makes a member another model.
fn judge_switched(state: &mut State, old: &Member, model: usize) {
    let wanted = &mut state.ghost.wanted[member_of(old.id)];
    if *wanted & bit_at(model) == 0 {
        state.broke(Broken::SwitchedUnasked);
    }
}
