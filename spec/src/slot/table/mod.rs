//! The table of slots: every decision about what is loaded, kept, and unloaded.
//!
//! It hears one [`Event`] after the other, each with what the gate said, and answers with the [`Effect`]s that are due, in
//! order. It never waits and asks no time: intervals come in as ticks. It is not a [`Machine`](crate::step::Machine),
//! because one event makes several effects due and it never ends; an effect that has an outcome has an event for it.
//!
//! Rules S1 to S14. In reading order: asks (here), the ends of loads (`ends`), unloading and the fence (`leave`), the
//! room that all share (`room`). It fails never: whatever can't be done is an [`Answer`] to whoever asked. An event that
//! fits nothing, because it is late or repeated, changes nothing.

mod ends;
mod leave;
mod room;

use alloc::vec::Vec;

use super::entry::{Phase, Quiet, Slot};
use super::event::{
    Answer, Ask, AskId, Demand, Effect, Effects, Event, Gate, Generation, MemberId, ModelId, Refusal, Wish,
};
use super::member::Member;

/// The members of a daemon, and the loads of their models.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slots {
    budget: u64,
    fenced: bool,
    next: Generation,
    /// By last use, the least needed first.
    slots: Vec<Slot>,
    /// By id.
    members: Vec<Member>,
    /// Models whose last load ended a process, by id.
    crashed: Vec<ModelId>,
}

impl Slots {
    /// A table without members, for `budget` bytes of memory. `crashed`: the models whose marks were found (S11).
    pub fn new(budget: u64, crashed: impl IntoIterator<Item = ModelId>) -> Self {
        let mut crashed: Vec<ModelId> = crashed.into_iter().collect();
        crashed.sort_unstable();
        crashed.dedup();
        Slots {
            budget,
            fenced: false,
            next: Generation::FIRST,
            slots: Vec::new(),
            members: Vec::new(),
            crashed,
        }
    }

    /// Hears what happened, and says what is due.
    ///
    /// `gate` is what the gate said after the event: at the first fenced one everything ends (S10).
    #[must_use = "an effect that is dropped never happens"]
    pub fn hear(&mut self, event: Event, gate: Gate) -> Effects {
        let mut effects = Effects::new();
        if gate == Gate::Fenced && !self.fenced {
            self.fence(&mut effects);
        }
        match event {
            Event::Asked(ask) => self.ask(ask, &mut effects),
            Event::Gone(ask) => self.gone(ask, &mut effects),
            Event::Marked { generation, durable } => self.marked(generation, durable, &mut effects),
            Event::Progress { generation, percent } => self.progress(generation, percent, &mut effects),
            Event::Loaded { generation, taken } => self.loaded(generation, taken, &mut effects),
            Event::LoadFailed { generation } => self.load_failed(generation, &mut effects),
            Event::Freed { generation } => self.freed(generation, &mut effects),
            Event::Ended { generation } => self.ended(generation, &mut effects),
            Event::IdleTick => self.idle_tick(&mut effects),
            Event::DrainTick => self.drain_tick(&mut effects),
            Event::Look => {}
        }
        effects
    }

    /// S11: a load of this model, on other terms, ended a process.
    pub fn suspect(&mut self, model: ModelId) {
        if let Err(place) = self.crashed.binary_search(&model) {
            self.crashed.insert(place, model);
        }
    }

    /// What all slots share from here on, after a look at what the machine has. It is never less than what was promised (S6): a
    /// load that has its room keeps it, and nobody waits for room that does not come (S14).
    pub fn revise_budget(&mut self, budget: u64) {
        self.budget = budget.max(self.promised());
    }

    /// Bytes that all slots share.
    pub fn budget(&self) -> u64 {
        self.budget
    }

    /// The slots, the least needed first.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The slot of a model.
    pub fn slot(&self, model: ModelId) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.model == model)
    }

    /// The members, by id.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The models that only an explicit load tries again (S11), by id.
    pub fn crashed(&self) -> &[ModelId] {
        &self.crashed
    }

    /// Whether it has seen the gate fenced.
    pub fn is_fenced(&self) -> bool {
        self.fenced
    }

    /// The same table with other names for the asks, which is how a checker finds that two clients are alike.
    #[must_use]
    pub fn with_asks_renamed(&self, rename: impl Fn(AskId) -> AskId) -> Self {
        let mut renamed = self.clone();
        for slot in &mut renamed.slots {
            for ask in &mut slot.asks {
                ask.id = rename(ask.id);
            }
            slot.asks.sort_unstable_by_key(|ask| ask.id);
            for holder in &mut slot.holders {
                *holder = rename(*holder);
            }
            slot.holders.sort_unstable();
        }
        renamed
    }

    fn ask(&mut self, ask: Ask, effects: &mut Effects) {
        if self.fenced {
            return refuse(ask.id, Refusal::Fenced, effects);
        }
        let Some(demand) = ask.wish.demand() else { return self.unload(ask, effects) };
        let permitted = self.member(ask.member).map_or(Ok(()), |member| member.permits(&ask, demand));
        if let Err(refusal) = permitted {
            return refuse(ask.id, refusal, effects);
        }
        let Some(place) = self.place(demand.model) else { return self.begin(ask, demand, effects) };
        // S1: whoever finds a load joins it, or what comes after it.
        match self.slots[place].phase {
            Phase::Ready(_) => self.serve(ask, effects),
            Phase::Loading => {
                // S13: who joins late is told how far it is.
                effects.push(Effect::Report { ask: ask.id, percent: self.slots[place].percent });
                self.wait(ask, demand);
            }
            _ => self.wait(ask, demand),
        }
    }

    /// Joins the slot that is there.
    fn wait(&mut self, ask: Ask, demand: Demand) {
        if let Some(place) = self.place(demand.model) {
            self.slots[place].join(ask);
            self.member_mut(ask.member).expect(demand.model);
        }
    }

    /// Answers an ask for a model that is ready.
    fn serve(&mut self, ask: Ask, effects: &mut Effects) {
        if let Some(demand) = ask.wish.demand() {
            self.admit(ask, demand.model, effects);
            self.bind(ask.member, demand.model, effects);
        }
    }

    /// Answers an ask that has waited. Its member may have become another model meanwhile: an open is let in all the same, to
    /// work as those do who were in before the switch; a load has come too late (S4).
    fn serve_late(&mut self, ask: Ask, effects: &mut Effects) {
        let Some(demand) = ask.wish.demand() else { return };
        let moved_on = |member: &Member| member.has_moved_on_from(demand.model);
        match self.member(ask.member).filter(|member| moved_on(member)).and_then(|member| member.model) {
            None => self.serve(ask, effects),
            Some(bound) if matches!(ask.wish, Wish::Load(..)) => {
                refuse(ask.id, Refusal::OtherModel { bound }, effects);
            }
            Some(_) => self.admit(ask, demand.model, effects),
        }
    }

    /// An open works from here on, in the step of its answer (S5).
    fn admit(&mut self, ask: Ask, model: ModelId, effects: &mut Effects) {
        let Some(place) = self.place(model) else { return };
        let generation = self.slots[place].generation;
        if matches!(ask.wish, Wish::Open(_)) {
            self.slots[place].hold(ask.id);
            self.touch(place);
        }
        effects.push(Effect::Answer(ask.id, Answer::Ready(generation)));
    }

    /// The member is this model from here on, and the one it was goes, unless another member is it or somebody works on it.
    fn bind(&mut self, member: MemberId, model: ModelId, effects: &mut Effects) {
        if let Some(old) = self.member_mut(member).become_model(model) {
            self.let_go(old, effects);
        }
    }

    /// S3: an ask waits or works no more, and nobody else notices.
    fn gone(&mut self, ask: AskId, effects: &mut Effects) {
        if let Some(place) = self.slots.iter_mut().position(|slot| slot.forget_ask(ask)) {
            let slot = &mut self.slots[place];
            let (model, generation) = (slot.model, slot.generation);
            let is_unload_wanted = slot.asks.iter().any(|ask| ask.wish == Wish::Unload);
            if matches!(slot.phase, Phase::Draining { instead: None, .. }) && !is_unload_wanted {
                return self.keep(model, effects);
            }
            if slot.is_wanted() {
                return;
            }
            // Nobody waits any more: the load is for nobody.
            match slot.phase {
                Phase::Room => {
                    self.slots.remove(place);
                }
                Phase::Marking => slot.phase = Phase::Dropping,
                Phase::Loading => {
                    slot.phase = Phase::Breaking;
                    effects.push(Effect::BreakOff(generation));
                }
                _ => {}
            }
            self.abandon(model, effects);
            self.make_room(effects);
        } else if let Some(place) = self.slots.iter_mut().position(|slot| slot.forget_holder(ask)) {
            self.touch(place);
            self.work_ended(effects);
        }
    }

    /// S4: every member that was about to be `model` stays what it is, and gets back what it gave up.
    fn abandon(&mut self, model: ModelId, effects: &mut Effects) {
        let coming = self.members.iter_mut().filter(|member| member.coming == Some(model));
        let owed: Vec<Demand> = coming.filter_map(Member::stay).collect();
        self.members.retain(|member| member.model.is_some() || member.coming.is_some());
        for demand in owed {
            self.restore(demand, effects);
        }
    }

    fn member(&self, id: MemberId) -> Option<&Member> {
        self.members.iter().find(|member| member.id == id)
    }

    fn member_mut(&mut self, id: MemberId) -> &mut Member {
        let place = self.members.partition_point(|member| member.id < id);
        if self.members.get(place).is_none_or(|member| member.id != id) {
            self.members.insert(place, Member::new(id));
        }
        &mut self.members[place]
    }

    fn place(&self, model: ModelId) -> Option<usize> {
        self.slots.iter().position(|slot| slot.model == model)
    }

    /// S12: the slot of this load; none, if it is not the load that its model has.
    fn place_of(&self, generation: Generation) -> Option<usize> {
        self.slots.iter().position(|slot| slot.generation == generation)
    }

    /// It was used: it is the one most needed.
    fn touch(&mut self, place: usize) {
        let mut slot = self.slots.remove(place);
        if let Phase::Ready(quiet) = &mut slot.phase {
            *quiet = Quiet::Fresh;
        }
        self.slots.push(slot);
    }

    /// Whether a member is this model, or about to be.
    fn is_bound(&self, model: ModelId) -> bool {
        self.members.iter().any(|member| member.model == Some(model) || member.coming == Some(model))
    }
}

fn refuse(ask: AskId, refusal: Refusal, effects: &mut Effects) {
    effects.push(Effect::Answer(ask, Answer::Refused(refusal)));
}
