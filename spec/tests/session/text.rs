//! Properties of a session's smaller decisions: tape, text, stop strings, parameters, operations.

use modeld_spec::error::{Error, Stage};
use modeld_spec::session::finish::FinishReason;
use modeld_spec::session::operation::{Activity, Admission, Operation};
use modeld_spec::session::params::{Sampling, SamplingParams};
use modeld_spec::session::stop::{STOP_BYTES_MAX, STOP_STRINGS_MAX, StopMatcher, StopStrings};
use modeld_spec::session::tape::{Plan, ReuseReason, Tape, TokenCount, TokenId};
use modeld_spec::session::text::TextAssembler;
use proptest::collection::vec;
use proptest::prelude::*;

fn ids(tokens: &[u8]) -> Vec<TokenId> {
    tokens.iter().map(|token| TokenId(i32::from(*token))).collect()
}

/// A tape that holds `tokens`, of which the first `end` count.
fn tape(tokens: &[u8], end: usize) -> Tape {
    let mut tape = Tape::new();
    tape.follow(tokens.len(), &ids(tokens)).expect("the cache holds what was fed");
    tape.commit(end, Some(end));
    tape
}

/// Performs a plan on a cache that is nothing but a list, and on the tape.
fn perform(tape: &mut Tape, cache: &mut Vec<TokenId>, plan: Plan) {
    cache.truncate(plan.keep);
    tape.keep(plan.keep);
    cache.extend(&plan.feed);
    tape.follow(cache.len(), &plan.feed).expect("the cache holds what was fed");
    tape.commit(plan.end, plan.prefix);
}

#[derive(Clone, Debug)]
enum Act {
    Prefix(Vec<u8>),
    Suffix(Vec<u8>),
    Generate(Vec<u8>),
    /// A suffix of which only so many tokens come into the cache.
    CancelledSuffix(Vec<u8>, usize),
}

fn act() -> impl Strategy<Value = Act> {
    // Two tokens only, so that beginnings are often the same.
    let text = || vec(0u8..2, 0..12);
    prop_oneof![
        text().prop_map(Act::Prefix),
        text().prop_map(Act::Suffix),
        text().prop_map(Act::Generate),
        (text(), 0usize..12).prop_map(|(text, came)| Act::CancelledSuffix(text, came)),
    ]
}

proptest! {
    #[test]
    fn the_tape_is_the_cache_and_its_counted_part_is_the_history(acts in vec(act(), 1..30), limit in 1usize..40) {
        let (mut tape, mut cache, mut history) = (Tape::new(), Vec::new(), Vec::new());
        for act in acts {
            let before = (tape.clone(), cache.len());
            let (planned, wanted) = match &act {
                Act::Prefix(text) => (tape.plan_prefix(&ids(text), limit), ids(text)),
                Act::Suffix(text) | Act::Generate(text) | Act::CancelledSuffix(text, _) => {
                    (tape.plan_suffix(&ids(text), limit), [history.clone(), ids(text)].concat())
                }
            };
            let plan = match planned {
                Ok(plan) => plan,
                Err(Error::ContextOverflow { resident, additional, limit: most, .. }) => {
                    // Decided before anything is changed, exactly when it does not fit.
                    prop_assert!(limit < wanted.len());
                    prop_assert_eq!((resident + additional, most), (wanted.len() as u64, limit as u64));
                    prop_assert_eq!(&before.0, &tape);
                    continue;
                }
                Err(other) => return Err(TestCaseError::fail(other.to_string())),
            };
            prop_assert!(wanted.len() <= limit);
            let start = if matches!(act, Act::Prefix(_)) { 0 } else { history.len() };
            check_numbers(&plan, &tape, start, &wanted[start..])?;
            if let Act::CancelledSuffix(_, came) = act {
                cache.truncate(plan.keep);
                tape.keep(plan.keep);
                let came = came.min(plan.feed.len());
                cache.extend(&plan.feed[..came]);
                tape.follow(cache.len(), &plan.feed).expect("the cache holds what was fed");
                history = tape.tokens()[..tape.end()].to_vec();
            } else {
                perform(&mut tape, &mut cache, plan);
                history = wanted;
            }
            prop_assert_eq!(tape.tokens(), &cache[..]);
            prop_assert_eq!(&tape.tokens()[..tape.end()], &history[..]);
            prop_assert!(tape.prefix() <= tape.end() && tape.end() <= tape.resident());
            prop_assert!(tape.resident() <= limit.max(before.1));
        }
    }

    #[test]
    fn a_cache_that_cannot_be_cut_ends_with_the_same_tape(old in vec(0u8..2, 0..10), new in vec(0u8..2, 0..10)) {
        let (mut cut, mut whole) = (tape(&old, old.len()), tape(&old, old.len()));
        let plan = cut.plan_prefix(&ids(&new), 100).unwrap();
        let emptied = whole.without_trim(plan.clone());
        prop_assert_eq!(emptied.keep, 0);
        prop_assert_eq!(emptied.reuse.reused, TokenCount(0));
        prop_assert_eq!(emptied.reuse.dropped, TokenCount::of(old.len()));
        let (mut one, mut other) = (ids(&old), ids(&old));
        let keeps_tail = plan.feed.is_empty();
        perform(&mut cut, &mut one, plan);
        perform(&mut whole, &mut other, emptied);
        if !keeps_tail {
            prop_assert_eq!(&cut, &whole);
        }
        prop_assert_eq!(&cut.tokens()[..cut.end()], &whole.tokens()[..whole.end()]);
    }

    #[test]
    fn text_in_any_pieces_is_the_lossy_text_of_all_bytes(bytes in bytes(), cuts in vec(0usize..64, 0..12)) {
        let mut assembler = TextAssembler::new();
        let (mut text, mut start) = (String::new(), 0);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.sort_unstable();
        cuts.push(bytes.len());
        for cut in cuts {
            let mut piece = String::new();
            assembler.push(&bytes[start..cut], &mut piece);
            // What was handed out is never taken back: it is a beginning of the text of all.
            text.push_str(&piece);
            start = cut;
        }
        assembler.finish(&mut text);
        prop_assert_eq!(text, String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_stop_string_in_any_pieces_ends_the_text_before_the_first(
        text in "[abé]{0,30}",
        stops in vec("[abé]{1,4}", 0..4),
        cuts in vec(0usize..64, 0..12),
    ) {
        let first = stops.iter().filter_map(|stop| text.find(stop.as_str()).map(|at| (at + stop.len(), at))).min();
        let mut matcher = StopMatcher::new(StopStrings::new(stops.clone()).unwrap());
        let chars: Vec<char> = text.chars().collect();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(chars.len())).collect();
        cuts.sort_unstable();
        cuts.push(chars.len());
        let (mut out, mut start, mut stopped, mut seen) = (String::new(), 0, false, String::new());
        for cut in cuts {
            let piece: String = chars[start..cut].iter().collect();
            seen.push_str(&piece);
            stopped = matcher.push(&piece, &mut out);
            // It stops as soon as a stop string is complete, and what it holds back may yet become one.
            let complete = stops.iter().any(|stop| seen.contains(stop.as_str()));
            prop_assert_eq!(stopped, complete);
            if !complete {
                let held = &seen[out.len()..];
                prop_assert!(held.is_empty() || stops.iter().any(|stop| stop.starts_with(held)));
            }
            start = cut;
        }
        if !stopped {
            matcher.finish(&mut out);
        }
        prop_assert_eq!(stopped, first.is_some());
        prop_assert_eq!(&out, &text[..first.map_or(text.len(), |(_, at)| at)]);
    }

    #[test]
    fn parameters_are_in_their_ranges_or_refused(temperature in any::<f32>(), top_p in any::<f32>(), min_p in any::<f32>()) {
        let sampling = Sampling { temperature, top_p, min_p, ..Sampling::default() };
        match SamplingParams::new(sampling) {
            Ok(params) => {
                let values = params.get();
                prop_assert!(values.temperature.is_finite());
                prop_assert!(0.0 < values.top_p && values.top_p <= 1.0);
                prop_assert!((0.0..=1.0).contains(&values.min_p));
            }
            Err(error) => prop_assert_eq!(error.token(), "invalid_argument"),
        }
    }

    #[test]
    fn a_decode_ends_before_what_does_not_fit(
        generated in 0u64..5, max in proptest::option::of(0u64..5), resident in 0usize..5, pending in 0usize..2, limit in 0usize..5,
    ) {
        let resident = resident.min(limit);
        match FinishReason::before_next(generated, max, resident, pending, limit) {
            Some(FinishReason::Length) => prop_assert!(max.is_some_and(|max| max <= generated)),
            Some(FinishReason::ContextFull { .. }) => prop_assert_eq!(resident + pending, limit + 1),
            Some(other) => return Err(TestCaseError::fail(other.to_string())),
            None => prop_assert!(resident + pending <= limit && max.is_none_or(|max| generated < max)),
        }
    }
}

fn check_numbers(plan: &Plan, tape: &Tape, start: usize, new: &[TokenId]) -> Result<(), TestCaseError> {
    let same = tape.tokens()[start..].iter().zip(new).take_while(|(old, new)| old == new).count();
    let reuse = plan.reuse;
    prop_assert_eq!(reuse.reused.0 as usize, same);
    prop_assert_eq!(reuse.prefilled.0 as usize, new.len() - same);
    prop_assert_eq!(&plan.feed[..], &new[same..]);
    prop_assert_eq!(reuse.dropped.0 as usize, tape.resident() - plan.keep);
    match reuse.reason {
        ReuseReason::Empty => prop_assert_eq!(start, tape.resident()),
        ReuseReason::Identical => prop_assert_eq!(&tape.tokens()[start..], new),
        ReuseReason::Contained => prop_assert!(tape.tokens()[start..].starts_with(new)),
        ReuseReason::Extended => prop_assert!(new.starts_with(&tape.tokens()[start..])),
        ReuseReason::Diverged { at } => {
            prop_assert_ne!(tape.tokens()[at as usize], new[at as usize - start]);
        }
        ReuseReason::NotTrimmable { .. } => return Err(TestCaseError::fail("nothing was refused")),
    }
    Ok(())
}

/// Bytes of which many are parts of characters.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let character = prop_oneof![
        any::<char>().prop_map(|c| c.to_string().into_bytes()),
        vec(any::<u8>(), 1..3),
        Just(vec![0xE2, 0x82]),
        Just(vec![0xF0, 0x9F, 0x98]),
    ];
    vec(character, 0..16).prop_map(|parts| parts.concat())
}

#[test]
fn parameters_of_every_kind_are_bounded() {
    use modeld_spec::session::params::{
        BIAS_MAX, CONSTRAINT_BYTES_MAX, Constraint, LOGIT_BIAS_MAX, LogitBias, Mirostat, MirostatVersion,
        PENALTY_WINDOW_MAX,
    };
    let usual = Sampling::default();
    let bias = |token, bias| LogitBias { token: TokenId(token), bias };
    let mirostat = |tau, eta| Some(Mirostat { version: MirostatVersion::V2, tau, eta });
    let refused = [
        Sampling { typical_p: 0.0, ..usual.clone() },
        Sampling { typical_p: f32::NAN, ..usual.clone() },
        Sampling { penalty_window: PENALTY_WINDOW_MAX + 1, ..usual.clone() },
        Sampling { mirostat: mirostat(0.0, 0.1), ..usual.clone() },
        Sampling { mirostat: mirostat(5.0, 1.5), ..usual.clone() },
        Sampling { logit_bias: vec![bias(1, BIAS_MAX * 2.0)], ..usual.clone() },
        Sampling { logit_bias: vec![bias(1, f32::NAN)], ..usual.clone() },
        Sampling { logit_bias: vec![bias(1, 1.0), bias(2, 1.0), bias(1, 2.0)], ..usual.clone() },
        Sampling {
            logit_bias: (0..=LOGIT_BIAS_MAX as i32).map(|token| bias(token, 1.0)).collect(),
            ..usual.clone()
        },
        Sampling {
            constraint: Some(Constraint::Grammar("x".repeat(CONSTRAINT_BYTES_MAX + 1))),
            ..usual.clone()
        },
    ];
    for sampling in refused {
        assert_eq!(SamplingParams::new(sampling).unwrap_err().token(), "invalid_argument");
    }
    let allowed = Sampling {
        typical_p: 0.5,
        repeat_penalty: 1.1,
        penalty_window: 0,
        mirostat: mirostat(5.0, 0.1),
        logit_bias: vec![bias(1, BIAS_MAX), bias(2, -BIAS_MAX)],
        constraint: Some(Constraint::JsonSchema("{}".to_string())),
        ..usual
    };
    let params = SamplingParams::new(allowed.clone()).unwrap();
    assert_eq!((params.get(), params.has_penalties()), (&allowed, false));
    assert_eq!(serde_json::from_str::<Sampling>(&serde_json::to_string(&allowed).unwrap()).unwrap(), allowed);
}

#[test]
fn a_replay_evaluates_the_last_token_and_drops_the_tail() {
    let mut tape = tape(&[1, 2, 3, 4, 5], 3);
    let plan = tape.plan_replay().unwrap();
    assert_eq!((plan.keep, &plan.feed[..], plan.end), (2, &ids(&[3])[..], 3));
    let mut cache = ids(&[1, 2, 3, 4, 5]);
    perform(&mut tape, &mut cache, plan);
    assert_eq!(tape.tokens(), ids(&[1, 2, 3]));
    assert_eq!(Tape::new().plan_replay(), None);
}

#[test]
fn a_cache_with_other_contents_than_was_evaluated_empties_the_tape() {
    for found in [1, 5] {
        let mut tape = tape(&[1, 2], 2);
        let mismatch = tape.follow(found, &ids(&[3, 4])).unwrap_err();
        assert_eq!((mismatch.resident, mismatch.attempted, mismatch.found), (2, 2, found));
        assert_eq!(tape, Tape::new());
    }
}

#[test]
fn an_overflow_names_the_stage_and_the_numbers() {
    let tape = tape(&[1, 2, 3], 3);
    let error = tape.plan_suffix(&ids(&[4, 5]), 4).unwrap_err();
    assert_eq!(error, Error::ContextOverflow { stage: Stage::Suffix, resident: 3, additional: 2, limit: 4 });
    let error = tape.plan_prefix(&ids(&[1, 2, 3, 4, 5]), 4).unwrap_err();
    assert_eq!(error, Error::ContextOverflow { stage: Stage::Prefix, resident: 0, additional: 5, limit: 4 });
}

#[test]
fn stop_strings_are_bounded() {
    let too_many = vec!["x".to_string(); STOP_STRINGS_MAX + 1];
    for bad in [too_many, vec![String::new()], vec!["x".repeat(STOP_BYTES_MAX + 1)]] {
        assert!(matches!(StopStrings::new(bad), Err(Error::InvalidArgument { .. })));
    }
    assert!(StopStrings::new(vec!["x".repeat(STOP_BYTES_MAX); STOP_STRINGS_MAX]).is_ok());
}

#[test]
fn one_operation_runs_at_a_time_and_a_cancelled_one_is_in_nobodys_way() {
    use Operation::{Close, Decode, EnsurePrefix, Explain, PrefillSuffix};
    for wanted in [EnsurePrefix, PrefillSuffix, Decode] {
        assert_eq!(Activity::Idle.admits(wanted), Admission::Begin);
        assert_eq!(Activity::Running(Decode).admits(wanted), Admission::Busy(Decode));
        assert_eq!(Activity::Cancelled(Decode).admits(wanted), Admission::EndFirst);
        assert_eq!(Activity::Fatal.admits(wanted), Admission::Fatal);
    }
    for activity in [Activity::Idle, Activity::Running(Decode), Activity::Cancelled(Decode), Activity::Fatal]
    {
        let cancelled = matches!(activity, Activity::Cancelled(_));
        assert_eq!(activity.admits(Explain), if cancelled { Admission::EndFirst } else { Admission::Begin });
        assert!(matches!(activity.admits(Close), Admission::Begin | Admission::EndFirst));
    }
}
