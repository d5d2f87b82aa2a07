//! Work that is done two at a time, as far as memory goes.

use std::sync::{Condvar, Mutex, PoisonError, mpsc};

use crate::search::Memory;

/// Does every job, each as soon as a core and the memory for it are free; what comes of them stands in their order.
///
/// A job that does not fit beside the others runs alone: whether it fits at all is for the caller to say.
pub(super) fn two_at_a_time<J: Sync, R: Send>(
    jobs: &[J],
    weight: impl Fn(&J) -> Memory,
    room: Memory,
    work: impl Fn(&J) -> R + Sync,
) -> Vec<R> {
    let weights: Vec<u64> = jobs.iter().map(|job| weight(job).0).collect();
    let queue = Queue { waiting: Mutex::new(Waiting::of(weights, room.0)), changed: Condvar::new() };
    let mut results = std::thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        for _ in 0..workers().min(jobs.len()) {
            let (send, queue, work) = (send.clone(), &queue, &work);
            scope.spawn(move || {
                while let Some((index, job)) = queue.next().and_then(|index| Some((index, jobs.get(index)?)))
                {
                    let result = work(job);
                    queue.done(index);
                    if send.send((index, result)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        receive.into_iter().collect::<Vec<(usize, R)>>()
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// How many run at a time.
pub(super) fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get().min(WORKERS))
}

struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

struct Waiting {
    /// What each job wants.
    weights: Vec<u64>,
    /// Those that were not begun, in order.
    waiting: Vec<usize>,
    running: usize,
    /// What is not taken by those that run.
    left: u64,
}

impl Queue {
    /// The next job to begin; `None` if there is none left.
    fn next(&self) -> Option<usize> {
        let mut state = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if state.waiting.is_empty() {
                return None;
            }
            if let Some(index) = state.take() {
                return Some(index);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, index: usize) {
        let mut state = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        state.running -= 1;
        state.left = state.left.saturating_add(state.weights.get(index).copied().unwrap_or(0));
        self.changed.notify_all();
    }
}

impl Waiting {
    fn of(weights: Vec<u64>, room: u64) -> Self {
        let waiting = (0..weights.len()).collect();
        // One that is larger than the room takes all of it: then none runs beside it.
        let weights = weights.into_iter().map(|weight| weight.min(room)).collect();
        Waiting { weights, waiting, running: 0, left: room }
    }

    /// Takes the first job that fits beside those that run.
    fn take(&mut self) -> Option<usize> {
        let fits = |index: &usize| self.weights.get(*index).is_some_and(|weight| *weight <= self.left);
        let place = self.waiting.iter().position(fits)?;
        let index = self.waiting.remove(place);
        self.running += 1;
        self.left -= self.weights.get(index).copied().unwrap_or(0);
        Some(index)
    }
}

/// The runs are made for machines with two cores, and the memory that is taken grows with their number.
const WORKERS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_is_done_and_its_result_stands_in_its_place() {
        let jobs: Vec<u64> = (0..20).collect();
        let results = two_at_a_time(&jobs, |job| Memory(*job), Memory(7), |job| job * 2);
        assert_eq!(results, jobs.iter().map(|job| job * 2).collect::<Vec<_>>());
    }

    #[test]
    fn what_does_not_fit_beside_the_others_waits() {
        let mut waiting = Waiting::of(vec![6, 5, 4, 99], 10);
        assert_eq!(waiting.take(), Some(0));
        assert_eq!(waiting.take(), Some(2));
        assert_eq!(waiting.take(), None);
        waiting.left += 10;
        assert_eq!(waiting.take(), Some(1));
        assert_eq!(waiting.take(), None);
        waiting.left += 5;
        assert_eq!(waiting.take(), Some(3));
        assert_eq!(waiting.left, 0);
    }
}
