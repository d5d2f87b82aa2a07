//! A part of a state that its successors share until they change it: a transition changes one process of several.

use std::hash::{BuildHasher, Hash, Hasher};
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock};

use ahash::{AHasher, RandomState};

/// Shared until it is changed. Equal by its value, and hashed by a fingerprint of it that is taken once.
///
/// The fingerprint has 128 bits: a search whose states are hashed with another salt takes other states for one, and
/// two parts that differ must not be taken for one in both.
#[derive(Clone, Debug)]
pub struct Shared<T>(Arc<Part<T>>);

#[derive(Clone, Debug)]
struct Part<T> {
    value: T,
    fingerprint: OnceLock<(u64, u64)>,
}

impl<T> Shared<T> {
    /// A value that nobody shares yet.
    pub fn new(value: T) -> Self {
        Shared(Arc::new(Part { value, fingerprint: OnceLock::new() }))
    }

    /// Whether this is a part that `other` shares: nobody has changed it since.
    pub fn is_shared_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T: Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        let part = Arc::make_mut(&mut self.0);
        part.fingerprint.take();
        &mut part.value
    }
}

impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        self.is_shared_with(other) || self.0.value == other.0.value
    }
}

impl<T: Eq> Eq for Shared<T> {}

impl<T: Hash> Hash for Shared<T> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let fingerprint = self.0.fingerprint.get_or_init(|| {
            let seeded = |seed| RandomState::with_seeds(seed, 1, 2, 3).build_hasher();
            let mut both = Both(seeded(0), seeded(1));
            self.0.value.hash(&mut both);
            (both.0.finish(), both.1.finish())
        });
        hasher.write_u64(fingerprint.0);
        hasher.write_u64(fingerprint.1);
    }
}

/// Two hashes in one pass.
struct Both(AHasher, AHasher);

impl Hasher for Both {
    fn finish(&self) -> u64 {
        self.0.finish()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
        self.1.write(bytes);
    }

    fn write_u8(&mut self, number: u8) {
        self.0.write_u8(number);
        self.1.write_u8(number);
    }

    fn write_u32(&mut self, number: u32) {
        self.0.write_u32(number);
        self.1.write_u32(number);
    }

    fn write_u64(&mut self, number: u64) {
        self.0.write_u64(number);
        self.1.write_u64(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.0.write_usize(number);
        self.1.write_usize(number);
    }
}

#[cfg(test)]
mod tests {
    use std::hash::DefaultHasher;

    use super::*;

    fn hash(value: &impl Hash) -> u64 {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        hasher.finish()
    }

    #[test]
    fn a_changed_part_has_another_fingerprint_and_leaves_the_others_alone() {
        let first = Shared::new(vec![1, 2]);
        let begun = hash(&first);
        let mut second = first.clone();
        assert!(second.is_shared_with(&first));
        second.push(3);
        assert!(!second.is_shared_with(&first));
        assert_ne!(hash(&second), begun);
        assert_eq!(hash(&first), begun);
        second.pop();
        assert_eq!((hash(&second), &second), (begun, &first));
    }
}
