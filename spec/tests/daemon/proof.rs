//! What proves that a process is the one that metadata names.

use modeld_spec::daemon::effect::ProcessSeen;
use modeld_spec::daemon::proof::{Named, prove};
use modeld_spec::ids::{BootId, Namespace, ProcessId};

#[test]
fn d10_a_pid_is_no_proof() {
    let (this, other) = (BootId::new("boot-1").unwrap(), BootId::new("boot-2").unwrap());
    let process =
        ProcessId { pid: 4711, start_time: 9, pid_namespace: Namespace(2), time_namespace: Namespace(1) };
    let here = Named { process: ProcessId { pid: 1, start_time: 1, ..process }, boot: &this };
    let named = Named { process, boot: &this };
    let elsewhere = Named { process: ProcessId { pid_namespace: Namespace(3), ..process }, boot: &this };
    let before = Named { process, boot: &other };
    let rows = [
        (named, Some(9), ProcessSeen::Alive),
        (named, Some(10), ProcessSeen::Gone),
        (named, None, ProcessSeen::Gone),
        (elsewhere, Some(9), ProcessSeen::Unverifiable),
        // The same pid and the same start, counted from another boot.
        (before, Some(9), ProcessSeen::Gone),
    ];
    for (named, found, seen) in rows {
        assert_eq!(prove(named, here, found), seen, "{named:?} {found:?}");
    }
}
