//! Waiting for the residency lock in the kernel, beside whatever else a claimant does (L11).
//!
//! A thread blocks on the lock; the kernel wakes it the moment the lock is free. Such a wait can't be ended
//! from outside, so it can be *abandoned*: the thread then drops the lock as soon as it gets it, or ends with
//! the process. The bound is not the thread's but its claimant's, which waits for an instant as well (L15).

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use modeld_spec::ids::FileId;

use super::files::FileStore;
use super::locks::{Lock, lock_blocking};

/// A wait for the residency lock. Dropping it abandons the wait.
pub struct ResidencyWait {
    fate: Arc<Mutex<Fate>>,
}

/// What is to become of the lock, or became of it.
enum Fate {
    Wanted,
    Delivered,
    Abandoned,
}

impl ResidencyWait {
    /// Begins to wait. When the lock is had it is put into the hand of `store`'s claimant, and `taken` is called
    /// with its file, on the waiting thread; at once and on this one if it is in hand already.
    ///
    /// # Errors
    /// What the system says when no thread can be had.
    pub fn begin(store: FileStore, taken: impl FnOnce(FileId) + Send + 'static) -> io::Result<Self> {
        // A second descriptor would wait for the first one of the same claimant, and so for ever.
        if let Some(id) = store.residency_in_hand() {
            taken(id);
            return Ok(ResidencyWait { fate: Arc::new(Mutex::new(Fate::Delivered)) });
        }
        let fate = Arc::new(Mutex::new(Fate::Wanted));
        let theirs = Arc::clone(&fate);
        thread::Builder::new().name("modeld-residency".to_owned()).spawn(move || {
            let Some(lock) = wait(&store, &theirs) else { return };
            let id = lock.id();
            {
                // Delivered or abandoned, never both: the guard is held over the hand-over.
                let mut fate = theirs.lock().unwrap_or_else(PoisonError::into_inner);
                if matches!(*fate, Fate::Abandoned) {
                    return;
                }
                store.keep_residency(lock);
                *fate = Fate::Delivered;
            }
            taken(id);
        })?;
        Ok(ResidencyWait { fate })
    }

    /// Whether the lock is still being waited for.
    pub fn is_waiting(&self) -> bool {
        matches!(*self.fate.lock().unwrap_or_else(PoisonError::into_inner), Fate::Wanted)
    }
}

impl Drop for ResidencyWait {
    fn drop(&mut self) {
        let mut fate = self.fate.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*fate, Fate::Wanted) {
            *fate = Fate::Abandoned;
        }
    }
}

/// L8: an error is neither "free" nor "held for ever"; it is tried again until the wait is abandoned.
fn wait(store: &FileStore, fate: &Mutex<Fate>) -> Option<Lock> {
    loop {
        match lock_blocking(&store.root().residency()) {
            Ok(lock) => return Some(lock),
            Err(_) => {
                if matches!(*fate.lock().unwrap_or_else(PoisonError::into_inner), Fate::Abandoned) {
                    return None;
                }
                thread::sleep(PAUSE_AFTER_ERROR);
            }
        }
    }
}

/// Between tries when the lock file can't be opened, for instance because no descriptor is left.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);
