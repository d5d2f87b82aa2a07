//! What can be said of a daemon by looking.

use modeld_spec::daemon::effect::{Content, Phase, ProcessSeen, Seen};
use modeld_spec::daemon::status::{Outcome, Status, Unknown};
use modeld_spec::step::Breach;

use crate::harness::{Life, Run, Sight, Words, drive, failed, free, held, says};

fn status(script: impl IntoIterator<Item = Sight>) -> Run<Status<Life, Words>> {
    drive(Status::start(), script)
}

#[test]
fn d8_every_row_of_the_table() {
    use ProcessSeen::{Alive, Gone, Unverifiable};
    let named = [
        (free(), Phase::Stopped, Gone, Outcome::Stopped),
        (free(), Phase::Starting, Gone, Outcome::Stale(Some('a'))),
        (free(), Phase::Running, Alive, Outcome::Stale(Some('a'))),
        (free(), Phase::Stopping, Unverifiable, Outcome::Stale(Some('a'))),
        (held(), Phase::Starting, Alive, Outcome::Starting(Some('a'))),
        (held(), Phase::Running, Alive, Outcome::Running('a')),
        (held(), Phase::Stopping, Alive, Outcome::Stopping('a')),
        (held(), Phase::Stopped, Alive, Outcome::Stopping('a')),
        (held(), Phase::Running, Gone, Outcome::Starting(None)),
        (held(), Phase::Running, Unverifiable, Outcome::Unknown(Unknown::OutOfSight)),
    ];
    for (lock, phase, process, outcome) in named {
        let run = status([says('a', phase), Seen::Process(process), lock, says('a', phase)]);
        assert_eq!(run.ended(), outcome, "{phase:?} {process:?}");
    }
    let nameless = [
        (free(), Content::Absent, Outcome::Stopped),
        (free(), Content::Unreadable, Outcome::Stale(None)),
        (held(), Content::Absent, Outcome::Unknown(Unknown::Nameless)),
        (held(), Content::Unreadable, Outcome::Unknown(Unknown::Nameless)),
    ];
    for (lock, content, outcome) in nameless {
        let run = status([Seen::Metadata(content), lock, Seen::Metadata(content)]);
        assert_eq!(run.ended(), outcome, "{content:?}");
    }
}

#[test]
fn d7_a_look_asks_for_nothing_that_leaves_a_trace() {
    let running = says('a', Phase::Running);
    let run = status([running.clone(), Seen::Process(ProcessSeen::Alive), held(), running]);
    assert_eq!(run.names(), ["read metadata", "inspect process", "look at run lock", "read metadata"]);
}

#[test]
fn d8_what_changed_meanwhile_is_looked_at_again() {
    let look = |before: Content<char>, after| [Seen::Metadata(before), free(), Seen::Metadata(after)];
    let changed = || look(Content::Absent, Content::Unreadable);
    let mut script = Vec::from(changed());
    script.extend(look(Content::Unreadable, Content::Unreadable));
    assert_eq!(status(script).ended(), Outcome::Stale(None));
    let restless = std::iter::repeat_with(changed).take(4).flatten();
    assert_eq!(status(restless).ended(), Outcome::Unknown(Unknown::Restless));
}

#[test]
fn d13_what_could_not_be_read_is_unknown() {
    let running = || says('a', Phase::Running);
    let alive = || Seen::Process(ProcessSeen::Alive);
    let stories = [
        vec![failed()],
        vec![running(), failed()],
        vec![running(), alive(), failed()],
        vec![running(), alive(), free(), failed()],
    ];
    for script in stories {
        assert_eq!(status(script).ended(), Outcome::Unknown(Unknown::Failed("input/output error")));
    }
}

#[test]
fn an_answer_to_another_question_is_a_breach() {
    assert_eq!(status([free()]).ended(), Outcome::Breach(Breach { expected: "read metadata" }));
}
