//! The room that all share: who begins to load, what goes for it, when there is room.

use alloc::vec::Vec;

use super::{Slots, refuse};
use crate::slot::entry::{Phase, Quiet, Slot};
use crate::slot::event::{Ask, Demand, Effect, Effects, ModelId, Old, Refusal, Wish};
use crate::slot::plan::{NoRoom, Plan, Resident, Standing, plan};

impl Slots {
    /// An ask for a model of which there is no slot.
    pub(super) fn begin(&mut self, ask: Ask, demand: Demand, effects: &mut Effects) {
        // S11: what ended a process is tried by whoever says so, and by nobody else.
        if matches!(ask.wish, Wish::Open(_)) && self.crashed.contains(&demand.model) {
            return refuse(ask.id, Refusal::CrashedBefore, effects);
        }
        let own = self.member(ask.member).and_then(|member| member.model);
        let old = match ask.wish {
            Wish::Load(_, old) => own.filter(|model| self.can_be_given_up(*model)).map(|model| (model, old)),
            Wish::Open(_) | Wish::Unload => None,
        };
        let plan = match self.plan(demand, own, old) {
            Ok(plan) => plan,
            Err(no_room) => return refuse(ask.id, Refusal::NoRoom(no_room), effects),
        };
        self.member_mut(ask.member).expect(demand.model);
        effects.push(Effect::Planned(ask.id, plan.clone()));
        self.clear(demand.model, &plan, effects);
        self.promise(demand, effects, |slot| slot.join(ask));
    }

    /// S4: a model that was given up is loaded again; if there is no room for it any more, whoever opens it loads it.
    pub(super) fn restore(&mut self, demand: Demand, effects: &mut Effects) {
        match self.place(demand.model).map(|place| (place, self.slots[place].phase)) {
            Some((_, Phase::Draining { instead: Some(_), .. })) => self.keep(demand.model, effects),
            Some((place, _)) => self.slots[place].restore = true,
            None => {
                if let Ok(plan) = self.plan(demand, None, None) {
                    self.clear(demand.model, &plan, effects);
                    self.promise(demand, effects, |slot| slot.restore = true);
                }
            }
        }
    }

    /// S6: loads begin for which there is room, not before what was evicted for them is back (S7).
    pub(super) fn make_room(&mut self, effects: &mut Effects) {
        for place in 0..self.slots.len() {
            let present = self.sum(|slot| slot.phase != Phase::Room);
            let slot = &mut self.slots[place];
            let fits = present.checked_add(slot.bytes).is_some_and(|sum| sum <= self.budget);
            if slot.phase == Phase::Room && fits {
                slot.phase = Phase::Marking;
                effects.push(Effect::Mark { model: slot.model, generation: slot.generation });
            }
        }
    }

    /// S8: whether everything that is in memory, and everything that was promised, fits.
    pub(super) fn is_within_budget(&self) -> bool {
        let present = self.sum(|slot| slot.phase != Phase::Room);
        present <= self.budget && self.promised() <= self.budget
    }

    /// What everything takes that stays, loads under way and promises included.
    pub(super) fn promised(&self) -> u64 {
        let is_given_up = |slot: &Slot| matches!(slot.phase, Phase::Draining { instead: Some(_), .. });
        self.sum(|slot| !slot.is_leaving() && !is_given_up(slot))
    }

    /// `own`: what the asking member is, which is not evicted for what it is to be; it is given up or stays (S4).
    fn plan(
        &self,
        demand: Demand,
        own: Option<ModelId>,
        old: Option<(ModelId, Old)>,
    ) -> Result<Plan, NoRoom> {
        let idle: Vec<ModelId> = self.idle().filter(|model| own != Some(*model)).collect();
        let resident = |slot: &Slot| {
            let standing = match slot.phase {
                _ if slot.is_leaving() => Standing::Leaving,
                _ if idle.contains(&slot.model) => Standing::Idle,
                _ => Standing::InUse,
            };
            Resident { model: slot.model, bytes: slot.bytes, standing }
        };
        let residents: Vec<Resident> = self.slots.iter().map(resident).collect();
        plan(self.budget, demand.bytes, old, &residents)
    }

    /// What the plan says goes, goes.
    fn clear(&mut self, coming: ModelId, plan: &Plan, effects: &mut Effects) {
        for model in &plan.evicts {
            self.free(*model, effects);
        }
        let Some(old) = plan.gives_up else { return };
        let Some(place) = self.place(old) else { return };
        let bytes = self.slots[place].bytes;
        for member in self.members.iter_mut().filter(|member| member.model == Some(old)) {
            member.gave_up = Some(bytes);
        }
        if self.slots[place].is_idle() {
            self.free(old, effects);
        } else {
            self.slots[place].phase = Phase::Draining { since: Quiet::Fresh, instead: Some(coming) };
        }
    }

    /// A slot with its room promised.
    fn promise(&mut self, demand: Demand, effects: &mut Effects, wanted: impl FnOnce(&mut Slot)) {
        let mut slot = Slot {
            model: demand.model,
            generation: self.next,
            phase: Phase::Room,
            planned: demand.bytes,
            bytes: demand.bytes,
            percent: 0,
            asks: Vec::new(),
            holders: Vec::new(),
            restore: false,
        };
        self.next = self.next.next();
        wanted(&mut slot);
        self.slots.push(slot);
        self.make_room(effects);
    }

    /// Whether a member that is this model can give it up: it serves, and no other member is it.
    fn can_be_given_up(&self, model: ModelId) -> bool {
        let serves = self.slot(model).is_some_and(|slot| matches!(slot.phase, Phase::Ready(_)));
        serves && self.binders(model) == 1
    }

    fn sum(&self, counts: impl Fn(&Slot) -> bool) -> u64 {
        let counted = self.slots.iter().filter(|slot| counts(slot));
        counted.fold(0, |sum, slot| sum.saturating_add(slot.bytes))
    }
}
