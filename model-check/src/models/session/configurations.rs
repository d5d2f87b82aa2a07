//! What is checked of the sessions: each configuration with the counts that it has to yield.

use std::num::NonZeroUsize;

use modeld_spec::session::draft::Drafts;
use modeld_spec::session::table::Sharing;

use super::Sessions;
use super::state::Budget;
use crate::configuration::Configuration;

/// Every configuration.
pub(super) fn all() -> Vec<Configuration<Sessions>> {
    tapes().into_iter().chain(shared()).chain(snapshots()).chain(deep()).collect()
}

/// Quick: what becomes of tapes and of the sequences that they are in.
fn tapes() -> Vec<Configuration<Sessions>> {
    let (one, two) = (one(), two());
    let budget = Budget { opens: 1, asks: 4, ..Sessions::NOTHING };
    let reused = Budget { opens: 3, asks: 2, closes: 2, unknowns: 1, lates: 1, fences: 1, ..budget };
    vec![
        Configuration::quick(
            "cancel",
            Sessions { limits: [4, 4], budget: Budget { cancels: 2, lates: 1, ..budget }, ..one.clone() },
            (175_104, 399_804, 36),
        ),
        Configuration::quick(
            "outcomes",
            Sessions { budget: Budget { cancels: 1, failures: 1, unknowns: 2, ..budget }, ..one.clone() },
            (390_311, 876_748, 36),
        ),
        Configuration::quick(
            "uncuttable",
            Sessions {
                trims: false,
                budget: Budget { cancels: 1, failures: 1, unknowns: 1, ..budget },
                ..one
            },
            (202_097, 429_423, 34),
        ),
        Configuration::quick(
            "two",
            Sessions { budget: Budget { opens: 2, cancels: 1, closes: 1, ..budget }, ..two.clone() },
            (251_192, 822_329, 33),
        ),
        Configuration::quick(
            "reused",
            Sessions { sequences: 2, generates: 0, budget: reused, ..two },
            (957_825, 4_234_955, 25),
        ),
    ]
}

/// Quick: what sessions take from each other, and what they guess.
fn shared() -> Vec<Configuration<Sessions>> {
    let sharing = Sharing::AtLeast(NonZeroUsize::MIN);
    let budget = Budget { opens: 2, asks: 4, ..Sessions::NOTHING };
    let shared = Sessions { sharing, sequences: 2, prefixes: &["ab", "abb"], ..two() };
    let guesses = Sessions { drafts: Drafts { most: 2, alike: 1 }, limits: [5, 5], generates: 3, ..one() };
    vec![
        Configuration::quick(
            "shared",
            Sessions {
                generates: 0,
                budget: Budget { cancels: 1, closes: 1, unknowns: 1, ..budget },
                ..shared.clone()
            },
            (1_035_356, 4_437_799, 30),
        ),
        Configuration::quick(
            "shared-decode",
            Sessions { generates: 1, budget: Budget { asks: 4, ..budget }, ..shared },
            (36_612, 94_944, 27),
        ),
        Configuration::quick(
            "shifts",
            Sessions {
                shifts: true,
                generates: 3,
                limits: [3, 3],
                prefixes: &["a", "ab"],
                suffixes: &["b"],
                snapshots: true,
                drafts: Drafts { most: 1, alike: 1 },
                budget: Budget { opens: 1, asks: 4, cancels: 1, unknowns: 1, ..budget },
                ..one()
            },
            (257_397, 428_439, 52),
        ),
        Configuration::quick(
            "guesses",
            Sessions {
                prefixes: &["ab"],
                suffixes: &["b"],
                budget: Budget { opens: 1, asks: 4, cancels: 1, failures: 1, unknowns: 1, ..budget },
                ..guesses
            },
            (375_605, 698_224, 43),
        ),
    ]
}

/// Quick: what becomes of snapshots, and of a client that needs them.
fn snapshots() -> Vec<Configuration<Sessions>> {
    let budget = Budget { opens: 1, asks: 4, ..Sessions::NOTHING };
    let shared = Sessions { places: 2, generates: 0, suffixes: &[], ..saved() };
    vec![
        Configuration::quick(
            "snapshot",
            Sessions {
                foreign: true,
                budget: Budget {
                    cancels: 1,
                    failures: 1,
                    corruptions: 1,
                    tears: 1,
                    shorts: 1,
                    fences: 1,
                    ..budget
                },
                ..saved()
            },
            (1_809_782, 5_202_969, 31),
        ),
        Configuration::quick(
            "shared-snapshot",
            Sessions { budget: Budget { opens: 2, closes: 1, unknowns: 1, ..budget }, ..shared },
            (118_220, 382_431, 28),
        ),
        Configuration::quick(
            "client",
            Sessions { budget: Budget { asks: 3, cancels: 1, fences: 1, losses: 1, ..budget }, ..client() },
            (1_410_759, 4_509_840, 47),
        ),
        Configuration::quick(
            "client-crash",
            Sessions {
                places: 2,
                limits: [3, 1],
                budget: Budget { opens: 2, asks: 3, crashes: 1, lates: 1, tears: 1, ..budget },
                ..client()
            },
            (178_742, 454_758, 44),
        ),
    ]
}

fn deep() -> Vec<Configuration<Sessions>> {
    let budget = Budget { opens: 1, asks: 5, ..Sessions::NOTHING };
    let reused = Budget { opens: 3, asks: 3, closes: 2, unknowns: 1, lates: 1, fences: 1, ..budget };
    vec![
        Configuration::deep(
            "cancels",
            Sessions { limits: [4, 4], budget: Budget { cancels: 3, lates: 1, ..budget }, ..one() },
            (709_280, 1_783_257, 42),
        ),
        Configuration::deep(
            "two-closed",
            Sessions { budget: Budget { opens: 3, asks: 4, cancels: 1, closes: 2, ..budget }, ..two() },
            (1_496_729, 5_523_050, 36),
        ),
        Configuration::deep(
            "reused-again",
            Sessions { sequences: 2, generates: 0, budget: reused, ..two() },
            (5_649_357, 28_320_997, 29),
        ),
    ]
}

/// One session, and texts that share beginnings.
fn one() -> Sessions {
    Sessions { prefixes: &["a", "ab", "abb", "ba"], suffixes: &["a", "bb"], ..Sessions::SMALL }
}

/// Two sessions on one cache.
fn two() -> Sessions {
    Sessions { places: 2, sequences: 3, prefixes: &["ab"], suffixes: &["b"], ..Sessions::SMALL }
}

/// One session with snapshots.
fn saved() -> Sessions {
    Sessions { snapshots: true, prefixes: &["a", "bb"], generates: 1, ..Sessions::SMALL }
}

/// A client that follows its owners.
fn client() -> Sessions {
    Sessions { client: true, prefixes: &["ab"], suffixes: &[], snapshots: true, ..Sessions::SMALL }
}
