//! What is checked of the slots: each configuration with the counts that it has to yield.

use super::Slot;
use super::names::Choice;
use crate::configuration::Configuration;

/// Every configuration. All are searched up to the names of the clients.
pub(super) fn all() -> Vec<Configuration<Slot>> {
    quick().into_iter().chain(deep()).map(Configuration::symmetric).collect()
}

fn quick() -> Vec<Configuration<Slot>> {
    let two = Slot { asks: 2, failures: 1, hang_ups: true, ..Slot::SMALL };
    let three = Slot { callers: 3, ..two.clone() };
    vec![
        Configuration::quick(
            "shared",
            Slot { asks: 3, progress: true, idle: true, ..three.clone() },
            (49_069, 196_597, 73),
        ),
        Configuration::quick(
            "beside",
            Slot { menu: BESIDE, idle: true, ..three.clone() },
            (938_996, 4_815_444, 49),
        ),
        Configuration::quick(
            "instead",
            Slot { menu: INSTEAD, budget: 1, slow: true, ..three.clone() },
            (176_386, 803_402, 57),
        ),
        Configuration::quick(
            "unload",
            Slot { menu: UNLOAD, slow: true, ..three.clone() },
            (24_300, 104_903, 37),
        ),
        Configuration::quick(
            "evict",
            Slot { menu: EVICT, needs: [1, 2, 3], idle: true, slow: true, ..three.clone() },
            (224_780, 1_026_446, 49),
        ),
        Configuration::quick(
            "fence",
            Slot { menu: INSTEAD, budget: 1, fences: 1, slow: true, ..three.clone() },
            (397_932, 2_201_674, 59),
        ),
        Configuration::quick(
            "crash",
            Slot { menu: CRASH, asks: 3, hang_ups: false, crashes: 1, disk_failures: 1, ..two },
            (162_970, 501_731, 26),
        ),
        Configuration::quick(
            "excess",
            Slot { menu: INSTEAD, needs: [1, 2, 1], overshoots: 1, ..three.clone() },
            (402_357, 1_821_783, 56),
        ),
        Configuration::quick(
            "restore",
            Slot { menu: RESTORE, needs: [2, 2, 1], ..three.clone() },
            (187_260, 770_716, 56),
        ),
        Configuration::quick("echo", Slot { menu: UNLOAD, echoes: 1, ..three }, (65_330, 313_539, 38)),
    ]
}

fn deep() -> Vec<Configuration<Slot>> {
    let three = Slot { callers: 3, asks: 2, failures: 1, hang_ups: true, ..Slot::SMALL };
    let mixed = Slot { menu: MIXED, needs: [1, 2, 1], slow: true, idle: true, ..three.clone() };
    vec![
        Configuration::deep(
            "crashes",
            Slot { menu: CRASH, crashes: 2, disk_failures: 1, ..three.clone() },
            (14_941_569, 90_626_868, 43),
        ),
        Configuration::deep("fences", Slot { fences: 1, ..mixed.clone() }, (5_888_765, 36_671_006, 62)),
        Configuration::deep("mixed", Slot { asks: 3, hang_ups: false, ..mixed }, (1_162_673, 5_592_222, 73)),
        Configuration::deep("four", Slot { callers: 4, menu: BESIDE, ..three }, (1_706_633, 10_401_330, 49)),
    ]
}

/// A member that is switched where both models fit.
const BESIDE: &[Choice] = &[Choice::open(0), Choice::load(0), Choice::load(1)];
/// A member that is switched, with and without leave to unload the old model first.
pub(super) const INSTEAD: &[Choice] =
    &[Choice::open(0), Choice::load(0), Choice::load(1), Choice::load_instead(1)];
/// Two members of one model, and an unload of one of them.
pub(super) const UNLOAD: &[Choice] = &[Choice::open(0), Choice::UNLOAD, Choice::open(0).of(1)];
/// Two members of models of different sizes.
pub(super) const EVICT: &[Choice] =
    &[Choice::open(0), Choice::open(1).of(1), Choice::load(2), Choice::load(1)];
/// Two members, and an explicit load of the first one's model.
pub(super) const CRASH: &[Choice] = &[Choice::open(0), Choice::load(0), Choice::open(1).of(1)];
/// A member whose model is given up while another member takes the room.
pub(super) const RESTORE: &[Choice] = &[Choice::open(0), Choice::load_instead(1), Choice::open(2).of(1)];
/// Of everything something.
const MIXED: &[Choice] =
    &[Choice::open(0), Choice::load(1), Choice::load_instead(1), Choice::UNLOAD, Choice::open(2).of(1)];
