//! What is sent over the wire arrives as it was.

use super::*;
use crate::engine::backend::{
    Adapter, CacheType, Capabilities, Device, DeviceKind, Embedding, FlashAttention, Pooling, Settings,
};
use crate::engine::chat::{Chat, ChatMessage, Features, ToolCall};
use crate::engine::{Embedded, Prompt};
use modeld_spec::session::draft::Drafts;
use modeld_spec::session::params::{
    Constraint, DecodeParams, LogitBias, Mirostat, MirostatVersion, Sampling, SamplingParams,
};
use modeld_spec::session::stop::StopStrings;
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

fn any_sampling() -> impl Strategy<Value = Sampling> {
    let cuts = (-10f32..=10.0, 0u32..100, 0.01f32..=1.0, 0f32..=1.0, 0.01f32..=1.0);
    let penalties = (0.1f32..=10.0, -2f32..=2.0, -2f32..=2.0, 0u32..=65536);
    let version = prop_oneof![Just(MirostatVersion::V1), Just(MirostatVersion::V2)];
    let mirostat =
        (version, 0.1f32..=32.0, 0.1f32..=1.0).prop_map(|(version, tau, eta)| Mirostat { version, tau, eta });
    let biases = prop::collection::btree_map(any::<i32>(), -100f32..=100.0, 0..5);
    let constraint = prop_oneof![
        "\\PC{0,20}".prop_map(Constraint::Grammar),
        "\\PC{0,20}".prop_map(Constraint::JsonSchema),
    ];
    (cuts, penalties, prop::option::of(mirostat), biases, prop::option::of(constraint)).prop_map(
        |(cuts, penalties, mirostat, biases, constraint)| {
            let (temperature, top_k, top_p, min_p, typical_p) = cuts;
            let (repeat_penalty, frequency_penalty, presence_penalty, penalty_window) = penalties;
            let bias = |(token, bias)| LogitBias { token: TokenId(token), bias };
            Sampling {
                temperature,
                top_k,
                top_p,
                min_p,
                typical_p,
                repeat_penalty,
                frequency_penalty,
                presence_penalty,
                penalty_window,
                mirostat,
                logit_bias: biases.into_iter().map(bias).collect(),
                constraint,
            }
        },
    )
}

fn any_prompt() -> impl Strategy<Value = Prompt> {
    prop_oneof![
        (any::<String>(), any::<bool>()).prop_map(|(text, control)| Prompt::Text { text, control }),
        any_tokens().prop_map(Prompt::Tokens),
    ]
}

fn any_message() -> impl Strategy<Value = ChatMessage> {
    let call = (any::<Option<String>>(), any::<String>(), any::<String>())
        .prop_map(|(id, name, arguments)| ToolCall { id, name, arguments });
    let said = (any::<String>(), any::<String>(), any::<Option<String>>());
    let names = (any::<Option<String>>(), any::<Option<String>>());
    (said, prop::collection::vec(call, 0..3), names).prop_map(|(said, tool_calls, names)| {
        let ((role, content, reasoning), (tool_call_id, name)) = (said, names);
        ChatMessage { role, content, reasoning, tool_calls, tool_call_id, name }
    })
}

fn any_chat() -> impl Strategy<Value = Chat> {
    let messages = prop::collection::vec(any_message(), 0..4);
    let switches = (any::<bool>(), any::<Option<bool>>(), any::<Option<String>>());
    (messages, switches, any::<Option<String>>(), any::<Option<String>>()).prop_map(
        |(messages, (generation, thinking, reasoning_effort), tools, arguments)| Chat {
            messages,
            tools,
            generation,
            thinking,
            reasoning_effort,
            arguments,
            now: None,
        },
    )
}

fn any_settings() -> impl Strategy<Value = Settings> {
    let adapter =
        ("/[a-z/]{1,20}", -10f32..=10.0).prop_map(|(path, scale)| Adapter { path: path.into(), scale });
    let types = [CacheType::F32, CacheType::F16, CacheType::Bf16, CacheType::Q8_0, CacheType::Q5_1];
    let types = [&types[..], &[CacheType::Q5_0, CacheType::Q4_1, CacheType::Q4_0]].concat();
    let flash = vec![FlashAttention::Auto, FlashAttention::On, FlashAttention::Off];
    let flash = prop::sample::select(flash);
    let adapters = prop::collection::vec(adapter, 0..3);
    (adapters, prop::sample::select(types), flash, any::<bool>(), any::<Option<u32>>()).prop_map(
        |(adapters, cache_type, flash_attention, reproducible, gpu_layers)| Settings {
            adapters,
            cache_type,
            flash_attention,
            reproducible,
            gpu_layers,
        },
    )
}

fn any_params() -> impl Strategy<Value = DecodeParams> {
    let stop = prop::collection::vec("\\PC{1,8}", 0..4);
    let drafts = (any::<u8>(), 1u8..).prop_map(|(most, alike)| Drafts { most, alike });
    let drafts = prop_oneof![Just(Drafts::NONE), drafts];
    (any_sampling(), any::<Option<u64>>(), stop, any::<Option<u32>>(), any_tokens(), any::<bool>(), drafts)
        .prop_map(|(sampling, max_tokens, stop, seed, continues, exact, drafts)| DecodeParams {
            sampling: SamplingParams::new(sampling).unwrap(),
            max_tokens,
            stop: StopStrings::new(stop).unwrap(),
            seed,
            continues,
            exact,
            drafts,
            shift: exact,
            logprobs: seed.map(|seed| seed as u8),
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
    fn what_is_put_on_a_tape_arrives(prompt in any_prompt(), chat in any_chat()) {
        for given in [Content::Prompt(prompt), Content::Chat(chat)] {
            prop_assert_eq!(content(Some(sent(&proto::Content::from(&given)))), Ok(given));
        }
    }

    #[test]
    fn how_a_model_is_evaluated_arrives(given in any_settings()) {
        let message = settings_message(&given).map(|message| sent(&message));
        prop_assert_eq!(settings(message), Ok(given));
    }

    #[test]
    fn what_a_model_is_and_can_arrives(
        [generates, embeds, trims, shares, shifts, reproducible]: [bool; 6], window: Option<u32>,
        name: String, description: String, memory_free: u64, memory_total: u64,
    ) {
        let capabilities = Capabilities { generates, embeds, trims, shares, shifts, window, reproducible };
        prop_assert_eq!(Capabilities::from(sent(&proto::Capabilities::from(capabilities))), capabilities);
        for kind in [DeviceKind::Cpu, DeviceKind::Gpu, DeviceKind::IntegratedGpu, DeviceKind::Accelerator] {
            let (name, description) = (name.clone(), description.clone());
            let device = Device { name, description, kind, memory_free, memory_total };
            prop_assert_eq!(sent(&proto::Device::from(device.clone())).try_into(), Ok(device));
        }
        let mut features = Features::default();
        (features.system, features.tools, features.tool_calls) = (generates, embeds, trims);
        (features.tool_results, features.thinking, features.reasoning_effort) = (shares, shifts, reproducible);
        prop_assert_eq!(Features::from(sent(&proto::ChatFeatures::from(features))), features);
    }

    #[test]
    fn how_models_stand_arrives(
        path in "/[a-z/]{1,20}", members: Vec<String>, fraction in 0f32..=1.0, ready: bool, sessions: usize,
        [generation, planned_bytes, bytes]: [u64; 3], phase in prop::sample::select(PHASES.to_vec()),
    ) {
        let path = path.into();
        let status = ModelStatus {
            path, members, generation, phase, fraction, ready, sessions, planned_bytes, bytes,
        };
        prop_assert_eq!(sent(&proto::ModelStatus::from(status.clone())).try_into(), Ok(status));
    }

    #[test]
    fn embeddings_arrive(
        epoch in any_epoch(), values in prop::collection::vec(-1e6f32..1e6, 0..20), tokens: u64, nanos: u64,
        pooling in prop::sample::select(vec![Pooling::Mean, Pooling::First, Pooling::Last]), declared: bool,
    ) {
        let embedding = Embedding { values, pooling, declared };
        let elapsed = Duration::from_nanos(nanos);
        let made = Embedded { epoch, embedding, tokens: TokenCount(tokens), elapsed };
        prop_assert_eq!(embedded(sent(&proto::EmbedResponse::from(made.clone()))), Ok(made));
    }

    #[test]
    fn what_is_said_of_snapshots_arrives(epoch in any_epoch(), id: [u8; 32], room in any_room(), a: u64, b: u64) {
        let (id, covers, elapsed) = (Digest(id), TokenCount(a), Duration::from_nanos(b));
        let status = SnapshotStatus { epoch, id, covers, elapsed };
        let answer = sent(&proto::SnapshotResponse::from(status));
        prop_assert_eq!(snapshot_name(&answer.snapshot), Ok(id));
        prop_assert_eq!(answer.try_into(), Ok(status));
        let status = RestoreStatus { epoch, covers, room, elapsed };
        prop_assert_eq!(sent(&proto::RestoreResponse::from(status)).try_into(), Ok(status));
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
fn what_is_none_of_the_words_is_refused() {
    let refused = |given: proto::Settings| {
        assert!(matches!(settings(Some(given)), Err(Error::InvalidArgument { .. })));
    };
    let adapter = |path: &str, scale| proto::Adapter { path: path.to_string(), scale: Some(scale) };
    refused(proto::Settings { cache_type: Some("q3".to_string()), ..Default::default() });
    refused(proto::Settings { flash_attention: Some(String::new()), ..Default::default() });
    refused(proto::Settings { adapters: vec![adapter("relative", 1.0)], ..Default::default() });
    refused(proto::Settings { adapters: vec![adapter("/a", f32::NAN)], ..Default::default() });
    refused(proto::Settings { adapters: vec![adapter("/a", 1.0); 65], ..Default::default() });
    let mirostat = proto::Mirostat { version: Some(3), tau: 1.0, eta: 1.0 };
    let sampling = Some(proto::Sampling { mirostat: Some(mirostat), ..Default::default() });
    let decode = proto::DecodeRequest { sampling, ..Default::default() };
    assert!(matches!(decode_params(decode), Err(Error::InvalidArgument { .. })));
    assert!(matches!(snapshot_name("../../etc"), Err(Error::InvalidArgument { .. })));
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
