//! All interleavings of what the engine's callers and the threads of its models share.
//!
//! Each test is a model and its twins: the same product code with one step changed, which must be found out. A complaint of
//! `deadlock` is a lost wake-up: nobody is left who could go on.

mod board;
mod handoff;
mod mailbox;
mod reply;
mod slots;
mod thread;
mod worker;

use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use loom::future::block_on;

/// Polls once, and drops the future if it is not ready.
fn once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    block_on(std::future::poll_fn(|context| match Pin::new(&mut future).poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    }))
}

/// Time does not pass under loom, but the clock of the machine does.
const FOREVER: Duration = Duration::from_secs(3600);
