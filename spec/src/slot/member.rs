//! A member: a name, the model that it is, and the one that it is about to be.
//!
//! ```text
//!     (none) --asked--> coming --ready--> model --load of another--> model, coming --ready--> model
//!                          |                ^                              |
//!                          '--failed: none  '------------ failed ----------'
//! ```
//!
//! Rule S4: until the other model serves, the member is what it was.

use super::event::{Ask, Demand, MemberId, ModelId, Refusal, Wish};

/// One member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Member {
    /// Its name.
    pub id: MemberId,
    /// What it is. Not always resident: an idle one is loaded again by whoever opens it.
    pub model: Option<ModelId>,
    /// What it is about to be.
    pub coming: Option<ModelId>,
    /// What `model` takes, if it was given up before `coming` serves, and is owed back should that fail.
    pub gave_up: Option<u64>,
}

impl Member {
    /// A member that is nothing yet.
    pub fn new(id: MemberId) -> Self {
        Member { id, model: None, coming: None, gave_up: None }
    }

    /// Whether `ask` for `demand` can be had of this member at all.
    ///
    /// # Errors
    /// [`Refusal::Switching`], [`Refusal::OtherModel`].
    pub(super) fn permits(&self, ask: &Ask, demand: Demand) -> Result<(), Refusal> {
        let is_open = matches!(ask.wish, Wish::Open(_));
        match (self.model, self.coming) {
            // The old model serves on during a switch, unless it was given up for it.
            (Some(model), Some(to)) if model == demand.model && to != demand.model => {
                if is_open && self.gave_up.is_none() { Ok(()) } else { Err(Refusal::Switching { to }) }
            }
            (_, Some(to)) if to != demand.model => Err(Refusal::Switching { to }),
            (Some(bound), None) if bound != demand.model && is_open => Err(Refusal::OtherModel { bound }),
            _ => Ok(()),
        }
    }

    /// What `ask` has to find: the member is about to be the model that is asked for, unless it is that already.
    pub(super) fn expect(&mut self, model: ModelId) {
        if self.model != Some(model) {
            self.coming = Some(model);
        }
    }

    /// Whether it has become another model while `model` was being loaded for it.
    pub(super) fn has_moved_on_from(&self, model: ModelId) -> bool {
        self.coming != Some(model) && self.model.is_some_and(|bound| bound != model)
    }

    /// It is `model` from here on. Returns the model that it was, if that was another one.
    pub(super) fn become_model(&mut self, model: ModelId) -> Option<ModelId> {
        if self.coming == Some(model) {
            self.coming = None;
            self.gave_up = None;
        }
        self.model.replace(model).filter(|old| *old != model)
    }

    /// S4: what was coming does not come. Returns the model that has to be restored, with its bytes.
    pub(super) fn stay(&mut self) -> Option<Demand> {
        self.coming = None;
        let bytes = self.gave_up.take()?;
        self.model.map(|model| Demand { model, bytes })
    }
}
