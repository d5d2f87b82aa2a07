//! What a table without one of its guards would do: it is told what makes it do that, or what it wants is not done.

use modeld_spec::slot::entry::Phase;
use modeld_spec::slot::event::{
    Answer, Ask, AskId, Demand, Effect, Effects, Event, Gate, MemberId, ModelId, Old, Wish,
};
use modeld_spec::slot::table::Slots;

use super::Slot;
use super::mutants::Mutant;
use super::names::{ALIAS, caller_of};
use super::state::State;

impl Slot {
    /// The effects of an event, as they are with `mutant`.
    pub(super) fn hear_lies(
        &self,
        mutant: Mutant,
        state: &State,
        table: &mut Slots,
        event: Event,
        gate: Gate,
    ) -> Effects {
        let gate = match (mutant, event) {
            (Mutant::GateUnseen, Event::Look) => gate,
            (Mutant::GateUnseen, _) => Gate::Open,
            _ => gate,
        };
        let mut effects = Effects::new();
        for ask in untrue_hang_ups(mutant, table, event) {
            effects.extend(table.hear(Event::Gone(ask), gate));
        }
        let event = match event {
            Event::Asked(ask) => match self.lie_about_ask(mutant, state, table, ask) {
                Ok(ask) => Event::Asked(ask),
                Err(answer) => {
                    effects.push(Effect::Answer(ask.id, answer));
                    return effects;
                }
            },
            event => event,
        };
        if matches!((mutant, event), (Mutant::FreedUnnoticed, Event::Freed { .. })) {
            return effects;
        }
        let late = if mutant == Mutant::LateOpenMovesBack { late_opens(table, event) } else { Vec::new() };
        effects.extend(table.hear(event, gate));
        for ask in late {
            table.hear(Event::Asked(ask), gate).into_iter().for_each(drop);
        }
        if (mutant, event) == (Mutant::IdleForgetsSwitch, Event::IdleTick) {
            effects.extend(fallbacks(table));
        }
        if mutant == Mutant::AnswersAgain {
            let answers = |effect: &&Effect| matches!(effect, Effect::Answer(..));
            let again: Effects = effects.iter().filter(answers).cloned().collect();
            effects.extend(again);
        }
        if matches!(mutant, Mutant::FreeingIsFree | Mutant::SaysUnloadedAtOnce) {
            believe_freed(table, gate, &mut effects);
        }
        drop_what_is_forgotten(mutant, event, &mut effects);
        effects
    }

    /// What the table is asked; or the answer, where the mutant has one without asking.
    fn lie_about_ask(
        &self,
        mutant: Mutant,
        state: &State,
        table: &Slots,
        mut ask: Ask,
    ) -> Result<Ask, Answer> {
        let caller = u16::try_from(caller_of(ask.id)).unwrap_or(0) + 1;
        let Some(demand) = ask.wish.demand() else { return Ok(ask) };
        let slot = table.slot(demand.model);
        match mutant {
            Mutant::LoadPerAsk => {
                let model = ModelId(demand.model.0 + ALIAS * caller);
                ask.wish = with_demand(ask.wish, Demand { model, ..demand });
                ask.member = MemberId(ask.member.0 + ALIAS * caller);
            }
            Mutant::OpensWhatGoes => {
                if let (Wish::Open(_), Some(slot)) = (ask.wish, slot)
                    && slot.phase == Phase::Freeing
                {
                    return Err(Answer::Ready(slot.generation));
                }
            }
            Mutant::ClosesFirst => {
                if let Wish::Load(..) = ask.wish {
                    let bytes = u64::from(self.budget);
                    ask.wish = Wish::Load(Demand { bytes, ..demand }, Old::MayGoFirst);
                }
            }
            Mutant::GivesUpUnasked => {
                if let Wish::Load(demand, _) = ask.wish {
                    ask.wish = Wish::Load(demand, Old::MayGoFirst);
                }
            }
            Mutant::OpenSwitches => {
                if let Wish::Open(demand) = ask.wish {
                    ask.wish = Wish::Load(demand, Old::Stays);
                }
            }
            Mutant::SwitchesTwice => {
                let member = table.members().iter().find(|member| member.id == ask.member);
                if member.is_some_and(|member| member.coming.is_some_and(|coming| coming != demand.model)) {
                    ask.member = MemberId(ask.member.0 + ALIAS);
                }
            }
            Mutant::LoadsUnplanned => {
                ask.wish = with_demand(ask.wish, Demand { bytes: 0, ..demand });
            }
            Mutant::PlanForgetsLoads => {
                let loading = |phase| matches!(phase, Phase::Room | Phase::Marking | Phase::Loading);
                let promised: u64 =
                    table.slots().iter().filter(|slot| loading(slot.phase)).map(|slot| slot.bytes).sum();
                let bytes = demand.bytes.saturating_sub(promised);
                ask.wish = with_demand(ask.wish, Demand { bytes, ..demand });
            }
            Mutant::RetriesOnOpen => {
                if state.marks != 0
                    && let Wish::Open(demand) = ask.wish
                {
                    ask.wish = Wish::Load(demand, Old::Stays);
                }
            }
            _ => {}
        }
        Ok(ask)
    }
}

/// Asks that the table is told are gone before it hears `event`, and are not.
fn untrue_hang_ups(mutant: Mutant, table: &Slots, event: Event) -> Vec<AskId> {
    let slots = table.slots().iter();
    let working = |ready: bool| {
        let chosen = slots.clone().filter(move |slot| matches!(slot.phase, Phase::Ready(_)) == ready);
        chosen.flat_map(|slot| slot.holders.iter().copied()).collect()
    };
    match (mutant, event) {
        (Mutant::IdleIsTheClock, Event::IdleTick)
        | (Mutant::EvictsWhatIsUsed, Event::Asked(Ask { wish: Wish::Open(_), .. }))
        | (Mutant::UnloadsWhatIsUsed, Event::Asked(Ask { wish: Wish::Unload, .. }))
        | (Mutant::SwitchEndsWork, Event::Loaded { .. }) => working(true),
        (Mutant::DrainEndsWork, Event::DrainTick) => working(false),
        (Mutant::HangUpEndsLoad, Event::Gone(gone)) => {
            let waits = |ask: &Ask| ask.id == gone;
            let shared = slots.clone().filter(|slot| slot.asks.iter().any(waits));
            shared.flat_map(|slot| slot.asks.iter().map(|ask| ask.id)).filter(|ask| *ask != gone).collect()
        }
        _ => Vec::new(),
    }
}

/// Loads in the place of opens that wait for the load that ends, and whose members have moved on.
fn late_opens(table: &Slots, event: Event) -> Vec<Ask> {
    let Event::Loaded { generation, .. } = event else { return Vec::new() };
    let waiting =
        table.slots().iter().filter(|slot| slot.generation == generation).flat_map(|slot| &slot.asks);
    let moved_on = |ask: &&Ask| {
        let model = ask.wish.demand().map(|demand| demand.model);
        let member = table.members().iter().find(|member| member.id == ask.member);
        member.is_some_and(|member| member.model.is_some() && member.model != model && member.coming != model)
    };
    let as_load =
        |ask: &Ask| ask.wish.demand().map(|demand| Ask { wish: Wish::Load(demand, Old::Stays), ..*ask });
    waiting.filter(moved_on).filter_map(as_load).collect()
}

/// What frees the models that switches would fall back to.
fn fallbacks(table: &Slots) -> Effects {
    let switching = table.members().iter().filter(|member| member.coming.is_some());
    let old = switching.filter_map(|member| member.model).filter_map(|model| table.slot(model));
    old.filter(|slot| slot.is_idle()).map(|slot| Effect::Free(slot.generation)).collect()
}

/// Memory is believed to be back as soon as it is asked back.
fn believe_freed(table: &mut Slots, gate: Gate, effects: &mut Effects) {
    let freeing = |table: &Slots| {
        table.slots().iter().find(|slot| slot.phase == Phase::Freeing).map(|slot| slot.generation)
    };
    while let Some(generation) = freeing(table) {
        effects.extend(table.hear(Event::Freed { generation }, gate));
    }
}

/// What is wanted and not done.
fn drop_what_is_forgotten(mutant: Mutant, event: Event, effects: &mut Effects) {
    let mut reported = Vec::new();
    let mut answered = false;
    effects.retain(|effect| match (mutant, effect) {
        (Mutant::ReportsToFirst, Effect::Report { ask, .. }) => {
            let is_first = reported.is_empty();
            reported.push(*ask);
            is_first || matches!(event, Event::Asked(_))
        }
        (Mutant::JoinerUntold, Effect::Report { .. }) => !matches!(event, Event::Asked(_)),
        (Mutant::AnswersFirst, Effect::Answer(..)) => !core::mem::replace(&mut answered, true),
        _ => true,
    });
}

fn with_demand(wish: Wish, demand: Demand) -> Wish {
    match wish {
        Wish::Open(_) => Wish::Open(demand),
        Wish::Load(_, old) => Wish::Load(demand, old),
        Wish::Unload => Wish::Unload,
    }
}
