//! One play: the model goes a path, and the drivers are made to go it too.

use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use model_check::models::lease::Lease;
use model_check::models::lease::actions::{Action, Fate};
use model_check::models::lease::names;
use model_check::models::lease::state::{Main, Renewal, State, Thread};
use model_check::registry;
use model_check::schedule::{Schedule, Setting};
use model_check::study::Study;
use modeld::data_root::DataRoot;
use modeld::owner::gate::Gate;
use modeld::owner::{self, Config, Place, ResidentState, Stop};
use modeld_spec::lease::acquire::Claim;
use modeld_spec::lease::gate::GateWord;
use modeld_spec::time::BootTime;
use stateright::Model;

use crate::stage::{Life, Role};
use crate::view::{ENDED, LEAVING, OWNING, OwnerView, ProcessView, RecordView, View, WAITS_FOR_KEEPER};
use crate::world::{Part, World};

/// The model of a schedule.
pub(crate) fn setting(schedule: &Schedule) -> Option<Lease> {
    registry::model(&schedule.model).filter(|model| model.name() == Lease::NAME)?;
    match &schedule.setting {
        Setting::Configuration(id) => {
            Lease::configurations().into_iter().find(|known| known.id() == *id).map(|known| known.model)
        }
        Setting::Mutant(id) => {
            Lease::mutants().into_iter().find(|known| known.id == *id).map(|known| known.model)
        }
    }
}

/// A path in progress.
pub(crate) struct Play<'a> {
    model: &'a Lease,
    state: State,
    world: World,
    /// The life in each slot.
    cast: Vec<Actor>,
    lives: Life,
    told: Vec<Action>,
    threads: Vec<JoinHandle<()>>,
}

/// The process in a slot, seen from outside.
struct Actor {
    life: Life,
    stop: Stop,
    commands: Sender<Command>,
    face: Arc<Mutex<Face>>,
}

/// What the main thread of a process shows.
#[derive(Default)]
struct Face {
    gate: Option<Arc<Gate>>,
    main: Option<&'static str>,
    resident: bool,
}

/// What the main thread of an owner is asked to do.
enum Command {
    Load,
    /// Hand over.
    Release,
    /// Release once the lease is lost, as the keeper is about to tell.
    Fenced,
}

impl<'a> Play<'a> {
    /// The curtain rises.
    pub(crate) fn begin(model: &'a Lease) -> Self {
        let state = model.init_states().remove(0);
        let mut play = Play {
            model,
            world: World::new(BEGINNING),
            cast: Vec::new(),
            lives: 0,
            told: Vec::new(),
            threads: Vec::new(),
            state,
        };
        for slot in 0..play.state.processes.len() {
            let actor = play.enter(model.claim(&play.state, slot));
            play.cast.push(actor);
        }
        play.settle().expect("both begin alike");
        play
    }

    /// The action with this index.
    pub(crate) fn action(&self, index: u32) -> Action {
        let mut actions = Vec::new();
        self.model.actions(&self.state, &mut actions);
        *actions.get(index as usize).expect("an index of the graph")
    }

    /// The steps so far.
    pub(crate) fn told(&self) -> String {
        let told = self.told.iter().enumerate();
        let lines =
            told.map(|(number, step)| format!("{:>4} {}", number + 1, self.model.format_action(step)));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// One step of both.
    ///
    /// # Errors
    /// What the model says, and what the drivers show.
    pub(crate) fn step(&mut self, action: Action) -> Result<(), String> {
        self.told.push(action);
        let after = self.model.next_state(&self.state, action).ok_or("not possible in the model")?;
        self.perform(action, &after)?;
        self.follow(action, &after);
        self.state = after;
        self.settle()
    }

    fn perform(&mut self, action: Action, after: &State) -> Result<(), String> {
        let stage = self.world.stage.clone();
        match action {
            Action::Tick => self.world.tick(),
            Action::Perform { slot, thread, fate, .. } => {
                let process = &self.state.processes[slot];
                let stopped = process.owner.as_ref().is_some_and(|owner| owner.stopping);
                let life = self.cast[slot].life;
                match (thread, &process.main) {
                    // The thread that waited for the keeper went on when it ended.
                    (Thread::Main, Main::Releasing { effect, .. })
                        if effect.name() == "stop keeper" && stopped => {}
                    (Thread::Main, Main::Releasing { effect, .. }) if effect.name() == "stop keeper" => {
                        let listens = process.owner.as_ref().is_some_and(|owner| owner.keeper.is_some());
                        let rung = stage.seat(life, Role::Keeper).rung;
                        stage.allow(life, Role::Main, fate);
                        if listens {
                            self.hear(life, rung)?;
                        }
                    }
                    (Thread::Main, _) => stage.allow(life, Role::Main, fate),
                    (Thread::Keeper, _) => stage.allow(life, Role::Keeper, fate),
                    (Thread::Renewal, _) => stage.allow(life, Role::Renewal, fate),
                }
            }
            Action::StandbyWakes(slot) => stage.allow(self.cast[slot].life, Role::Main, Fate::Done),
            Action::LockComes(slot) => {
                let life = self.cast[slot].life;
                self.world.lock_comes(life);
                let leads = self.state.processes[slot].owner.is_some();
                stage.allow(life, if leads { Role::Keeper } else { Role::Main }, Fate::Done);
            }
            Action::KeeperWakes(slot) => stage.allow(self.cast[slot].life, Role::Keeper, Fate::Done),
            Action::RenewalHeard(slot) => {
                let life = self.cast[slot].life;
                let rung = stage.seat(life, Role::Keeper).rung;
                stage.allow(life, Role::Renewal, Fate::Done);
                self.hear(life, rung)?;
            }
            Action::Load(slot) => self.cast[slot].ask(Command::Load),
            Action::HandOver(slot) => self.cast[slot].ask(Command::Release),
            Action::Exit(slot) | Action::Crash(slot) => self.leave(slot),
            Action::Stop(_) => {}
            Action::Restart(slot) => {
                self.cast[slot] = self.enter(self.model.claim(after, slot));
            }
            Action::Evict(_)
            | Action::Lose(_)
            | Action::Suspend
            | Action::WallForward
            | Action::WallBack
            | Action::Reboot
            | Action::CutPower(_) => {
                return Err(
                    "not played: nobody is killed, no file is lost, and there is one boot".to_string()
                );
            }
        }
        Ok(())
    }

    /// What follows from the step by itself, which the model has in the same step.
    fn follow(&mut self, action: Action, after: &State) {
        for slot in 0..self.cast.len() {
            let (was, is) = (&self.state.processes[slot], &after.processes[slot]);
            let fenced = was.main == Main::Owning && matches!(is.main, Main::Releasing { .. });
            let life = self.cast[slot].life;
            if fenced && !is_handover(action, slot) {
                self.cast[slot].ask(Command::Fenced);
            }
            // Nobody hears of a renewal once the keeper has ended, and its thread ends too.
            let deaf = is.owner.as_ref().is_some_and(|owner| {
                owner.keeper.is_none() && !matches!(owner.renewal, Renewal::Running(..))
            });
            if deaf {
                self.world.stage.set_free(life, Role::Renewal, true);
                self.world.stage.allow(life, Role::Renewal, Fate::Done);
            }
            if was.lives() && !is.lives() {
                self.leave(slot);
            }
        }
    }

    /// Waits until the keeper's alarm, which had `rung` so often, rings for what is posted to it, and lets it hear.
    fn hear(&self, life: Life, rung: usize) -> Result<(), String> {
        let stage = &self.world.stage;
        stage.settle(|| {
            if rung < stage.seat(life, Role::Keeper).rung { Ok(()) } else { Err("nothing rang".to_string()) }
        })?;
        stage.allow(life, Role::Keeper, Fate::Done);
        Ok(())
    }

    fn settle(&self) -> Result<(), String> {
        let said = View::of(&self.state);
        self.world.stage.settle(|| {
            let shown = self.view(&said);
            if shown == said { Ok(()) } else { Err(format!("\n  model:   {said}\n  drivers: {shown}")) }
        })
    }

    /// What the drivers show. `said` tells what is to be looked at: a thread that has ended shows nothing.
    fn view(&self, said: &View) -> View {
        let (disk, now) = (self.world.disk(), self.world.now());
        let slot = |life: Life| self.cast.iter().position(|actor| actor.life == life).unwrap_or(usize::MAX);
        View {
            record: disk.record.as_ref().map(|record| RecordView::of(record, now)),
            epochs: disk.epochs,
            latch: disk.latch.map(|(life, role)| (slot(life), role)),
            residency: disk.residency.map(slot),
            processes: self
                .cast
                .iter()
                .zip(&said.processes)
                .map(|(actor, said)| self.process(actor, said, now))
                .collect(),
        }
    }

    fn process(&self, actor: &Actor, said: &ProcessView, now: BootTime) -> ProcessView {
        let stage = &self.world.stage;
        if said.main == ENDED {
            return ProcessView { main: ENDED, keeper: None, renewal: None, owner: None };
        }
        let face = actor.face();
        let at = |role| stage.seat(actor.life, role).at;
        let main = at(Role::Main).or(face.main).unwrap_or(WAITS_FOR_KEEPER);
        ProcessView {
            main,
            keeper: at(Role::Keeper),
            renewal: at(Role::Renewal),
            owner: face.gate.as_ref().map(|gate| OwnerView {
                epoch: gate.epoch(),
                open_for: OwnerView::open_for(
                    gate.deadline().map_or(GateWord::FENCED, GateWord::open_until),
                    now,
                ),
                may_be_resident: gate.is_resident(),
                resident: face.resident,
            }),
        }
    }

    /// A process is started.
    fn enter(&mut self, claim: Claim) -> Actor {
        let life = self.lives;
        self.lives += 1;
        let part = Arc::new(Part::new(&self.world, life));
        // The first alarm is the standby's.
        let stop = Stop::on(&*part).expect("an alarm in memory");
        let (commands, receiver) = mpsc::channel();
        let face = Arc::new(Mutex::new(Face::default()));
        let config = Config {
            instance: claim.instance,
            ttl: claim.ttl,
            renew_interval: Some(names::renew_interval(claim.ttl).length()),
            // Its name only: nothing is there.
            ..Config::new(DataRoot::new("/nonexistent/data-root-in-memory"))
        };
        let place = Place {
            backing: part.clone(),
            clock: part.clone(),
            clock_domain: claim.clock,
            process: claim.process,
            witness: part.clone(),
        };
        let (shown, asked) = (Arc::clone(&face), stop.clone());
        self.threads.push(thread::spawn(move || {
            let owner = owner::stand_by_on(place, config, &asked, &mut |_| {});
            let Ok(Some(owner)) = owner else { return };
            let gate = owner.gate().expect("an owner has a gate");
            show(&shown, &part, |face| {
                face.gate = Some(Arc::clone(&gate));
                face.main = Some(OWNING);
            });
            let mut owner = Some(owner);
            for command in receiver {
                match (command, owner.take()) {
                    (Command::Load, is) => {
                        let passes = gate.pass_resident().is_ok();
                        show(&shown, &part, |face| face.resident = passes);
                        owner = is;
                    }
                    (Command::Release | Command::Fenced, None) => {}
                    (command, Some(is)) => {
                        while matches!(command, Command::Fenced) && is.lost_err().is_none() {
                            thread::yield_now();
                        }
                        show(&shown, &part, |face| face.main = None);
                        drop(is.release(&mut Memory { face: Arc::clone(&shown), part: Arc::clone(&part) }));
                        show(&shown, &part, |face| face.main = Some(LEAVING));
                    }
                }
            }
        }));
        Actor { life, stop, commands, face }
    }

    /// The process in this slot ends.
    fn leave(&mut self, slot: usize) {
        let actor = &mut self.cast[slot];
        self.world.end(actor.life);
        actor.end();
    }
}

/// Nothing is left of a play: every thread comes to its end.
impl Drop for Play<'_> {
    fn drop(&mut self) {
        for actor in &mut self.cast {
            self.world.end(actor.life);
            actor.end();
        }
        self.cast.clear();
        for thread in self.threads.drain(..) {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "a thread of the drivers panicked");
        }
    }
}

impl Actor {
    fn ask(&self, command: Command) {
        // A process that has ended does nothing more.
        let _ = self.commands.send(command);
    }

    fn face(&self) -> std::sync::MutexGuard<'_, Face> {
        self.face.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its threads are told to come to an end.
    fn end(&mut self) {
        self.stop.ask();
        // A closed channel ends the owner's thread, which drops the owner.
        self.commands = mpsc::channel().0;
    }
}

/// The resident state of a played owner.
struct Memory {
    face: Arc<Mutex<Face>>,
    part: Arc<Part>,
}

impl ResidentState for Memory {
    fn quiesce(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn flush(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn free(&mut self) -> Result<(), String> {
        let fate = self.part.fate();
        if !matches!(fate, Fate::Fails(_)) {
            show(&self.face, &self.part, |face| face.resident = false);
        }
        if fate == Fate::Done { Ok(()) } else { Err("it is said to fail".to_string()) }
    }
}

fn is_handover(action: Action, slot: usize) -> bool {
    action == Action::HandOver(slot)
}

fn show(face: &Mutex<Face>, part: &Part, change: impl FnOnce(&mut Face)) {
    change(&mut face.lock().unwrap_or_else(PoisonError::into_inner));
    part.world.stage.tell();
}

/// The instant at which a play begins: not the instant of booting, which a gate takes for fenced.
const BEGINNING: BootTime = BootTime::from_nanos(1_000_000_000);
