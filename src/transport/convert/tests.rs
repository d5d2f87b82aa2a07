//! What is sent over the wire arrives as it was.

use super::*;
use proptest::prelude::*;
use prost::Message;

fn any_room() -> impl Strategy<Value = Room> {
    (any::<u64>(), any::<u64>(), any::<u64>()).prop_map(|(resident, available, limit)| Room {
        resident: TokenCount(resident),
        available: TokenCount(available),
        limit: TokenCount(limit),
    })
}

fn any_reuse() -> impl Strategy<Value = Reuse> {
    let reason = prop_oneof![
        Just(ReuseReason::Empty),
        Just(ReuseReason::Identical),
        Just(ReuseReason::Contained),
        Just(ReuseReason::Extended),
        any::<u64>().prop_map(|at| ReuseReason::Diverged { at }),
        any::<u64>().prop_map(|at| ReuseReason::NotTrimmable { at }),
    ];
    (any::<u64>(), any::<u64>(), any::<u64>(), reason).prop_map(|(reused, prefilled, dropped, reason)| {
        Reuse {
            reused: TokenCount(reused),
            shared: TokenCount(0),
            prefilled: TokenCount(prefilled),
            dropped: TokenCount(dropped),
            reason,
        }
    })
}

fn any_epoch() -> impl Strategy<Value = Epoch> {
    (1..=u64::MAX).prop_map(|number| Epoch::new(number).unwrap())
}

fn any_tokens() -> impl Strategy<Value = Vec<TokenId>> {
    prop::collection::vec(any::<i32>().prop_map(TokenId), 0..20)
}

fn any_event() -> impl Strategy<Value = DecodeEvent> {
    let finish = prop_oneof![
        Just(FinishReason::EndOfGeneration),
        Just(FinishReason::Length),
        Just(FinishReason::StopString),
        (any::<u64>(), any::<u64>()).prop_map(|(resident, limit)| FinishReason::ContextFull {
            resident: TokenCount(resident),
            limit: TokenCount(limit)
        }),
        Just(FinishReason::Cancelled),
    ];
    let numbers = (any::<u64>(), any::<u64>(), any::<u32>(), prop::option::of(any::<u64>()), any::<u64>());
    let end = (any::<String>(), any_tokens(), finish, any_room(), numbers);
    prop_oneof![
        (any::<String>(), any_tokens()).prop_map(|(text, tokens)| {
            let logprob = |token: &TokenId| Logprob { token: *token, logprob: -0.5 };
            let of = |token| Logprobs { chosen: logprob(token), top: vec![logprob(token)] };
            let logprobs = tokens.iter().map(of).collect();
            DecodeEvent::Text { text, tokens, logprobs }
        }),
        end.prop_map(|(text, tokens, finish, room, (prompt, generated, seed, first, elapsed))| {
            DecodeEvent::End(DecodeEnd {
                text,
                tokens,
                finish,
                prompt_tokens: TokenCount(prompt),
                generated_tokens: TokenCount(generated),
                shifted: TokenCount(generated / 2),
                logprobs: Vec::new(),
                seed,
                room,
                first_token: first.map(Duration::from_nanos),
                elapsed: Duration::from_nanos(elapsed),
            })
        }),
    ]
}

fn any_params() -> impl Strategy<Value = DecodeParams> {
    let sampling =
        (-10f32..=10.0, 0u32..100, 0.01f32..=1.0, 0f32..=1.0, 0.1f32..=10.0, -2f32..=2.0, -2f32..=2.0);
    let stop = prop::collection::vec("\\PC{1,8}", 0..4);
    let drafts = (any::<u8>(), 1u8..).prop_map(|(most, alike)| Drafts { most, alike });
    let drafts = prop_oneof![Just(Drafts::NONE), drafts];
    (sampling, any::<Option<u64>>(), stop, any::<Option<u32>>(), any_tokens(), any::<bool>(), drafts)
        .prop_map(|(sampling, max_tokens, stop, seed, continues, exact, drafts)| {
            let (temperature, top_k, top_p, min_p, repeat_penalty, frequency_penalty, presence_penalty) =
                sampling;
            let sampling = Sampling {
                temperature,
                top_k,
                top_p,
                min_p,
                repeat_penalty,
                frequency_penalty,
                presence_penalty,
                ..Sampling::default()
            };
            DecodeParams {
                sampling: SamplingParams::new(sampling).unwrap(),
                max_tokens,
                stop: StopStrings::new(stop).unwrap(),
                seed,
                continues,
                exact,
                drafts,
                shift: exact,
                logprobs: seed.map(|seed| seed as u8),
            }
        })
}

/// The message as the other side reads it.
fn sent<T: Message + Default>(message: &T) -> T {
    T::decode(message.encode_to_vec().as_slice()).unwrap()
}

proptest! {
    #[test]
    fn what_is_asked_arrives(params in any_params()) {
        prop_assert_eq!(decode_params(sent(&decode_request(&params))), Ok(params));
    }

    #[test]
    fn what_is_generated_arrives(epoch in any_epoch(), index: u64, event in any_event()) {
        let item = sent(&decode_item(epoch, index, event.clone()));
        prop_assert_eq!((item.epoch, item.index), (epoch.get(), index));
        prop_assert_eq!(decode_event(item), Ok(event));
    }

    #[test]
    fn what_is_reported_arrives(
        epoch in any_epoch(), reuse in any_reuse(), room in any_room(), [a, b, c, d, e]: [u64; 5],
        operation in prop::option::of(prop::sample::select(OPERATIONS.to_vec())),
    ) {
        let elapsed = Duration::from_nanos(a);
        let prefix = PrefixStatus { epoch, reuse, prefix: TokenCount(b), room, elapsed };
        prop_assert_eq!(sent(&proto::EnsurePrefixResponse::from(prefix)).try_into(), Ok(prefix));
        let (suffix, before) = (TokenCount(b), TokenCount(c));
        let suffix = SuffixStatus { epoch, reuse, suffix, before, room, elapsed };
        prop_assert_eq!(sent(&proto::PrefillSuffixResponse::from(suffix)).try_into(), Ok(suffix));
        let report = ContextReport {
            epoch,
            room,
            prefix: TokenCount(a),
            end: TokenCount(b),
            operation,
            prefilled_total: TokenCount(c),
            reused_total: TokenCount(d),
            generated_total: TokenCount(e),
        };
        prop_assert_eq!(sent(&proto::ExplainContextResponse::from(report.clone())).try_into(), Ok(report));
    }
}

#[test]
fn what_is_not_said_has_its_default() {
    let params = decode_params(proto::DecodeRequest::default());
    assert_eq!(params, Ok(DecodeParams::default()));
}

#[test]
fn an_answer_that_lacks_something_is_malformed() {
    let no_epoch = proto::EnsurePrefixResponse::default();
    assert_eq!(PrefixStatus::try_from(no_epoch), Err(Malformed("epoch")));
    let no_reason = proto::EnsurePrefixResponse {
        epoch: 1,
        reuse: Some(proto::Reuse::default()),
        room: Some(proto::Room::default()),
        ..Default::default()
    };
    assert_eq!(PrefixStatus::try_from(no_reason), Err(Malformed("reason of the reuse")));
    let no_finish =
        proto::DecodeItem { epoch: 1, end: Some(proto::DecodeEnd::default()), ..Default::default() };
    assert_eq!(decode_event(no_finish), Err(Malformed("finish reason")));
}
