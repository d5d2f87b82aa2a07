//! Random histories: whatever happens in whatever order, what is promised of the table holds, and in the end everybody
//! is answered.

use std::collections::BTreeMap;

use modeld_spec::slot::entry::Phase;
use modeld_spec::slot::event::{
    Answer, Ask, AskId, Demand, Effect, Event, Gate, Generation, MemberId, ModelId, Old, Wish,
};
use modeld_spec::slot::table::Slots;
use proptest::prelude::*;

/// One thing that may happen.
#[derive(Clone, Debug)]
enum Move {
    Ask { member: u16, model: u16, sort: u8 },
    Gone(usize),
    End { which: usize, well: bool, excess: u64 },
    Progress { which: usize, percent: u8 },
    IdleTick,
    DrainTick,
    Budget(u64),
    Died(usize),
    Fence,
}

/// What the engine is at.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Work {
    Marking,
    Loading,
    Freeing,
}

struct World {
    table: Slots,
    gate: Gate,
    work: BTreeMap<Generation, Work>,
    /// What each load takes, while it takes it.
    memory: BTreeMap<Generation, u64>,
    planned: BTreeMap<Generation, u64>,
    waiting: Vec<AskId>,
    working: BTreeMap<AskId, Generation>,
    asks: u64,
}

const BUDGET: u64 = 30;

impl World {
    fn new() -> Self {
        World {
            table: Slots::new(BUDGET, []),
            gate: Gate::Open,
            work: BTreeMap::new(),
            memory: BTreeMap::new(),
            planned: BTreeMap::new(),
            waiting: Vec::new(),
            working: BTreeMap::new(),
            asks: 0,
        }
    }

    fn hear(&mut self, event: Event) {
        for effect in self.table.hear(event, self.gate) {
            self.perform(effect);
        }
        self.check();
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Mark { generation, .. } => {
                assert_eq!(self.work.insert(generation, Work::Marking), None);
            }
            Effect::Load { generation, model } => {
                assert_eq!(self.gate, Gate::Open, "no load after the fence");
                self.work.insert(generation, Work::Loading);
                let slot = self.table.slot(model).expect("a load has a slot");
                self.memory.insert(generation, slot.planned);
                self.planned.insert(generation, slot.planned);
            }
            Effect::Free(generation) => {
                assert!(
                    !self.working.values().any(|held| *held == generation),
                    "somebody works on {generation}"
                );
                self.work.insert(generation, Work::Freeing);
            }
            Effect::Answer(ask, answer) => {
                let place =
                    self.waiting.iter().position(|waiting| *waiting == ask).expect("who is answered waits");
                self.waiting.remove(place);
                let Answer::Ready(generation) = answer else { return };
                assert!(self.memory.contains_key(&generation), "{generation} is in memory");
                if self.table.slots().iter().any(|slot| slot.holders.contains(&ask)) {
                    self.working.insert(ask, generation);
                }
            }
            Effect::Abort(_)
            | Effect::BreakOff(_)
            | Effect::Unmark(_)
            | Effect::Planned(..)
            | Effect::Report { .. } => {}
        }
    }

    fn check(&self) {
        let mut models: Vec<ModelId> = self.table.slots().iter().map(|slot| slot.model).collect();
        models.sort();
        models.dedup();
        assert_eq!(models.len(), self.table.slots().len(), "one slot a model");
        let known: Vec<AskId> =
            self.table.slots().iter().flat_map(|slot| slot.asks.iter().map(|ask| ask.id)).collect();
        assert_eq!(known.len(), self.waiting.len());
        assert!(self.waiting.iter().all(|ask| known.contains(ask)), "who waits is known");
        let planned: u64 = self.memory.keys().map(|generation| self.planned[generation]).sum();
        assert!(planned <= BUDGET, "{planned} were planned");
        let freeing = |generation: &Generation| self.work.get(generation) == Some(&Work::Freeing);
        let taken: u64 = self.memory.values().sum();
        let excess = self
            .memory
            .iter()
            .any(|(generation, taken)| self.planned[generation] < *taken && freeing(generation));
        assert!(taken <= BUDGET || excess, "{taken} are taken");
    }

    fn play(&mut self, step: &Move) {
        match *step {
            Move::Ask { member, model, sort } => {
                let id = AskId(self.asks);
                self.asks += 1;
                let demand = Demand { model: ModelId(model), bytes: 5 + 5 * u64::from(model) };
                let wish = match sort {
                    0..4 => Wish::Open(demand),
                    4 => Wish::Load(demand, Old::Stays),
                    5 => Wish::Load(demand, Old::MayGoFirst),
                    _ => Wish::Unload,
                };
                self.waiting.push(id);
                self.hear(Event::Asked(Ask { id, member: MemberId(member), wish }));
            }
            Move::Gone(which) => {
                let all: Vec<AskId> = self.waiting.iter().chain(self.working.keys()).copied().collect();
                if let Some(ask) = all.get(which % all.len().max(1)) {
                    self.waiting.retain(|waiting| waiting != ask);
                    self.working.remove(ask);
                    self.hear(Event::Gone(*ask));
                }
            }
            Move::End { which, well, excess } => self.end(which, well, excess),
            Move::Progress { which, percent } => {
                if let Some(generation) = self.work.keys().copied().nth(which % self.work.len().max(1)) {
                    self.hear(Event::Progress { generation, percent });
                }
            }
            Move::IdleTick => self.hear(Event::IdleTick),
            Move::DrainTick => self.hear(Event::DrainTick),
            Move::Budget(budget) => {
                self.table.revise_budget(budget);
                self.check();
            }
            Move::Died(which) => self.die(which),
            Move::Fence => {
                self.gate = Gate::Fenced;
                self.hear(Event::Look);
                assert!(self.waiting.is_empty(), "a fence answers everybody");
            }
        }
    }

    /// A model that serves, or is being freed, ends by itself; the work on it ends with it.
    fn die(&mut self, which: usize) {
        let serves =
            |generation: &&Generation| matches!(self.work.get(*generation), None | Some(Work::Freeing));
        let Some(generation) =
            self.memory.keys().filter(serves).copied().nth(which % self.memory.len().max(1))
        else {
            return;
        };
        self.work.remove(&generation);
        self.memory.remove(&generation);
        self.working.retain(|_, held| *held != generation);
        self.hear(Event::Ended { generation });
    }

    /// Something that the engine is at ends.
    fn end(&mut self, which: usize, well: bool, excess: u64) {
        let Some(generation) = self.work.keys().copied().nth(which % self.work.len().max(1)) else { return };
        match self.work.remove(&generation) {
            Some(Work::Marking) => self.hear(Event::Marked { generation, durable: well }),
            Some(Work::Loading) if well => {
                let taken = self.planned[&generation] + excess;
                self.memory.insert(generation, taken);
                self.hear(Event::Loaded { generation, taken });
            }
            Some(Work::Loading) => {
                self.memory.remove(&generation);
                self.hear(Event::LoadFailed { generation });
            }
            Some(Work::Freeing) => {
                self.memory.remove(&generation);
                self.hear(Event::Freed { generation });
            }
            None => {}
        }
    }

    /// No fault and no wish any more: what is due happens, and nobody ends work by himself.
    fn settle(&mut self) {
        for _ in 0..200 {
            self.end(0, true, 0);
            self.hear(Event::DrainTick);
            if self.gate == Gate::Fenced {
                self.play(&Move::Gone(0));
            }
        }
    }
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        8 => (0..3_u16, 0..4_u16, 0..8_u8).prop_map(|(member, model, sort)| Move::Ask { member, model, sort }),
        5 => any::<usize>().prop_map(Move::Gone),
        12 => (any::<usize>(), prop::bool::weighted(0.8), 0..4_u64)
            .prop_map(|(which, well, excess)| Move::End { which, well, excess: excess.saturating_sub(1) }),
        2 => (any::<usize>(), 0..=100_u8).prop_map(|(which, percent)| Move::Progress { which, percent }),
        2 => Just(Move::IdleTick),
        2 => Just(Move::DrainTick),
        1 => (0..=BUDGET).prop_map(Move::Budget),
        1 => any::<usize>().prop_map(Move::Died),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn s14_any_history_ends_with_everybody_answered(history in prop::collection::vec(moves(), 0..120), fence in prop::option::of(0..120_usize)) {
        let mut world = World::new();
        for (place, step) in history.iter().enumerate() {
            if fence == Some(place) {
                world.play(&Move::Fence);
            }
            world.play(step);
        }
        world.settle();
        prop_assert!(world.waiting.is_empty(), "{:?} wait: {:?}", world.waiting, world.table);
        prop_assert!(world.work.is_empty());
        let serves = |phase| matches!(phase, Phase::Ready(_));
        prop_assert!(world.table.slots().iter().all(|slot| serves(slot.phase)), "{:?}", world.table);
        if world.gate == Gate::Fenced {
            prop_assert!(world.memory.is_empty() && world.table.slots().is_empty());
        }
    }
}
