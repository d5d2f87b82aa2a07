//! Many callers of the thread of a model at once: more than all interleavings can be explored of.
//!
//! The thread, its sessions and their streams are the product's; the model is the toy. Each caller opens a session and decodes: it
//! reads all, or goes away while it opens, or drops its stream in the middle and asks again, or asks for the end. Meanwhile the gate
//! is fenced, or the thread is shut down, or neither. Everybody comes to an end; whoever reads to the end has what it would have
//! had alone; nothing comes after a fence was known.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use modeld_spec::error::Error;
use modeld_spec::session::finish::FinishReason;
use modeld_spec::session::report::DecodeEvent;
use modeld_spec::session::tape::TokenId;
use shuttle::future::block_on;
use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;

use super::backend::{Backend, LoadRequest, Model, Settings};
use super::manifest::digest_of;
use super::session::{DecodeStream, Prompt, Session};
use super::tests::{gate, greedy};
use super::toy::Toy;
use super::worker::{self, Control, Worker, Workshop};
use super::{Limits, service};
use crate::sync::sample::sample;
use crate::sync::seed::Seed;
use crate::sync::{AtomicBool, Ordering};

/// A model that is served.
struct Served {
    worker: Worker,
    control: Arc<Control>,
    draining: Arc<AtomicBool>,
    /// Set after the gate was fenced.
    known: AtomicBool,
    thread: thread::JoinHandle<()>,
}

impl Served {
    fn begin() -> Self {
        let (gate, _) = gate();
        let limits = Limits { stream_items: 2, commands: 2, sessions_max: CALLERS, ..Limits::default() };
        let draining = Arc::new(AtomicBool::new(false));
        let control = Arc::new(Control::new(gate, draining.clone()));
        let (limits, info) = (Arc::new(limits), Arc::new(load().info().clone()));
        let (worker, receiver) = Worker::new(control.clone(), info, limits.clone());
        let thread = {
            let control = control.clone();
            let workshop =
                Workshop { limits, snapshots: None, identity: digest_of(b"toy"), reproducible: false };
            // A model stays on the thread that loaded it.
            thread::spawn(move || worker::serve(load(), receiver, control, workshop))
        };
        Served { worker, control, draining, known: AtomicBool::new(false), thread }
    }

    fn fence(&self) {
        self.control.gate.fence();
        self.known.store(true, Ordering::Release);
        self.control.wake();
    }

    fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        self.control.wake();
    }

    async fn open(&self) -> Result<Session, Error> {
        let opened = self.worker.open(None).await?;
        let context_tokens = opened.context_tokens;
        let (worker, table) = (self.worker.clone(), Arc::<service::Table>::default());
        Ok(Session { id: opened.deliver(), context_tokens, worker, table })
    }

    /// The stream of a new decode behind the caller's prompt.
    async fn decode(&self, session: &Session, caller: usize) -> Result<DecodeStream, Error> {
        session.ensure_prefix(Prompt::literal(format!("caller {caller}"))).await?;
        session.decode(greedy(TOKENS)).await
    }

    /// Reads so many tokens at least; gives those that came, and how the decode ended if it did.
    async fn read(
        &self,
        stream: &mut DecodeStream,
        least: usize,
    ) -> Result<(Vec<TokenId>, Option<FinishReason>), Error> {
        let mut tokens = Vec::new();
        while tokens.len() < least {
            let known = self.known.load(Ordering::Acquire);
            let item = stream.next().await.expect("an end before the end of the stream");
            assert!(!known || matches!(item, Err(Error::Fenced { .. })), "{item:?} came out");
            match item?.event {
                DecodeEvent::Text { tokens: more, .. } => tokens.extend(more),
                DecodeEvent::End(end) => {
                    tokens.extend(end.tokens);
                    return Ok((tokens, Some(end.finish)));
                }
            }
        }
        Ok((tokens, None))
    }
}

fn load() -> Box<dyn Model> {
    // A gate of its own: it is not the load that is fenced here.
    let (gate, _) = gate();
    let request = LoadRequest {
        path: PathBuf::from("toy"),
        context_tokens: 64,
        sessions_max: CALLERS,
        batch_tokens: 8,
        threads: None,
        settings: Settings::default(),
    };
    let permit = gate.pass_resident().expect("the gate is open");
    Toy::default().load(permit, &request, &mut |_| ControlFlow::Continue(())).expect("the toy loads")
}

/// One caller, from its opening to its close.
async fn call(served: &Served, caller: usize) -> Result<(), Error> {
    let way = thread_rng().gen_range(0..4u32);
    if way == 0 {
        let mut opening = pin!(served.open());
        let once = |context: &mut Context<'_>| Poll::Ready(opening.as_mut().poll(context).is_ready());
        poll_fn(once).await;
        return Ok(());
    }
    let session = served.open().await?;
    let mut stream = served.decode(&session, caller).await?;
    let least = if way == 1 { usize::MAX } else { thread_rng().gen_range(0..3) };
    let (mut tokens, mut end) = served.read(&mut stream, least).await?;
    if way == 2 && end.is_none() {
        drop(stream);
        stream = served.decode(&session, caller).await?;
        (tokens, end) = served.read(&mut stream, usize::MAX).await?;
    } else if way == 3 && end.is_none() {
        stream.cancel();
        let (rest, how) = served.read(&mut stream, usize::MAX).await?;
        tokens.extend(rest);
        end = how;
    }
    let alone = &ALONE.get().expect("each has been alone")[caller];
    match end {
        Some(FinishReason::Cancelled) => assert!(alone.starts_with(&tokens), "another's tokens"),
        _ => assert_eq!(&tokens, alone, "another answer"),
    }
    session.close().await
}

fn crowd() {
    let served = Arc::new(Served::begin());
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let served = served.clone();
            thread::spawn(move || block_on(call(&served, caller)))
        })
        .collect();
    let how = thread_rng().gen_range(0..3u32);
    match how {
        0 => served.fence(),
        1 => served.drain(),
        _ => {}
    }
    for caller in callers {
        match caller.join().expect("it does not panic") {
            Ok(()) => {}
            Err(Error::Fenced { .. }) => assert_eq!(how, 0, "nobody fenced"),
            Err(Error::Draining) => assert_eq!(how, 1, "nobody shut it down"),
            Err(error) => panic!("a caller failed: {error}"),
        }
    }
    served.drain();
    let served = Arc::into_inner(served).expect("all callers are gone");
    served.thread.join().expect("it does not panic");
    assert!(served.worker.is_gone());
}

/// What each caller reads if nobody else is there.
static ALONE: OnceLock<Vec<Vec<TokenId>>> = OnceLock::new();

fn each_alone() {
    let served = Served::begin();
    let answers = (0..CALLERS).map(|caller| {
        block_on(async {
            let session = served.open().await.expect("nobody ends it");
            let mut stream = served.decode(&session, caller).await.expect("nobody ends it");
            let (tokens, _) = served.read(&mut stream, usize::MAX).await.expect("nobody ends it");
            session.close().await.expect("nobody ends it");
            tokens
        })
    });
    ALONE.get_or_init(|| answers.collect());
    served.drain();
    served.thread.join().expect("it does not panic");
}

#[test]
fn shuttle_a_crowd_of_callers_comes_to_its_end() {
    sample(1, &[], each_alone);
    let twins = [
        (Seed::BellWithoutMemory, "deadlock"),
        (Seed::SendWithoutRing, "deadlock"),
        (Seed::RoomOfTheGone, "deadlock"),
        (Seed::PutAfterLook, "deadlock"),
        (Seed::CloseUnheard, "deadlock"),
        (Seed::LookedThenWaited, "deadlock"),
        (Seed::UnsentUnheard, "deadlock"),
        (Seed::EndUnheard, "deadlock"),
        (Seed::EndOvertakes, "another answer"),
        (Seed::ReadUnheard, "deadlock"),
        (Seed::GateAtTheWriter, "came out"),
    ];
    sample(2_000, &twins, crowd);
}

const CALLERS: usize = 8;

/// More than a stream has room for.
const TOKENS: u64 = 6;
