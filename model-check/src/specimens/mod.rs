//! Protocols of others as they stand, kept to show that the checker finds what is wrong with them.

pub mod directory_lock;
pub mod equality_at_entry;
pub mod renamed_lock;
pub mod wall_clock;
pub mod watch_without_ack;

use std::fmt::Debug;
use std::hash::Hash;

use crate::search::shortest::shortest;
use crate::story::{self, Story, Tale};

/// A protocol with the promise that it breaks.
pub struct Specimen<M> {
    /// Its name; `spec/specimens/ID.md` explains it.
    pub id: &'static str,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// The smallest configuration in which it falls.
    pub model: M,
    /// The property that falls.
    pub falls: &'static str,
    /// In how few steps.
    pub steps: usize,
}

/// A specimen without its types.
pub trait Exhibit: Sync {
    /// Its name.
    fn id(&self) -> &'static str;
    /// What it is.
    fn about(&self) -> &'static str;
    /// The property that falls.
    fn falls(&self) -> &'static str;
    /// In how few steps it has to.
    fn steps(&self) -> usize;
    /// The shortest path on which it does.
    fn fall(&self) -> Option<Tale>;
}

impl<M> Exhibit for Specimen<M>
where
    M: Story + Sync,
    M::State: Clone + Hash,
    M::Action: Clone + Debug,
{
    fn id(&self) -> &'static str {
        self.id
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn falls(&self) -> &'static str {
        self.falls
    }

    fn steps(&self) -> usize {
        self.steps
    }

    fn fall(&self) -> Option<Tale> {
        let property = self.model.properties().into_iter().find(|property| property.name == self.falls)?;
        let path = shortest(&self.model, |state| !(property.condition)(&self.model, state)).path()?;
        Some(story::tell(&self.model, &path, Some(self.falls)))
    }
}
