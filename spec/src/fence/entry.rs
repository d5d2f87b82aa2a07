//! The entry fence: for whom a call is meant, and whether each item of its answer may still be sent.
//!
//! Rules F6 and F7. A caller names the very ownership that it means, instance and epoch, as it read them; a session
//! names the epoch and the load of the model in which it was opened. Both are compared with what is the case where
//! the call arrives, and a session once more at every item that it produces: a stream outlives its entry.
//!
//! Decides; performs nothing. Who answers and what is said on the wire is the transport's.

use super::commit::Ownership;
use super::permits::PermitWord;
use crate::ids::Epoch;
use crate::lease::gate::GateWord;
use crate::time::BootTime;

/// How often the model of a member was loaded in this ownership; rises with every load and never goes back. What was
/// opened on an earlier load is gone with its KV state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u32);

/// Where a session was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Opened {
    /// In which ownership.
    pub epoch: Epoch,
    /// On which load of its model.
    pub generation: Generation,
}

/// The owner that a call or an item is checked against, at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Here<I> {
    /// Who it is.
    pub ownership: Ownership<I>,
    /// Until when owned effects may begin.
    pub gate: GateWord,
    /// What is under way, and whether more is let in.
    pub permits: PermitWord,
    /// The instant.
    pub now: BootTime,
}

/// Why a call or an item was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// It was meant for another owner, or for another ownership of this one.
    #[error("it is meant for another ownership")]
    NotMeant,
    /// This owner is fenced, or past its deadline.
    #[error("this ownership is fenced")]
    Fenced,
    /// This owner ends, and lets nothing more in.
    #[error("this owner is stopping")]
    Draining,
    /// The session was opened on a load of the model that is gone, or in another ownership.
    #[error("the session is gone")]
    SessionGone,
}

/// F6: whether a call that is meant for `meant` may run here.
///
/// # Errors
/// [`Refusal::NotMeant`], [`Refusal::Fenced`] or [`Refusal::Draining`], in this order: to ask again who owns helps
/// against the first even where the others hold as well.
pub fn admit<I: PartialEq>(meant: &Ownership<I>, here: &Here<I>) -> Result<(), Refusal> {
    if *meant != here.ownership { Err(Refusal::NotMeant) } else { may_begin(here) }
}

/// F7: whether a session that was `opened` there may produce an item or begin an operation here, on the load
/// `resident`; the epoch that the item carries.
///
/// # Errors
/// [`Refusal::SessionGone`], or as [`admit`].
pub fn admit_item<I>(opened: Opened, resident: Generation, here: &Here<I>) -> Result<Epoch, Refusal> {
    if opened != (Opened { epoch: here.ownership.epoch, generation: resident }) {
        return Err(Refusal::SessionGone);
    }
    may_begin(here)?;
    Ok(here.ownership.epoch)
}

/// F1: whether an owned effect may begin here.
///
/// # Errors
/// [`Refusal::Fenced`] or [`Refusal::Draining`].
pub fn may_begin<I>(here: &Here<I>) -> Result<(), Refusal> {
    if !here.gate.admits(here.now) {
        Err(Refusal::Fenced)
    } else if here.permits.entered().is_none() {
        Err(Refusal::Draining)
    } else {
        Ok(())
    }
}
