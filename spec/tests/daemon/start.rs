//! One attempt to have a daemon that serves.

use std::time::Duration;

use modeld_spec::daemon::effect::{Answer, Content, Effect, Line, Phase, Seen};
use modeld_spec::daemon::start::{Bounds, Fault, Outcome, Start, Why};
use modeld_spec::step::Breach;
use modeld_spec::time::Observed;

use crate::harness::{at, busy, drive, failed, free, held, says, start, taken};

const SPAWNS: [&str; 4] = ["take start lock", "look at run lock", "spawn", "await line"];

#[test]
fn d2_progress_is_not_ready() {
    let line = |line| Seen::Line(line);
    let run = start([
        taken(),
        free(),
        Seen::Done,
        line(Line::Progress),
        line(Line::Progress),
        line(Line::Ready('a')),
        Seen::Done,
    ]);
    assert_eq!(run.names(), [&SPAWNS[..], &["await line", "await line", "drop start lock"]].concat());
    assert_eq!(run.ended(), Outcome::Started('a'));
}

#[test]
fn d3_who_comes_second_attaches() {
    let ready = Seen::Answer(Answer::Ready('a'));
    // Also where the start lock stays taken.
    for lock in [taken(), busy()] {
        let run = start([lock, held(), says('a', Phase::Running), ready.clone(), Seen::Done]);
        assert_eq!(
            run.names(),
            ["take start lock", "look at run lock", "read metadata", "ask", "drop start lock"]
        );
        assert_eq!(run.ended(), Outcome::Attached('a'));
    }
    // Also where its own child lost the race.
    let run = start([
        taken(),
        free(),
        Seen::Done,
        Seen::Line(Line::Held),
        Seen::Exit("exit 0"),
        Seen::Woke,
        held(),
        says('a', Phase::Running),
        ready,
        Seen::Done,
    ]);
    let then = ["reap", "await change", "look at run lock", "read metadata", "ask", "drop start lock"];
    assert_eq!(run.names(), [&SPAWNS[..], &then[..]].concat());
    assert_eq!(run.ended(), Outcome::Attached('a'));
}

#[test]
fn d3_nothing_is_spawned_without_the_start_lock() {
    let run = start([busy(), free(), Seen::Done]);
    assert_eq!(run.names(), ["take start lock", "look at run lock", "drop start lock"]);
    assert_eq!(run.ended(), Outcome::Failed(Why::Busy));
}

#[test]
fn who_is_not_ready_or_is_another_is_waited_for() {
    for answer in [Answer::Nobody, Answer::NotReady('a'), Answer::Ready('b')] {
        let run = start([
            taken(),
            held(),
            says('a', Phase::Running),
            Seen::Answer(answer),
            Seen::Woke,
            held(),
            Seen::Metadata(Content::Unreadable),
            Seen::Late,
            Seen::Done,
        ]);
        assert_eq!(run.names().last(), Some(&"drop start lock"));
        assert_eq!(run.ended(), Outcome::Failed(Why::NotServing));
    }
}

#[test]
fn who_ends_while_it_is_waited_for_is_followed_by_a_child() {
    let run = start([taken(), held(), Seen::Metadata(Content::Absent), Seen::Woke, free()]);
    assert_eq!(run.names().last(), Some(&"spawn"));
}

#[test]
fn d4_a_failure_says_how_the_child_ended() {
    let stories: [(&[_], Fault<&str>); 2] = [
        (&[Seen::Line(Line::Error("no such model"))], Fault::Said("no such model")),
        (&[Seen::Line(Line::Closed)], Fault::Died),
    ];
    for (told, fault) in stories {
        let mut script = vec![taken(), free(), Seen::Done];
        script.extend_from_slice(told);
        script.extend([Seen::Exit("signal 9"), Seen::Log(Some("out of memory")), Seen::Done]);
        let run = start(script);
        assert_eq!(run.names(), [&SPAWNS[..], &["reap", "read log", "drop start lock"]].concat());
        let (exit, log) = (Some("signal 9"), Some("out of memory"));
        assert_eq!(run.ended(), Outcome::Failed(Why::Child { fault, exit, log }));
    }
}

#[test]
fn d4_silence_is_bounded_from_the_last_line_on_and_the_start_as_a_whole() {
    let bounds = Bounds { until: at(30), silence: Duration::from_secs(10) };
    let script = [(1, taken()), (2, free()), (3, Seen::Done), (12, Seen::Line(Line::Progress))];
    let script = script.into_iter().chain([(21, Seen::Line(Line::Progress))]);
    let run = drive(
        Start::<char, &str>::begin(bounds),
        script.map(|(second, what)| Observed { at: at(second), what }),
    );
    let waits: Vec<_> = run
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::TakeStart { until } | Effect::AwaitLine { until } => Some(*until),
            _ => None,
        })
        .collect();
    assert_eq!(waits, [at(30), at(13), at(22), at(30)]);
}

#[test]
fn d5_a_last_word_counts() {
    let run = start([taken(), free(), Seen::Done, Seen::Late, Seen::Line(Line::Ready('a')), Seen::Done]);
    assert_eq!(run.names(), [&SPAWNS[..], &["give up", "drop start lock"]].concat());
    assert_eq!(run.ended(), Outcome::Started('a'));
    // Also where it was said after something else.
    let run = start([
        taken(),
        free(),
        Seen::Done,
        Seen::Late,
        Seen::Line(Line::Progress),
        Seen::Line(Line::Ready('a')),
        Seen::Done,
    ]);
    assert_eq!(run.names(), [&SPAWNS[..], &["give up", "give up", "drop start lock"]].concat());
    assert_eq!(run.ended(), Outcome::Started('a'));
}

#[test]
fn d5_a_start_that_has_given_up_leaves_no_child() {
    for last in [Seen::Line(Line::Closed), failed()] {
        let run = start([
            taken(),
            free(),
            Seen::Done,
            Seen::Late,
            last,
            Seen::Done,
            Seen::Exit("signal 9"),
            Seen::Log(None),
            Seen::Done,
        ]);
        let then = ["give up", "kill child", "reap", "read log", "drop start lock"];
        assert_eq!(run.names(), [&SPAWNS[..], &then[..]].concat());
        let why = Why::Child { fault: Fault::Silent, exit: Some("signal 9"), log: None };
        assert_eq!(run.ended(), Outcome::Failed(why));
    }
}

#[test]
fn a_child_that_has_said_its_last_word_and_stays_is_killed() {
    let run = start([
        taken(),
        free(),
        Seen::Done,
        Seen::Line(Line::Error("no")),
        Seen::Late,
        Seen::Done,
        Seen::Late,
        failed(),
        Seen::Done,
    ]);
    let then = ["reap", "kill child", "reap", "read log", "drop start lock"];
    assert_eq!(run.names(), [&SPAWNS[..], &then[..]].concat());
    let why = Why::Child { fault: Fault::Said("no"), exit: None, log: None };
    assert_eq!(run.ended(), Outcome::Failed(why));
}

#[test]
fn d13_a_failure_is_passed_on() {
    let stories = [
        vec![failed()],
        vec![taken(), failed()],
        vec![taken(), held(), failed()],
        vec![taken(), free(), failed()],
    ];
    for mut script in stories {
        script.push(Seen::Done);
        let run = start(script);
        assert_eq!(run.names().last(), Some(&"drop start lock"));
        assert_eq!(run.ended(), Outcome::Failed(Why::Failed("input/output error")));
    }
}

#[test]
fn an_answer_to_another_question_is_a_breach() {
    let run = start([taken(), Seen::Heard(true)]);
    assert_eq!(run.ended(), Outcome::Breach(Breach { expected: "look at run lock" }));
}
