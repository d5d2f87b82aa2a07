//! What is checked of the holder protocol: each configuration with the counts that it has to yield.

use modeld_spec::holder::frame::Question;

use super::Bind;
use super::names::{Name, SECOND};
use super::state::Budget;
use crate::configuration::Configuration;

/// Every configuration.
pub(super) fn all() -> Vec<Configuration<Bind>> {
    bound().into_iter().chain(parents()).chain(members()).chain(detached()).chain(deep()).collect()
}

/// The handshake, with strays and late replies.
fn bound() -> Vec<Configuration<Bind>> {
    let small = Bind::SMALL;
    let budget = small.budget;
    let empty = Bind { hosts: false, ..small.clone() };
    let late = Bind { budget: Budget { impatience: 2, ..budget }, ..empty.clone() };
    let stray = Bind { strays: 1, budget: Budget { words: 3, ..budget }, windows: false, ..empty };
    let foreign =
        Bind { foreign: true, windows: true, budget: Budget { words: 1, ..budget }, ..stray.clone() };
    let crowd = Bind { lines: 1, windows: true, budget, ..stray.clone() };
    vec![
        Configuration::quick(
            "whole-life",
            Bind { closes: true, budget: Budget { crashes: 1, babble: 1, ..budget }, ..small.clone() },
            (37_712, 143_318, 67),
        ),
        Configuration::quick("late", late, (50_804, 132_391, 50)),
        Configuration::quick("stray", stray, (39_606, 113_672, 35)),
        Configuration::quick("foreign", foreign, (57_244, 177_769, 56)),
        Configuration::quick("crowd", crowd, (16_154, 46_759, 55)),
        Configuration::quick("skew", Bind { holder_versions: (2, 3), ..small.clone() }, (32_109, 92_106, 60)),
        Configuration::quick("parted", Bind { holder_versions: (3, 4), ..small }, (2_197, 6_101, 34)),
    ]
}

/// What tells a holder of its client's end: each by itself, the others taken away.
fn parents() -> Vec<Configuration<Bind>> {
    let small = Bind { closes: true, ..Bind::SMALL };
    let wrapped = Bind { wrapped: true, budget: Budget { wrappers: 1, ..small.budget }, ..small.clone() };
    vec![
        Configuration::quick(
            "pid-reuse",
            Bind { reuses: true, windows: false, ..small.clone() },
            (1_563, 3_866, 37),
        ),
        Configuration::quick("wrapped", wrapped.clone(), (69_322, 219_751, 65)),
        Configuration::quick(
            "connection-only",
            Bind { unverifiable: true, ..wrapped.clone() },
            (46_492, 160_281, 64),
        ),
        Configuration::quick("descriptor-only", Bind { leaks: true, ..wrapped }, (69_278, 215_330, 65)),
        Configuration::quick(
            "reparenting-only",
            Bind { unverifiable: true, leaks: true, ..small },
            (21_061, 59_311, 63),
        ),
    ]
}

/// Members that are added and stopped while others boot, fail and die.
fn members() -> Vec<Configuration<Bind>> {
    let small = Bind { budget: Budget { deaths: 0, ..Bind::SMALL.budget }, windows: false, ..Bind::SMALL };
    let budget = small.budget;
    let asks = |first, second| Bind { asks: [first, second], ..small.clone() };
    vec![
        Configuration::quick("stop-in-boot", asks(STOP_FIRST, None), (1_217, 2_848, 42)),
        Configuration::quick(
            "add-and-stop",
            Bind { hosts: false, ..asks(ADD, STOP_SECOND) },
            (19_355, 50_584, 55),
        ),
        Configuration::quick(
            "add-again",
            Bind { hosts: false, budget: Budget { impatience: 1, ..budget }, ..asks(ADD, None) },
            (17_801, 41_952, 53),
        ),
        Configuration::quick(
            "drain",
            Bind {
                windows: true,
                hosts: false,
                budget: Budget { terminations: 1, ..budget },
                ..asks(ADD, None)
            },
            (465_215, 1_490_304, 84),
        ),
        Configuration::quick(
            "add-retried",
            Bind { hosts: false, budget: Budget { impatience: 1, ..budget }, ..asks(ADD, STOP_SECOND) },
            (1_202_537, 3_697_779, 70),
        ),
        Configuration::quick("exists", asks(ADD_FIRST, STOP_FIRST), (37_259, 114_387, 59)),
        Configuration::quick("full", Bind { members: 1, ..asks(ADD, None) }, (1_233, 3_010, 38)),
        Configuration::quick(
            "add-fails",
            Bind { budget: Budget { failures: 2, ..budget }, ..asks(ADD, None) },
            (8_570, 25_233, 46),
        ),
        Configuration::quick(
            "not-yours",
            Bind { budget: Budget { terminations: 1, ..budget }, ..asks(STOP_ALL, ADD) },
            (466_509, 1_767_525, 65),
        ),
    ]
}

/// Holders that belong to nobody.
fn detached() -> Vec<Configuration<Bind>> {
    let small = Bind { bound: false, ..Bind::SMALL };
    let budget = small.budget;
    vec![
        Configuration::quick(
            "outlives",
            Bind { strays: 1, budget: Budget { words: 2, ..budget }, ..small.clone() },
            (71_472, 276_107, 40),
        ),
        Configuration::quick(
            "last-member",
            Bind { asks: [STOP_FIRST, ADD], windows: false, ..small.clone() },
            (41_195, 145_410, 52),
        ),
        Configuration::quick("stop-all", Bind { asks: [STOP_ALL, None], ..small }, (27_586, 92_641, 52)),
    ]
}

fn deep() -> Vec<Configuration<Bind>> {
    let small = Bind::SMALL;
    let budget = small.budget;
    let empty = Bind { hosts: false, ..small.clone() };
    let late = Budget { impatience: 1, ..budget };
    vec![
        Configuration::deep(
            "stray-deadlines",
            Bind { strays: 1, budget: Budget { words: 2, ..budget }, ..empty.clone() },
            (564_314, 1_905_291, 59),
        ),
        Configuration::deep(
            "stray-late",
            Bind { strays: 1, windows: false, budget: Budget { words: 2, ..late }, ..empty },
            (289_784, 864_910, 49),
        ),
        Configuration::deep(
            "late-boot",
            Bind { closes: true, budget: late, ..small.clone() },
            (275_797, 843_117, 64),
        ),
        Configuration::deep(
            "detached-late",
            Bind { bound: false, asks: [STOP_ALL, None], budget: late, ..small.clone() },
            (472_016, 1_781_427, 55),
        ),
        Configuration::deep(
            "last-member-deadlines",
            Bind { bound: false, asks: [STOP_FIRST, ADD], ..small },
            (3_764_869, 15_631_867, 84),
        ),
    ]
}

pub(super) const ADD: Option<Question<Name>> = Some(Question::Add { member: Name::Second, ticket: SECOND });
const ADD_FIRST: Option<Question<Name>> = Some(Question::Add { member: Name::First, ticket: SECOND });
pub(super) const STOP_FIRST: Option<Question<Name>> = Some(Question::Stop { member: Name::First });
const STOP_SECOND: Option<Question<Name>> = Some(Question::Stop { member: Name::Second });
pub(super) const STOP_ALL: Option<Question<Name>> = Some(Question::StopAll);
