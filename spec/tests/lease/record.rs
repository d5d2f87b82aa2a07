//! The text of the lease file: what is written is read back, what is read is bounded and never panics.

use std::time::Duration;

use modeld_spec::ids::{BootId, ClockDomain, Epoch, FileId, HostName, InstanceId, Namespace, ProcessId};
use modeld_spec::lease::record::{Meta, ProtocolRange, Record, Residency, Standing, WallClock};
use modeld_spec::time::{BootTime, Ttl};
use proptest::prelude::*;

use crate::harness::{at, domain, here, record};

const WALL: WallClock<'static> =
    WallClock { acquired_at: "2026-01-02T03:04:05Z", renewed_at: "2026-01-02T03:04:06Z" };

fn residency() -> impl Strategy<Value = Residency> {
    let process = (any::<u32>(), any::<[u64; 3]>()).prop_map(|(pid, [start_time, pids, times])| ProcessId {
        pid,
        start_time,
        pid_namespace: Namespace(pids),
        time_namespace: Namespace(times),
    });
    prop_oneof![
        (any::<u64>(), any::<u64>()).prop_map(|(device, inode)| Residency::Held(FileId { device, inode })),
        (any::<u64>(), any::<u64>(), proptest::option::of(process)).prop_map(|(device, inode, holder)| {
            Residency::Awaited { file: FileId { device, inode }, holder }
        }),
    ]
}

fn meta() -> impl Strategy<Value = Meta> {
    let text = || proptest::option::of("\\PC{0,60}|[\"\\\\/\u{0}-\u{1f}]{0,20}");
    (text(), text()).prop_map(|(endpoint, backend)| Meta { endpoint, backend })
}

prop_compose! {
    fn any_record()(
        epoch in 1..=u64::MAX,
        instance in "[A-Za-z0-9._-]{1,128}",
        host in "[A-Za-z0-9._-]{1,128}",
        boot in "[A-Za-z0-9._-]{1,128}",
        numbers in any::<[u64; 4]>(),
        pid in any::<u32>(),
        times in any::<(u64, u64)>(),
        ttl in Ttl::MIN.length().as_nanos() as u64..=Ttl::MAX.length().as_nanos() as u64,
        residency in residency(),
        meta in meta(),
        protocol in any::<(u32, u32)>(),
    ) -> Record {
        let [namespace, start_time, pid_namespace, _] = numbers;
        Record {
            epoch: Epoch::new(epoch).expect("above zero"),
            instance: InstanceId::new(instance).expect("a name"),
            process: ProcessId {
                pid,
                start_time,
                pid_namespace: Namespace(pid_namespace),
                time_namespace: Namespace(namespace),
            },
            host: HostName::new(host).expect("a name"),
            clock: ClockDomain {
                boot_id: BootId::new(boot).expect("a name"),
                time_namespace: Namespace(namespace),
            },
            acquired_at: BootTime::from_nanos(times.0.min(times.1)),
            renewed_at: BootTime::from_nanos(times.0.max(times.1)),
            ttl: Ttl::new(Duration::from_nanos(ttl)).expect("within the bounds"),
            residency,
            meta,
            protocol: ProtocolRange { min: protocol.0.min(protocol.1), max: protocol.0.max(protocol.1) },
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(record in any_record()) {
        let text = record.encode(WALL);
        prop_assert!(text.len() <= Record::BYTES_MAX);
        prop_assert_eq!(Record::decode(text.as_bytes()), Ok(record));
    }

    #[test]
    fn arbitrary_bytes_are_no_reason_to_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        // Almost never a record; whatever it is, it is an answer.
        if let Ok(record) = Record::decode(&bytes) {
            prop_assert_eq!(Record::decode(record.encode(WALL).as_bytes()), Ok(record));
        }
    }

    /// Text that is nearly a record reaches deeper than noise does.
    #[test]
    fn a_damaged_record_is_read_or_refused(
        record in any_record(),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = record.encode(WALL).into_bytes();
        let place = place.index(bytes.len());
        if cut {
            bytes.truncate(place);
            let whole = bytes.ends_with(b"}");
            prop_assert!(whole || Record::decode(&bytes).is_err());
        } else {
            bytes[place] = byte;
            if let Ok(other) = Record::decode(&bytes) {
                prop_assert!(other.acquired_at <= other.renewed_at);
                prop_assert!(other.protocol.min <= other.protocol.max);
            }
        }
    }

    #[test]
    fn the_worth_of_a_record_never_rises(record in any_record(), mut instants in any::<[u64; 2]>()) {
        instants.sort_unstable();
        let [earlier, later] = instants.map(|nanos| record.standing(&record.clock, BootTime::from_nanos(nanos)));
        let expired = |standing| matches!(standing, Standing::Expired { .. });
        prop_assert!(!expired(earlier) || expired(later), "{earlier:?}, then {later:?}");
    }
}

#[test]
fn the_bounds_of_a_record() {
    let text = record("a", 3, 0).encode(WALL);
    let with = |field: &str, value: &str| {
        let line = text
            .lines()
            .find(|line| line.trim_start().starts_with(&format!("\"{field}\":")))
            .expect("the field is there");
        let comma = if line.ends_with(',') { "," } else { "" };
        Record::decode(text.replace(line, &format!("\"{field}\": {value}{comma}")).as_bytes())
    };
    let refusals = [
        ("ttl", "99999999", "100ms"),
        ("ttl", "3600000000001", "1h"),
        ("ttl", "-1", "invalid value"),
        ("epoch", "0", "nonzero"),
        ("epoch", "18446744073709551616", "invalid"),
        ("instance_id", "\"\"", "instance id"),
        ("instance_id", "\"a/b\"", "instance id"),
        ("boot_id", "\"a b\"", "boot id"),
        ("acquired_boot_ns", "60000000001", "renewed before"),
    ];
    for (field, value, reason) in refusals {
        let error = with(field, value).expect_err(field).to_string();
        assert!(error.contains(reason), "{field} = {value}: {error}");
    }
    assert!(with("ttl", "100000000").is_ok() && with("ttl", "3600000000000").is_ok());
    assert!(Record::decode(b"").expect_err("empty").to_string().contains("empty"));
    let padded = text.clone() + &" ".repeat(Record::BYTES_MAX + 1 - text.len());
    assert!(Record::decode(padded.as_bytes()).expect_err("too long").to_string().contains("65536"));
    assert!(Record::decode(&padded.as_bytes()[..Record::BYTES_MAX]).is_ok());
}

#[test]
fn the_largest_meta_fits_into_a_record() {
    let longest = Some("\u{1}".repeat(Meta::BYTES_MAX));
    let largest = Record { meta: Meta { endpoint: longest.clone(), backend: longest }, ..record("a", 3, 0) };
    assert!(largest.meta.fits());
    assert_eq!(Record::decode(largest.encode(WALL).as_bytes()), Ok(largest));
    let beyond = Some("e".repeat(Meta::BYTES_MAX + 1));
    let beyond = Record { meta: Meta { endpoint: beyond, backend: None }, ..record("a", 3, 0) };
    let error = Record::decode(beyond.encode(WALL).as_bytes()).expect_err("beyond the bound").to_string();
    assert!(error.contains("4200"), "{error}");
}

#[test]
fn l4_the_worth_of_a_record_by_clock() {
    let owner = record("a", 3, 0);
    assert_eq!(owner.standing(&domain("boot-2", 1), at(0)), Standing::Void);
    assert_eq!(owner.standing(&domain("boot-1", 2), at(0)), Standing::Incomparable);
    assert_eq!(owner.standing(&here(), BootTime::ZERO), Standing::Implausible);
    assert_eq!(owner.standing(&here(), at(0)), Standing::Valid { until: at(1000) });
    assert_eq!(owner.standing(&here(), at(1000)), Standing::Expired { since: at(1000) });
}

#[test]
fn readers_of_other_fields_find_what_they_know() {
    // The names of the fields that other programs read, and the wall clock for people.
    let text = record("a", 3, 0).encode(WALL);
    for field in ["instance_id", "pid", "host", "acquired_at", "renewed_at", "ttl", "meta"] {
        assert!(text.contains(&format!("\"{field}\"")), "{field} is missing in {text}");
    }
    assert!(text.contains("2026-01-02T03:04:06Z"));
    // A field that is not ours is no reason to call a record damaged.
    let extended = text.replacen('{', "{\"note\": 1,", 1);
    assert_eq!(Record::decode(extended.as_bytes()), Ok(record("a", 3, 0)));
}

#[test]
fn the_seeds_of_fuzzing_are_records() {
    let seed = |text: &str| Record::decode(text.as_bytes()).map(|record| record.residency);
    let held = seed(include_str!("../../../fuzz/corpus/lease_record/held.json"));
    assert!(matches!(held, Ok(Residency::Held(_))), "{held:?}");
    let awaited = seed(include_str!("../../../fuzz/corpus/lease_record/awaited.json"));
    assert!(matches!(awaited, Ok(Residency::Awaited { holder: Some(_), .. })), "{awaited:?}");
}

#[test]
fn versions_meet_at_the_highest_common_one() {
    let range = |min, max| ProtocolRange { min, max };
    assert_eq!(range(1, 3).common(range(2, 5)), Some(3));
    assert_eq!(range(1, 1).common(range(2, 5)), None);
    assert_eq!(range(2, 5).common(range(1, 1)), None);
}
