//! How the model's small numbers and the machine's names are made of each other.

use modeld_spec::slot::event::{AskId, Demand, MemberId, ModelId, Old, Wish};

/// How many clients a state has room for.
pub const CALLERS: usize = 4;
/// How many models.
pub const MODELS: usize = 3;
/// How many members.
pub const MEMBERS: usize = 2;

/// One thing that clients ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Choice {
    /// Of which member.
    pub member: u8,
    /// What.
    pub want: Want,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Want {
    /// To work on this model.
    Open(u8),
    /// To make the member this model, the old one staying meanwhile.
    Load(u8),
    /// The same, and the old one may be unloaded first.
    LoadInstead(u8),
    /// To make the member none.
    Unload,
}

impl Choice {
    /// To work on a model of member 0.
    pub const fn open(model: u8) -> Self {
        Choice { member: 0, want: Want::Open(model) }
    }

    /// To make member 0 a model.
    pub const fn load(model: u8) -> Self {
        Choice { member: 0, want: Want::Load(model) }
    }

    /// To make member 0 a model, its old one unloaded first if need be.
    pub const fn load_instead(model: u8) -> Self {
        Choice { member: 0, want: Want::LoadInstead(model) }
    }

    /// To make member 0 none.
    pub const UNLOAD: Choice = Choice { member: 0, want: Want::Unload };

    /// The same of another member.
    pub const fn of(self, member: u8) -> Self {
        Choice { member, ..self }
    }

    /// The model that is asked for.
    pub fn model(self) -> Option<u8> {
        match self.want {
            Want::Open(model) | Want::Load(model) | Want::LoadInstead(model) => Some(model),
            Want::Unload => None,
        }
    }

    /// The member's name.
    pub fn member_id(self) -> MemberId {
        MemberId(u16::from(self.member))
    }

    /// What the table is asked for, models taking what `needs` says.
    pub fn wish(self, needs: &[u8; MODELS]) -> Wish {
        let demand = |model: u8| Demand {
            model: model_id(model),
            bytes: needs.get(usize::from(model)).map_or(0, |bytes| u64::from(*bytes)),
        };
        match self.want {
            Want::Open(model) => Wish::Open(demand(model)),
            Want::Load(model) => Wish::Load(demand(model), Old::Stays),
            Want::LoadInstead(model) => Wish::Load(demand(model), Old::MayGoFirst),
            Want::Unload => Wish::Unload,
        }
    }
}

/// The machine's name of a model.
pub fn model_id(model: u8) -> ModelId {
    ModelId(u16::from(model))
}

/// The model of a name; two names that are [`ALIAS`] apart are those of one model.
pub fn model_of(id: ModelId) -> usize {
    usize::from(id.0 % ALIAS) % MODELS
}

/// The member of a name; the same.
pub fn member_of(id: MemberId) -> usize {
    usize::from(id.0 % ALIAS) % MEMBERS
}

/// The name of the ask that a caller makes with `left` more to make.
pub fn ask_id(caller: usize, left: u8) -> AskId {
    AskId(caller as u64 * SERIALS + u64::from(left))
}

/// Whose ask it is.
pub fn caller_of(id: AskId) -> usize {
    usize::try_from(id.0 / SERIALS).unwrap_or(usize::MAX)
}

/// How many more that caller had to make.
pub fn serial_of(id: AskId) -> u8 {
    u8::try_from(id.0 % SERIALS).unwrap_or(u8::MAX)
}

/// A letter for a model: A, B, C.
pub fn letter(model: u8) -> char {
    char::from(b'A'.saturating_add(model))
}

/// More asks than any caller makes.
const SERIALS: u64 = 8;

/// More models and members than there are.
pub const ALIAS: u16 = 8;
