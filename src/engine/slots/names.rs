//! The numbers that the table knows models and members by.
//!
//! A model's identity is everything that makes two loads the same load: what the backend says of its content, and the context. A number
//! stays as long as the table has it; what the table does not know any more is forgotten when there are too many.

use std::collections::BTreeMap;

use modeld_spec::error::Error;
use modeld_spec::slot::event::{MemberId, ModelId};
use modeld_spec::slot::table::Slots;

use super::Wanted;
use crate::engine::backend::{LoadRequest, ModelKey};
use crate::engine::worker::named;

/// Names and numbers.
#[derive(Default)]
pub(in crate::engine) struct Names {
    members: BTreeMap<String, MemberId>,
    models: BTreeMap<Target, ModelId>,
    known: BTreeMap<ModelId, Known>,
}

/// The identity of a load, as text: it is what a mark holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target(String);

impl Target {
    pub(super) fn of(wanted: &Wanted) -> Self {
        Target(format!("{}{WITH}{} tokens", wanted.key, wanted.request.context_tokens))
    }
}

/// What is known of a model.
struct Known {
    target: Target,
    /// `None` for one that only a mark names.
    asked: Option<Asked>,
    /// Why its last load failed.
    cause: Option<Error>,
}

struct Asked {
    key: ModelKey,
    request: LoadRequest,
    planned: u64,
}

impl Names {
    /// The number of a member.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when there are too many.
    pub(super) fn member(&mut self, name: &str) -> Result<MemberId, Error> {
        if let Some(id) = self.members.get(name) {
            return Ok(*id);
        }
        let id = free_number(self.members.values().map(|id| id.0))?;
        self.members.insert(name.to_string(), MemberId(id));
        Ok(MemberId(id))
    }

    /// The number of the model that is wanted, as it is wanted, and whether it is a new one.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when there are too many.
    pub(super) fn model(&mut self, wanted: &Wanted, planned: u64) -> Result<(ModelId, bool), Error> {
        let target = Target::of(wanted);
        let is_new = !self.models.contains_key(&target);
        let id = self.number(target)?;
        if let Some(known) = self.known.get_mut(&id) {
            let (key, request) = (wanted.key.clone(), wanted.request.clone());
            known.asked = Some(Asked { key, request, planned });
        }
        Ok((id, is_new))
    }

    /// The number of a model of which a mark was found.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when there are too many.
    pub(super) fn marked(&mut self, identity: &str) -> Result<ModelId, Error> {
        self.number(Target(identity.to_string()))
    }

    /// A load that would do, of the member itself or of anybody: the same content, and as much context as is asked for. An explicit load
    /// with a context of its own wants exactly that.
    pub(super) fn present(&self, table: &Slots, member: MemberId, wanted: &Wanted) -> Option<ModelId> {
        if wanted.load.is_some() && wanted.has_context {
            return None;
        }
        let least = if wanted.has_context { wanted.request.context_tokens } else { 0 };
        let own = table.members().iter().filter(|known| known.id == member);
        let own = own.flat_map(|member| [member.coming, member.model]).flatten();
        let resident = table.slots().iter().filter(|slot| !slot.is_leaving()).map(|slot| slot.model);
        own.chain(resident).find(|model| {
            let asked = self.known.get(model).and_then(|known| known.asked.as_ref());
            asked.is_some_and(|asked| asked.key == wanted.key && least <= asked.request.context_tokens)
        })
    }

    /// Bytes that were planned for this identity before.
    pub(super) fn planned(&self, target: &Target) -> Option<u64> {
        self.models.get(target).and_then(|model| self.planned_of(*model))
    }

    /// Bytes that were planned for this model.
    pub(super) fn planned_of(&self, model: ModelId) -> Option<u64> {
        self.asked(model).map(|asked| asked.planned)
    }

    /// How to load it.
    pub(super) fn request(&self, model: ModelId) -> Option<LoadRequest> {
        self.asked(model).map(|asked| asked.request.clone())
    }

    /// The identity that its mark holds.
    pub(super) fn identity(&self, model: ModelId) -> &str {
        self.known.get(&model).map_or("", |known| &known.target.0)
    }

    /// Where it was loaded from, for people.
    pub(in crate::engine) fn path(&self, model: ModelId) -> String {
        self.asked(model).map_or_else(|| self.identity(model).to_string(), |asked| named(&asked.request.path))
    }

    /// Where it was loaded from.
    pub(in crate::engine) fn path_of(&self, model: ModelId) -> std::path::PathBuf {
        self.asked(model).map(|asked| asked.request.path.clone()).unwrap_or_default()
    }

    /// The names of these members.
    pub(in crate::engine) fn names_of(&self, members: &[MemberId]) -> Vec<String> {
        self.members.iter().filter(|(_, id)| members.contains(id)).map(|(name, _)| name.clone()).collect()
    }

    /// The model, and what tells it from others of the same content.
    pub(super) fn describe(&self, model: ModelId) -> String {
        match self.asked(model) {
            Some(asked) => {
                format!("{} with {} tokens", named(&asked.request.path), asked.request.context_tokens)
            }
            None => self.identity(model).to_string(),
        }
    }

    /// What to say if `bound` is the model that is wanted, with less context.
    pub(super) fn too_small(&self, bound: ModelId, wanted: ModelId) -> Option<Error> {
        let (bound, wanted) = (self.asked(bound)?, self.asked(wanted)?);
        let (has, asked) = (bound.request.context_tokens, wanted.request.context_tokens);
        (bound.key == wanted.key && has < asked).then(|| Error::InvalidArgument {
            argument: "context".to_string(),
            problem: format!("is {asked} tokens, and the model is loaded with {has} for each session"),
        })
    }

    /// Why its last load failed.
    pub(super) fn cause(&self, model: ModelId) -> Option<Error> {
        self.known.get(&model).and_then(|known| known.cause.clone())
    }

    /// Its load fails, for this reason.
    pub(super) fn failed(&mut self, model: ModelId, cause: Error) {
        if let Some(known) = self.known.get_mut(&model) {
            known.cause = Some(cause);
        }
    }

    fn asked(&self, model: ModelId) -> Option<&Asked> {
        self.known.get(&model).and_then(|known| known.asked.as_ref())
    }

    fn number(&mut self, target: Target) -> Result<ModelId, Error> {
        if let Some(id) = self.models.get(&target) {
            return Ok(*id);
        }
        let id = ModelId(free_number(self.models.values().map(|id| id.0))?);
        self.models.insert(target.clone(), id);
        self.known.insert(id, Known { target, asked: None, cause: None });
        Ok(id)
    }

    /// Whether there are so many that it is worth to forget some.
    pub(super) fn are_many(&self) -> bool {
        KEPT_MAX <= self.models.len().max(self.members.len())
    }

    /// Whether a load of the same content, on other terms, ended a process.
    pub(super) fn has_crashed_otherwise(&self, table: &Slots, model: ModelId) -> bool {
        let content = |model: ModelId| self.identity(model).split_once(WITH).map(|(content, _)| content);
        let is_it = |crashed: &ModelId| *crashed != model && content(*crashed) == content(model);
        table.crashed().iter().any(is_it)
    }

    /// Forgets what the table does not know.
    pub(super) fn forget(&mut self, table: &Slots) {
        let members = table.members();
        self.members.retain(|_, id| members.iter().any(|member| member.id == *id));
        let is_bound = |model: ModelId| {
            members.iter().any(|member| member.model == Some(model) || member.coming == Some(model))
        };
        let is_known = |model: ModelId| {
            table.slot(model).is_some() || table.crashed().contains(&model) || is_bound(model)
        };
        self.models.retain(|_, id| is_known(*id));
        self.known.retain(|id, _| is_known(*id));
    }
}

/// The least number that is not taken.
fn free_number(taken: impl Iterator<Item = u16>) -> Result<u16, Error> {
    let taken: std::collections::BTreeSet<u16> = taken.collect();
    (0..NUMBERS_MAX).find(|number| !taken.contains(number)).ok_or_else(|| Error::InvalidArgument {
        argument: "the model".to_string(),
        problem: format!("is one of more than {NUMBERS_MAX}: unload some under the names that they have"),
    })
}

/// What is between content and context in an identity.
const WITH: &str = " with ";

/// How many are kept though the table may not know them any more.
const KEPT_MAX: usize = 256;

/// Far more than a user has models, and far less than the table's numbers.
const NUMBERS_MAX: u16 = 1024;
