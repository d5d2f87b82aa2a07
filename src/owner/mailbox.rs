//! What a waiting driver is told by other threads: a queue with an alarm on the boot clock.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, PoisonError};

use modeld_spec::time::BootTime;

use crate::os::{Alarm, Clock, Timer};

/// A queue that one driver waits on, until an instant at the latest.
pub(super) struct Mailbox<T> {
    queue: Mutex<VecDeque<T>>,
    alarm: Box<dyn Alarm>,
}

impl<T> Mailbox<T> {
    pub(super) fn new(timer: &dyn Timer) -> io::Result<Self> {
        Ok(Mailbox { queue: Mutex::new(VecDeque::new()), alarm: timer.alarm()? })
    }

    /// Hands something to the driver, and wakes it.
    pub(super) fn post(&self, item: T) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).push_back(item);
        self.alarm.ring();
    }

    /// The next item, or `None` once `until` has come.
    pub(super) fn wait(&self, until: BootTime, clock: &dyn Clock) -> Option<T> {
        loop {
            if let Some(item) = self.queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front() {
                return Some(item);
            }
            if until <= clock.now() || self.alarm.wait(until).is_err() {
                // An alarm that fails is an early wake: whoever waits looks at the clock again. Its causes
                // (no memory for the poll) are rare and do not last, so this does not spin for long.
                return None;
            }
        }
    }
}
