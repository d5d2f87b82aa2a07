//! The one shape of every machine: it consumes what was observed and names the next effect.
//!
//! Each effect is one atomic thing that the outside can do, and its own step, so that a crash, a pause of any
//! length or an I/O error can fall between any two of them, in every interpreter.

use crate::time::{BootTime, Instants, Role};

/// A pure state machine.
///
/// A driver is one loop without a decision in it:
///
/// ```
/// use modeld_spec::step::{Machine, Step};
///
/// fn drive<M: Machine>(mut step: Step<M>, mut perform: impl FnMut(&M::Effect) -> M::Observed) -> M::Outcome {
///     loop {
///         step = match step {
///             Step::Do(effect, machine) => machine.step(perform(&effect)),
///             Step::Done(outcome) => return outcome,
///         }
///     }
/// }
/// ```
pub trait Machine: Sized {
    /// One atomic thing that the outside can do.
    type Effect;
    /// What the outside saw when it did it.
    type Observed;
    /// How it ended.
    type Outcome;

    /// Consumes this state: an old state can't be stepped again.
    fn step(self, observed: Self::Observed) -> Step<Self>;
}

/// What a machine wants next.
#[must_use = "a step that is dropped is an effect that never happens"]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step<M: Machine> {
    /// Perform the effect, then step the machine with what was observed.
    Do(M::Effect, M),
    /// The machine has ended.
    Done(M::Outcome),
}

impl<M> Instants for Step<M>
where
    M: Machine<Effect: Instants, Outcome: Instants> + Instants,
{
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        match self {
            Step::Do(effect, machine) => {
                effect.instants(change);
                machine.instants(change);
            }
            Step::Done(outcome) => outcome.instants(change),
        }
    }
}

/// An observation that does not fit the effect that was asked for: a defect of the driver.
///
/// A value, not a panic: the driver fences and reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the driver answered {expected} with something else")]
pub struct Breach {
    /// The effect that was pending.
    pub expected: &'static str,
}
