//! The fence in the middle of sixteen decodes: what a reader takes, when, and what is freed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use modeld_spec::error::Error;
use modeld_spec::ids::Epoch;
use modeld_spec::session::params::DecodeParams;
use modeld_spec::time::BootTime;

use super::sixteen::SESSIONS;
use super::{DEADLINE, FakeClock, PATIENCE, engine, greedy, open};
use crate::engine::toy::{EvalHook, Toy};
use crate::engine::{DecodeStream, Limits, OpenRequest, Prompt};
use crate::os::Clock;

const FENCED: Error = Error::Fenced { epoch: Epoch::FIRST };

/// What a reader got before it was fenced.
#[derive(Default)]
struct Got {
    items: usize,
    /// Asked for when the deadline had passed.
    late: usize,
}

/// Reads to the end of the stream. The clock is read before each item is asked for: what is taken then is taken after that.
async fn read(mut stream: DecodeStream, clock: Arc<FakeClock>, items: Arc<AtomicUsize>) -> Got {
    let mut got = Got::default();
    loop {
        let is_late = BootTime::from_nanos(DEADLINE) <= clock.now();
        let item = tokio::time::timeout(PATIENCE, stream.next()).await.expect("an item within the bound");
        match item.expect("an end before the end of the stream") {
            Ok(_) => {
                got.items += 1;
                got.late += usize::from(is_late);
                items.fetch_add(1, Ordering::SeqCst);
            }
            Err(error) => {
                assert_eq!(error, FENCED);
                assert!(stream.next().await.is_none());
                return got;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t9_nothing_of_sixteen_decodes_is_taken_after_the_deadline() {
    let batches = Arc::new(AtomicU64::new(0));
    let hook: EvalHook = {
        let batches = batches.clone();
        Arc::new(move |_| {
            batches.fetch_add(1, Ordering::SeqCst);
        })
    };
    let limits = Limits { sessions_max: SESSIONS, stream_items: 4, ..Limits::default() };
    let toy = Toy { ends: false, before_eval: Some(hook.clone()), ..Toy::default() };
    let (engine, clock) = engine(toy, limits);
    let without_a_model = Arc::strong_count(&hook);
    let items = Arc::new(AtomicUsize::new(0));
    let (mut readers, mut late, mut sessions) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..SESSIONS {
        let session = open(&engine).await;
        session.ensure_prefix(Prompt::literal(format!("session {number}"))).await.unwrap();
        let mut stream = session.decode(DecodeParams { max_tokens: None, ..greedy(0) }).await.unwrap();
        if number % 4 == 0 {
            // Its items wait: they came before the deadline, and are taken after it.
            assert!(stream.next().await.unwrap().is_ok());
            late.push(stream);
        } else {
            readers.push(tokio::spawn(read(stream, clock.clone(), items.clone())));
        }
        sessions.push(session);
    }
    assert!(without_a_model < Arc::strong_count(&hook));
    // In the middle: everybody who reads has had a few.
    let goes_on = async {
        while items.load(Ordering::SeqCst) < 50 * SESSIONS {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, goes_on).await.expect("they are written");
    clock.set(DEADLINE);
    for reader in readers {
        let got = reader.await.unwrap();
        assert!(0 < got.items);
        assert_eq!(got.late, 0);
    }
    for stream in late {
        assert_eq!(read(stream, clock.clone(), items.clone()).await.items, 0);
    }
    for session in &sessions {
        assert_eq!(session.explain().await.unwrap_err(), FENCED);
        assert_eq!(session.decode(greedy(1)).await.err(), Some(FENCED));
    }
    assert_eq!(engine.open_session(&OpenRequest::new("toy")).await.unwrap_err(), FENCED);
    let evaluated = batches.load(Ordering::SeqCst);
    engine.shutdown(PATIENCE).await.unwrap();
    // The model is gone, and nothing was evaluated on the way.
    assert_eq!(engine.models(), []);
    assert_eq!(Arc::strong_count(&hook), without_a_model);
    assert!(batches.load(Ordering::SeqCst) <= evaluated + 1);
}
