//! How a model goes: asked to, idle, replaced, evicted, fenced. Never while somebody works on it (S5).

use alloc::vec::Vec;

use super::ends::refuse_all;
use super::{Slots, refuse};
use crate::slot::entry::{Phase, Quiet};
use crate::slot::event::{Answer, Ask, Effect, Effects, ModelId, Refusal, Wish};
use crate::slot::member::Member;

impl Slots {
    /// A member is to be none.
    pub(super) fn unload(&mut self, ask: Ask, effects: &mut Effects) {
        let member = self.member(ask.member).copied();
        if let Some(to) = member.and_then(|member| member.coming) {
            return refuse(ask.id, Refusal::Switching { to }, effects);
        }
        let model = member.and_then(|member| member.model);
        let place = model.and_then(|model| self.place(model).map(|place| (model, place)));
        let Some((model, place)) = place.filter(|(model, _)| self.binders(*model) == 1) else {
            if let Some(model) = model {
                self.unbind(ask.member, model);
            }
            return effects.push(Effect::Answer(ask.id, Answer::Unloaded));
        };
        let slot = &mut self.slots[place];
        match slot.phase {
            Phase::Room | Phase::Marking | Phase::Loading => {
                let in_flight = slot.asks.len();
                return refuse(ask.id, Refusal::InUse { in_flight }, effects);
            }
            Phase::Ready(_) if slot.is_idle() => self.free(model, effects),
            Phase::Ready(_) => slot.phase = Phase::Draining { since: Quiet::Fresh, instead: None },
            Phase::Draining { .. } | Phase::Dropping | Phase::Breaking | Phase::Freeing => {}
        }
        if let Some(place) = self.place(model) {
            self.slots[place].join(ask);
        }
    }

    /// What was idle for a whole interval goes.
    pub(super) fn idle_tick(&mut self, effects: &mut Effects) {
        let idle: Vec<ModelId> = self.idle().collect();
        for model in idle {
            let Some(place) = self.place(model) else { continue };
            match self.slots[place].phase {
                Phase::Ready(Quiet::Once) => self.free(model, effects),
                _ => self.slots[place].phase = Phase::Ready(Quiet::Once),
            }
        }
    }

    /// S9: a drain that has lasted for a whole interval is given up, and the model serves on.
    pub(super) fn drain_tick(&mut self, effects: &mut Effects) {
        if self.fenced {
            return;
        }
        let mut over = Vec::new();
        for slot in &mut self.slots {
            match &mut slot.phase {
                Phase::Draining { since: Quiet::Once, .. } => over.push(slot.model),
                Phase::Draining { since, .. } => *since = Quiet::Once,
                _ => {}
            }
        }
        for model in over {
            self.keep(model, effects);
        }
    }

    /// A drain ends before the work does: everybody who waited for it is answered.
    pub(super) fn keep(&mut self, model: ModelId, effects: &mut Effects) {
        let Some(place) = self.place(model) else { return };
        let slot = &mut self.slots[place];
        let Phase::Draining { instead, .. } = slot.phase else { return };
        let in_flight = slot.holders.len();
        slot.phase = Phase::Ready(Quiet::Fresh);
        let asks = core::mem::take(&mut slot.asks);
        for member in self.members.iter_mut().filter(|member| member.model == Some(model)) {
            member.gave_up = None;
        }
        for ask in asks {
            match ask.wish {
                Wish::Unload => refuse(ask.id, Refusal::InUse { in_flight }, effects),
                _ => self.serve_late(ask, effects),
            }
        }
        // What was to take its place and found no other room is refused; what found some goes on.
        let waits =
            instead.and_then(|model| self.place(model)).filter(|at| self.slots[*at].phase == Phase::Room);
        if let Some(place) = waits {
            self.fail(place, Refusal::InUse { in_flight }, effects);
        }
    }

    /// Somebody has ended work: what only waited for that goes.
    pub(super) fn work_ended(&mut self, effects: &mut Effects) {
        let done: Vec<ModelId> = self
            .slots
            .iter()
            .filter(|slot| slot.holders.is_empty())
            .filter(|slot| match slot.phase {
                Phase::Draining { .. } => true,
                Phase::Ready(_) => !self.is_bound(slot.model),
                _ => false,
            })
            .map(|slot| slot.model)
            .collect();
        for model in done {
            self.free(model, effects);
        }
    }

    /// A member is this model no more: it goes, unless another one is it, or somebody works on it until later.
    pub(super) fn let_go(&mut self, model: ModelId, effects: &mut Effects) {
        let goes = self.slot(model).is_some_and(|slot| slot.is_idle() && !self.is_bound(model));
        if goes {
            self.free(model, effects);
        }
    }

    /// Frees a model on which nobody works.
    pub(super) fn free(&mut self, model: ModelId, effects: &mut Effects) {
        let Some(place) = self.place(model) else { return };
        self.slots[place].phase = Phase::Freeing;
        effects.push(Effect::Free(self.slots[place].generation));
    }

    /// S10: nothing is loaded any more, everybody is answered, and everything goes as soon as its work has ended.
    pub(super) fn fence(&mut self, effects: &mut Effects) {
        self.fenced = true;
        for slot in &mut self.slots {
            slot.restore = false;
            refuse_all(core::mem::take(&mut slot.asks), Refusal::Fenced, effects);
            match slot.phase {
                Phase::Marking => slot.phase = Phase::Dropping,
                Phase::Loading => {
                    slot.phase = Phase::Breaking;
                    effects.push(Effect::BreakOff(slot.generation));
                }
                Phase::Ready(_) | Phase::Draining { .. } => {
                    slot.phase = Phase::Draining { since: Quiet::Fresh, instead: None };
                    if !slot.holders.is_empty() {
                        effects.push(Effect::Abort(slot.generation));
                    }
                }
                Phase::Room | Phase::Dropping | Phase::Breaking | Phase::Freeing => {}
            }
        }
        self.slots.retain(|slot| slot.phase != Phase::Room);
        for member in &mut self.members {
            member.stay();
        }
        self.members.retain(|member| member.model.is_some());
        self.work_ended(effects);
    }

    /// How many members are this model.
    pub(super) fn binders(&self, model: ModelId) -> usize {
        self.members.iter().filter(|member| member.model == Some(model)).count()
    }

    /// The models that may go without anybody noticing: idle, and not what a switch would fall back to (S4).
    pub(super) fn idle(&self) -> impl Iterator<Item = ModelId> + '_ {
        self.slots
            .iter()
            .filter(|slot| slot.is_idle() && !self.is_fallback(slot.model))
            .map(|slot| slot.model)
    }

    /// Whether a member that is about to be another model is this one until then.
    fn is_fallback(&self, model: ModelId) -> bool {
        let falls_back = |member: &Member| member.model == Some(model) && member.coming.is_some();
        self.members.iter().any(falls_back)
    }
}
