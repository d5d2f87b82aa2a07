//! The lease file: whatever is in it, reading it ends, and what is read can be written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modeld_spec::ids::{BootId, ClockDomain, FileId, Namespace};
use modeld_spec::lease::decision::decide;
use modeld_spec::lease::effect::{Content, LockSeen};
use modeld_spec::lease::record::{Record, WallClock};
use modeld_spec::time::BootTime;

fuzz_target!(|bytes: &[u8]| {
    let Ok(record) = Record::decode(bytes) else { return };
    let wall = WallClock { acquired_at: "2026-01-01T00:00:00Z", renewed_at: "2026-01-01T00:00:00Z" };
    let again = Record::decode(record.encode(wall).as_bytes()).expect("what was written can be read");
    assert_eq!(record, again);

    // No record, however odd, makes two claimants owners: with the lock held by another nobody acquires.
    let boot_id = BootId::new("boot").expect("a plain name");
    for boot_id in [boot_id, record.clock.boot_id.clone()] {
        let here = ClockDomain { boot_id, time_namespace: Namespace(1) };
        for now in [BootTime::ZERO, record.renewed_at, record.deadline(), BootTime::from_nanos(u64::MAX)] {
            let held = LockSeen::Held(FileId { device: 1, inode: 1 });
            let verdict = decide(&here, None, &Content::Record(record.clone()), held, now);
            assert!(!matches!(verdict, modeld_spec::lease::decision::Verdict::Acquire(_)));
        }
    }
});
