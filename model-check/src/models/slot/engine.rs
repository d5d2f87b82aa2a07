//! What the table wants, done: on the modelled engine, disk and clients.

use modeld_spec::slot::event::{Answer, AskId, Effect, Generation, Refusal};

use super::Slot;
use super::mutants::Mutant;
use super::names::{Want, model_of};
use super::state::{Broken, Stage, State, Work};
use super::step::{HALF, bit_at};

impl Slot {
    /// Performs one effect, as far as it is performed at once.
    pub(super) fn perform(&self, state: &mut State, effect: &Effect) {
        match *effect {
            Effect::Mark { model, generation } => {
                let work = Work::Marking { generation: small(generation) };
                begin(state, model_of(model), work);
            }
            Effect::Unmark(model) => self.unmark(state, model_of(model)),
            Effect::Load { model, generation } => {
                let work = Work::Starting { generation: small(generation), breaking: false };
                begin(state, model_of(model), work);
            }
            Effect::BreakOff(generation) => {
                for work in &mut state.engine {
                    match work {
                        Work::Starting { generation: loading, breaking }
                        | Work::Loading { generation: loading, breaking, .. }
                            if *loading == small(generation) =>
                        {
                            *breaking = true;
                        }
                        _ => {}
                    }
                }
            }
            Effect::Free(generation) => self.free(state, small(generation)),
            Effect::Abort(generation) => {
                for caller in &mut state.callers {
                    if let Stage::Holding { generation: held, aborted, .. } = &mut caller.stage
                        && *held == small(generation)
                    {
                        *aborted = true;
                    }
                }
            }
            Effect::Planned(..) => {}
            Effect::Report { ask, percent } => {
                if HALF <= percent
                    && let Some(caller) = state.asker(ask)
                    && let Stage::Waiting { told, .. } = &mut state.callers[caller].stage
                {
                    *told = true;
                }
            }
            Effect::Answer(ask, answer) => self.answer(state, ask, answer),
        }
    }

    fn unmark(&self, state: &mut State, model: usize) {
        if self.mutant == Some(Mutant::KeepsMarks) {
            return;
        }
        if state.disk_fails {
            // It stays, and who finds it can't tell why.
            if state.marks & bit_at(model) != 0 {
                state.ghost.excused |= bit_at(model);
            }
        } else {
            state.marks &= !bit_at(model);
            state.ghost.excused &= !bit_at(model);
        }
    }

    fn free(&self, state: &mut State, generation: u8) {
        if self.mutant == Some(Mutant::KeepsFencedResult) && state.gate_closed {
            return;
        }
        for work in &mut state.engine {
            match *work {
                Work::Resident { generation: resident, more } if resident == generation => {
                    *work = Work::Freeing { generation, more };
                }
                _ => {}
            }
        }
    }

    fn answer(&self, state: &mut State, ask: AskId, answer: Answer) {
        let Some(caller) = state.asker(ask) else { return state.broke(Broken::AnsweredAgain) };
        let choice = match state.callers[caller].stage {
            Stage::Waiting { choice, .. } => choice,
            // The answer reaches nobody.
            Stage::Left => return,
            Stage::Idle | Stage::Holding { .. } => return state.broke(Broken::AnsweredAgain),
        };
        let Some(asked) = self.menu.get(usize::from(choice)) else { return };
        state.callers[caller].stage = Stage::Idle;
        match answer {
            Answer::Ready(generation) => {
                let Some(model) = asked.model() else { return state.broke(Broken::OtherGeneration) };
                let generation = small(generation);
                let resident = state.engine.get(usize::from(model)).copied();
                if !matches!(resident, Some(Work::Resident { generation: g, .. }) if g == generation) {
                    state.broke(Broken::OtherGeneration);
                }
                if state.gate_closed {
                    state.broke(Broken::ServedAfterFence);
                }
                if matches!(asked.want, Want::Open(_)) {
                    state.callers[caller].stage = Stage::Holding { model, generation, aborted: false };
                }
            }
            Answer::Refused(Refusal::CrashedBefore) => {
                let excused =
                    asked.model().is_some_and(|model| state.ghost.excused & bit_at(model.into()) != 0);
                if !excused {
                    state.broke(Broken::RefusedWithoutReason);
                }
            }
            Answer::Refused(Refusal::Failed(generation)) => {
                // A load that goes on has not failed.
                if state.engine.iter().any(|work| work.generation() == Some(small(generation))) {
                    state.broke(Broken::OtherGeneration);
                }
            }
            Answer::Unloaded | Answer::Refused(_) => {}
        }
    }
}

/// Something begins for a model for which nothing else may be going on (S1).
fn begin(state: &mut State, model: usize, work: Work) {
    if state.engine[model] != Work::None {
        state.broke(Broken::TwoLoads);
    }
    state.engine[model] = work;
}

/// A generation of the model: there are fewer loads than asks and restores.
fn small(generation: Generation) -> u8 {
    u8::try_from(generation.get()).unwrap_or(u8::MAX)
}
