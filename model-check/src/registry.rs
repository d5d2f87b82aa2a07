//! Every model and every specimen.

use crate::models::fence::Fence;
use crate::models::lease::Lease;
use crate::models::start::Starting;
use crate::specimens::directory_lock::DirectoryLock;
use crate::specimens::equality_at_entry::EqualityAtEntry;
use crate::specimens::renamed_lock::RenamedLock;
use crate::specimens::wall_clock::WallClock;
use crate::specimens::{Exhibit, Specimen};
use crate::subject::{Of, Subject};

/// The models, in the order of the specification.
pub fn models() -> Vec<Box<dyn Subject>> {
    vec![Box::new(Of::<Lease>::study()), Box::new(Of::<Fence>::study()), Box::new(Of::<Starting>::study())]
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
        Box::new(Specimen {
            id: "wall_clock",
            about: "a lease whose expiry is judged on the wall clock",
            model: WallClock::SMALL,
            falls: WallClock::NAME,
            steps: WallClock::STEPS,
        }),
        Box::new(Specimen {
            id: "renamed_lock",
            about: "a daemon that locks its metadata file and replaces it by renaming another one over it",
            model: RenamedLock::SMALL,
            falls: RenamedLock::NAME,
            steps: RenamedLock::STEPS,
        }),
    ]
}

/// The specimen of this name.
pub fn specimen(id: &str) -> Option<Box<dyn Exhibit>> {
    specimens().into_iter().find(|specimen| specimen.id() == id)
}
