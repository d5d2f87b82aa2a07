//! Which models are loaded, and for whom: the driver of the table of slots.
//!
//! ```text
//!     asks, hang-ups, ticks, what threads report --> Slots::hear --> effects, performed here, in order
//!                          ^                                              |
//!                          '------- marks, load threads, workers <--------'
//! ```
//!
//! What is loaded, joined, kept, evicted, unloaded, refused and drained is decided by [`Slots`] alone (rules S1 to S14); here names
//! become numbers, and what the table wants is done. One lock is around the table: effects are performed before it is let go, and none of
//! them waits for anything but the removal of a file. What takes time happens on the thread of a load, which reports its end as an event.
//!
//! A shutdown looks to the table like a fence: both are final, and free everything.

mod load;
mod marks;
mod names;
mod refusal;
mod ticks;
mod wait;

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use modeld_spec::error::Error;
use modeld_spec::slot::event::{
    Answer, Ask, AskId, Demand, Effect, Event, Gate as GateSaid, Generation, ModelId, Old, Wish,
};
use modeld_spec::slot::plan::Plan;
use modeld_spec::slot::table::Slots;

pub(super) use self::load::Load;
pub(super) use self::marks::Marks;
use self::names::{Names, Target};
use self::ticks::Ticker;
pub(super) use self::wait::Hold;
use self::wait::{End, Wait};
pub use self::wait::{Evictions, LoadPhase, LoadProgress, Loading};
use super::backend::{Backend, LoadRequest, ModelInfo, ModelKey};
use super::board::Board;
use super::capacity::live;
use super::limits::Limits;
use super::stores::Stores;
use super::worker::check_gate;
use crate::owner::gate::{Closed, Gate};
use crate::sync::{AtomicBool, Mutex, MutexGuard, Ordering, seeded};

/// The table of slots of one engine, and everything that it moves.
pub(super) struct Driver {
    pub(super) gate: Arc<Gate>,
    pub(super) backend: Arc<dyn Backend>,
    pub(super) limits: Arc<Limits>,
    marks: Marks,
    /// Goes from false to true once.
    stopping: AtomicBool,
    inner: Mutex<Inner>,
    /// Threads that have or may get a model.
    threads: Board<usize>,
    ticker: Ticker,
    stores: OnceLock<Stores>,
}

/// What is behind the lock.
#[derive(Default)]
struct Inner {
    /// Made at the first ask: by then the memory of whoever owned before is back, and can be counted.
    table: Option<Slots>,
    names: Names,
    /// Who waits. Whoever was let in is told nothing more.
    waits: BTreeMap<AskId, Waiting>,
    /// The loads whose thread has not ended.
    loads: BTreeMap<Generation, Arc<Load>>,
    /// The number of the latest ask.
    asks: u64,
    /// What effects made happen at once; heard after them.
    due: VecDeque<Event>,
}

/// Somebody who waits.
struct Waiting {
    member: String,
    model: Option<ModelId>,
    wait: Board<Wait>,
}

/// What is asked of a member, with a model that was identified.
pub(super) struct Wanted {
    pub(super) key: ModelKey,
    pub(super) request: LoadRequest,
    /// Whether the context is what the asker said, and not a default.
    pub(super) has_context: bool,
    /// `None`: to work on it.
    pub(super) load: Option<Old>,
}

impl Driver {
    pub(super) fn new(gate: Arc<Gate>, backend: Box<dyn Backend>, limits: Limits, marks: Marks) -> Arc<Self> {
        let ticker = Ticker::new(limits.idle_unload, limits.drain);
        Arc::new(Driver {
            gate,
            backend: Arc::from(backend),
            limits: Arc::new(limits),
            marks,
            stopping: AtomicBool::new(false),
            inner: Mutex::default(),
            threads: Board::new(0),
            ticker,
            stores: OnceLock::new(),
        })
    }

    /// From here on time passes for it.
    pub(super) fn start_ticks(self: &Arc<Self>) {
        self.ticker.start(Arc::downgrade(self));
    }

    /// Says once what is kept on disk, before the first load.
    pub(super) fn keep_in(&self, stores: Stores) {
        let _ = self.stores.set(stores);
    }

    /// Why nothing may be begun; `Ok` while it may.
    pub(super) fn check(&self) -> Result<(), Error> {
        check_gate(&self.gate)?;
        if self.is_stopping() { Err(Error::Draining) } else { Ok(()) }
    }

    /// Ends everything; whoever waits is answered, and every model goes. Says nothing new the second time.
    pub(super) fn stop(self: &Arc<Self>) {
        self.stopping.store(true, Ordering::Release);
        self.hear(Event::Look);
        self.ticker.wake();
    }

    /// Resolves when no thread has a model any more. Cancel-safe.
    pub(super) async fn ended(&self) {
        self.threads.until(|threads| (*threads == 0).then_some(())).await;
    }

    /// Threads that have or may get a model.
    pub(super) fn threads(&self) -> usize {
        self.threads.look(|threads| *threads)
    }

    /// Asks for a model, under a name.
    ///
    /// # Errors
    /// The refusal, if it comes at once.
    pub(super) fn ask(self: &Arc<Self>, member: &str, wanted: &Wanted) -> Result<Loading, Error> {
        self.check()?;
        // A header is read for it, once for each identity.
        let known = self.lock().names.planned(&Target::of(wanted));
        let bytes = match known {
            Some(bytes) => bytes,
            None => self.backend.footprint(&wanted.request)?.total(),
        };
        let mut inner = self.lock();
        let (ask, target) = self.prepare(&mut inner, member, wanted, bytes)?;
        self.let_go_of_name(&mut inner, &ask);
        self.revise_budget(&mut inner, ask.wish.demand());
        self.enter(&mut inner, member, Some(target), ask)
    }

    /// What an ask would lead to, without asking.
    pub(super) fn forecast(
        self: &Arc<Self>,
        member: &str,
        wanted: &Wanted,
        bytes: u64,
    ) -> Result<(u64, Result<Evictions, Error>), Error> {
        self.check()?;
        let mut inner = self.lock();
        let (ask, target) = self.prepare(&mut inner, member, wanted, bytes)?;
        self.revise_budget(&mut inner, ask.wish.demand());
        let Some(mut table) = inner.table.clone() else { return Err(Error::Draining) };
        if is_stale(&table, &ask) {
            let unload = Ask { id: inner.next_ask(), member: ask.member, wish: Wish::Unload };
            table.hear(Event::Asked(unload), self.gate_said()).clear();
        }
        let mut evictions = Evictions::default();
        for effect in table.hear(Event::Asked(ask), self.gate_said()) {
            match effect {
                Effect::Planned(_, plan) => evictions = inner.named(&plan),
                Effect::Answer(_, Answer::Refused(refusal)) => {
                    let error = self.refused(&inner, member, Some(target), refusal);
                    return Ok((table.budget(), Err(error)));
                }
                _ => {}
            }
        }
        Ok((table.budget(), Ok(evictions)))
    }

    /// Asks that a name stand for nothing.
    ///
    /// # Errors
    /// The refusal, if it comes at once.
    pub(super) fn ask_to_unload(self: &Arc<Self>, member: &str) -> Result<Loading, Error> {
        self.check()?;
        let mut inner = self.lock();
        self.make_table(&mut inner)?;
        self.forget(&mut inner);
        let id = inner.next_ask();
        let member_id = inner.names.member(member)?;
        self.enter(&mut inner, member, None, Ask { id, member: member_id, wish: Wish::Unload })
    }

    /// Hears what happened.
    pub(super) fn hear(self: &Arc<Self>, event: Event) {
        seeded!(HeardOnACopy, self.hear_in(&mut self.lock(), event), {
            let copy = self.lock().table.clone();
            if let Some(mut table) = copy {
                let effects = table.hear(event, self.gate_said());
                let mut inner = self.lock();
                inner.table = Some(table);
                effects.into_iter().for_each(|effect| self.perform(&mut inner, effect));
            }
        });
    }

    /// A look at the table, with the names of what is in it; nothing before the first ask.
    pub(super) fn look<T>(&self, read: impl FnOnce(&Slots, &Names) -> Vec<T>) -> Vec<T> {
        let inner = self.lock();
        inner.table.as_ref().map(|table| read(table, &inner.names)).unwrap_or_default()
    }

    /// What is known of the model from this file, if it serves.
    pub(super) fn serving(&self, path: &Path) -> Option<Arc<ModelInfo>> {
        self.lock().loads.values().find_map(|load| load.serving_from(path))
    }

    /// Bytes that all models share; `None` before the first ask.
    pub(super) fn budget(&self) -> Option<u64> {
        self.lock().table.as_ref().map(Slots::budget)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock()
    }

    fn is_stopping(&self) -> bool {
        // Acquire pairs with the Release of `stop`.
        self.stopping.load(Ordering::Acquire)
    }

    fn gate_said(&self) -> GateSaid {
        match self.gate.pass() {
            Err(Closed::Fenced(_)) => GateSaid::Fenced,
            _ if self.is_stopping() => GateSaid::Fenced,
            // Who waits for the residency lock is asked nothing yet, and is not fenced.
            Ok(_) | Err(Closed::NotResident { .. }) => GateSaid::Open,
        }
    }

    /// The table, with the marks that were found.
    fn make_table(&self, inner: &mut Inner) -> Result<(), Error> {
        if inner.table.is_some() {
            return Ok(());
        }
        let not_read = |error: std::io::Error| Error::NotRemembered {
            model: "the model".to_string(),
            cause: format!("the marks of earlier loads can't be read: {error}"),
        };
        let mut crashed = Vec::new();
        for identity in self.marks.read().map_err(not_read)? {
            crashed.push(inner.names.marked(&identity)?);
        }
        inner.table = Some(Slots::new(live::budget(&self.limits.memory), crashed));
        Ok(())
    }

    /// The ask in the table's words: which load would do.
    fn prepare(
        self: &Arc<Self>,
        inner: &mut Inner,
        member: &str,
        wanted: &Wanted,
        bytes: u64,
    ) -> Result<(Ask, ModelId), Error> {
        self.make_table(inner)?;
        self.forget(inner);
        let id = inner.next_ask();
        let member = inner.names.member(member)?;
        let present = inner.table.as_ref().and_then(|table| inner.names.present(table, member, wanted));
        let (model, bytes, is_new) = match present {
            Some(model) => (model, inner.names.planned_of(model).unwrap_or(bytes), false),
            None => {
                let (model, is_new) = inner.names.model(wanted, bytes)?;
                (model, bytes, is_new)
            }
        };
        if let Some(table) = &mut inner.table
            && is_new
            && inner.names.has_crashed_otherwise(table, model)
        {
            table.suspect(model);
        }
        let demand = Demand { model, bytes };
        let wish = match wanted.load {
            None => Wish::Open(demand),
            Some(old) => Wish::Load(demand, old),
        };
        Ok((Ask { id, member, wish }, model))
    }

    /// Before an open: gives up what its name stands for, if that is something else and there is nothing that S4 would protect.
    fn let_go_of_name(self: &Arc<Self>, inner: &mut Inner, ask: &Ask) {
        if inner.table.as_ref().is_some_and(|table| is_stale(table, ask)) {
            let id = inner.next_ask();
            self.hear_in(inner, Event::Asked(Ask { id, member: ask.member, wish: Wish::Unload }));
        }
    }

    /// Forgets names and numbers that nobody needs, if there are many.
    fn forget(self: &Arc<Self>, inner: &mut Inner) {
        if !inner.names.are_many() {
            return;
        }
        let Some(table) = &inner.table else { return };
        let is_gone = |model| table.slot(model).is_none();
        let absent = table.members().iter().filter(|member| member.coming.is_none());
        let absent = absent.filter(|member| member.model.is_some_and(is_gone)).map(|member| member.id);
        for member in absent.collect::<Vec<_>>() {
            let id = inner.next_ask();
            self.hear_in(inner, Event::Asked(Ask { id, member, wish: Wish::Unload }));
        }
        if let Some(table) = &inner.table {
            inner.names.forget(table);
        }
    }

    /// Looks at the machine before something is planned for which there is no slot.
    fn revise_budget(&self, inner: &mut Inner, demand: Option<Demand>) {
        if let (Some(table), Some(demand)) = (&mut inner.table, demand)
            && table.slot(demand.model).is_none()
        {
            table.revise_budget(live::budget(&self.limits.memory));
        }
    }

    fn enter(
        self: &Arc<Self>,
        inner: &mut Inner,
        member: &str,
        model: Option<ModelId>,
        ask: Ask,
    ) -> Result<Loading, Error> {
        let wait = Board::new(Wait::default());
        let waiting = Waiting { member: member.to_string(), model, wait: wait.clone() };
        inner.waits.insert(ask.id, waiting);
        self.hear_in(inner, Event::Asked(ask));
        match wait.look(|wait| wait.end.clone()) {
            Some(End::Failed(error)) => Err(error),
            _ => Ok(Loading::new(Hold::new(self.clone(), ask.id), wait)),
        }
    }

    fn hear_in(self: &Arc<Self>, inner: &mut Inner, event: Event) {
        inner.due.push_back(event);
        while let Some(event) = inner.due.pop_front() {
            if let Event::Gone(ask) = event
                && let Some(waiting) = inner.waits.remove(&ask)
            {
                // Nobody is there to hear it, as everybody is answered before anything else removes them (S2).
                let cause = "nobody answered".to_string();
                waiting.wait.change(|wait| wait.end = Some(End::Failed(Error::Internal { cause })));
            }
            let gate = seeded!(
                GateBeforeLock,
                self.gate_said(),
                match event {
                    Event::Asked(_) => GateSaid::Open,
                    _ => self.gate_said(),
                }
            );
            let Some(table) = &mut inner.table else { continue };
            for effect in table.hear(event, gate) {
                self.perform(inner, effect);
            }
        }
    }

    fn perform(self: &Arc<Self>, inner: &mut Inner, effect: Effect) {
        match effect {
            Effect::Mark { model, generation } => self.start(inner, model, generation),
            Effect::Unmark(model) => self.marks.remove(inner.names.identity(model)),
            Effect::Load { generation, .. } => inner.each(generation, |load| load.begin()),
            Effect::BreakOff(generation) => inner.each(generation, |load| load.break_off()),
            Effect::Free(generation) => inner.each(generation, |load| load.free()),
            Effect::Abort(generation) => {
                // Their operations end with the model's thread, or by the gate: who is fenced holds nothing any more.
                let slots = inner.table.iter().flat_map(|table| table.slots());
                let holders =
                    slots.filter(|slot| slot.generation == generation).flat_map(|slot| &slot.holders);
                inner.due.extend(holders.map(|holder| Event::Gone(*holder)));
            }
            Effect::Planned(ask, plan) => {
                let evictions = inner.named(&plan);
                inner.tell(ask, |wait| wait.plan = Some(evictions));
            }
            Effect::Report { ask, percent } => inner.tell(ask, |wait| wait.percent = percent),
            Effect::Answer(ask, answer) => self.answer(inner, ask, answer),
        }
    }

    fn answer(&self, inner: &mut Inner, ask: AskId, answer: Answer) {
        let Some(waiting) = inner.waits.remove(&ask) else { return };
        let end = match answer {
            Answer::Unloaded => End::Unloaded,
            Answer::Ready(generation) => match inner.loads.get(&generation) {
                Some(load) => End::Ready(load.clone()),
                None => End::Failed(Error::Internal { cause: "the model has just ended".to_string() }),
            },
            Answer::Refused(refusal) => {
                End::Failed(self.refused(inner, &waiting.member, waiting.model, refusal))
            }
        };
        seeded!(GoneWhenAnswered, waiting.wait.change(|wait| wait.end = Some(end)), {
            inner.due.push_back(Event::Gone(ask));
            waiting.wait.change(|wait| wait.end = Some(end));
        });
    }

    /// Starts the thread of a load, which begins with its mark.
    fn start(self: &Arc<Self>, inner: &mut Inner, model: ModelId, generation: Generation) {
        let started = match inner.names.request(model) {
            Some(request) => {
                let identity = inner.names.identity(model).to_string();
                Load::start(self.clone(), generation, model, identity, request)
            }
            None => Err("nobody said what to load".to_string()),
        };
        match started {
            Ok(load) => {
                inner.loads.insert(generation, load);
                self.threads.change(|threads| *threads += 1);
                self.ticker.wake();
            }
            Err(cause) => {
                inner.names.failed(model, Error::Internal { cause });
                inner.due.push_back(Event::Marked { generation, durable: false });
            }
        }
    }
}

impl Inner {
    fn next_ask(&mut self) -> AskId {
        self.asks += 1;
        AskId(self.asks)
    }

    fn tell(&self, ask: AskId, what: impl FnOnce(&mut Wait)) {
        if let Some(waiting) = self.waits.get(&ask) {
            waiting.wait.change(what);
        }
    }

    fn each(&self, generation: Generation, act: impl FnOnce(&Load)) {
        if let Some(load) = self.loads.get(&generation) {
            act(load);
        }
    }

    fn named(&self, plan: &Plan) -> Evictions {
        let name = |model: &ModelId| self.names.path(*model);
        Evictions {
            evicts: plan.evicts.iter().map(name).collect(),
            gives_up: plan.gives_up.as_ref().map(name),
        }
    }
}

/// Whether an open finds its name bound to another model that is not in memory any more: its file has become another one, or it is wanted
/// with another context.
fn is_stale(table: &Slots, ask: &Ask) -> bool {
    let Wish::Open(demand) = ask.wish else { return false };
    let member = table.members().iter().find(|member| member.id == ask.member);
    let bound = member.filter(|member| member.coming.is_none()).and_then(|member| member.model);
    bound.is_some_and(|bound| bound != demand.model && table.slot(bound).is_none())
}
