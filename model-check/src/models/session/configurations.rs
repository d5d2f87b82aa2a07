//! What is checked of the sessions: each configuration with the counts that it has to yield.

use super::Sessions;
use super::state::Budget;
use crate::configuration::Configuration;

/// Every configuration.
pub(super) fn all() -> Vec<Configuration<Sessions>> {
    quick().into_iter().chain(deep()).collect()
}

fn quick() -> Vec<Configuration<Sessions>> {
    let one = Sessions { prefixes: &["a", "ab", "abb", "ba"], suffixes: &["a", "bb"], ..Sessions::SMALL };
    let two = Sessions { places: 2, sequences: 3, prefixes: &["ab"], suffixes: &["b"], ..Sessions::SMALL };
    let saved = Sessions { snapshots: true, prefixes: &["a", "bb"], generates: 1, ..Sessions::SMALL };
    let client =
        Sessions { client: true, prefixes: &["a"], suffixes: &[], snapshots: true, ..Sessions::SMALL };
    let budget = Budget { opens: 1, asks: 4, ..Sessions::NOTHING };
    vec![
        Configuration::quick(
            "cancel",
            Sessions { limits: [4, 4], budget: Budget { cancels: 2, lates: 1, ..budget }, ..one.clone() },
            (0, 0, 0),
        ),
        Configuration::quick(
            "outcomes",
            Sessions { budget: Budget { cancels: 1, failures: 1, unknowns: 2, ..budget }, ..one.clone() },
            (0, 0, 0),
        ),
        Configuration::quick(
            "uncuttable",
            Sessions { trims: false, budget: Budget { cancels: 2, failures: 1, ..budget }, ..one },
            (0, 0, 0),
        ),
        Configuration::quick(
            "two",
            Sessions { budget: Budget { opens: 2, asks: 3, cancels: 1, closes: 1, ..budget }, ..two.clone() },
            (0, 0, 0),
        ),
        Configuration::quick(
            "reused",
            Sessions {
                sequences: 2,
                generates: 0,
                budget: Budget { opens: 3, asks: 3, closes: 2, unknowns: 1, lates: 1, fences: 1, ..budget },
                ..two
            },
            (0, 0, 0),
        ),
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
                ..saved.clone()
            },
            (0, 0, 0),
        ),
        Configuration::quick(
            "shared-snapshot",
            Sessions {
                places: 2,
                generates: 0,
                suffixes: &[],
                budget: Budget { opens: 2, asks: 4, closes: 1, unknowns: 1, ..budget },
                ..saved
            },
            (0, 0, 0),
        ),
        Configuration::quick(
            "client",
            Sessions {
                budget: Budget { asks: 3, cancels: 1, fences: 1, losses: 1, ..budget },
                ..client.clone()
            },
            (0, 0, 0),
        ),
        Configuration::quick(
            "client-crash",
            Sessions {
                places: 2,
                sequences: 2,
                budget: Budget { opens: 2, asks: 3, crashes: 1, lates: 1, tears: 1, ..budget },
                ..client
            },
            (0, 0, 0),
        ),
    ]
}

fn deep() -> Vec<Configuration<Sessions>> {
    Vec::new()
}
