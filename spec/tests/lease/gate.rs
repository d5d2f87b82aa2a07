//! The gate word, for all deadlines and instants.

use modeld_spec::lease::gate::GateWord;
use modeld_spec::time::BootTime;
use proptest::prelude::*;

fn instant() -> impl Strategy<Value = BootTime> {
    // Small numbers, so that instants meet and pass one another, and the ends of the range.
    prop_oneof![8 => 0u64..40, 1 => Just(u64::MAX), 1 => any::<u64>()].prop_map(BootTime::from_nanos)
}

#[test]
fn l5_nothing_begins_at_or_after_the_deadline() {
    let word = GateWord::open_until(BootTime::from_nanos(10));
    assert!(word.admits(BootTime::from_nanos(9)));
    assert!(!word.admits(BootTime::from_nanos(10)));
    assert!(!word.admits(BootTime::from_nanos(11)));
    assert!(!GateWord::FENCED.admits(BootTime::ZERO));
    assert_eq!(GateWord::FENCED.deadline(), None);
}

proptest! {
    /// Whatever renewals come, and whenever: a word that admitted nothing at an instant admits nothing later.
    #[test]
    fn l6_a_fenced_gate_stays_fenced(
        start in instant(),
        mut story in proptest::collection::vec((instant(), instant(), any::<bool>()), 0..12),
    ) {
        story.sort_by_key(|(now, ..)| *now);
        let mut word = GateWord::open_until(start);
        let mut closed = false;
        for (now, deadline, fence) in story {
            closed |= !word.admits(now);
            match word.extended(deadline, now) {
                Some(later) => {
                    prop_assert!(!closed, "a closed word was opened again");
                    prop_assert!(word.deadline() < later.deadline(), "a deadline moved back");
                    word = later;
                }
                None => prop_assert!(closed || Some(deadline) <= word.deadline()),
            }
            if fence {
                word = GateWord::FENCED;
            }
            prop_assert!(!(closed && word.admits(now)));
        }
    }

    #[test]
    fn a_word_survives_its_atomic(deadline in instant()) {
        let word = GateWord::open_until(deadline);
        prop_assert_eq!(GateWord::from_bits(word.bits()), word);
    }
}
