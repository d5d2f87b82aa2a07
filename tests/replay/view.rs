//! What is compared after each step: the state of the model, and what the drivers show.

use std::fmt;

use model_check::models::lease::names;
use model_check::models::lease::state::{Main, Renewal, State, Thread};
use modeld_spec::ids::{Epoch, InstanceId, ProcessId};
use modeld_spec::lease::effect::{Effect, Seen};
use modeld_spec::lease::gate::GateWord;
use modeld_spec::lease::keeper;
use modeld_spec::lease::record::{Record, Residency};
use modeld_spec::lease::release::Release;
use modeld_spec::step::{Machine, Step};
use modeld_spec::time::{BootTime, Observed};

use crate::stage::Role;

/// Everything that can be seen, with instants relative to now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) record: Option<RecordView>,
    pub(crate) epochs: Option<Epoch>,
    /// By slot.
    pub(crate) latch: Option<(usize, Role)>,
    /// By slot.
    pub(crate) residency: Option<usize>,
    pub(crate) processes: Vec<ProcessView>,
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordView {
    instance: InstanceId,
    process: ProcessId,
    epoch: Epoch,
    /// Nanoseconds since the last renewal; `None` once it has expired, as the model tells no more of what is over.
    renewed_before: Option<i64>,
    residency: Residency,
}

/// One process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProcessView {
    /// The effect that its main thread is about to perform, or what else it is doing.
    pub(crate) main: &'static str,
    /// The effect that its keeper is about to perform.
    pub(crate) keeper: Option<&'static str>,
    /// The effect that its renewal is about to perform; "report" once it has ended.
    pub(crate) renewal: Option<&'static str>,
    pub(crate) owner: Option<OwnerView>,
}

/// What it has as owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnerView {
    pub(crate) epoch: Epoch,
    /// Nanoseconds until the gate's deadline; `None` once nothing passes any more.
    pub(crate) open_for: Option<i64>,
    /// Whether effects on resident state may begin.
    pub(crate) may_be_resident: bool,
    pub(crate) resident: bool,
}

impl RecordView {
    pub(crate) fn of(record: &Record, now: BootTime) -> Self {
        RecordView {
            instance: record.instance.clone(),
            process: record.process,
            epoch: record.epoch,
            renewed_before: (now < record.ttl.expiry(record.renewed_at))
                .then(|| relative(now, record.renewed_at)),
            residency: record.residency.clone(),
        }
    }
}

impl OwnerView {
    /// How long a gate is open.
    pub(crate) fn open_for(word: GateWord, now: BootTime) -> Option<i64> {
        word.deadline().filter(|_| word.admits(now)).map(|deadline| relative(deadline, now))
    }
}

impl View {
    /// What a state of the model shows.
    pub(crate) fn of(state: &State) -> Self {
        let now = state.now();
        let role = |thread: Thread| match thread {
            Thread::Main => Role::Main,
            Thread::Keeper => Role::Keeper,
            Thread::Renewal => Role::Renewal,
        };
        View {
            record: state.disk.record.as_ref().map(|record| RecordView::of(record, now)),
            epochs: state.disk.epochs,
            latch: state.disk.latch.map(|(slot, thread)| (slot, role(thread))),
            residency: state.disk.residency.first().copied().flatten(),
            processes: state.processes.iter().map(|process| ProcessView::of(process, now)).collect(),
        }
    }
}

impl ProcessView {
    fn of(process: &model_check::models::lease::state::Process, now: BootTime) -> Self {
        let owner = process.owner.as_deref();
        let keeper = owner.and_then(|owner| owner.keeper.as_ref());
        ProcessView {
            main: match &process.main {
                Main::Attempting { effect, .. } => effect.name(),
                Main::Waiting { .. } => "await",
                Main::Owning => OWNING,
                // Told to end, the keeper is waited for; ended, the thread that waits goes on by itself.
                Main::Releasing { effect: Effect::StopKeeper, release, .. }
                    if owner.is_some_and(|owner| owner.stopping) =>
                {
                    let ended = Observed { at: now, what: Seen::Done };
                    match Release::clone(release).step(ended) {
                        _ if keeper.is_some() => WAITS_FOR_KEEPER,
                        Step::Do(next, _) => next.name(),
                        Step::Done(_) => LEAVING,
                    }
                }
                Main::Releasing { effect, .. } => effect.name(),
                Main::Leaving => LEAVING,
                Main::Crashed | Main::Exited => ENDED,
            },
            keeper: keeper.map(|(effect, _): &(keeper::Effect, _)| effect.name()),
            renewal: owner.and_then(|owner| match &owner.renewal {
                Renewal::Idle => None,
                Renewal::Running(effect, _) => Some(effect.name()),
                // Nobody hears of it once the keeper has ended.
                Renewal::Ended(_) => keeper.is_some().then_some("report"),
            }),
            owner: owner.filter(|_| process.lives()).map(|owner| OwnerView {
                epoch: owner.epoch,
                open_for: OwnerView::open_for(owner.gate, now),
                may_be_resident: owner.open,
                resident: owner.resident,
            }),
        }
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?}; epochs {:?}; latch {:?}; lock {:?}",
            self.record, self.epochs, self.latch, self.residency
        )?;
        for (slot, process) in self.processes.iter().enumerate() {
            write!(f, "\n    {}: {process:?}", names::letter(slot))?;
        }
        Ok(())
    }
}

/// `a` after `b`, in nanoseconds.
fn relative(a: BootTime, b: BootTime) -> i64 {
    a.as_nanos() as i64 - b.as_nanos() as i64
}

/// A main thread that owns and is asked for nothing.
pub(crate) const OWNING: &str = "(owns)";
/// A main thread whose release waits for the keeper to end.
pub(crate) const WAITS_FOR_KEEPER: &str = "(waits for the keeper)";
/// A main thread whose release has ended while something of the process is left.
pub(crate) const LEAVING: &str = "(leaves)";
/// No process.
pub(crate) const ENDED: &str = "(ended)";
