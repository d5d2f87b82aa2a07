//! How a load comes to its end: marked, loaded, failed, freed.

use alloc::vec::Vec;

use super::{Slots, refuse};
use crate::slot::entry::{Phase, Quiet, Slot};
use crate::slot::event::{
    Answer, Ask, Demand, Effect, Effects, Generation, MemberId, ModelId, Refusal, Wish,
};

impl Slots {
    /// S11: a load begins when its mark is on disk.
    pub(super) fn marked(&mut self, generation: Generation, durable: bool, effects: &mut Effects) {
        let Some(place) = self.place_of(generation) else { return };
        let model = self.slots[place].model;
        match self.slots[place].phase {
            Phase::Marking if durable => {
                self.slots[place].phase = Phase::Loading;
                effects.push(Effect::Load { model, generation });
            }
            Phase::Marking => {
                // It may have landed all the same, and nothing was begun.
                self.unmark(model, effects);
                self.fail(place, Refusal::NotRemembered, effects);
            }
            Phase::Dropping => {
                self.unmark(model, effects);
                let gone = self.slots.remove(place);
                self.ask_again(gone, effects);
            }
            _ => {}
        }
    }

    /// S13: all who wait hear the same.
    pub(super) fn progress(&mut self, generation: Generation, percent: u8, effects: &mut Effects) {
        let Some(place) = self.place_of(generation) else { return };
        let slot = &mut self.slots[place];
        if slot.phase == Phase::Loading && slot.percent < percent {
            slot.percent = percent;
            effects.extend(slot.asks.iter().map(|ask| Effect::Report { ask: ask.id, percent }));
        }
    }

    /// A model is there; whether it stays is seen here.
    pub(super) fn loaded(&mut self, generation: Generation, taken: u64, effects: &mut Effects) {
        let Some(place) = self.place_of(generation) else { return };
        let slot = &mut self.slots[place];
        let (model, planned, is_wanted) = (slot.model, slot.planned, slot.phase == Phase::Loading);
        if !is_wanted && slot.phase != Phase::Breaking {
            return;
        }
        slot.bytes = taken;
        self.unmark(model, effects);
        if !is_wanted {
            return self.free(model, effects);
        }
        // S8: what is beyond the plan is kept where there is room for it, and only there.
        if planned < taken && !self.is_within_budget() {
            let refusal = Refusal::TookMore { planned, taken, budget: self.budget };
            let slot = &mut self.slots[place];
            slot.restore = false;
            let asks = core::mem::take(&mut slot.asks);
            self.free(model, effects);
            refuse_all(asks, refusal, effects);
            self.abandon(model, effects);
            return self.make_room(effects);
        }
        let slot = &mut self.slots[place];
        slot.phase = Phase::Ready(Quiet::Fresh);
        slot.restore = false;
        let asks = core::mem::take(&mut slot.asks);
        for ask in asks {
            self.serve_late(ask, effects);
        }
        // A switch goes with its load, also where its asker has gone and others waited.
        let coming = self.members.iter().filter(|member| member.coming == Some(model));
        let coming: Vec<MemberId> = coming.map(|member| member.id).collect();
        for member in coming {
            self.bind(member, model, effects);
        }
        // Where every member has moved on, nobody needs it.
        self.work_ended(effects);
    }

    /// There is no model, and no memory of it.
    pub(super) fn load_failed(&mut self, generation: Generation, effects: &mut Effects) {
        let Some(place) = self.place_of(generation) else { return };
        let model = self.slots[place].model;
        match self.slots[place].phase {
            Phase::Loading => {
                self.unmark(model, effects);
                self.fail(place, Refusal::Failed(generation), effects);
            }
            Phase::Breaking => {
                self.unmark(model, effects);
                let gone = self.slots.remove(place);
                self.ask_again(gone, effects);
            }
            _ => {}
        }
    }

    /// The memory is back (S7), and whoever waited for that is answered or goes on.
    pub(super) fn freed(&mut self, generation: Generation, effects: &mut Effects) {
        let Some(place) = self.place_of(generation) else { return };
        if self.slots[place].phase == Phase::Freeing {
            let gone = self.slots.remove(place);
            self.ask_again(gone, effects);
        }
    }

    /// A model is gone that nobody unloaded: those who work on it hear so from their work, and whoever asks next loads it again.
    pub(super) fn ended(&mut self, generation: Generation, effects: &mut Effects) {
        let Some(place) = self.place_of(generation) else { return };
        if matches!(self.slots[place].phase, Phase::Ready(_) | Phase::Draining { .. } | Phase::Freeing) {
            let gone = self.slots.remove(place);
            self.ask_again(gone, effects);
        }
    }

    /// The slot has failed before it had a model: S2, S4.
    pub(super) fn fail(&mut self, place: usize, refusal: Refusal, effects: &mut Effects) {
        let slot = self.slots.remove(place);
        refuse_all(slot.asks, refusal, effects);
        self.abandon(slot.model, effects);
        self.make_room(effects);
    }

    /// The slot is gone: its room is free, and whoever waited for its end is heard again, as if they asked here.
    fn ask_again(&mut self, gone: Slot, effects: &mut Effects) {
        let demand = Demand { model: gone.model, bytes: gone.bytes };
        self.abandon(gone.model, effects);
        for ask in &gone.asks {
            if ask.wish == Wish::Unload {
                self.unbind(ask.member, gone.model);
                effects.push(Effect::Answer(ask.id, Answer::Unloaded));
            }
        }
        for ask in gone.asks.into_iter().filter(|ask| ask.wish != Wish::Unload) {
            self.ask(ask, effects);
        }
        if gone.restore && !self.fenced {
            self.restore(demand, effects);
        }
        self.make_room(effects);
    }

    /// The member is not `model` any more.
    pub(super) fn unbind(&mut self, member: MemberId, model: ModelId) {
        for member in self.members.iter_mut().filter(|other| other.id == member) {
            member.model = member.model.filter(|bound| *bound != model);
        }
        self.members.retain(|member| member.model.is_some() || member.coming.is_some());
    }

    /// S11: its load has ended, and the process has not.
    fn unmark(&mut self, model: ModelId, effects: &mut Effects) {
        self.crashed.retain(|crashed| *crashed != model);
        effects.push(Effect::Unmark(model));
    }
}

pub(super) fn refuse_all(asks: Vec<Ask>, refusal: Refusal, effects: &mut Effects) {
    for ask in asks {
        refuse(ask.id, refusal, effects);
    }
}
