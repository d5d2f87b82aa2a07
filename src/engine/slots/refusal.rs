//! A refusal of the table, in the names that its asker knows.

use modeld_spec::error::Error;
use modeld_spec::slot::event::{ModelId, Refusal};

use super::{Driver, Inner};

impl Driver {
    pub(super) fn refused(
        &self,
        inner: &Inner,
        member: &str,
        model: Option<ModelId>,
        refusal: Refusal,
    ) -> Error {
        let name = || model.map_or_else(|| member.to_string(), |model| inner.names.path(model));
        let cause = || model.and_then(|model| inner.names.cause(model));
        match refusal {
            Refusal::Fenced => match self.check() {
                Err(error) => error,
                // It was fenced when the table looked, and that is final.
                Ok(()) => Error::Draining,
            },
            Refusal::Failed(generation) => cause().unwrap_or_else(|| Error::Internal {
                cause: format!("load {generation} failed without a word"),
            }),
            Refusal::NoRoom(shortage) => Error::NoRoom { model: name(), shortage },
            Refusal::TookMore { planned, taken, budget } => {
                Error::TookMore { model: name(), planned, taken, budget }
            }
            Refusal::Switching { to } => {
                Error::Switching { member: member.to_string(), to: inner.names.path(to) }
            }
            Refusal::OtherModel { bound } => {
                model.and_then(|model| inner.names.too_small(bound, model)).unwrap_or_else(|| {
                    Error::OtherModel { member: member.to_string(), bound: inner.names.describe(bound) }
                })
            }
            Refusal::CrashedBefore => Error::CrashedBefore { model: name() },
            Refusal::NotRemembered => Error::NotRemembered {
                model: name(),
                cause: cause().map_or_else(String::new, |error| error.to_string()),
            },
            Refusal::InUse { in_flight } => Error::ModelInUse { model: name(), in_flight: in_flight as u64 },
        }
    }
}
