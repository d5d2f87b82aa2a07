//! Small changes to the protocol, each of which a property has to notice.
//!
//! A machine is never changed: a mutant falsifies what a machine observes, or what becomes of what it wants, in
//! the way that a machine without the guard would behave. See `perform.rs`, `step.rs` and `client.rs` for the places.

use std::num::NonZeroUsize;

use modeld_spec::session::draft::Drafts;
use modeld_spec::session::table::Sharing;

use super::Sessions;
use super::properties as p;
use super::state::Budget;
use crate::study::{Expected, Mutated};

/// One change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutant {
    /// A sequence counts as emptied that nobody has emptied.
    NotCleared,
    /// A sequence of which nobody knows whether it was emptied is used again.
    UnclearIsFree,
    /// A session that is closed does not wait for its batch.
    FreedInFlight,
    /// What is not kept stays in the cache.
    TailNotCut,
    /// A cache that can't be cut counts as cut.
    UncuttableIsCut,
    /// A token is chosen by outputs of an earlier evaluation.
    NoOutputs,
    /// A batch that failed counts as evaluated.
    FailedIsWhole,
    /// A batch that was stopped counts as evaluated.
    StoppedIsWhole,
    /// A batch of unknown outcome counts as not evaluated.
    UnknownIsNothing,
    /// A batch of unknown outcome counts as evaluated.
    UnknownIsWhole,
    /// A cut of unknown outcome counts as done.
    UnknownCutIsDone,
    /// A session goes on whose cache could not be cut back to what is known.
    FailedRepairIsDone,
    /// An operation begins in the place of the one under way.
    BusyNotAsked,
    /// A cancelled operation goes on to its end.
    CancelIgnored,
    /// A token that was chosen when the cancel came is handed out all the same.
    CancelHandsOut,
    /// Of a suffix that does not fit, what fits is taken.
    PromptTruncated,
    /// A suffix that does not fit is refused when the tape is full.
    RefusesAfterwards,
    /// A session gets more room than was reserved for it.
    LimitOfModel,
    /// An answer counts what was reused as evaluated.
    AnswerGuessed,
    /// Where a part of the tape could stay everything is evaluated again.
    NeverCuts,
    /// An observation counts whatever operation it is of.
    TicketNotCompared,
    /// A cancel ends whatever operation is under way.
    CancelHitsAny,
    /// A handle is good for whatever session is in its place.
    LifeNotCompared,
    /// A handle of a former owner is good for the next one.
    EpochNotCompared,
    /// The client takes what comes, whatever operation it is of.
    ClientTakesAnyOperation,
    /// Effects begin after the fence.
    GateNotAsked,
    /// A snapshot that is being written at the fence takes hold.
    CommitNotFenced,
    /// The client takes what comes, whatever owner it is of.
    ClientTakesOldEpoch,
    /// A snapshot is restored whose bytes are not those that it is named after.
    DigestNotCompared,
    /// A snapshot that ends too early is taken for whole.
    TornIsTaken,
    /// A snapshot of another model is restored.
    IdentityNotCompared,
    /// What a load has left in the cache is not compared with the snapshot.
    LengthNotCompared,
    /// A snapshot is loaded over what the session has.
    LoadsInPlace,
    /// After an owner change the history is not compared with the tape.
    ReopenSkipsPrefix,
    /// The client does not look whether an item is the next one.
    GapIgnored,
    /// The client does not look whether all items came when the end comes.
    EndNotCounted,
    /// What is shared is taken from another sequence than the one that was compared.
    SharesFromAny,
    /// What the cache could not share counts as shared.
    RefusedIsShared,
    /// A sharing of unknown outcome counts as done.
    UnknownIsShared,
    /// What the cache could not move counts as moved.
    RefusedIsShifted,
    /// A move of unknown outcome counts as done.
    UnknownIsShifted,
    /// A guess counts as chosen.
    GuessIsChosen,
    /// Of a batch with guesses the outputs of the last row count as those of each.
    OutputsOfLast,
}

/// Every mutant, with what has to become of it.
pub(super) fn all() -> Vec<Mutated<Sessions>> {
    let mutated = |mutant: Mutant| {
        let (by, steps) = mutant.caught_by();
        Mutated {
            id: mutant.id(),
            change: mutant.change(),
            model: mutant.model(),
            expected: Expected::Killed { by, steps },
        }
    };
    Mutant::ALL.into_iter().map(mutated).collect()
}

impl Mutant {
    /// Every mutant.
    pub const ALL: [Mutant; 43] = [
        Mutant::NotCleared,
        Mutant::UnclearIsFree,
        Mutant::FreedInFlight,
        Mutant::TailNotCut,
        Mutant::UncuttableIsCut,
        Mutant::NoOutputs,
        Mutant::FailedIsWhole,
        Mutant::StoppedIsWhole,
        Mutant::UnknownIsNothing,
        Mutant::UnknownIsWhole,
        Mutant::UnknownCutIsDone,
        Mutant::FailedRepairIsDone,
        Mutant::BusyNotAsked,
        Mutant::CancelIgnored,
        Mutant::CancelHandsOut,
        Mutant::PromptTruncated,
        Mutant::RefusesAfterwards,
        Mutant::LimitOfModel,
        Mutant::AnswerGuessed,
        Mutant::NeverCuts,
        Mutant::TicketNotCompared,
        Mutant::CancelHitsAny,
        Mutant::LifeNotCompared,
        Mutant::EpochNotCompared,
        Mutant::ClientTakesAnyOperation,
        Mutant::GateNotAsked,
        Mutant::CommitNotFenced,
        Mutant::ClientTakesOldEpoch,
        Mutant::DigestNotCompared,
        Mutant::TornIsTaken,
        Mutant::IdentityNotCompared,
        Mutant::LengthNotCompared,
        Mutant::LoadsInPlace,
        Mutant::ReopenSkipsPrefix,
        Mutant::GapIgnored,
        Mutant::EndNotCounted,
        Mutant::SharesFromAny,
        Mutant::RefusedIsShared,
        Mutant::UnknownIsShared,
        Mutant::RefusedIsShifted,
        Mutant::UnknownIsShifted,
        Mutant::GuessIsChosen,
        Mutant::OutputsOfLast,
    ];

    /// Its name.
    fn id(self) -> &'static str {
        match self {
            Mutant::NotCleared => "not_cleared",
            Mutant::UnclearIsFree => "unclear_is_free",
            Mutant::FreedInFlight => "freed_in_flight",
            Mutant::TailNotCut => "tail_not_cut",
            Mutant::UncuttableIsCut => "uncuttable_is_cut",
            Mutant::NoOutputs => "no_outputs",
            Mutant::FailedIsWhole => "failed_is_whole",
            Mutant::StoppedIsWhole => "stopped_is_whole",
            Mutant::UnknownIsNothing => "unknown_is_nothing",
            Mutant::UnknownIsWhole => "unknown_is_whole",
            Mutant::UnknownCutIsDone => "unknown_cut_is_done",
            Mutant::FailedRepairIsDone => "failed_repair_is_done",
            Mutant::BusyNotAsked => "busy_not_asked",
            Mutant::CancelIgnored => "cancel_ignored",
            Mutant::CancelHandsOut => "cancel_hands_out",
            Mutant::PromptTruncated => "prompt_truncated",
            Mutant::RefusesAfterwards => "refuses_afterwards",
            Mutant::LimitOfModel => "limit_of_model",
            Mutant::AnswerGuessed => "answer_guessed",
            Mutant::NeverCuts => "never_cuts",
            Mutant::TicketNotCompared => "ticket_not_compared",
            Mutant::CancelHitsAny => "cancel_hits_any",
            Mutant::LifeNotCompared => "life_not_compared",
            Mutant::EpochNotCompared => "epoch_not_compared",
            Mutant::ClientTakesAnyOperation => "client_takes_any_operation",
            Mutant::GateNotAsked => "gate_not_asked",
            Mutant::CommitNotFenced => "commit_not_fenced",
            Mutant::ClientTakesOldEpoch => "client_takes_old_epoch",
            Mutant::DigestNotCompared => "digest_not_compared",
            Mutant::TornIsTaken => "torn_is_taken",
            Mutant::IdentityNotCompared => "identity_not_compared",
            Mutant::LengthNotCompared => "length_not_compared",
            Mutant::LoadsInPlace => "loads_in_place",
            Mutant::ReopenSkipsPrefix => "reopen_skips_prefix",
            Mutant::GapIgnored => "gap_ignored",
            Mutant::EndNotCounted => "end_not_counted",
            Mutant::SharesFromAny => "shares_from_any",
            Mutant::RefusedIsShared => "refused_is_shared",
            Mutant::UnknownIsShared => "unknown_is_shared",
            Mutant::RefusedIsShifted => "refused_is_shifted",
            Mutant::UnknownIsShifted => "unknown_is_shifted",
            Mutant::GuessIsChosen => "guess_is_chosen",
            Mutant::OutputsOfLast => "outputs_of_last",
        }
    }

    /// What was changed.
    fn change(self) -> &'static str {
        match self {
            Mutant::NotCleared => "A sequence counts as emptied that nobody has emptied.",
            Mutant::UnclearIsFree => "A sequence of which nobody knows whether it was emptied is used again.",
            Mutant::FreedInFlight => "A session that is closed does not wait for its batch.",
            Mutant::TailNotCut => "What is not kept stays in the cache.",
            Mutant::UncuttableIsCut => "A cache that can't be cut counts as cut.",
            Mutant::NoOutputs => "A token is chosen by outputs of an earlier evaluation.",
            Mutant::FailedIsWhole => "A batch that failed counts as evaluated.",
            Mutant::StoppedIsWhole => "A batch that was stopped counts as evaluated.",
            Mutant::UnknownIsNothing => "A batch of unknown outcome counts as not evaluated.",
            Mutant::UnknownIsWhole => "A batch of unknown outcome counts as evaluated.",
            Mutant::UnknownCutIsDone => "A cut of unknown outcome counts as done.",
            Mutant::FailedRepairIsDone => {
                "A session goes on whose cache could not be cut back to what is known."
            }
            Mutant::BusyNotAsked => "An operation begins in the place of the one under way.",
            Mutant::CancelIgnored => "A cancelled operation goes on to its end.",
            Mutant::CancelHandsOut => {
                "A token that was chosen when the cancel came is handed out all the same."
            }
            Mutant::PromptTruncated => "Of a suffix that does not fit, what fits is taken.",
            Mutant::RefusesAfterwards => "A suffix that does not fit is refused when the tape is full.",
            Mutant::LimitOfModel => "A session gets more room than was reserved for it.",
            Mutant::AnswerGuessed => "An answer counts what was reused as evaluated.",
            Mutant::NeverCuts => "Where a part of the tape could stay everything is evaluated again.",
            Mutant::TicketNotCompared => "An observation counts whatever operation it is of.",
            Mutant::CancelHitsAny => "A cancel ends whatever operation is under way.",
            Mutant::LifeNotCompared => "A handle is good for whatever session is in its place.",
            Mutant::EpochNotCompared => "A handle of a former owner is good for the next one.",
            Mutant::ClientTakesAnyOperation => "The client takes what comes, whatever operation it is of.",
            Mutant::GateNotAsked => "Effects begin after the fence.",
            Mutant::CommitNotFenced => "A snapshot that is being written at the fence takes hold.",
            Mutant::ClientTakesOldEpoch => "The client takes what comes, whatever owner it is of.",
            Mutant::DigestNotCompared => {
                "A snapshot is restored whose bytes are not those that it is named after."
            }
            Mutant::TornIsTaken => "A snapshot that ends too early is taken for whole.",
            Mutant::IdentityNotCompared => "A snapshot of another model is restored.",
            Mutant::LengthNotCompared => {
                "What a load has left in the cache is not compared with the snapshot."
            }
            Mutant::LoadsInPlace => "A snapshot is loaded over what the session has.",
            Mutant::ReopenSkipsPrefix => "After an owner change the history is not compared with the tape.",
            Mutant::GapIgnored => "The client does not look whether an item is the next one.",
            Mutant::EndNotCounted => "The client does not look whether all items came when the end comes.",
            Mutant::SharesFromAny => {
                "What is shared is taken from another sequence than the one that was compared."
            }
            Mutant::RefusedIsShared => "What the cache could not share counts as shared.",
            Mutant::UnknownIsShared => "A sharing of unknown outcome counts as done.",
            Mutant::RefusedIsShifted => "What the cache could not move counts as moved.",
            Mutant::UnknownIsShifted => "A move of unknown outcome counts as done.",
            Mutant::GuessIsChosen => "A guess counts as chosen.",
            Mutant::OutputsOfLast => {
                "Of a batch with guesses the outputs of the last row count as those of each."
            }
        }
    }

    /// The property that has to notice it, and in how many steps.
    pub fn caught_by(self) -> (&'static str, usize) {
        match self {
            Mutant::NotCleared => (p::t3_free_is_empty::NAME, 7),
            Mutant::UnclearIsFree => (p::t3_own_content::NAME, 8),
            Mutant::FreedInFlight => (p::t3_own_content::NAME, 8),
            Mutant::TailNotCut => (p::t1_tape_is_cache::NAME, 7),
            Mutant::UncuttableIsCut => (p::t1_tape_is_cache::NAME, 11),
            Mutant::NoOutputs => (p::t1_own_outputs::NAME, 9),
            Mutant::FailedIsWhole => (p::t1_tape_is_cache::NAME, 4),
            Mutant::StoppedIsWhole => (p::t1_tape_is_cache::NAME, 5),
            Mutant::UnknownIsNothing => (p::t2_unknown_not_used::NAME, 6),
            Mutant::UnknownIsWhole => (p::t1_tape_is_cache::NAME, 4),
            Mutant::UnknownCutIsDone => (p::t1_tape_is_cache::NAME, 7),
            Mutant::FailedRepairIsDone => (p::t10_fatal_is_final::NAME, 7),
            Mutant::BusyNotAsked => (p::t4_one_operation::NAME, 3),
            Mutant::CancelIgnored => (p::t5_cancel_ends::NAME, 4),
            Mutant::CancelHandsOut => (p::t5_after_state::NAME, 9),
            Mutant::PromptTruncated => (p::t6_overflow_is_refused::NAME, 8),
            Mutant::RefusesAfterwards => (p::t6_refusal_changes_nothing::NAME, 8),
            Mutant::LimitOfModel => (p::t6_within_room::NAME, 10),
            Mutant::AnswerGuessed => (p::t7_answers_exact::NAME, 7),
            Mutant::NeverCuts => (p::t7_answers_exact::NAME, 18),
            Mutant::TicketNotCompared => (p::t8_late_is_nothing::NAME, 8),
            Mutant::CancelHitsAny => (p::t8_late_is_nothing::NAME, 7),
            Mutant::LifeNotCompared => (p::t8_late_is_nothing::NAME, 5),
            Mutant::EpochNotCompared => (p::t8_late_is_nothing::NAME, 4),
            Mutant::ClientTakesAnyOperation => (p::t8_other_operation::NAME, 6),
            Mutant::GateNotAsked => (p::t9_nothing_after_fence::NAME, 9),
            Mutant::CommitNotFenced => (p::t9_nothing_after_fence::NAME, 5),
            Mutant::ClientTakesOldEpoch => (p::t9_old_epoch::NAME, 11),
            Mutant::DigestNotCompared => (p::t11_restores_what_was_saved::NAME, 14),
            Mutant::TornIsTaken => (p::t11_restores_what_was_saved::NAME, 14),
            Mutant::IdentityNotCompared => (p::t11_restores_what_was_saved::NAME, 5),
            Mutant::LengthNotCompared => (p::t11_restores_what_was_saved::NAME, 13),
            Mutant::LoadsInPlace => (p::t11_refusal_leaves_session::NAME, 15),
            Mutant::ReopenSkipsPrefix => (p::t12_history_is_text::NAME, 12),
            Mutant::GapIgnored => (p::t12_no_gap::NAME, 15),
            Mutant::EndNotCounted => (p::t12_history_is_text::NAME, 15),
            Mutant::SharesFromAny => (p::t13_shares_the_same::NAME, 7),
            Mutant::RefusedIsShared => (p::t1_tape_is_cache::NAME, 7),
            Mutant::UnknownIsShared => (p::t1_tape_is_cache::NAME, 7),
            Mutant::RefusedIsShifted => (p::t1_tape_is_cache::NAME, 13),
            Mutant::UnknownIsShifted => (p::t1_tape_is_cache::NAME, 13),
            Mutant::GuessIsChosen => (p::t14_handed_out_was_chosen::NAME, 18),
            Mutant::OutputsOfLast => (p::t1_own_outputs::NAME, 17),
        }
    }

    /// The smallest configuration in which it shows.
    pub fn model(self) -> Sessions {
        let small = Sessions { mutant: Some(self), ..Sessions::SMALL };
        let with = |budget: Budget| Sessions { budget, ..small.clone() };
        let asks = small.budget;
        let client = Sessions {
            client: true,
            snapshots: true,
            prefixes: &["a"],
            suffixes: &[],
            generates: 2,
            ..small.clone()
        };
        let saved =
            Sessions { snapshots: true, prefixes: &["ab"], suffixes: &[], generates: 0, ..small.clone() };
        match self {
            Mutant::TailNotCut
            | Mutant::NoOutputs
            | Mutant::BusyNotAsked
            | Mutant::PromptTruncated
            | Mutant::RefusesAfterwards
            | Mutant::LimitOfModel
            | Mutant::AnswerGuessed
            | Mutant::NeverCuts => small,
            Mutant::UncuttableIsCut => Sessions { trims: false, ..small },
            Mutant::NotCleared => with(Budget { opens: 2, closes: 1, ..asks }),
            Mutant::FreedInFlight => with(Budget { opens: 2, closes: 1, ..asks }),
            Mutant::LifeNotCompared => with(Budget { opens: 2, closes: 1, lates: 1, ..asks }),
            Mutant::UnclearIsFree => {
                Sessions { sequences: 1, ..with(Budget { opens: 2, closes: 1, unknowns: 1, ..asks }) }
            }
            Mutant::FailedIsWhole => with(Budget { failures: 1, ..asks }),
            Mutant::UnknownIsNothing | Mutant::UnknownIsWhole | Mutant::UnknownCutIsDone => {
                with(Budget { unknowns: 1, ..asks })
            }
            Mutant::FailedRepairIsDone => with(Budget { unknowns: 2, ..asks }),
            Mutant::StoppedIsWhole | Mutant::CancelIgnored | Mutant::CancelHandsOut => {
                with(Budget { cancels: 1, ..asks })
            }
            Mutant::TicketNotCompared | Mutant::CancelHitsAny => with(Budget { lates: 1, ..asks }),
            Mutant::EpochNotCompared => with(Budget { opens: 2, crashes: 1, lates: 1, ..asks }),
            Mutant::ClientTakesAnyOperation => Sessions { budget: Budget { cancels: 1, ..asks }, ..client },
            Mutant::GateNotAsked => with(Budget { fences: 1, ..asks }),
            Mutant::CommitNotFenced => Sessions { budget: Budget { fences: 1, ..asks }, ..saved },
            Mutant::ClientTakesOldEpoch => Sessions { budget: Budget { fences: 1, ..asks }, ..client },
            Mutant::DigestNotCompared => Sessions { budget: Budget { corruptions: 1, ..asks }, ..saved },
            Mutant::TornIsTaken => Sessions { budget: Budget { tears: 1, ..asks }, ..saved },
            Mutant::IdentityNotCompared => Sessions { foreign: true, ..saved },
            Mutant::LengthNotCompared | Mutant::LoadsInPlace => {
                Sessions { budget: Budget { shorts: 1, ..asks }, ..saved }
            }
            Mutant::ReopenSkipsPrefix => Sessions { budget: Budget { crashes: 1, ..asks }, ..client },
            Mutant::GapIgnored | Mutant::EndNotCounted => {
                Sessions { budget: Budget { losses: 1, ..asks }, ..client }
            }
            Mutant::SharesFromAny
            | Mutant::RefusedIsShared
            | Mutant::UnknownIsShared
            | Mutant::RefusedIsShifted
            | Mutant::UnknownIsShifted
            | Mutant::GuessIsChosen
            | Mutant::OutputsOfLast => self.beyond_one_text(small),
        }
    }

    /// The smallest configuration with what other sessions have, what is guessed, and what goes to make room.
    fn beyond_one_text(self, small: Sessions) -> Sessions {
        let asks = small.budget;
        let unknowns = u8::from(matches!(self, Mutant::UnknownIsShared | Mutant::UnknownIsShifted));
        let budget = Budget { unknowns, ..asks };
        match self {
            Mutant::GuessIsChosen | Mutant::OutputsOfLast => {
                Sessions { limits: [5, 5], drafts: Drafts { most: 2, alike: 1 }, ..small }
            }
            Mutant::RefusedIsShifted | Mutant::UnknownIsShifted => {
                Sessions { shifts: true, limits: [2, 2], generates: 3, prefixes: &["a"], budget, ..small }
            }
            _ => Sessions {
                places: 2,
                sequences: 2,
                generates: 0,
                sharing: Sharing::AtLeast(NonZeroUsize::MIN),
                budget: Budget { opens: 2, ..budget },
                ..small
            },
        }
    }

    /// The same model without the fault that it takes to show it, if it takes one.
    pub fn without_its_fault(self) -> Option<(&'static str, Sessions)> {
        let model = self.model();
        let Budget { opens, asks, .. } = model.budget;
        let quiet = Budget { opens, asks, ..Sessions::NOTHING };
        let budget = model.budget;
        let off = |budget: Budget| Sessions { budget, ..model.clone() };
        Some(match self {
            Mutant::UncuttableIsCut => ("cache that can't be cut", Sessions { trims: true, ..model }),
            Mutant::NotCleared | Mutant::FreedInFlight => ("close", off(quiet)),
            Mutant::LifeNotCompared => ("close", off(Budget { closes: 0, ..budget })),
            Mutant::UnclearIsFree => ("unknown outcome", off(Budget { unknowns: 0, ..budget })),
            Mutant::FailedIsWhole => ("failed effect", off(quiet)),
            Mutant::UnknownIsNothing
            | Mutant::UnknownIsWhole
            | Mutant::UnknownCutIsDone
            | Mutant::FailedRepairIsDone => ("unknown outcome", off(quiet)),
            Mutant::StoppedIsWhole
            | Mutant::CancelIgnored
            | Mutant::CancelHandsOut
            | Mutant::ClientTakesAnyOperation => ("cancel", off(quiet)),
            Mutant::TicketNotCompared | Mutant::CancelHitsAny => {
                ("late observation, cancel or call", off(quiet))
            }
            Mutant::EpochNotCompared => ("crash", off(Budget { crashes: 0, ..budget })),
            Mutant::GateNotAsked | Mutant::CommitNotFenced | Mutant::ClientTakesOldEpoch => {
                ("fence", off(quiet))
            }
            Mutant::DigestNotCompared => ("corrupt snapshot", off(quiet)),
            Mutant::TornIsTaken => ("torn snapshot", off(quiet)),
            Mutant::IdentityNotCompared => ("foreign snapshot", Sessions { foreign: false, ..model }),
            Mutant::LengthNotCompared => ("short load", off(quiet)),
            Mutant::ReopenSkipsPrefix => ("crash", off(quiet)),
            Mutant::GapIgnored | Mutant::EndNotCounted => ("lost item", off(quiet)),
            Mutant::UnknownIsShared | Mutant::UnknownIsShifted => ("unknown outcome", off(quiet)),
            Mutant::TailNotCut
            | Mutant::NoOutputs
            | Mutant::BusyNotAsked
            | Mutant::PromptTruncated
            | Mutant::RefusesAfterwards
            | Mutant::LimitOfModel
            | Mutant::AnswerGuessed
            | Mutant::NeverCuts
            | Mutant::LoadsInPlace
            | Mutant::SharesFromAny
            | Mutant::RefusedIsShared
            | Mutant::RefusedIsShifted
            | Mutant::GuessIsChosen
            | Mutant::OutputsOfLast => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::shortest::{Shortest, shortest};
    use crate::study::{Kind, Study};

    #[test]
    fn each_is_noticed_in_the_pinned_number_of_steps() {
        for mutated in all() {
            let Expected::Killed { by, steps } = mutated.expected else { continue };
            let promise = mutated.model.promises().into_iter().find(|promise| promise.says == by).unwrap();
            let path = shortest(&mutated.model, |state| !(promise.holds)(&mutated.model, state)).path();
            assert_eq!(path.map(|path| path.steps.len()), Some(steps), "{}", mutated.id);
        }
    }

    #[test]
    fn what_takes_a_fault_to_show_is_not_noticed_without_it() {
        let mut faults = Vec::new();
        for mutant in Mutant::ALL {
            let Some((fault, model)) = mutant.without_its_fault() else { continue };
            let promises: Vec<_> =
                model.promises().into_iter().filter(|promise| promise.kind == Kind::Always).collect();
            let found =
                shortest(&model, |state| promises.iter().any(|promise| !(promise.holds)(&model, state)));
            assert!(matches!(found, Shortest::None { .. }), "{mutant:?} without {fault}");
            assert!(!model.faults().contains(&fault) && mutant.model().faults().contains(&fault));
            faults.push(fault);
        }
        // Each switch has one that only it exposes.
        let every = Sessions {
            trims: false,
            foreign: true,
            budget: Budget {
                opens: 1,
                asks: 1,
                cancels: 1,
                closes: 1,
                failures: 1,
                unknowns: 1,
                fences: 1,
                crashes: 1,
                corruptions: 1,
                tears: 1,
                shorts: 1,
                lates: 1,
                losses: 1,
            },
            ..Sessions::SMALL
        };
        for fault in every.faults() {
            assert!(faults.contains(&fault), "{fault}");
        }
    }

    #[test]
    fn every_property_of_safety_has_a_mutant() {
        let caught: Vec<&str> = Mutant::ALL.map(|mutant| mutant.caught_by().0).to_vec();
        for promise in p::of(&Sessions::SMALL) {
            let safety = promise.kind == Kind::Always && promise.says != p::contract::NAME;
            assert!(!safety || caught.contains(&promise.says), "{}", promise.says);
        }
    }
}
