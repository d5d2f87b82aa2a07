//! The life of a daemon, from the run lock to its end.

use modeld_spec::daemon::effect::{Content, Effect, Phase, Seen};
use modeld_spec::daemon::serve::{Outcome, Serve};
use modeld_spec::step::Breach;

use crate::harness::{Life, Run, Sight, Words, busy, drive, failed, says, taken};

fn serve(script: impl IntoIterator<Item = Sight>) -> Run<Serve<Life, Words>> {
    drive(Serve::start('a'), script)
}

/// Everything up to the wait for a stop.
fn up() -> Vec<Sight> {
    vec![taken(), Seen::Done, Seen::Done, Seen::Done, Seen::Done, Seen::Done, Seen::Heard(true), Seen::Done]
}

/// The answers to the way out of who has said that it is ready, given `each` as the answer to an effect that may fail.
fn out(each: Sight) -> Vec<Sight> {
    vec![each.clone(), each.clone(), each.clone(), each]
}

const UP: [&str; 9] = [
    "take run lock",
    "write metadata",
    "remove socket",
    "bind",
    "serve",
    "write metadata",
    "say ready",
    "announce",
    "await stop",
];
const OUT: [&str; 4] = ["write metadata", "quiesce", "remove socket", "write metadata"];

#[test]
fn d1_nothing_is_touched_without_the_lock() {
    let lost = serve([busy(), Seen::Heard(true)]);
    assert_eq!(lost.names(), ["take run lock", "say held"]);
    assert_eq!(lost.ended(), Outcome::Held);
    let unknown = serve([failed(), Seen::Heard(false)]);
    assert_eq!(unknown.names(), ["take run lock", "say error"]);
    assert_eq!(unknown.ended(), Outcome::Failed("input/output error"));
}

#[test]
fn d2_ready_is_said_by_who_serves() {
    let run = serve(up());
    assert_eq!(run.names(), UP);
    let said: Vec<_> = run
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::WriteMetadata(said) => Some(said.phase),
            _ => None,
        })
        .collect();
    assert_eq!(said, [Phase::Starting, Phase::Running]);
    assert_eq!(run.outcome, None);
}

#[test]
fn d5_a_daemon_that_nobody_waits_for_ends() {
    let mut script = up();
    script.truncate(6);
    script.push(Seen::Heard(false));
    script.extend(out(Seen::Done));
    let run = serve(script);
    assert_eq!(run.names(), [&UP[..7], &OUT[..]].concat());
    assert_eq!(run.ended(), Outcome::Unwanted);
}

#[test]
fn d6_the_way_out_is_gone_to_its_end() {
    for each in [Seen::Done, failed()] {
        let mut script = up();
        script.push(Seen::StopAsked);
        script.extend(out(each));
        let run = serve(script);
        assert_eq!(run.names(), [&UP[..], &OUT[..]].concat());
        assert_eq!(run.ended(), Outcome::Stopped);
    }
}

#[test]
fn what_fails_on_the_way_up_is_the_reason() {
    for done in 1..=5 {
        let mut script = up();
        script.truncate(done);
        script.push(failed());
        script.extend(out(Seen::Done));
        script.push(Seen::Heard(true));
        let run = serve(script);
        assert_eq!(run.names(), [&UP[..=done], &OUT[..], &["say error"]].concat());
        assert_eq!(run.ended(), Outcome::Failed("input/output error"));
    }
}

#[test]
fn d9_damaged_metadata_is_restored() {
    let damaged = [
        Seen::Metadata(Content::Absent),
        Seen::Metadata(Content::Unreadable),
        says('b', Phase::Running),
        says('a', Phase::Starting),
    ];
    for seen in damaged {
        let mut script = up();
        script.extend([Seen::Woke, seen, Seen::Done]);
        let run = serve(script);
        assert_eq!(run.names(), [&UP[..], &["read metadata", "write metadata", "await stop"]].concat());
    }
    let mut script = up();
    script.extend([Seen::Woke, says('a', Phase::Running)]);
    assert_eq!(serve(script).names(), [&UP[..], &["read metadata", "await stop"]].concat());
}

#[test]
fn d12_a_stop_during_boot_wins() {
    let mut script = up();
    script.truncate(4);
    script.push(Seen::StopAsked);
    script.extend(out(Seen::Done));
    script.push(Seen::Heard(false));
    let run = serve(script);
    assert_eq!(run.names(), [&UP[..5], &OUT[..], &["say error"]].concat());
    assert_eq!(run.ended(), Outcome::Stopped);
}

#[test]
fn d13_a_daemon_that_serves_goes_on_when_it_can_not_read_or_restore_its_metadata() {
    let mut script = up();
    script.extend([Seen::Woke, failed(), Seen::Woke, Seen::Metadata(Content::Absent), failed()]);
    let run = serve(script);
    assert_eq!(run.names().last(), Some(&"await stop"));
    assert_eq!(run.outcome, None);
}

#[test]
fn an_answer_to_another_question_is_a_breach() {
    assert_eq!(serve([Seen::Late]).ended(), Outcome::Breach(Breach { expected: "take run lock" }));
}
