//! The names of the cast: instances, processes, files, clocks and instants.

use std::time::Duration;

use modeld_spec::ids::{BootId, ClockDomain, FileId, HostName, InstanceId, Namespace, ProcessId};
use modeld_spec::lease::acquire::Claim;
use modeld_spec::lease::record::{Meta, ProtocolRange};
use modeld_spec::time::{BootTime, RenewInterval, Ttl};

use super::Lease;
use super::state::{Process, State};

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
pub fn renew_interval(ttl: Ttl) -> RenewInterval {
    RenewInterval::new(TICK, ttl).unwrap_or(ttl.renew_interval())
}

/// The lock file with this index.
pub fn file(index: usize) -> FileId {
    FileId { device: 1, inode: index as u64 }
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

/// The boot with this number.
pub fn boot(number: u8) -> BootId {
    let name = match BOOTS.get(usize::from(number)) {
        Some(name) => BootId::of_static(name),
        None => BootId::new(format!("b{number}")),
    };
    name.expect("a letter and a number are a name")
}

/// The claim of the process of a slot and generation, in the first boot and the namespaces of everybody.
pub fn claim(slot: usize, generation: u8, ttl: Ttl) -> Claim {
    claim_of(
        slot,
        generation,
        ProcessId {
            pid: slot as u32,
            start_time: u64::from(generation),
            pid_namespace: NAMESPACE,
            time_namespace: NAMESPACE,
        },
        ClockDomain { boot_id: boot(1), time_namespace: NAMESPACE },
        ttl,
    )
}

fn claim_of(slot: usize, generation: u8, process: ProcessId, clock: ClockDomain, ttl: Ttl) -> Claim {
    Claim {
        instance: instance(slot, generation),
        process,
        host: HostName::of_static("h").expect("a letter is a name"),
        clock,
        ttl,
        meta: Meta::default(),
        protocol: ProtocolRange::CURRENT,
    }
}

impl Lease {
    /// Whether the process of this slot lives in namespaces of its own: of pids, and of time.
    pub fn is_foreign(&self, slot: usize) -> bool {
        self.foreign && slot + 1 == self.processes
    }

    /// The namespace of the pids and of the clock of a slot.
    pub fn namespace(&self, slot: usize) -> Namespace {
        if self.is_foreign(slot) { ELSEWHERE } else { NAMESPACE }
    }

    /// What the clock of a slot shows.
    pub fn now_of(&self, slot: usize) -> BootTime {
        if self.is_foreign(slot) { NOW.after(self.ttl().length()) } else { NOW }
    }

    /// The time to live of a slot's records.
    pub fn ttl_of(&self, slot: usize) -> Ttl {
        match self.last_ttl {
            Some(ticks) if slot + 1 == self.processes => ttl(ticks),
            _ => self.ttl(),
        }
    }

    /// The process in a slot, as the kernel counts it in its own namespace.
    pub fn process_id(&self, slot: usize, process: &Process) -> ProcessId {
        let within = if self.is_foreign(slot) { 0 } else { slot as u32 };
        let life = if self.pid_reuse { 0 } else { process.generation };
        ProcessId {
            pid: within + PIDS * u32::from(life),
            start_time: u64::from(process.started),
            pid_namespace: self.namespace(slot),
            time_namespace: self.namespace(slot),
        }
    }

    /// The clock of a slot.
    pub fn clock(&self, slot: usize, boot_number: u8) -> ClockDomain {
        ClockDomain { boot_id: boot(boot_number), time_namespace: self.namespace(slot) }
    }

    /// The claim of the process in a slot.
    pub fn claim(&self, state: &State, slot: usize) -> Claim {
        let process = &state.processes[slot];
        let (id, clock) = (self.process_id(slot, process), self.clock(slot, state.boot));
        claim_of(slot, process.generation, id, clock, self.ttl_of(slot))
    }
}

/// The namespace of everybody's pids and clocks.
pub const NAMESPACE: Namespace = Namespace(1);

/// The namespace of those who live elsewhere.
const ELSEWHERE: Namespace = Namespace(2);

/// The length of a tick: the shortest time to live is one tick long.
pub const TICK: Duration = Duration::from_millis(100);

/// The instant of every state (`relative.rs`).
pub const NOW: BootTime = BootTime::from_nanos(101_000_000_000);

/// An instant that does not come, nor nearer.
pub const NEVER: BootTime = BootTime::from_nanos(u64::MAX);

/// The instant of all that is over: a thousand ticks ago. Not the instant of booting, which a gate takes for fenced.
pub const LONG_AGO: BootTime = BootTime::from_nanos(1_000_000_000);

/// More pids than there are slots, so that the pids of two slots never meet.
const PIDS: u32 = 8;

/// The instances of the first slots and generations. They are cloned with every state.
const INSTANCES: [[&str; 4]; 4] =
    [["a0", "a1", "a2", "a3"], ["b0", "b1", "b2", "b3"], ["c0", "c1", "c2", "c3"], ["d0", "d1", "d2", "d3"]];

/// The first boots.
const BOOTS: [&str; 4] = ["b0", "b1", "b2", "b3"];
