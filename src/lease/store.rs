//! The seam between the lease machines and what performs their effects, and the one loop that joins them.

use modeld_spec::lease::effect::{Effect, Observation};
use modeld_spec::step::{Machine, Step};

/// Performs lease effects, each one atomic: on files, on simulated files, or over a network.
pub trait Store {
    /// Performs one effect and says what was seen. Never panics and never decides; whatever goes wrong is
    /// [`Seen::Failed`](modeld_spec::lease::effect::Seen::Failed).
    fn perform(&mut self, effect: &Effect) -> Observation;
}

/// Runs a machine to its end.
pub fn drive<M>(mut step: Step<M>, store: &mut dyn Store) -> M::Outcome
where
    M: Machine<Effect = Effect, Observed = Observation>,
{
    loop {
        step = match step {
            Step::Do(effect, machine) => machine.step(store.perform(&effect)),
            Step::Done(outcome) => return outcome,
        }
    }
}
