//! The product's own thread on the toy model, one caller, and a shutdown. More of them are in `engine::crowd`.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use loom::future::block_on;
use loom::thread;
use modeld_spec::error::Error;

use crate::engine::Limits;
use crate::engine::backend::{Backend, LoadRequest, Model, Settings};
use crate::engine::manifest::digest_of;
use crate::engine::tests::gate;
use crate::engine::toy::Toy;
use crate::engine::worker::{self, Control, Worker, Workshop};
use crate::sync::explore::Exploration;
use crate::sync::seed::Seed;
use crate::sync::{AtomicBool, Ordering};

fn load() -> Box<dyn Model> {
    let request = LoadRequest {
        path: PathBuf::from("toy"),
        context_tokens: 8,
        sessions_max: 1,
        batch_tokens: 8,
        threads: None,
        settings: Settings::default(),
    };
    let (gate, _) = gate();
    let permit = gate.pass_resident().expect("the gate is open");
    Toy::default().load(permit, &request, &mut |_| ControlFlow::Continue(())).expect("the toy loads")
}

/// The thread, served, and what is needed to ask it and to end it.
struct Served {
    worker: Worker,
    control: Arc<Control>,
    draining: Arc<AtomicBool>,
    thread: thread::JoinHandle<()>,
}

fn serve() -> Served {
    let (gate, _) = gate();
    let draining = Arc::new(AtomicBool::new(false));
    let control = Arc::new(Control::new(gate, draining.clone()));
    let (limits, info) = (Arc::new(Limits::default()), Arc::new(load().info().clone()));
    let (worker, receiver) = Worker::new(control.clone(), info, limits.clone());
    let thread = {
        let control = control.clone();
        let workshop = Workshop { limits, snapshots: None, identity: digest_of(b"toy"), reproducible: false };
        thread::spawn(move || worker::serve(load(), receiver, control, workshop))
    };
    Served { worker, control, draining, thread }
}

impl Served {
    fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        self.control.wake();
    }
}

#[test]
fn loom_whoever_opens_a_session_hears_of_it_or_of_the_shutdown() {
    Exploration::bounded(8_203)
        .twin(Seed::BellWithoutMemory, "deadlock")
        .twin(Seed::PutAfterLook, "deadlock")
        .twin(Seed::UnsentUnheard, "deadlock")
        .of(|| {
            let served = serve();
            let caller = {
                let worker = served.worker.clone();
                thread::spawn(move || block_on(worker.open(None)).map(worker::Opened::deliver))
            };
            served.drain();
            match caller.join().unwrap() {
                Ok(_) | Err(Error::Draining) => {}
                Err(error) => panic!("neither opened nor shut down: {error}"),
            }
            served.thread.join().unwrap();
            assert!(served.worker.is_gone());
        });
}
