//! Who has what of a resident model by name, and whether it may be freed.
//!
//! ```text
//!     enter_new -> Opening --admit--> resident --enter--> Entered
//!                                        '--remove--> gone; the name may come again, in another life
//! ```
//!
//! Names come again (a session's place in the cache does), lives do not: whoever has the life of a former holder of a name meets nothing.
//! A model is retired only while nobody is inside, and nobody comes in afterwards: looking and retiring is one step, as
//! is finding and being counted.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;

use crate::sync::{Arc, Mutex, seeded};

/// The residents of one model by name. All clones are the same registry.
pub(crate) struct Registry<K, H>(Arc<Mutex<State<K, H>>>);

/// Tells the holders of one name apart. No two residents of a registry have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Life(u64);

/// Keeps the model while a new resident is on its way in.
#[must_use]
pub(crate) struct Opening<K, H>(Inside<K, H>);

/// A resident that is in use: it keeps the model.
#[must_use]
pub(crate) struct Entered<K, H> {
    handle: H,
    _inside: Inside<K, H>,
}

/// Counted as in flight.
struct Inside<K, H>(Registry<K, H>);

struct State<K, H> {
    residents: BTreeMap<K, (Life, H)>,
    /// How many lives there were.
    lives: u64,
    in_flight: usize,
    is_retired: bool,
}

impl<K: Ord + Clone, H: Clone> Registry<K, H> {
    /// Without residents.
    pub(crate) fn new() -> Self {
        let state = State { residents: BTreeMap::new(), lives: 0, in_flight: 0, is_retired: false };
        Registry(Arc::new(Mutex::new(state)))
    }

    /// Comes in to make a new resident. `None` once it is retired.
    pub(crate) fn enter_new(&self) -> Option<Opening<K, H>> {
        let mut state = self.0.lock();
        if state.is_retired {
            return None;
        }
        state.in_flight += 1;
        drop(state);
        Some(Opening(Inside(self.clone())))
    }

    /// Comes in to use a resident. `None` if that life has ended, or it is retired.
    pub(crate) fn enter(&self, name: &K, life: Life) -> Option<Entered<K, H>> {
        let state = self.0.lock();
        let handle = state.find(name, life)?.clone();
        let mut state = seeded!(EnteredAfterLook, state, {
            drop(state);
            self.0.lock()
        });
        state.in_flight += 1;
        drop(state);
        Some(Entered { handle, _inside: Inside(self.clone()) })
    }

    /// Ends this life, and gives what it had. `None` if it has ended before. Who is inside stays there.
    pub(crate) fn remove(&self, name: &K, life: Life) -> Option<H> {
        let mut state = self.0.lock();
        state.find(name, life)?;
        state.residents.remove(name).map(|(_, handle)| handle)
    }

    /// Retires if nobody is inside, and gives those who stayed; nobody comes in any more. `None` if somebody is inside, or it was
    /// retired before.
    pub(crate) fn retire_if_idle(&self) -> Option<Vec<H>> {
        let state = self.0.lock();
        if 0 < state.in_flight || state.is_retired {
            return None;
        }
        let mut state = seeded!(RetiredAfterLook, state, {
            drop(state);
            self.0.lock()
        });
        state.is_retired = true;
        let residents = std::mem::take(&mut state.residents);
        Some(residents.into_values().map(|(_, handle)| handle).collect())
    }

    /// How many residents there are.
    pub(crate) fn len(&self) -> usize {
        self.0.lock().residents.len()
    }
}

impl<K: Ord + Clone, H: Clone> Opening<K, H> {
    /// Makes `handle` the resident of that name, in a new life.
    ///
    /// # Errors
    /// The handle, if the name is in use.
    pub(crate) fn admit(self, name: K, handle: H) -> Result<Life, H> {
        let mut state = self.0.0.0.lock();
        if state.residents.contains_key(&name) {
            return Err(handle);
        }
        state.lives += 1;
        let life = Life(state.lives);
        state.residents.insert(name, (life, handle));
        Ok(life)
    }
}

impl<K, H> Deref for Entered<K, H> {
    type Target = H;

    fn deref(&self) -> &H {
        &self.handle
    }
}

impl<K: Ord, H> State<K, H> {
    fn find(&self, name: &K, life: Life) -> Option<&H> {
        let (known, handle) = self.residents.get(name)?;
        seeded!(LifeIgnored, *known == life, true).then_some(handle)
    }
}

impl<K, H> Drop for Inside<K, H> {
    fn drop(&mut self) {
        self.0.0.lock().in_flight -= 1;
    }
}

impl<K, H> Clone for Registry<K, H> {
    fn clone(&self) -> Self {
        Registry(self.0.clone())
    }
}

impl<K, H> fmt::Debug for Registry<K, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.lock();
        f.debug_struct("Registry")
            .field("residents", &state.residents.len())
            .field("in_flight", &state.in_flight)
            .field("is_retired", &state.is_retired)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_again_in_another_life() {
        let registry = Registry::new();
        let first = registry.enter_new().unwrap().admit(0, "first").unwrap();
        assert_eq!(registry.enter_new().unwrap().admit(0, "other"), Err("other"));
        assert_eq!(registry.remove(&0, first), Some("first"));
        let second = registry.enter_new().unwrap().admit(0, "second").unwrap();
        assert_ne!(first, second);
        assert!(registry.enter(&0, first).is_none());
        assert_eq!(registry.remove(&0, first), None);
        assert_eq!(*registry.enter(&0, second).unwrap(), "second");
    }

    #[test]
    fn who_is_inside_keeps_the_model() {
        let registry = Registry::new();
        let opening = registry.enter_new().unwrap();
        assert!(registry.retire_if_idle().is_none());
        let life = opening.admit(0, "resident").unwrap();
        let entered = registry.enter(&0, life);
        assert!(registry.retire_if_idle().is_none());
        drop(entered);
        assert_eq!(registry.retire_if_idle(), Some(vec!["resident"]));
        assert!(registry.enter_new().is_none() && registry.enter(&0, life).is_none());
        assert!(registry.retire_if_idle().is_none(), "once");
        assert_eq!(registry.len(), 0);
    }
}
