//! Every model and every specimen.

use crate::models::fence::Fence;
use crate::models::lease::Lease;
use crate::specimens::directory_lock::DirectoryLock;
use crate::specimens::equality_at_entry::EqualityAtEntry;
use crate::specimens::{Exhibit, Specimen};
use crate::subject::{Of, Subject};

/// The models, in the order of the specification.
pub fn models() -> Vec<Box<dyn Subject>> {
    vec![Box::new(Of::<Lease>::study()), Box::new(Of::<Fence>::study())]
}

/// The model of this name.
pub fn model(name: &str) -> Option<Box<dyn Subject>> {
    models().into_iter().find(|model| model.name() == name)
}

/// The specimens.
pub fn specimens() -> Vec<Box<dyn Exhibit>> {
    vec![
        Box::new(Specimen {
            id: "directory_lock",
            about: "a lease whose decision is guarded by a directory that is removed when it is old",
            model: DirectoryLock::SMALL,
            falls: DirectoryLock::NAME,
            steps: DirectoryLock::STEPS,
        }),
        Box::new(EqualityAtEntry::called()),
        Box::new(EqualityAtEntry::streamed()),
    ]
}

/// The specimen of this name.
pub fn specimen(id: &str) -> Option<Box<dyn Exhibit>> {
    specimens().into_iter().find(|specimen| specimen.id() == id)
}
