//! How likely tokens were: natural logarithms of the probabilities that a model's logits stand for, before any bias, cut or
//! temperature.

use modeld_spec::session::report::{Logprob, Logprobs};
use modeld_spec::session::tape::TokenId;

/// The `count` likeliest tokens, at most [`TOP_MAX`], and `chosen`. `None` if there is no finite logit, or no such token.
///
/// The largest logit is taken off first, and the sum is of 64 bits: neither the size of the logits nor that of the vocabulary shows.
pub fn logprobs(logits: &[f32], chosen: TokenId, count: usize) -> Option<Logprobs> {
    let finite = || logits.iter().copied().enumerate().filter(|(_, logit)| logit.is_finite());
    let largest = finite().map(|(_, logit)| logit).max_by(f32::total_cmp)?;
    let sum: f64 = finite().map(|(_, logit)| f64::from(logit - largest).exp()).sum();
    let logprob = |index: usize, logit: f32| Logprob {
        token: TokenId(index as i32),
        logprob: (f64::from(logit - largest) - sum.ln()) as f32,
    };
    let index = usize::try_from(chosen.0).ok().filter(|index| *index < logits.len())?;
    let chosen = match logits[index] {
        logit if logit.is_finite() => logprob(index, logit),
        _ => Logprob { token: chosen, logprob: f32::NEG_INFINITY },
    };
    let count = count.min(TOP_MAX);
    // In order; short, so that putting one in is cheap.
    let mut top: Vec<(usize, f32)> = Vec::with_capacity(count + 1);
    for (index, logit) in finite() {
        if top.len() == count && top.last().is_none_or(|(_, least)| logit <= *least) {
            continue;
        }
        let place = top.partition_point(|(_, other)| logit <= *other);
        top.insert(place, (index, logit));
        top.truncate(count);
    }
    Some(Logprobs { chosen, top: top.into_iter().map(|(index, logit)| logprob(index, logit)).collect() })
}

/// Tokens that are named at most.
pub const TOP_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_small_distribution_is_the_one_computed_by_hand() {
        let logits = [1.0, 3.0, f32::NEG_INFINITY, 3.0, 2.0].map(|value: f32| value * std::f32::consts::LN_2);
        let found = logprobs(&logits, TokenId(4), 3).unwrap();
        // Two to the power of 1, 3, 3 and 2: 22 together.
        let expected =
            [(1, 8.0), (3, 8.0), (4, 4.0)].map(|(token, weight): (i32, f32)| (token, (weight / 22.0).ln()));
        for (logprob, (token, value)) in found.top.iter().zip(expected) {
            assert_eq!(logprob.token, TokenId(token));
            assert!((logprob.logprob - value).abs() < 1e-6);
        }
        assert_eq!((found.top.len(), found.chosen), (3, found.top[2]));
        assert_eq!(logprobs(&logits, TokenId(2), 0).unwrap().chosen.logprob, f32::NEG_INFINITY);
        assert_eq!(logprobs(&logits, TokenId(5), 1), None);
        assert_eq!(logprobs(&[f32::NAN], TokenId(0), 1), None);
    }

    proptest! {
        #[test]
        fn probabilities_are_ordered_and_add_up_to_one(
            logits in prop::collection::vec(-80f32..80.0, 1..60), shift in -1e30f32..1e30, chosen in 0usize..60, count in 0usize..70,
        ) {
            let chosen = TokenId((chosen % logits.len()) as i32);
            let found = logprobs(&logits, chosen, count).unwrap();
            prop_assert_eq!(found.top.len(), count.min(logits.len()));
            prop_assert!(found.top.windows(2).all(|pair| pair[1].logprob <= pair[0].logprob));
            prop_assert!(found.top.iter().all(|top| top.logprob <= 0.0));
            let all = logprobs(&logits, chosen, logits.len()).unwrap();
            let sum: f64 = all.top.iter().map(|top| f64::from(top.logprob).exp()).sum();
            prop_assert!((sum - 1.0).abs() < 1e-4, "{}", sum);
            prop_assert!(all.top.contains(&found.chosen));
            prop_assert_eq!(&all.top[..found.top.len()], &found.top[..]);
            // However large they are, they give probabilities.
            let huge: Vec<f32> = logits.iter().map(|logit| logit + shift).collect();
            prop_assert!(logprobs(&huge, chosen, 1).unwrap().top.iter().all(|top| (-200.0..=0.0).contains(&top.logprob)));
        }
    }
}
