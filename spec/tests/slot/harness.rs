//! A daemon without an engine: the test says what the engine did, and sees what the table wants.

use modeld_spec::slot::entry::{Phase, Slot};
use modeld_spec::slot::event::{
    Answer, Ask, AskId, Demand, Effect, Event, Gate, Generation, MemberId, ModelId, Old, Refusal, Wish,
};
use modeld_spec::slot::table::Slots;

/// Two models, and a third.
pub(crate) const A: ModelId = ModelId(0);
pub(crate) const B: ModelId = ModelId(1);
pub(crate) const C: ModelId = ModelId(2);

/// The member that most tests ask for.
pub(crate) const MEMBER: MemberId = MemberId(0);
/// Another one.
pub(crate) const OTHER: MemberId = MemberId(1);

/// What every model takes where a test does not say.
pub(crate) const SIZE: u64 = 10;

/// A table, and everything that it ever wanted.
pub(crate) struct Daemon {
    pub(crate) table: Slots,
    pub(crate) gate: Gate,
    pub(crate) wanted: Vec<Effect>,
}

impl Daemon {
    pub(crate) fn with_budget(budget: u64) -> Self {
        Daemon { table: Slots::new(budget, []), gate: Gate::Open, wanted: Vec::new() }
    }

    /// Hears an event; what it wanted.
    pub(crate) fn hear(&mut self, event: Event) -> Vec<Effect> {
        let effects = self.table.hear(event, self.gate);
        self.wanted.extend(effects.iter().cloned());
        effects
    }

    pub(crate) fn ask(&mut self, id: u64, member: MemberId, wish: Wish) -> Vec<Effect> {
        self.hear(Event::Asked(Ask { id: AskId(id), member, wish }))
    }

    pub(crate) fn open(&mut self, id: u64, model: ModelId) -> Vec<Effect> {
        self.ask(id, MEMBER, open(model))
    }

    pub(crate) fn load(&mut self, id: u64, model: ModelId) -> Vec<Effect> {
        self.ask(id, MEMBER, Wish::Load(demand(model), Old::Stays))
    }

    pub(crate) fn load_instead(&mut self, id: u64, model: ModelId) -> Vec<Effect> {
        self.ask(id, MEMBER, Wish::Load(demand(model), Old::MayGoFirst))
    }

    pub(crate) fn unload(&mut self, id: u64) -> Vec<Effect> {
        self.ask(id, MEMBER, Wish::Unload)
    }

    pub(crate) fn gone(&mut self, id: u64) -> Vec<Effect> {
        self.hear(Event::Gone(AskId(id)))
    }

    /// The mark of the model's load is written.
    pub(crate) fn marked(&mut self, model: ModelId) -> Vec<Effect> {
        let generation = self.generation(model);
        self.hear(Event::Marked { generation, durable: true })
    }

    /// The model's load ends, as planned.
    pub(crate) fn loaded(&mut self, model: ModelId) -> Vec<Effect> {
        let generation = self.generation(model);
        self.hear(Event::Loaded { generation, taken: SIZE })
    }

    pub(crate) fn load_failed(&mut self, model: ModelId) -> Vec<Effect> {
        let generation = self.generation(model);
        self.hear(Event::LoadFailed { generation })
    }

    pub(crate) fn freed(&mut self, model: ModelId) -> Vec<Effect> {
        let generation = self.generation(model);
        self.hear(Event::Freed { generation })
    }

    /// Somebody opens the model, and works on it.
    pub(crate) fn working(&mut self, id: u64, model: ModelId) {
        self.open(id, model);
        self.marked(model);
        let answered = self.loaded(model);
        assert!(answered.contains(&ready(id, self.generation(model))), "{answered:?}");
    }

    /// The model is loaded, and nobody works on it.
    pub(crate) fn idle(&mut self, id: u64, model: ModelId) {
        self.working(id, model);
        self.gone(id);
    }

    pub(crate) fn slot(&self, model: ModelId) -> &Slot {
        self.table.slot(model).expect("a slot of this model")
    }

    pub(crate) fn phase(&self, model: ModelId) -> Option<Phase> {
        self.table.slot(model).map(|slot| slot.phase)
    }

    pub(crate) fn is_ready(&self, model: ModelId) -> bool {
        matches!(self.phase(model), Some(Phase::Ready(_)))
    }

    pub(crate) fn generation(&self, model: ModelId) -> Generation {
        self.slot(model).generation
    }

    /// What the member is.
    pub(crate) fn model_of(&self, member: MemberId) -> Option<ModelId> {
        self.table.members().iter().find(|known| known.id == member).and_then(|known| known.model)
    }

    /// The answers that an ask got.
    pub(crate) fn answers(&self, id: u64) -> Vec<Answer> {
        let answer = |effect: &Effect| match effect {
            Effect::Answer(ask, answer) if *ask == AskId(id) => Some(*answer),
            _ => None,
        };
        self.wanted.iter().filter_map(answer).collect()
    }
}

pub(crate) fn demand(model: ModelId) -> Demand {
    Demand { model, bytes: SIZE }
}

pub(crate) fn open(model: ModelId) -> Wish {
    Wish::Open(demand(model))
}

pub(crate) fn ready(id: u64, generation: Generation) -> Effect {
    Effect::Answer(AskId(id), Answer::Ready(generation))
}

pub(crate) fn refused(id: u64, refusal: Refusal) -> Effect {
    Effect::Answer(AskId(id), Answer::Refused(refusal))
}
