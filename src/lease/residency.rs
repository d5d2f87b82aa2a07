//! The residency lock of one claimant on a file: in hand, waited for, or neither.
//!
//! A thread waits in the kernel, which wakes it the moment the lock is free (L11). Such a wait can't be ended
//! from outside, so there is one thread for each claimant at most, kept and used again: while nobody wants the
//! lock it drops what it gets and sleeps. The bound is not the thread's but its claimant's, which waits for an
//! instant as well (L15).
//!
//! Attempts and the thread share one opening of the file, and with it the lock: what the thread has just got is
//! in hand for an attempt, and never "held by another". All that is said of the lock is said under one mutex.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use modeld_spec::ids::FileId;
use modeld_spec::lease::effect::LockSeen;

use super::locks::LockFile;
use super::store::{Taken, WaitOn};

/// The residency lock of one claimant; dropped with this value, or by the kernel with the process.
pub(super) struct ResidencyLock(Arc<Shared>);

struct Shared {
    path: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The file that was tried last: its lock is in hand, or was found held.
    tried: Option<Arc<LockFile>>,
    in_hand: bool,
    wanted: Option<Wanted>,
    /// The file that the thread waits on; one that finds another file here ends.
    waited_on: Option<Arc<LockFile>>,
}

struct Wanted {
    on: WaitOn,
    taken: Taken,
}

impl ResidencyLock {
    /// The lock on the file of this name, neither in hand nor waited for.
    pub(super) fn new(path: PathBuf) -> Self {
        ResidencyLock(Arc::new(Shared { path, state: Mutex::default(), changed: Condvar::new() }))
    }

    /// Takes the lock if it is free, or keeps it if it is in hand.
    pub(super) fn attempt(&self) -> io::Result<LockSeen> {
        let mut state = self.0.state();
        loop {
            let file = state.at(&self.0.path)?;
            if !state.has(&file) {
                // A lock on a file that was replaced proves nothing (L14).
                state.drop_lock();
            }
            state.tried = Some(Arc::clone(&file));
            if state.in_hand {
                return Ok(LockSeen::Taken(file.id()));
            }
            if !file.try_lock()? {
                return Ok(LockSeen::Held(file.id()));
            }
            if file.is_at(&self.0.path)? {
                state.in_hand = true;
                return Ok(LockSeen::Taken(file.id()));
            }
            file.unlock();
        }
    }

    /// Begins to wait, in place of a wait that was begun before. `taken` is called once, when the lock is in
    /// hand, on the waiting thread; at once and on this one if it is in hand already.
    ///
    /// # Errors
    /// What the system says when no thread or no descriptor can be had; nothing is waited for then.
    pub(super) fn wait(&self, on: WaitOn, taken: Taken) -> io::Result<()> {
        let mut state = self.0.state();
        if let Some(id) = state.in_hand() {
            taken(id);
            return Ok(());
        }
        let file = match on {
            WaitOn::Name => state.at(&self.0.path)?,
            WaitOn::FoundHeld => {
                state.tried.clone().ok_or_else(|| io::Error::other("no lock was found held"))?
            }
        };
        state.tried = Some(Arc::clone(&file));
        state.wanted = Some(Wanted { on, taken });
        if !state.is_waited_on(&file) {
            let shared = Arc::clone(&self.0);
            let waited_on = Arc::clone(&file);
            let thread = thread::Builder::new().name("modeld-residency".to_owned());
            if let Err(error) = thread.spawn(move || shared.wait(waited_on)) {
                state.wanted = None;
                return Err(error);
            }
            state.waited_on = Some(file);
        }
        self.0.changed.notify_all();
        Ok(())
    }

    /// Waits no longer: a lock that comes is dropped at once. One that is in hand stays.
    pub(super) fn stop_waiting(&self) {
        self.0.state().wanted = None;
    }

    /// Drops the lock if it is in hand.
    pub(super) fn drop_lock(&self) {
        self.0.state().drop_lock();
        self.0.changed.notify_all();
    }

    /// The file, if its lock is in hand.
    pub(super) fn in_hand(&self) -> Option<FileId> {
        self.0.state().in_hand()
    }

    /// Lets the lock, if it is in hand, live until the process ends.
    pub(super) fn keep_for_good(&self) {
        let mut state = self.0.state();
        if std::mem::take(&mut state.in_hand) {
            std::mem::forget(state.tried.take());
        }
        state.wanted = None;
        state.waited_on = None;
        self.0.changed.notify_all();
    }
}

impl Drop for ResidencyLock {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.drop_lock();
        *state = State::default();
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is complete before anything that could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The waiting thread.
    fn wait(&self, mut file: Arc<LockFile>) {
        while self.sleep_until_wanted(&file) {
            let locked = file.lock();
            let settled = locked.and_then(|()| self.settle(&mut self.state(), &mut file));
            if settled.is_err() {
                // L8: an error is neither "free" nor "held for ever": try again for as long as it is wanted.
                thread::sleep(PAUSE_AFTER_ERROR);
            }
        }
    }

    /// Whether the lock on `file` is wanted, once it is; `false` once this thread is not needed any more.
    fn sleep_until_wanted(&self, file: &Arc<LockFile>) -> bool {
        let mut state = self.state();
        loop {
            if !state.is_waited_on(file) {
                return false;
            }
            if state.wanted.is_some() && !state.in_hand {
                return true;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// What is to become of the lock on `file`, which the kernel has just granted.
    fn settle(&self, state: &mut State, file: &mut Arc<LockFile>) -> io::Result<()> {
        if !state.is_waited_on(file) {
            // Nobody else has this opening, or it is kept for good.
            return Ok(());
        }
        let Some(wanted) = state.wanted.take_if(|_| !state.in_hand) else {
            if !state.has(file) {
                file.unlock();
            }
            return Ok(());
        };
        let (file, on) = (file, wanted.on);
        let confirmed = self.confirm(state, file, on);
        match confirmed {
            Ok(true) => {
                state.tried = Some(Arc::clone(file));
                state.in_hand = true;
                // Told under the mutex, so that it is true when it is told.
                (wanted.taken)(file.id());
                Ok(())
            }
            Ok(false) => {
                state.wanted = Some(wanted);
                Ok(())
            }
            Err(error) => {
                file.unlock();
                state.wanted = Some(wanted);
                Err(error)
            }
        }
    }

    /// Whether `file` is locked and the one to lock. If it lost its name, the one that has it is waited on next.
    fn confirm(&self, state: &mut State, file: &mut Arc<LockFile>, on: WaitOn) -> io::Result<bool> {
        // An attempt that shares the opening may have dropped the lock since the kernel granted it.
        if !file.try_lock()? {
            return Ok(false);
        }
        if on == WaitOn::FoundHeld || file.is_at(&self.path)? {
            return Ok(true);
        }
        file.unlock();
        let next = state.at(&self.path)?;
        state.waited_on = Some(Arc::clone(&next));
        *file = next;
        Ok(false)
    }
}

impl State {
    /// The file that has the name, opened; the opening at hand if it is that file, because the lock goes with it.
    fn at(&self, path: &std::path::Path) -> io::Result<Arc<LockFile>> {
        for known in [&self.tried, &self.waited_on].into_iter().flatten() {
            if known.is_at(path)? {
                return Ok(Arc::clone(known));
            }
        }
        LockFile::open(path).map(Arc::new)
    }

    fn in_hand(&self) -> Option<FileId> {
        self.tried.as_ref().filter(|_| self.in_hand).map(|file| file.id())
    }

    /// Whether the lock on this opening is in hand.
    fn has(&self, file: &Arc<LockFile>) -> bool {
        self.in_hand && self.tried.as_ref().is_some_and(|tried| Arc::ptr_eq(tried, file))
    }

    fn is_waited_on(&self, file: &Arc<LockFile>) -> bool {
        self.waited_on.as_ref().is_some_and(|waited_on| Arc::ptr_eq(waited_on, file))
    }

    fn drop_lock(&mut self) {
        if std::mem::take(&mut self.in_hand)
            && let Some(file) = &self.tried
        {
            file.unlock();
        }
    }
}

/// Between tries when the lock can't be had for another reason than that somebody has it.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc::{Receiver, channel};

    use tempfile::TempDir;

    use super::*;

    /// Longer than anything takes on a busy machine: whoever waits for it fails.
    const BOUND: Duration = Duration::from_secs(30);

    /// A claimant, and another one's opening of the file, which has the lock.
    fn held_by_another() -> (TempDir, ResidencyLock, LockFile) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let other = LockFile::open(&path).unwrap();
        assert!(other.try_lock().unwrap());
        (directory, ResidencyLock::new(path), other)
    }

    fn wait(lock: &ResidencyLock, on: WaitOn) -> Receiver<FileId> {
        let (sender, receiver) = channel();
        let taken = Box::new(move |file| {
            // Not every test listens.
            let _ = sender.send(file);
        });
        lock.wait(on, taken).unwrap();
        receiver
    }

    fn replace(lock: &ResidencyLock) -> FileId {
        let aside = lock.0.path.with_extension("new");
        let new = LockFile::open(&aside).unwrap().id();
        fs::rename(&aside, &lock.0.path).unwrap();
        new
    }

    #[test]
    fn an_attempt_is_not_in_the_way_of_its_own_wait() {
        for _ in 0..200 {
            let (_directory, lock, other) = held_by_another();
            let _wait = wait(&lock, WaitOn::Name);
            other.unlock();
            // Whether or not the thread has it by now: no other claimant has.
            assert_eq!(lock.attempt().unwrap(), LockSeen::Taken(other.id()));
            assert_eq!(lock.in_hand(), Some(other.id()));
        }
    }

    #[test]
    fn a_lock_that_an_attempt_dropped_is_waited_for_again() {
        let (_directory, lock, other) = held_by_another();
        for _ in 0..200 {
            let taken = wait(&lock, WaitOn::Name);
            other.unlock();
            lock.attempt().unwrap();
            lock.drop_lock();
            // Either the thread told of it before it was dropped, or it gets the lock once more.
            assert_eq!(taken.recv_timeout(BOUND), Ok(other.id()));
            lock.stop_waiting();
            lock.drop_lock();
            other.lock().unwrap();
            assert_eq!(lock.attempt().unwrap(), LockSeen::Held(other.id()));
        }
    }

    #[test]
    fn one_thread_waits_however_often_it_is_asked_to() {
        let (_directory, lock, other) = held_by_another();
        for _ in 0..100 {
            wait(&lock, WaitOn::Name);
            lock.stop_waiting();
        }
        let taken = wait(&lock, WaitOn::Name);
        assert_eq!(Arc::strong_count(&lock.0), 2, "the claimant and one thread");
        other.unlock();
        assert_eq!(taken.recv_timeout(BOUND), Ok(other.id()));
        assert_eq!(lock.in_hand(), Some(other.id()));
    }

    #[test]
    fn a_lock_that_is_wanted_no_more_is_dropped() {
        let (_directory, lock, other) = held_by_another();
        wait(&lock, WaitOn::Name);
        lock.stop_waiting();
        other.unlock();
        // Blocks for ever, and the test with it, if the thread keeps what it gets.
        let third = LockFile::open(&lock.0.path).unwrap();
        third.lock().unwrap();
        assert_eq!(lock.in_hand(), None);
        third.unlock();
        assert_eq!(wait(&lock, WaitOn::Name).recv_timeout(BOUND), Ok(other.id()));
    }

    #[test]
    fn l14_a_leader_waits_on_the_very_file_that_was_found_held() {
        let (_directory, lock, other) = held_by_another();
        assert_eq!(lock.attempt().unwrap(), LockSeen::Held(other.id()));
        let new = replace(&lock);
        let taken = wait(&lock, WaitOn::FoundHeld);
        other.unlock();
        assert_eq!(taken.recv_timeout(BOUND), Ok(other.id()));
        assert_ne!(other.id(), new);
    }

    #[test]
    fn a_standby_waits_for_whatever_has_the_name() {
        let (_directory, lock, other) = held_by_another();
        let taken = wait(&lock, WaitOn::Name);
        let new = replace(&lock);
        other.unlock();
        assert_eq!(taken.recv_timeout(BOUND), Ok(new));
        assert_eq!(lock.attempt().unwrap(), LockSeen::Taken(new));
    }

    #[test]
    fn the_lock_is_dropped_with_its_claimant_or_kept_for_good() {
        let (_directory, lock, other) = held_by_another();
        let path = lock.0.path.clone();
        other.unlock();
        lock.attempt().unwrap();
        drop(lock);
        let lock = ResidencyLock::new(path);
        assert_eq!(lock.attempt().unwrap(), LockSeen::Taken(other.id()));
        lock.keep_for_good();
        assert_eq!(lock.in_hand(), None);
        drop(lock);
        assert!(!other.try_lock().unwrap());
    }
}
