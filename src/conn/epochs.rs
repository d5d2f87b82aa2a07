//! What the calls of one client have seen of the epochs, together.

use modeld_spec::error::Error;
use modeld_spec::follow::EpochWatch;
use modeld_spec::ids::Epoch;

use crate::sync::{Mutex, seeded};

/// The highest epoch that any call of a client has seen: none of them accepts an older one from then on (F8).
#[derive(Debug, Default)]
pub(super) struct Epochs(Mutex<EpochWatch>);

impl Epochs {
    /// Notes an answer of epoch `got`.
    ///
    /// # Errors
    /// [`Error::StaleEpoch`], and it is counted, if a later one was seen before.
    pub(super) fn admit(&self, got: Epoch) -> Result<(), Error> {
        seeded!(EpochNotedAfterLook, self.0.lock().admit(got), {
            let mut seen = self.0.lock().clone();
            let admitted = seen.admit(got);
            *self.0.lock() = seen;
            admitted
        })
    }

    /// The highest epoch seen.
    pub(super) fn highest(&self) -> Option<Epoch> {
        self.0.lock().highest()
    }

    /// How many answers were refused.
    pub(super) fn refused(&self) -> u64 {
        self.0.lock().refused()
    }
}

#[cfg(all(test, modeld_loom))]
mod tests {
    use loom::sync::Arc;
    use loom::thread;

    use super::*;
    use crate::sync::explore::Exploration;
    use crate::sync::seed::Seed;

    #[test]
    fn loom_f8_nothing_older_than_what_any_call_saw() {
        Exploration::complete(14).twin(Seed::EpochNotedAfterLook, "older").of(|| {
            let [first, second] = [1, 2].map(|number| Epoch::new(number).unwrap());
            let epochs = Arc::new(Epochs::default());
            let other = {
                let epochs = epochs.clone();
                thread::spawn(move || {
                    epochs.admit(second).unwrap();
                    assert!(epochs.admit(first).is_err(), "an older epoch is admitted");
                })
            };
            let came_first = epochs.admit(first).is_ok();
            let highest = epochs.highest();
            assert!(came_first || highest == Some(second), "it is refused for a later one alone");
            other.join().unwrap();
            assert_eq!(epochs.highest(), Some(second), "an older epoch is the highest");
            assert_eq!(epochs.refused(), 1 + u64::from(!came_first));
        });
    }
}
