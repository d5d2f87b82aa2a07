//! The names of the cast: instances, processes, files and instants, and back.

use std::time::Duration;

use modeld_spec::ids::{BootId, ClockDomain, FileId, HostName, InstanceId, Namespace, ProcessId};
use modeld_spec::lease::acquire::Claim;
use modeld_spec::lease::record::{Meta, ProtocolRange};
use modeld_spec::time::{BootTime, RenewInterval, Ttl};

/// The letter of a slot.
pub fn letter(slot: usize) -> char {
    char::from(b'a' + slot as u8)
}

/// The instant that lies so many ticks ahead.
pub fn instant(ticks: u8) -> BootTime {
    NOW.after(TICK * u32::from(ticks))
}

/// A time to live of so many ticks.
pub fn ttl(ticks: u8) -> Ttl {
    Ttl::new(TICK * u32::from(ticks)).unwrap_or(Ttl::MIN)
}

/// A renewal every tick; the usual interval where that is too seldom.
pub fn renew_interval(ttl_ticks: u8) -> RenewInterval {
    let ttl = ttl(ttl_ticks);
    RenewInterval::new(TICK, ttl).unwrap_or(ttl.renew_interval())
}

/// The lock file with this index.
pub fn file(index: usize) -> FileId {
    FileId { device: 1, inode: index as u64 }
}

/// The process of a slot and generation.
pub fn process(slot: usize, generation: u8) -> ProcessId {
    ProcessId {
        pid: slot as u32,
        start_time: u64::from(generation),
        pid_namespace: NAMESPACE,
        time_namespace: NAMESPACE,
    }
}

/// The claim of the process of a slot and generation.
pub fn claim(slot: usize, generation: u8, ttl: Ttl) -> Claim {
    Claim {
        instance: instance(slot, generation),
        process: process(slot, generation),
        host: HostName::of_static("h").expect("a letter is a name"),
        clock: clock(),
        ttl,
        meta: Meta::default(),
        protocol: ProtocolRange::CURRENT,
    }
}

/// The instance of a slot and generation.
pub fn instance(slot: usize, generation: u8) -> InstanceId {
    let known = INSTANCES.get(slot).and_then(|names| names.get(usize::from(generation)));
    let name = match known {
        Some(name) => InstanceId::of_static(name),
        None => InstanceId::new(format!("{}{generation}", letter(slot))),
    };
    name.expect("a letter and a number are a name")
}

fn clock() -> ClockDomain {
    ClockDomain { boot_id: BootId::of_static("b").expect("a letter is a name"), time_namespace: NAMESPACE }
}

/// The namespace of everybody's pids and clocks.
pub const NAMESPACE: Namespace = Namespace(1);

/// The length of a tick: the shortest time to live is one tick long.
pub const TICK: Duration = Duration::from_millis(100);

/// The instant of every state (`relative.rs`).
pub const NOW: BootTime = BootTime::from_nanos(101_000_000_000);

/// An instant that does not come, nor nearer.
pub const NEVER: BootTime = BootTime::from_nanos(u64::MAX);

/// The instant of all that is over: a thousand ticks ago. Not the instant of booting, which a gate takes for fenced.
pub const LONG_AGO: BootTime = BootTime::from_nanos(1_000_000_000);

/// The instances of the first slots and generations. They are cloned with every state.
const INSTANCES: [[&str; 4]; 4] =
    [["a0", "a1", "a2", "a3"], ["b0", "b1", "b2", "b3"], ["c0", "c1", "c2", "c3"], ["d0", "d1", "d2", "d3"]];
