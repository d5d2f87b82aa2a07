//! Small changes to the protocol, each of which a property has to notice.
//!
//! A machine is never changed: a mutant falsifies what a machine observes, or what becomes of what it wants, in
//! the way that a machine without the guard would behave. See `holder.rs`, `peers.rs` and `actions.rs` for the places.
//! A mutant that a fault alone exposes says so: without the fault it survives ([`Mutant::without_fault`]).

use modeld_spec::holder::frame::Question;

use super::names::{Name, SECOND};
use super::properties as p;
use super::state::Budget;
use super::{Bind, goals};
use crate::study::{Expected, Mutated};

/// One change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutant {
    /// The holder arms its death watch when it has offered, without an ack.
    ArmsWithoutAck,
    /// Whoever says bind is offered the watch, whatever its token.
    AnyTokenBinds,
    /// The holder does not tell a later attempt from an earlier one.
    AttemptsAreEqual,
    /// The end of any connection counts as the end of the client.
    AnyEndCounts,
    /// The end of the watched connection is not heard.
    IgnoresTheEnd,
    /// The end of the client's process is not heard.
    IgnoresDescriptor,
    /// The client is looked for by its pid alone.
    ParentByPid,
    /// Another parent counts as the end of the client, without looking.
    ReparentingIsDeath,
    /// Another parent is not noticed.
    IgnoresReparenting,
    /// A holder waits without a bound for its client to bind it.
    NoBindWindow,
    /// A holder ends at its bind deadline although it is bound.
    WindowIgnoresBinding,
    /// A detached holder takes over what its starter was bound by.
    DetachedInheritsBond,
    /// The holder takes any hello for one of its own versions.
    ServesAnyVersion,
    /// A connection needs no hello.
    ServesBeforeHello,
    /// Whoever says so ends a bound holder.
    AnybodyStopsAll,
    /// A repeated wish for a member counts as a new one.
    EveryWishIsNew,
    /// A wish is forgotten when its member has left.
    ForgetsDeparted,
    /// A member is added beside another of its name.
    AddsBesideExisting,
    /// A member is added although the holder is ending.
    AddsWhileEnding,
    /// An ack is taken although the holder is ending.
    ArmsWhileEnding,
    /// A stop is not taken while its member loads.
    DropsStopWhileLoading,
    /// A load that is under way when its member is stopped goes on, and its model stays.
    CancelLeavesTheLoad,
    /// A stop is answered before it is done.
    AnswersStopAtOnce,
    /// A wish is answered before its member is up.
    AnswersUpAtOnce,
    /// What could not be freed in time is said to be stopped.
    HeldIsStopped,
    /// That a load failed is not heard.
    FailureIsUnheard,
    /// A detached holder whose last member has left does not end.
    EmptyHolderStays,
    /// A question that is said before the answer to the one before it is taken in its place.
    TakesSecondQuestion,
    /// Another user's process is served.
    ForeignIsOwn,
    /// Any number of connections is served.
    NoLineLimit,
    /// Any number of members is taken on.
    NoMemberLimit,
    /// A connection on which nothing is said is kept.
    SilentLinesStay,
    /// The watched connection is ended for what does not fit on it.
    PartsWatchedLine,
    /// The client takes itself for bound when it has said ack.
    BelievesOnAck,
    /// The client ends the connection that it gives up before it has another.
    HangsUpToRetry,
    /// The client does not notice that the process that it started has ended.
    MissesTheChildsEnd,
    /// The client leaves a holder behind that it could not bind.
    LeavesTheChild,
    /// A holder that was given another parent looks for its client again and again, and hears nothing else.
    LooksAgain,
    /// A client asks again and again whether the holder serves, and never whether it lives.
    PollsForReady,
    /// Whoever asks looks for the answer again and again, and not for the end of the connection.
    PollsForAnswer,
}

/// Every mutant, with what has to become of it.
pub(super) fn all() -> Vec<Mutated<Bind>> {
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
    pub const ALL: [Mutant; 40] = [
        Mutant::ArmsWithoutAck,
        Mutant::AnyTokenBinds,
        Mutant::AttemptsAreEqual,
        Mutant::AnyEndCounts,
        Mutant::IgnoresTheEnd,
        Mutant::IgnoresDescriptor,
        Mutant::ParentByPid,
        Mutant::ReparentingIsDeath,
        Mutant::IgnoresReparenting,
        Mutant::NoBindWindow,
        Mutant::WindowIgnoresBinding,
        Mutant::DetachedInheritsBond,
        Mutant::ServesAnyVersion,
        Mutant::ServesBeforeHello,
        Mutant::AnybodyStopsAll,
        Mutant::EveryWishIsNew,
        Mutant::ForgetsDeparted,
        Mutant::AddsBesideExisting,
        Mutant::AddsWhileEnding,
        Mutant::ArmsWhileEnding,
        Mutant::DropsStopWhileLoading,
        Mutant::CancelLeavesTheLoad,
        Mutant::AnswersStopAtOnce,
        Mutant::AnswersUpAtOnce,
        Mutant::HeldIsStopped,
        Mutant::FailureIsUnheard,
        Mutant::EmptyHolderStays,
        Mutant::TakesSecondQuestion,
        Mutant::ForeignIsOwn,
        Mutant::NoLineLimit,
        Mutant::NoMemberLimit,
        Mutant::SilentLinesStay,
        Mutant::PartsWatchedLine,
        Mutant::BelievesOnAck,
        Mutant::HangsUpToRetry,
        Mutant::MissesTheChildsEnd,
        Mutant::LeavesTheChild,
        Mutant::LooksAgain,
        Mutant::PollsForReady,
        Mutant::PollsForAnswer,
    ];

    /// Its name.
    pub fn id(self) -> &'static str {
        match self {
            Mutant::ArmsWithoutAck => "arms_without_ack",
            Mutant::AnyTokenBinds => "any_token_binds",
            Mutant::AttemptsAreEqual => "attempts_are_equal",
            Mutant::AnyEndCounts => "any_end_counts",
            Mutant::IgnoresTheEnd => "ignores_the_end",
            Mutant::IgnoresDescriptor => "ignores_descriptor",
            Mutant::ParentByPid => "parent_by_pid",
            Mutant::ReparentingIsDeath => "reparenting_is_death",
            Mutant::IgnoresReparenting => "ignores_reparenting",
            Mutant::NoBindWindow => "no_bind_window",
            Mutant::WindowIgnoresBinding => "window_ignores_binding",
            Mutant::DetachedInheritsBond => "detached_inherits_bond",
            Mutant::ServesAnyVersion => "serves_any_version",
            Mutant::ServesBeforeHello => "serves_before_hello",
            Mutant::AnybodyStopsAll => "anybody_stops_all",
            Mutant::EveryWishIsNew => "every_wish_is_new",
            Mutant::ForgetsDeparted => "forgets_departed",
            Mutant::AddsBesideExisting => "adds_beside_existing",
            Mutant::AddsWhileEnding => "adds_while_ending",
            Mutant::ArmsWhileEnding => "arms_while_ending",
            Mutant::DropsStopWhileLoading => "drops_stop_while_loading",
            Mutant::CancelLeavesTheLoad => "cancel_leaves_the_load",
            Mutant::AnswersStopAtOnce => "answers_stop_at_once",
            Mutant::AnswersUpAtOnce => "answers_up_at_once",
            Mutant::HeldIsStopped => "held_is_stopped",
            Mutant::FailureIsUnheard => "failure_is_unheard",
            Mutant::EmptyHolderStays => "empty_holder_stays",
            Mutant::TakesSecondQuestion => "takes_second_question",
            Mutant::ForeignIsOwn => "foreign_is_own",
            Mutant::NoLineLimit => "no_line_limit",
            Mutant::NoMemberLimit => "no_member_limit",
            Mutant::SilentLinesStay => "silent_lines_stay",
            Mutant::PartsWatchedLine => "parts_watched_line",
            Mutant::BelievesOnAck => "believes_on_ack",
            Mutant::HangsUpToRetry => "hangs_up_to_retry",
            Mutant::MissesTheChildsEnd => "misses_the_childs_end",
            Mutant::LeavesTheChild => "leaves_the_child",
            Mutant::LooksAgain => "looks_again",
            Mutant::PollsForReady => "polls_for_ready",
            Mutant::PollsForAnswer => "polls_for_answer",
        }
    }

    /// What it changes.
    pub fn change(self) -> &'static str {
        match self {
            Mutant::ArmsWithoutAck => "The holder arms its death watch when it has offered, without an ack.",
            Mutant::AnyTokenBinds => "Whoever says bind is offered the watch, whatever its token.",
            Mutant::AttemptsAreEqual => "The holder does not tell a later attempt from an earlier one.",
            Mutant::AnyEndCounts => "The end of any connection counts as the end of the client.",
            Mutant::IgnoresTheEnd => "The end of the watched connection is not heard.",
            Mutant::IgnoresDescriptor => "The end of the client's process is not heard.",
            Mutant::ParentByPid => "The client is looked for by its pid alone.",
            Mutant::ReparentingIsDeath => "Another parent counts as the end of the client, without looking.",
            Mutant::IgnoresReparenting => "Another parent is not noticed.",
            Mutant::NoBindWindow => "A holder waits without a bound for its client to bind it.",
            Mutant::WindowIgnoresBinding => "A holder ends at its bind deadline although it is bound.",
            Mutant::DetachedInheritsBond => "A detached holder takes over what its starter was bound by.",
            Mutant::ServesAnyVersion => "The holder takes any hello for one of its own versions.",
            Mutant::ServesBeforeHello => "A connection needs no hello.",
            Mutant::AnybodyStopsAll => "Whoever says so ends a bound holder.",
            Mutant::EveryWishIsNew => "A repeated wish for a member counts as a new one.",
            Mutant::ForgetsDeparted => "A wish is forgotten when its member has left.",
            Mutant::AddsBesideExisting => "A member is added beside another of its name.",
            Mutant::AddsWhileEnding => "A member is added although the holder is ending.",
            Mutant::ArmsWhileEnding => "An ack is taken although the holder is ending.",
            Mutant::DropsStopWhileLoading => "A stop is not taken while its member loads.",
            Mutant::CancelLeavesTheLoad => {
                "A load that is under way when its member is stopped goes on, and its model stays."
            }
            Mutant::AnswersStopAtOnce => "A stop is answered before it is done.",
            Mutant::AnswersUpAtOnce => "A wish is answered before its member is up.",
            Mutant::HeldIsStopped => "What could not be freed in time is said to be stopped.",
            Mutant::FailureIsUnheard => "That a load failed is not heard.",
            Mutant::EmptyHolderStays => "A detached holder whose last member has left does not end.",
            Mutant::TakesSecondQuestion => {
                "A question that is said before the answer to the one before it is taken in its place."
            }
            Mutant::ForeignIsOwn => "Another user's process is served.",
            Mutant::NoLineLimit => "Any number of connections is served.",
            Mutant::NoMemberLimit => "Any number of members is taken on.",
            Mutant::SilentLinesStay => "A connection on which nothing is said is kept.",
            Mutant::PartsWatchedLine => "The watched connection is ended for what does not fit on it.",
            Mutant::BelievesOnAck => "The client takes itself for bound when it has said ack.",
            Mutant::HangsUpToRetry => {
                "The client ends the connection that it gives up before it has another."
            }
            Mutant::MissesTheChildsEnd => {
                "The client does not notice that the process that it started has ended."
            }
            Mutant::LeavesTheChild => "The client leaves a holder behind that it could not bind.",
            Mutant::LooksAgain => {
                "A holder that was given another parent looks for its client again and again, and hears nothing else."
            }
            Mutant::PollsForReady => {
                "A client asks again and again whether the holder serves, and never whether it lives."
            }
            Mutant::PollsForAnswer => {
                "Whoever asks looks for the answer again and again, and not for the end of the connection."
            }
        }
    }

    /// The property that has to notice it, and in how many steps.
    pub fn caught_by(self) -> (&'static str, usize) {
        match self {
            Mutant::ArmsWithoutAck => (p::h2_armed_after_ack::NAME, 15),
            Mutant::AnyTokenBinds => (p::h2_armed_after_ack::NAME, 14),
            Mutant::AttemptsAreEqual => (p::h4_never_back::NAME, 31),
            Mutant::AnyEndCounts => (p::h1_only_with_client::NAME, 8),
            Mutant::IgnoresTheEnd => (p::h1_with_client::NAME, 20),
            Mutant::IgnoresDescriptor => (p::h1_with_client::NAME, 19),
            Mutant::ParentByPid => (p::h1_with_client::NAME, 6),
            Mutant::ReparentingIsDeath => (p::h1_only_with_client::NAME, 6),
            Mutant::IgnoresReparenting => (p::h1_with_client::NAME, 19),
            Mutant::NoBindWindow => (p::h1_with_client::NAME, 5),
            Mutant::WindowIgnoresBinding => (p::h1_only_with_client::NAME, 19),
            Mutant::DetachedInheritsBond => (p::h9_outlives::NAME, 3),
            Mutant::ServesAnyVersion => (p::h5_no_common_version::NAME, 9),
            Mutant::ServesBeforeHello => (p::h5_nothing_unversioned::NAME, 9),
            Mutant::AnybodyStopsAll => (p::h1_only_with_client::NAME, 13),
            Mutant::EveryWishIsNew => (p::h8_once::NAME, 42),
            Mutant::ForgetsDeparted => (p::h8_once::NAME, 42),
            Mutant::AddsBesideExisting => (p::h8_once::NAME, 17),
            Mutant::AddsWhileEnding => (p::h7_memory_has_member::NAME, 18),
            Mutant::ArmsWhileEnding => (p::h2_believed_is_armed::NAME, 25),
            Mutant::DropsStopWhileLoading => (p::h10_answered::NAME, 33),
            Mutant::CancelLeavesTheLoad => (p::h7_memory_has_member::NAME, 19),
            Mutant::AnswersStopAtOnce => (p::h10_stopped_is_free::NAME, 15),
            Mutant::AnswersUpAtOnce => (p::h7_up_is_up::NAME, 13),
            Mutant::HeldIsStopped => (p::h10_stopped_is_free::NAME, 20),
            Mutant::FailureIsUnheard => (p::h10_answered::NAME, 33),
            Mutant::EmptyHolderStays => (p::h9_last_member::NAME, 19),
            Mutant::TakesSecondQuestion => (p::h10_answered::NAME, 36),
            Mutant::ForeignIsOwn => (p::h3_foreigner::NAME, 9),
            Mutant::NoLineLimit => (p::h11_limits::NAME, 8),
            Mutant::NoMemberLimit => (p::h11_limits::NAME, 15),
            Mutant::SilentLinesStay => (p::h11_no_idle_line::NAME, 22),
            Mutant::PartsWatchedLine => (p::h2_believed_is_armed::NAME, 23),
            Mutant::BelievesOnAck => (p::h2_believed_is_armed::NAME, 17),
            Mutant::HangsUpToRetry => (p::h1_only_with_client::NAME, 21),
            Mutant::MissesTheChildsEnd => (p::h6_comes_to_an_end::NAME, 2),
            Mutant::LeavesTheChild => (p::h6_all_or_nothing::NAME, 12),
            Mutant::LooksAgain => (goals::OUTLIVED, 8),
            Mutant::PollsForReady => (goals::SETTLED, 3),
            Mutant::PollsForAnswer => (goals::ANSWERED, 10),
        }
    }

    /// The smallest configuration in which it shows.
    pub fn model(self) -> Bind {
        let small = Bind { mutant: Some(self), ..Bind::SMALL };
        let budget = small.budget;
        match self {
            Mutant::AnyTokenBinds => {
                Bind { hosts: false, strays: 1, budget: Budget { words: 3, ..budget }, ..small }
            }
            Mutant::AttemptsAreEqual | Mutant::HangsUpToRetry => {
                Bind { hosts: false, budget: Budget { impatience: 1, ..budget }, ..small }
            }
            Mutant::AnyEndCounts | Mutant::SilentLinesStay => Bind { hosts: false, strays: 1, ..small },
            Mutant::IgnoresTheEnd => Bind { hosts: false, unverifiable: true, wrapped: true, ..small },
            Mutant::IgnoresDescriptor => Bind { hosts: false, leaks: true, wrapped: true, ..small },
            Mutant::ParentByPid => Bind { hosts: false, reuses: true, windows: false, ..small },
            Mutant::ReparentingIsDeath => {
                Bind { hosts: false, wrapped: true, budget: Budget { wrappers: 1, ..budget }, ..small }
            }
            Mutant::IgnoresReparenting => Bind { hosts: false, unverifiable: true, leaks: true, ..small },
            Mutant::NoBindWindow => Bind { hosts: false, unverifiable: true, ..small },
            Mutant::LooksAgain => Bind {
                hosts: false,
                unverifiable: true,
                wrapped: true,
                budget: Budget { wrappers: 1, ..budget },
                ..small
            },
            Mutant::DetachedInheritsBond => Bind { bound: false, windows: false, ..small },
            Mutant::ServesAnyVersion | Mutant::LeavesTheChild => {
                Bind { hosts: false, holder_versions: (3, 4), ..small }
            }
            Mutant::ServesBeforeHello => {
                Bind { hosts: false, strays: 1, budget: Budget { words: 1, ..budget }, ..small }
            }
            Mutant::ArmsWhileEnding => {
                Bind { windows: false, budget: Budget { terminations: 1, deaths: 0, ..budget }, ..small }
            }
            Mutant::TakesSecondQuestion => {
                Bind { strays: 1, budget: Budget { words: 3, deaths: 0, ..budget }, windows: false, ..small }
            }
            Mutant::ForeignIsOwn => Bind {
                hosts: false,
                strays: 1,
                foreign: true,
                budget: Budget { words: 1, ..budget },
                ..small
            },
            Mutant::NoLineLimit => Bind { hosts: false, strays: 2, lines: 1, ..small },
            Mutant::PartsWatchedLine => {
                Bind { hosts: false, budget: Budget { babble: 1, ..budget }, ..small }
            }
            Mutant::MissesTheChildsEnd | Mutant::PollsForReady => Bind {
                hosts: false,
                windows: false,
                budget: Budget { crashes: 1, deaths: 0, ..budget },
                ..small
            },
            _ => self.asking(&small).unwrap_or(Bind { hosts: false, ..small }),
        }
    }

    /// The same, for what shows only where somebody asks the holder something.
    fn asking(self, small: &Bind) -> Option<Bind> {
        let small = small.clone();
        let budget = small.budget;
        Some(match self {
            Mutant::AnybodyStopsAll => Bind { hosts: false, asks: [Some(Question::StopAll), None], ..small },
            Mutant::EveryWishIsNew | Mutant::ForgetsDeparted => Bind {
                hosts: false,
                asks: [ADD, STOP_SECOND],
                budget: Budget { impatience: 1, deaths: 0, ..budget },
                windows: false,
                ..small
            },
            Mutant::AddsBesideExisting => Bind { asks: [ADD_FIRST, None], ..small },
            Mutant::AddsWhileEnding => Bind {
                asks: [ADD, None],
                budget: Budget { terminations: 1, deaths: 0, ..budget },
                windows: false,
                ..small
            },
            Mutant::DropsStopWhileLoading => Bind { asks: [STOP_FIRST, None], windows: false, ..small },
            Mutant::CancelLeavesTheLoad | Mutant::AnswersStopAtOnce => {
                Bind { asks: [STOP_FIRST, None], ..small }
            }
            Mutant::AnswersUpAtOnce => Bind { hosts: false, asks: [ADD, None], ..small },
            Mutant::HeldIsStopped => Bind {
                asks: [STOP_FIRST, None],
                budget: Budget { terminations: 1, deaths: 0, ..budget },
                ..small
            },
            Mutant::FailureIsUnheard => Bind {
                hosts: false,
                asks: [ADD, None],
                budget: Budget { failures: 1, deaths: 0, ..budget },
                windows: false,
                ..small
            },
            Mutant::PollsForAnswer => Bind {
                asks: [STOP_FIRST, None],
                budget: Budget { crashes: 1, deaths: 0, ..budget },
                windows: false,
                ..small
            },
            Mutant::EmptyHolderStays => Bind { bound: false, asks: [STOP_FIRST, None], ..small },
            Mutant::NoMemberLimit => Bind { asks: [ADD, None], members: 1, ..small },
            _ => return None,
        })
    }

    /// The same without the fault that alone exposes it, if there is such a fault.
    pub fn without_fault(self) -> Option<Bind> {
        let model = self.model();
        Some(match self {
            Mutant::AnyTokenBinds
            | Mutant::AnyEndCounts
            | Mutant::ServesBeforeHello
            | Mutant::TakesSecondQuestion
            | Mutant::SilentLinesStay => Bind { strays: 0, ..model },
            Mutant::AttemptsAreEqual
            | Mutant::EveryWishIsNew
            | Mutant::ForgetsDeparted
            | Mutant::HangsUpToRetry => Bind { budget: Budget { impatience: 0, ..model.budget }, ..model },
            Mutant::IgnoresTheEnd | Mutant::IgnoresReparenting | Mutant::NoBindWindow => {
                Bind { unverifiable: false, ..model }
            }
            Mutant::IgnoresDescriptor => Bind { leaks: false, ..model },
            Mutant::ParentByPid => Bind { reuses: false, ..model },
            Mutant::ReparentingIsDeath => Bind { wrapped: false, ..model },
            Mutant::WindowIgnoresBinding => Bind { hosts: false, windows: false, ..model },
            Mutant::DetachedInheritsBond => Bind { budget: Budget { deaths: 0, ..model.budget }, ..model },
            Mutant::ServesAnyVersion => Bind { holder_versions: model.client_versions, ..model },
            Mutant::AddsWhileEnding | Mutant::ArmsWhileEnding => {
                Bind { budget: Budget { terminations: 0, ..model.budget }, ..model }
            }
            Mutant::HeldIsStopped => Bind { windows: false, ..model },
            Mutant::FailureIsUnheard => Bind { budget: Budget { failures: 0, ..model.budget }, ..model },
            Mutant::ForeignIsOwn => Bind { foreign: false, ..model },
            Mutant::PartsWatchedLine => Bind { budget: Budget { babble: 0, ..model.budget }, ..model },
            Mutant::MissesTheChildsEnd => Bind { budget: Budget { crashes: 0, ..model.budget }, ..model },
            Mutant::ArmsWithoutAck
            | Mutant::AnybodyStopsAll
            | Mutant::AddsBesideExisting
            | Mutant::DropsStopWhileLoading
            | Mutant::CancelLeavesTheLoad
            | Mutant::AnswersStopAtOnce
            | Mutant::AnswersUpAtOnce
            | Mutant::EmptyHolderStays
            | Mutant::NoLineLimit
            | Mutant::NoMemberLimit
            | Mutant::BelievesOnAck
            | Mutant::LeavesTheChild
            | Mutant::LooksAgain
            | Mutant::PollsForReady
            | Mutant::PollsForAnswer => return None,
        })
    }
}

const ADD: Option<Question<Name>> = Some(Question::Add { member: Name::Second, ticket: SECOND });
const ADD_FIRST: Option<Question<Name>> = Some(Question::Add { member: Name::First, ticket: SECOND });
const STOP_FIRST: Option<Question<Name>> = Some(Question::Stop { member: Name::First });
const STOP_SECOND: Option<Question<Name>> = Some(Question::Stop { member: Name::Second });

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::search::shortest::{Shortest, shortest};
    use crate::study::{Kind, Study};
    use crate::subject::{Fate, Of, Subject};

    fn fall(mutant: Mutant, model: &Bind) -> Shortest<Bind> {
        let (says, _) = mutant.caught_by();
        let promise = p::of(model).into_iter().find(|promise| promise.says == says).unwrap();
        shortest(model, |state| !(promise.holds)(model, state))
    }

    #[test]
    fn quick_ones_are_noticed_in_the_pinned_number_of_steps() {
        let study = Of::<Bind>::study();
        for mutant in study.mutants() {
            let Expected::Killed { steps: steps @ 0..12, .. } = mutant.expected else { continue };
            let Fate::Killed(tale) = study.fate(&mutant) else { panic!("{} survives", mutant.id) };
            assert_eq!(tale.steps.len(), steps, "{}", mutant.id);
        }
    }

    #[test]
    fn what_a_fault_alone_exposes_survives_without_it() {
        let mut exposed = 0;
        for mutant in Mutant::ALL {
            let Some(model) = mutant.without_fault() else { continue };
            assert!(matches!(fall(mutant, &model), Shortest::None { .. }), "{}", mutant.id());
            exposed += 1;
        }
        assert!(15 < exposed, "{exposed}");
    }

    #[test]
    fn every_fault_is_what_alone_exposes_some_mutant() {
        let mut exposing = BTreeSet::new();
        for mutant in Mutant::ALL {
            let Some(without) = mutant.without_fault() else { continue };
            let kept = without.faults();
            exposing.extend(mutant.model().faults().into_iter().filter(|fault| !kept.contains(fault)));
        }
        let mut faults = BTreeSet::new();
        for configuration in Bind::configurations() {
            faults.extend(configuration.model.faults());
        }
        // Whoever takes no step is paused: that is no switch.
        assert!(faults.remove("pause"));
        assert_eq!(faults, exposing);
    }

    #[test]
    fn every_property_of_safety_has_a_mutant() {
        let caught: BTreeSet<&str> = Mutant::ALL.into_iter().map(|mutant| mutant.caught_by().0).collect();
        for promise in p::of(&Bind::SMALL) {
            let safety = promise.kind == Kind::Always && promise.says != p::contract::NAME;
            assert!(!safety || caught.contains(promise.says), "{}", promise.says);
        }
    }

    #[test]
    fn every_mutant_has_its_own_name() {
        let names: BTreeSet<&str> = Mutant::ALL.into_iter().map(Mutant::id).collect();
        assert_eq!(names.len(), Mutant::ALL.len());
    }
}
