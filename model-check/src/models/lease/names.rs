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

/// The instant of a tick.
pub fn instant(tick: u8) -> BootTime {
    BEGINNING.after(TICK * u32::from(tick))
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
        host: HostName::lossy("h"),
        clock: clock(),
        ttl,
        meta: Meta::default(),
        protocol: ProtocolRange::CURRENT,
    }
}

/// The instance of a slot and generation.
pub fn instance(slot: usize, generation: u8) -> InstanceId {
    let name = format!("{}{generation}", letter(slot));
    InstanceId::new(name).expect("a letter and a number are a name")
}

fn clock() -> ClockDomain {
    ClockDomain { boot_id: BootId::new("b").expect("a letter is a name"), time_namespace: NAMESPACE }
}

/// The namespace of everybody's pids and clocks.
pub const NAMESPACE: Namespace = Namespace(1);

/// The length of a tick: the shortest time to live is one tick long.
pub const TICK: Duration = Duration::from_millis(100);

/// The instant of tick 0. Not the instant of booting, which a gate takes for fenced.
const BEGINNING: BootTime = BootTime::from_nanos(1_000_000_000);
