//! The client's half: start, bind, try again, end.

use modeld_spec::holder::close::{self, Close};
use modeld_spec::holder::frame::{Attempt, Handshake, Refusal, Reply, Version, Versions};
use modeld_spec::holder::serve::Life;
use modeld_spec::holder::spawn::{Effect, Outcome, Problem, Seen, Spawn};
use modeld_spec::step::{Breach, Step};

use crate::harness::{TOKEN, drive, versions};

fn spawn(script: impl IntoIterator<Item = Seen>) -> (Vec<&'static str>, Option<Outcome>) {
    let (effects, outcome) = drive(Spawn::start(Life::Bound(TOKEN), versions(1, 2)), script);
    (effects.iter().map(Effect::name).collect(), outcome)
}

const WELCOME: Seen = Seen::Reply(Reply::Welcome(Version(2)));

/// Started and ready.
const READY: [Seen; 2] = [Seen::Done, Seen::Done];

/// A whole attempt that succeeds.
fn attempt(number: u8) -> Vec<Seen> {
    let offer = Seen::Reply(Reply::Offer(Attempt(number)));
    let bound = Seen::Reply(Reply::Bound(Attempt(number)));
    vec![Seen::Done, Seen::Done, WELCOME, Seen::Done, offer, Seen::Done, bound]
}

#[test]
fn h2_only_bound_is_believed() {
    let (names, outcome) = spawn(READY.into_iter().chain(attempt(1)).chain([Seen::Done]));
    let order =
        ["start child", "await ready", "connect", "say", "receive", "say", "receive", "say", "receive"];
    assert_eq!(names[..9], order);
    assert_eq!(outcome, Some(Outcome::Bound { attempt: Attempt(1), version: Version(2) }));
    // An offer is none, and a `bound` of another attempt is none.
    for reply in [Reply::Offer(Attempt(1)), Reply::Bound(Attempt(2)), Reply::Up] {
        let said = attempt(1).into_iter().take(6).chain([Seen::Reply(reply), Seen::Done]);
        let (names, outcome) = spawn(READY.into_iter().chain(said));
        assert_eq!(names.last(), Some(&"end child"));
        assert_eq!(outcome, Some(Outcome::Failed(Problem::Unexpected)));
    }
}

#[test]
fn h4_what_is_given_up_stays_open() {
    let late = attempt(1).into_iter().take(6).chain([Seen::TimedOut]);
    let script = READY.into_iter().chain(late).chain(attempt(2)).chain([Seen::Done]);
    let (names, outcome) = spawn(script);
    let ends = names.iter().filter(|name| name.contains("hang up") || name.contains("end")).count();
    assert_eq!((ends, names.last()), (1, Some(&"hang up earlier")));
    assert_eq!(outcome, Some(Outcome::Bound { attempt: Attempt(2), version: Version(2) }));
}

#[test]
fn h4_the_attempt_is_said_with_the_bind() {
    let late = [Seen::Failed];
    let script = READY.into_iter().chain(late).chain(attempt(2).into_iter().take(3));
    let (effects, _) = drive(Spawn::start(Life::Bound(TOKEN), versions(1, 2)), script);
    let bind = Handshake::Bind { token: TOKEN, attempt: Attempt(2) };
    assert_eq!(effects.last(), Some(&Effect::Say(Attempt(2), bind)));
}

#[test]
fn h5_a_version_that_was_not_offered_is_none() {
    let script = [Seen::Done, Seen::Done, Seen::Reply(Reply::Welcome(Version(3))), Seen::Done];
    let (_, outcome) = spawn(READY.into_iter().chain(script));
    assert_eq!(outcome, Some(Outcome::Failed(Problem::Unexpected)));
    assert!(!Versions::OURS.contains(Version(0)));
    assert_eq!(Versions::new(Version(2), Version(1)), None);
}

#[test]
fn h5_no_common_version_ends_what_was_started() {
    let refusal = Refusal::Versions(versions(3, 4));
    let script = [Seen::Done, Seen::Done, Seen::Reply(Reply::Refused(refusal)), Seen::Done];
    let (names, outcome) = spawn(READY.into_iter().chain(script));
    assert_eq!(names.last(), Some(&"end child"));
    assert_eq!(outcome, Some(Outcome::Failed(Problem::Refused(refusal))));
    assert_eq!(Problem::Refused(refusal).to_string(), "the holder speaks versions 3 to 4");
}

#[test]
fn h6_whatever_fails_is_ended() {
    let failed = |script: Vec<Seen>, problem| {
        let (names, outcome) = spawn(script);
        assert_eq!(names.last(), Some(&"end child"), "{problem}");
        assert_eq!(outcome, Some(Outcome::Failed(problem)));
    };
    failed(vec![Seen::Done, Seen::ChildEnded, Seen::Done], Problem::ChildEnded);
    failed(vec![Seen::Done, Seen::TimedOut, Seen::Done], Problem::Silent);
    // Three attempts, and the last says why.
    let mut script = READY.to_vec();
    script.extend([Seen::Failed, Seen::TimedOut, Seen::Done, Seen::Done, Seen::Ended, Seen::Done]);
    failed(script, Problem::Disconnected);
    // What was not started is not ended.
    let (names, outcome) = spawn([Seen::Failed]);
    assert_eq!((names, outcome), (vec!["start child"], Some(Outcome::Failed(Problem::NotStarted))));
}

#[test]
fn h3_a_crowd_is_waited_out() {
    let crowd = Seen::Reply(Reply::Refused(Refusal::TooManyConnections));
    let script =
        READY.into_iter().chain([Seen::Done, Seen::Done, crowd]).chain(attempt(2)).chain([Seen::Done]);
    let (_, outcome) = spawn(script);
    assert_eq!(outcome, Some(Outcome::Bound { attempt: Attempt(2), version: Version(2) }));
}

#[test]
fn a_detached_holder_is_greeted_and_left() {
    let script = READY.into_iter().chain([Seen::Done, Seen::Done, WELCOME, Seen::Done]);
    let (effects, outcome) = drive(Spawn::start(Life::Detached, versions(1, 2)), script);
    assert_eq!(effects.last(), Some(&Effect::HangUp(Attempt(1))));
    assert_eq!(outcome, Some(Outcome::Detached { version: Version(2) }));
}

#[test]
fn h6_closing_has_a_bound() {
    for (seen, forced) in [(close::Seen::ChildEnded, false), (close::Seen::TimedOut, true)] {
        let (effects, outcome) = drive(Close::start(), [close::Seen::Done, seen, close::Seen::Done]);
        assert_eq!(effects, [close::Effect::HangUp, close::Effect::AwaitEnd, close::Effect::EndChild]);
        assert_eq!(outcome, Some(close::Outcome::Ended { forced }));
    }
    assert!(close::Effect::AwaitEnd.within().is_some());
    let (_, outcome) = drive(Close::start(), [close::Seen::TimedOut]);
    assert_eq!(outcome, Some(close::Outcome::Breach(Breach { expected: "hang up" })));
}

#[test]
fn a_wrong_answer_is_a_breach() {
    let start = Spawn::start(Life::Detached, versions(1, 2));
    let Step::Do(effect, _) = &start else { panic!("a start begins with an effect") };
    assert_eq!(effect.within(), None);
    let (_, outcome) = drive(start, [Seen::Ended]);
    assert_eq!(outcome, Some(Outcome::Breach(Breach { expected: "start child" })));
    assert!(
        [Effect::AwaitReady, Effect::Connect(Attempt(1)), Effect::Receive(Attempt(1))]
            .iter()
            .all(|e| e.within().is_some())
    );
}
