//! Asking one thing: what is repeated, and what is known in the end.

use modeld_spec::holder::ask::{Ask, Effect, Outcome, Problem, Seen};
use modeld_spec::holder::frame::{Attempt, Fate, Question, Refusal, Reply, Request, Ticket, Version};
use modeld_spec::step::Breach;

use crate::harness::{drive, versions};

const ADD: Question<&str> = Question::Add { member: "b", ticket: Ticket(5) };

fn ask(
    question: Question<&'static str>,
    script: impl IntoIterator<Item = Seen>,
) -> (Vec<Effect<&'static str>>, Option<Outcome>) {
    drive(Ask::start(versions(1, 2), question), script)
}

/// Connected, greeted, and the question is said.
const SAID: [Seen; 4] = [Seen::Done, Seen::Done, Seen::Reply(Reply::Welcome(Version(1))), Seen::Done];

fn answered(question: Question<&'static str>, reply: Reply) -> Option<Outcome> {
    ask(question, SAID.into_iter().chain([Seen::Reply(reply), Seen::Done])).1
}

#[test]
fn h8_a_question_is_repeated_word_for_word() {
    let again = SAID.into_iter().chain([Seen::Reply(Reply::Up), Seen::Done]);
    let (effects, outcome) = ask(ADD, SAID.into_iter().chain([Seen::Ended, Seen::Done]).chain(again));
    let said: Vec<_> = effects.iter().filter(|e| matches!(e, Effect::Say(_, Request::Question(_)))).collect();
    let question = Request::Question(ADD);
    assert_eq!(said, [&Effect::Say(Attempt(1), question), &Effect::Say(Attempt(2), question)]);
    assert_eq!(outcome, Some(Outcome::Done));
}

#[test]
fn h10_who_is_not_answered_knows_that() {
    let silent = || SAID.into_iter().chain([Seen::TimedOut, Seen::Done]);
    let (_, outcome) = ask(ADD, silent().chain(silent()));
    assert_eq!(outcome, Some(Outcome::Unanswered(Problem::Silent)));
    let gone = || [Seen::Failed, Seen::Done];
    let (effects, outcome) = ask(Question::StopAll, gone().into_iter().chain(gone()));
    assert_eq!(
        effects.iter().map(Effect::name).collect::<Vec<_>>(),
        ["connect", "hang up", "connect", "hang up"]
    );
    assert_eq!(outcome, Some(Outcome::Unanswered(Problem::Disconnected)));
}

#[test]
fn an_answer_fits_its_question() {
    let stop = Question::Stop { member: "b" };
    assert_eq!(answered(stop, Reply::Stopped), Some(Outcome::Done));
    assert_eq!(answered(Question::StopAll, Reply::Stopped), Some(Outcome::Done));
    assert_eq!(answered(stop, Reply::Up), Some(Outcome::Unanswered(Problem::Unexpected)));
    assert_eq!(answered(ADD, Reply::Stopped), Some(Outcome::Unanswered(Problem::Unexpected)));
    let left = Refusal::Left(Fate::Failed);
    assert_eq!(answered(ADD, Reply::Refused(left)), Some(Outcome::Refused(left)));
    assert_eq!(left.to_string(), "the member failed");
}

#[test]
fn h3_a_crowd_is_waited_out_by_who_asks() {
    let crowd =
        || [Seen::Done, Seen::Done, Seen::Reply(Reply::Refused(Refusal::TooManyConnections)), Seen::Done];
    let (_, outcome) = ask(ADD, crowd().into_iter().chain(SAID).chain([Seen::Reply(Reply::Up), Seen::Done]));
    assert_eq!(outcome, Some(Outcome::Done));
    let (_, outcome) = ask(ADD, crowd().into_iter().chain(crowd()));
    assert_eq!(outcome, Some(Outcome::Unanswered(Problem::Crowded)));
}

#[test]
fn h5_no_common_version_is_an_answer() {
    let refusal = Refusal::Versions(versions(3, 4));
    let (_, outcome) = ask(ADD, [Seen::Done, Seen::Done, Seen::Reply(Reply::Refused(refusal)), Seen::Done]);
    assert_eq!(outcome, Some(Outcome::Refused(refusal)));
    let (_, outcome) =
        ask(ADD, [Seen::Done, Seen::Done, Seen::Reply(Reply::Welcome(Version(9))), Seen::Done]);
    assert_eq!(outcome, Some(Outcome::Unanswered(Problem::Unexpected)));
}

#[test]
fn every_wait_has_a_bound_and_a_wrong_answer_is_a_breach() {
    let (effects, outcome) = ask(ADD, SAID.into_iter().chain([Seen::Failed]));
    for effect in &effects {
        let waits = matches!(effect, Effect::Connect(_) | Effect::Receive(..));
        assert_eq!(effect.within().is_some(), waits, "{effect:?}");
    }
    assert_eq!(outcome, Some(Outcome::Breach(Breach { expected: "receive" })));
}
