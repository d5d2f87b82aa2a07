//! What has to have happened in the searches of a profile: every action, every effect, every refusal, every phase.

use modeld_spec::slot::entry::{Phase, Slot};
use modeld_spec::slot::event::{Answer, Effect, Effects, Refusal, Wish};
use modeld_spec::slot::plan::NoRoom;
use modeld_spec::slot::table::Slots;

use crate::coverage::mark;

/// Marks what a table wanted.
pub(super) fn of_effects(effects: &Effects) {
    for effect in effects {
        mark(match effect {
            Effect::Mark { .. } => "slot: wants a mark",
            Effect::Unmark(_) => "slot: wants a mark removed",
            Effect::Load { .. } => "slot: wants a load",
            Effect::BreakOff(_) => "slot: wants a load broken off",
            Effect::Free(_) => "slot: wants memory freed",
            Effect::Abort(_) => "slot: wants work ended",
            Effect::Planned(_, plan) if plan.gives_up.is_some() => "slot: gives a model up first",
            Effect::Planned(_, plan) if !plan.evicts.is_empty() => "slot: evicts",
            Effect::Planned(..) => "slot: has room",
            Effect::Report { .. } => "slot: reports",
            Effect::Answer(_, Answer::Ready(_)) => "slot: answers ready",
            Effect::Answer(_, Answer::Unloaded) => "slot: answers unloaded",
            Effect::Answer(_, Answer::Refused(refusal)) => refused(refusal),
        });
    }
}

fn refused(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Fenced => "slot: refused, fenced",
        Refusal::Failed(_) => "slot: refused, load failed",
        Refusal::NoRoom(NoRoom::TooLarge { .. }) => "slot: refused, too large",
        Refusal::NoRoom(NoRoom::Taken { .. }) => "slot: refused, memory in use",
        Refusal::NoRoom(NoRoom::OnlyInstead { .. }) => "slot: refused, fits only instead",
        Refusal::TookMore { .. } => "slot: refused, took more",
        Refusal::Switching { .. } => "slot: refused, switching",
        Refusal::OtherModel { .. } => "slot: refused, other model",
        Refusal::CrashedBefore => "slot: refused, crashed before",
        Refusal::NotRemembered => "slot: refused, not remembered",
        Refusal::InUse { .. } => "slot: refused, in use",
    }
}

/// Marks what a table has.
pub(super) fn of_table(table: &Slots) {
    for slot in table.slots() {
        of_slot(slot);
    }
}

fn of_slot(slot: &Slot) {
    let parked = slot.asks.iter().any(|ask| ask.wish != Wish::Unload);
    mark(match slot.phase {
        Phase::Room => "slot: waits for room",
        Phase::Marking => "slot: marking",
        Phase::Loading if 1 < slot.asks.len() => "slot: two wait for one load",
        Phase::Loading if slot.asks.is_empty() => "slot: loads what is owed",
        Phase::Loading => "slot: one waits for a load",
        Phase::Ready(_) if slot.planned < slot.bytes => "slot: took more, and there was room",
        Phase::Ready(_) if slot.holders.is_empty() => "slot: idle",
        Phase::Ready(_) => "slot: works",
        Phase::Draining { instead: Some(_), .. } => "slot: drains for another",
        Phase::Draining { .. } if parked => "slot: drains, and somebody waits",
        Phase::Draining { .. } => "slot: drains",
        Phase::Dropping if parked => "slot: drops a mark, and somebody waits",
        Phase::Dropping => "slot: drops a mark",
        Phase::Breaking if parked => "slot: breaks off, and somebody waits",
        Phase::Breaking => "slot: breaks off",
        Phase::Freeing if slot.restore => "slot: frees what is owed",
        Phase::Freeing if parked => "slot: frees, and somebody waits",
        Phase::Freeing => "slot: frees",
    });
}

/// A model is owed to its member.
pub(super) fn owed() {
    mark("slot: a switch failed whose old model had been given up");
}

/// It is not any more.
pub(super) fn paid(serves: bool) {
    mark(if serves { "slot: what was owed serves again" } else { "slot: what was owed has no room" });
}

/// Every mark.
pub(super) const ALL: &[&str] = &[
    "slot: open",
    "slot: load",
    "slot: load instead",
    "slot: unload",
    "slot: close",
    "slot: hang up",
    "slot: hang-up heard",
    "slot: mark ends",
    "slot: begin",
    "slot: progress",
    "slot: loaded",
    "slot: took more",
    "slot: load failed",
    "slot: freed",
    "slot: idle tick",
    "slot: drain tick",
    "slot: fence",
    "slot: look at the gate",
    "slot: crash",
    "slot: restart",
    "slot: disk fails",
    "slot: disk recovers",
    "slot: echo",
    "slot: wants a mark",
    "slot: wants a mark removed",
    "slot: wants a load",
    "slot: wants a load broken off",
    "slot: wants memory freed",
    "slot: wants work ended",
    "slot: gives a model up first",
    "slot: evicts",
    "slot: has room",
    "slot: reports",
    "slot: answers ready",
    "slot: answers unloaded",
    "slot: refused, fenced",
    "slot: refused, load failed",
    "slot: refused, too large",
    "slot: refused, memory in use",
    "slot: refused, fits only instead",
    "slot: refused, took more",
    "slot: refused, switching",
    "slot: refused, other model",
    "slot: refused, crashed before",
    "slot: refused, not remembered",
    "slot: refused, in use",
    "slot: waits for room",
    "slot: marking",
    "slot: two wait for one load",
    "slot: loads what is owed",
    "slot: one waits for a load",
    "slot: took more, and there was room",
    "slot: idle",
    "slot: works",
    "slot: drains for another",
    "slot: drains, and somebody waits",
    "slot: drains",
    "slot: drops a mark, and somebody waits",
    "slot: drops a mark",
    "slot: breaks off, and somebody waits",
    "slot: breaks off",
    "slot: frees what is owed",
    "slot: frees, and somebody waits",
    "slot: frees",
    "slot: a switch failed whose old model had been given up",
    "slot: what was owed serves again",
    "slot: what was owed has no room",
];
