//! The end of the daemon that is there, and of no other.

use modeld_spec::daemon::effect::{Content, Effect, Phase, ProcessSeen, Seen};
use modeld_spec::daemon::stop::{Outcome, Rung};
use modeld_spec::step::Breach;

use crate::harness::{Sight, at, failed, free, held, says, stop};

/// What is seen until the daemon is proven.
fn proven() -> Vec<Sight> {
    vec![says('a', Phase::Running), held(), Seen::Process(ProcessSeen::Alive)]
}

const PROVEN: [&str; 3] = ["read metadata", "look at run lock", "inspect process"];

#[test]
fn d10_nobody_is_signalled_without_proof() {
    let named = || says('a', Phase::Running);
    let stories = [
        vec![named(), held(), Seen::Process(ProcessSeen::Unverifiable)],
        vec![named(), held(), Seen::Process(ProcessSeen::Gone), Seen::Late],
        vec![Seen::Metadata(Content::Absent), held(), Seen::Late],
        vec![Seen::Metadata(Content::Unreadable), held(), Seen::Late],
    ];
    for script in stories {
        let run = stop(true, script);
        assert!(run.effects.iter().all(|effect| !matches!(effect, Effect::Signal(..) | Effect::AskStop(_))));
        assert_eq!(run.ended(), Outcome::Unproven);
    }
}

#[test]
fn d10_who_was_meant_is_meant_to_the_end() {
    let mut script = proven();
    script.extend([Seen::Accepted(false), Seen::Sent(true), Seen::Ended(false), Seen::Sent(true)]);
    let run = stop(true, script);
    let aimed: Vec<_> = run
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::AskStop(who) | Effect::Signal(who, _) | Effect::AwaitEnd { who, .. } => Some(*who),
            _ => None,
        })
        .collect();
    assert_eq!(aimed, ['a'; 5]);
}

#[test]
fn d11_stopped_means_that_the_lock_was_free() {
    // Whatever the metadata says.
    for content in [says('a', Phase::Running), Seen::Metadata(Content::Unreadable)] {
        assert_eq!(stop(true, [content, free()]).ended(), Outcome::Stopped(None));
    }
    for (lock, outcome) in [
        (free(), Outcome::Stopped(Some(('a', Rung::Asked)))),
        (held(), Outcome::Replaced('a', Rung::Asked)),
        (failed(), Outcome::Failed("input/output error")),
    ] {
        let mut script = proven();
        script.extend([Seen::Accepted(true), Seen::Ended(true), lock]);
        let run = stop(true, script);
        assert_eq!(run.names(), [&PROVEN[..], &["ask to stop", "await end", "look at run lock"]].concat());
        assert_eq!(run.ended(), outcome);
    }
}

#[test]
fn d11_who_ended_by_itself_is_no_failure() {
    let mut script = proven();
    script.extend([Seen::Accepted(false), Seen::Sent(false), free()]);
    let run = stop(true, script);
    assert_eq!(run.names(), [&PROVEN[..], &["ask to stop", "send TERM", "look at run lock"]].concat());
    assert_eq!(run.ended(), Outcome::Stopped(Some(('a', Rung::Term))));
}

#[test]
fn d12_asked_then_term_then_kill() {
    let late = || Seen::Ended(false);
    let mut script = proven();
    script.extend([Seen::Accepted(true), late(), Seen::Sent(true), late()]);
    let mut forced = script.clone();
    forced.extend([Seen::Sent(true), late()]);
    let ladder = ["ask to stop", "await end", "send TERM", "await end", "send KILL", "await end"];
    let run = stop(true, forced);
    assert_eq!(run.names(), [&PROVEN[..], &ladder[..]].concat());
    assert_eq!(run.effects.last(), Some(&Effect::AwaitEnd { who: 'a', until: at(6) }));
    assert_eq!(run.ended(), Outcome::StillRunning('a', Rung::Kill));
    let run = stop(false, script);
    assert_eq!(run.names(), [&PROVEN[..], &ladder[..4]].concat());
    assert_eq!(run.ended(), Outcome::StillRunning('a', Rung::Term));
}

#[test]
fn a_daemon_that_has_not_named_itself_is_waited_for() {
    let mut script = vec![says('z', Phase::Running), held(), Seen::Process(ProcessSeen::Gone), Seen::Woke];
    script.extend(proven());
    let run = stop(false, script);
    assert_eq!(run.names(), [&PROVEN[..], &["await change"], &PROVEN[..], &["ask to stop"]].concat());
    assert_eq!(run.effects.last(), Some(&Effect::AskStop('a')));
}

#[test]
fn d13_a_lock_that_could_not_be_looked_at_is_not_free() {
    for script in [vec![failed()], vec![says('a', Phase::Running), failed()]] {
        assert_eq!(stop(true, script).ended(), Outcome::Failed("input/output error"));
    }
}

#[test]
fn an_answer_to_another_question_is_a_breach() {
    assert_eq!(stop(true, [Seen::Woke]).ended(), Outcome::Breach(Breach { expected: "read metadata" }));
}
