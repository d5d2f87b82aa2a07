//! Keeping the lease: runs the keeper machine on a thread, and its renewals on another.
//!
//! The keeper's thread only waits and decides; a renewal that hangs in the kernel hangs its own thread, and
//! the deadline comes all the same (L5).

use std::io;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use modeld_spec::ids::FileId;
use modeld_spec::lease::acquire::Owned;
use modeld_spec::lease::keeper::{Cause, Effect, Keeper, Outcome, Seen};
use modeld_spec::lease::record::Residency;
use modeld_spec::lease::renew::{self, Renew};
use modeld_spec::step::{Machine, Step};
use modeld_spec::time::{Observed, RenewInterval};
use tokio::sync::watch;

use super::gate::Gate;
use super::mailbox::Mailbox;
use super::witness::{Actor, Witness};
use crate::lease::store::{Store, Taken, drive};
use crate::os::{Clock, Timer};

/// What the keeper is told from beside.
pub(super) enum Event {
    RenewalEnded(Box<renew::Outcome>),
    ResidencyTaken(FileId),
    StopAsked,
}

/// The keeper of one ownership, on its own thread.
pub(super) struct Keeping {
    mailbox: Arc<Mailbox<Event>>,
    thread: Option<JoinHandle<Outcome>>,
}

impl Keeping {
    /// Begins to keep `owned`. `gate` is opened and closed by it; `lost` is told when it ends against the
    /// owner's will.
    pub(super) fn begin(
        owned: Owned,
        interval: RenewInterval,
        store: Box<dyn Store + Send>,
        gate: Arc<Gate>,
        timer: &Arc<dyn Timer>,
        witness: &Arc<dyn Witness>,
        lost: watch::Sender<Option<Cause>>,
    ) -> io::Result<Self> {
        let mailbox = Arc::new(Mailbox::new(&**timer)?);
        let clock: Arc<dyn Clock> = timer.clone();
        let renewals = renewals(store, Arc::clone(&mailbox), Arc::clone(&clock), Arc::clone(witness))?;
        let step = Keeper::start(owned, interval);
        let witness = Arc::clone(witness);
        let driver = Driver { mailbox: Arc::clone(&mailbox), renewals, gate, clock, witness, lost };
        let thread =
            thread::Builder::new().name("modeld-keeper".to_owned()).spawn(move || driver.run(step))?;
        Ok(Keeping { mailbox, thread: Some(thread) })
    }

    /// A way to tell the keeper that the residency lock is in hand.
    pub(super) fn on_residency(&self) -> Taken {
        let mailbox = Arc::clone(&self.mailbox);
        Box::new(move |file| mailbox.post(Event::ResidencyTaken(file)))
    }

    /// Ends the keeping and says how it ended; `None` if that was said before. A renewal in progress is waited
    /// for, until the deadline at the latest.
    pub(super) fn stop(&mut self) -> Option<Outcome> {
        let thread = self.thread.take()?;
        self.mailbox.post(Event::StopAsked);
        thread.join().ok()
    }
}

/// A keeper that nobody stopped renews no longer, and ends by itself: an ownership that failed to begin, or
/// whose owner is gone, must not be kept alive.
impl Drop for Keeping {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.mailbox.post(Event::StopAsked);
        }
    }
}

struct Driver {
    mailbox: Arc<Mailbox<Event>>,
    renewals: mpsc::Sender<Renewal>,
    gate: Arc<Gate>,
    clock: Arc<dyn Clock>,
    witness: Arc<dyn Witness>,
    lost: watch::Sender<Option<Cause>>,
}

impl Driver {
    fn run(self, mut step: Step<Keeper>) -> Outcome {
        loop {
            step = match step {
                Step::Do(effect, keeper) => {
                    let what = self.perform(effect);
                    keeper.step(Observed { at: self.clock.now(), what })
                }
                Step::Done(outcome) => return outcome,
            }
        }
    }

    fn perform(&self, effect: Effect) -> Seen {
        self.witness.before(Actor::Keeper, effect.name());
        match effect {
            Effect::Await { until, .. } => match self.mailbox.wait(until, &*self.clock) {
                Some(Event::RenewalEnded(outcome)) => Seen::RenewalEnded(*outcome),
                Some(Event::ResidencyTaken(file)) => Seen::ResidencyTaken(file),
                Some(Event::StopAsked) => Seen::StopAsked,
                None => Seen::Woke,
            },
            Effect::BeginRenewal { owned, residency } => {
                // A renewal thread that is gone never answers, and the deadline ends what it should renew.
                let _ = self.renewals.send(Renewal { owned, residency });
                Seen::Done
            }
            Effect::ExtendGate(deadline) => Seen::GateMoved(self.gate.extend(deadline)),
            Effect::OpenResidency => {
                self.gate.set_resident();
                Seen::Done
            }
            Effect::Fence(cause) => {
                self.gate.fence();
                self.lost.send_replace(Some(cause));
                Seen::Done
            }
        }
    }
}

struct Renewal {
    owned: Owned,
    residency: Residency,
}

/// The thread that renews: one renewal after the other, each reported to the keeper.
fn renewals(
    mut store: Box<dyn Store + Send>,
    mailbox: Arc<Mailbox<Event>>,
    clock: Arc<dyn Clock>,
    witness: Arc<dyn Witness>,
) -> io::Result<mpsc::Sender<Renewal>> {
    let (sender, receiver) = mpsc::channel::<Renewal>();
    thread::Builder::new().name("modeld-renewal".to_owned()).spawn(move || {
        while let Ok(Renewal { owned, residency }) = receiver.recv() {
            // L4: the new deadline counts from here, before anything is read or written.
            let step = Renew::start(owned, residency, clock.now());
            let outcome = drive(step, &mut *store);
            witness.before(Actor::Renewal, "report");
            mailbox.post(Event::RenewalEnded(Box::new(outcome)));
        }
    })?;
    Ok(sender)
}
