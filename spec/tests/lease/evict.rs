//! Eviction: who may be ended, and what counts as proof.

use modeld_spec::ids::{Namespace, ProcessId};
use modeld_spec::lease::effect::{Effect, ProcessSeen, Seen};
use modeld_spec::lease::evict::{Evict, Outcome, Policy};

use crate::harness::{drive, eio, failed, process, seen};

#[test]
fn l12_only_a_proven_process_is_killed() {
    let named = Some(process("a"));
    let here = process("b");
    let elsewhere = ProcessId { pid_namespace: Namespace(8), ..here };
    let shifted = ProcessId { time_namespace: Namespace(8), ..here };
    // Nothing is asked for under the policy to wait, without a name, or across namespaces
    // of pids or of time: there the kernel shows another start of the same process.
    let silent = [
        (named, Policy::Wait, here, Outcome::Waiting),
        (None, Policy::Wait, here, Outcome::Waiting),
        (None, Policy::Kill, here, Outcome::Unproven),
        (named, Policy::Kill, elsewhere, Outcome::Unproven),
        (named, Policy::Kill, shifted, Outcome::Unproven),
    ];
    for (holder, policy, here, outcome) in silent {
        let run = drive(Evict::start(holder, policy, here), []);
        assert_eq!(run.effects, []);
        assert_eq!(run.ended(), outcome);
    }
    // What is asked for is the end of exactly the process that was named.
    let answers = [
        (ProcessSeen::Alive, Outcome::Killed(process("a"))),
        (ProcessSeen::Gone, Outcome::Gone(process("a"))),
        (ProcessSeen::Unverifiable, Outcome::Unproven),
    ];
    for (answer, outcome) in answers {
        let run = drive(Evict::start(named, Policy::Kill, here), [seen(1, Seen::Process(answer))]);
        assert_eq!(run.effects, [Effect::KillProcess(process("a"))]);
        assert_eq!(run.ended(), outcome);
    }
    let run = drive(Evict::start(named, Policy::Kill, here), [failed(1)]);
    assert_eq!(run.ended(), Outcome::Failed(eio()));
}

#[test]
fn nobody_is_killed_unless_that_was_asked_for() {
    assert_eq!(Policy::default(), Policy::Wait);
}
