//! A failure as a gRPC status, and back.
//!
//! The status has a code by class, the failure's text as its message, and as binary details one
//! [`ErrorDetail`] from which the same [`Error`] is made again. A status without such
//! details comes from gRPC itself, not from an owner; a token that this version doesn't know keeps its name and text.

use modeld_spec::error::{Class, Error};
use prost::Message;
use serde_json::Value;
use tonic::{Code, Status};

use super::proto::ErrorDetail;

/// What came back where an answer should have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    /// The owner answered with a failure.
    #[error(transparent)]
    Answered(Error),
    /// The owner answered with a failure that this version has no type for.
    #[error("{message} ({token})")]
    Unknown {
        /// Its stable name.
        token: String,
        /// What it says.
        message: String,
    },
    /// gRPC refused the call: a message too large, a deadline passed, a call that the other side does not have.
    #[error("the call was refused: {message} ({code:?})")]
    Refused {
        /// Why.
        code: Code,
        /// What it says.
        message: String,
    },
    /// The connection ended before the answer.
    #[error("the connection to the owner was lost: {0}")]
    Lost(String),
}

/// The failure as a status.
pub fn to_status(error: &Error) -> Status {
    let detail = ErrorDetail { token: error.token().to_string(), json: json(error) };
    let message = clipped(&error.to_string()).to_string();
    Status::with_details(code(error), message, detail.encode_to_vec().into())
}

/// What a status means.
pub fn from_status(status: &Status) -> Failed {
    let message = clipped(status.message()).to_string();
    if let Ok(detail) = ErrorDetail::decode(status.details())
        && !detail.token.is_empty()
    {
        return match serde_json::from_str::<Error>(&detail.json) {
            Ok(error) if error.token() == detail.token => Failed::Answered(error),
            _ => Failed::Unknown { token: clipped(&detail.token).to_string(), message },
        };
    }
    match status.code() {
        // What a broken connection looks like, by how and where it broke.
        Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Internal | Code::Aborted => {
            Failed::Lost(message)
        }
        code => Failed::Refused { code, message },
    }
}

fn code(error: &Error) -> Code {
    match (error, error.class()) {
        (Error::Cancelled, _) => Code::Cancelled,
        (Error::ModelNotFound { .. }, _) => Code::NotFound,
        (Error::UnsupportedFeature { .. }, _) => Code::Unimplemented,
        (Error::TooManySessions { .. } | Error::NoRoom { .. }, _) | (_, Class::Overflow) => {
            Code::ResourceExhausted
        }
        (_, Class::Refused) => Code::Unavailable,
        (_, Class::Fenced) => Code::FailedPrecondition,
        (_, Class::Backend) => Code::Aborted,
        (_, Class::Misuse) => Code::InvalidArgument,
        (_, Class::Internal) => Code::Internal,
    }
}

fn json(error: &Error) -> String {
    // Plain strings and numbers serialise without fail; a reader of nothing falls back on token and message.
    let Ok(mut value) = serde_json::to_value(error) else { return String::new() };
    for field in value.as_object_mut().into_iter().flat_map(|object| object.values_mut()) {
        if let Value::String(text) = field {
            text.truncate(clipped(text).len());
        }
    }
    value.to_string()
}

/// The beginning of `text` that is no longer than [`TEXT_BYTES_MAX`].
fn clipped(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}

/// The longest text of a failure on the wire, in bytes. A status travels in header fields, of which a peer accepts 16 KiB
/// in all, and escapes make a text six times as long.
pub const TEXT_BYTES_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use modeld_spec::error::Stage;
    use modeld_spec::ids::{Epoch, InstanceId, Namespace, ProcessId};
    use modeld_spec::slot::plan::NoRoom;
    use proptest::prelude::*;

    /// Every variant; a new one does not compile until it is here, because of `covers_every_variant`.
    fn any_error() -> impl Strategy<Value = Error> {
        let text = || "\\PC{0,100}";
        let epoch = || (1u64..).prop_map(|number| Epoch::new(number).unwrap());
        let process = || {
            (any::<u32>(), any::<u64>(), any::<u64>()).prop_map(|(pid, start_time, namespace)| {
                let namespace = Namespace(namespace);
                ProcessId { pid, start_time, pid_namespace: namespace, time_namespace: namespace }
            })
        };
        let instance = "[a-z0-9-]{1,128}".prop_map(|text| InstanceId::new(text).unwrap());
        let stage = prop_oneof![Just(Stage::Prefix), Just(Stage::Suffix), Just(Stage::Decode)];
        prop_oneof![
            epoch().prop_map(|epoch| Error::Fenced { epoch }),
            (text(), any::<u64>(), instance, epoch()).prop_map(
                |(expected_instance, expected_epoch, instance, epoch)| Error::StaleFence {
                    expected_instance,
                    expected_epoch,
                    instance,
                    epoch
                }
            ),
            (epoch(), epoch()).prop_map(|(got, seen)| Error::StaleEpoch { got, seen }),
            prop::option::of(process()).prop_map(|holder| Error::DeviceBusy { holder }),
            text().prop_map(|session| Error::SessionClosed { session }),
            (text(), text()).prop_map(|(session, cause)| Error::SessionFatal { session, cause }),
            (text(), text()).prop_map(|(session, operation)| Error::SessionBusy { session, operation }),
            (stage, any::<u64>(), any::<u64>(), any::<u64>()).prop_map(
                |(stage, resident, additional, limit)| Error::ContextOverflow {
                    stage,
                    resident,
                    additional,
                    limit
                }
            ),
            text().prop_map(|model| Error::ModelNotFound { model }),
            (text(), text()).prop_map(|(model, cause)| Error::ModelLoadFailed { model, cause }),
            (text(), text(), text()).prop_map(|(field, claimed, found)| Error::ManifestMismatch {
                field,
                claimed,
                found
            }),
            text().prop_map(|cause| Error::SnapshotFailed { cause }),
            text().prop_map(|cause| Error::SnapshotRefused { cause }),
            (text(), shortage()).prop_map(|(model, shortage)| Error::NoRoom { model, shortage }),
            (text(), any::<u64>(), any::<u64>(), any::<u64>()).prop_map(|(model, planned, taken, budget)| {
                Error::TookMore { model, planned, taken, budget }
            }),
            (text(), text()).prop_map(|(member, bound)| Error::OtherModel { member, bound }),
            (text(), text()).prop_map(|(member, to)| Error::Switching { member, to }),
            text().prop_map(|model| Error::CrashedBefore { model }),
            (text(), text()).prop_map(|(model, cause)| Error::NotRemembered { model, cause }),
            (text(), any::<u64>()).prop_map(|(model, in_flight)| Error::ModelInUse { model, in_flight }),
            any::<u64>().prop_map(|limit| Error::TooManySessions { limit }),
            (text(), text()).prop_map(|(requested, served)| Error::BackendMismatch { requested, served }),
            (text(), text()).prop_map(|(backend, feature)| Error::UnsupportedFeature { backend, feature }),
            text().prop_map(|cause| Error::BackendFailed { cause }),
            (text(), text()).prop_map(|(argument, problem)| Error::InvalidArgument { argument, problem }),
            Just(Error::Cancelled),
            Just(Error::Draining),
            text().prop_map(|cause| Error::Internal { cause }),
        ]
    }

    fn shortage() -> impl Strategy<Value = NoRoom> {
        (0..3, any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>()).prop_map(
            |(why, need, budget, in_use, idle)| match why {
                0 => NoRoom::TooLarge { need, budget },
                1 => NoRoom::Taken { need, budget, in_use, idle },
                _ => NoRoom::OnlyInstead { need, budget, old: in_use },
            },
        )
    }

    /// The number of variants that [`any_error`] makes.
    const VARIANTS: usize = 28;

    #[test]
    fn covers_every_variant() {
        use proptest::strategy::ValueTree;
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let mut tokens = std::collections::BTreeSet::new();
        for _ in 0..2_000 {
            let error = any_error().new_tree(&mut runner).unwrap().current();
            // Without a wildcard: a new variant asks for a line here, and above.
            match &error {
                Error::Fenced { .. } | Error::StaleFence { .. } | Error::StaleEpoch { .. } => {}
                Error::DeviceBusy { .. } | Error::SessionClosed { .. } | Error::SessionFatal { .. } => {}
                Error::SessionBusy { .. } | Error::ContextOverflow { .. } | Error::ModelNotFound { .. } => {}
                Error::ModelLoadFailed { .. } | Error::TooManySessions { .. } => {}
                Error::ManifestMismatch { .. } => {}
                Error::SnapshotFailed { .. } | Error::SnapshotRefused { .. } => {}
                Error::NoRoom { .. } | Error::TookMore { .. } | Error::OtherModel { .. } => {}
                Error::Switching { .. } | Error::CrashedBefore { .. } => {}
                Error::NotRemembered { .. } | Error::ModelInUse { .. } => {}
                Error::BackendMismatch { .. } | Error::UnsupportedFeature { .. } => {}
                Error::BackendFailed { .. } | Error::InvalidArgument { .. } | Error::Cancelled => {}
                Error::Draining | Error::Internal { .. } => {}
            }
            tokens.insert(error.token());
        }
        assert_eq!(tokens.len(), VARIANTS);
    }

    proptest! {
        #[test]
        fn a_failure_is_the_same_on_the_other_side(error in any_error()) {
            let status = to_status(&error);
            prop_assert_eq!(from_status(&status), Failed::Answered(error));
            prop_assert!(status.details().len() < 12_000);
        }

        #[test]
        fn details_of_any_kind_are_no_more_than_unreadable(details: Vec<u8>, code in 0..20, message: String) {
            let status = Status::with_details(Code::from_i32(code), message, details.into());
            prop_assert!(!matches!(from_status(&status), Failed::Answered(_)));
        }
    }

    #[test]
    fn long_texts_are_cut_and_the_failure_stays_what_it_is() {
        let error = Error::ModelLoadFailed { model: "é".repeat(600), cause: "\u{1}".repeat(9_000) };
        let status = to_status(&error);
        let Failed::Answered(Error::ModelLoadFailed { model, cause }) = from_status(&status) else {
            panic!()
        };
        assert_eq!((model.len(), cause.len()), (TEXT_BYTES_MAX, TEXT_BYTES_MAX));
        assert!(status.details().len() < 12_000);
    }

    #[test]
    fn a_token_of_a_later_version_keeps_its_name_and_text() {
        let detail = ErrorDetail {
            token: "out_of_paper".to_string(),
            json: r#"{"token":"out_of_paper","tray":2}"#.to_string(),
        };
        let status =
            Status::with_details(Code::Unavailable, "tray 2 is empty", detail.encode_to_vec().into());
        let failed = from_status(&status);
        assert_eq!(failed.to_string(), "tray 2 is empty (out_of_paper)");
    }

    #[test]
    fn fields_of_a_later_version_are_passed_over() {
        let json = r#"{"token":"too_many_sessions","limit":4,"queue":9}"#.to_string();
        let detail = ErrorDetail { token: "too_many_sessions".to_string(), json };
        let status = Status::with_details(Code::ResourceExhausted, "full", detail.encode_to_vec().into());
        assert_eq!(from_status(&status), Failed::Answered(Error::TooManySessions { limit: 4 }));
    }

    #[test]
    fn a_status_of_grpc_itself_is_a_lost_connection_or_a_refusal() {
        assert!(matches!(from_status(&Status::unavailable("reset")), Failed::Lost(_)));
        assert!(matches!(from_status(&Status::out_of_range("too large")), Failed::Refused { .. }));
    }
}
