//! The release machine as a table: it is run once over every answer, and a state of the model has the number of its
//! state.
//!
//! The machine compares a record with its own instance and epoch and has no other use for them, so that one ownership
//! stands for all: which letter of [`Answer`] a record of the model is, is whether it has the same instance and epoch.

use std::sync::LazyLock;

use modeld_spec::lease::acquire::Owned;
use modeld_spec::lease::effect::{Content, Effect, Failure, FailureKind, LatchSeen, Seen};
use modeld_spec::lease::record::{Record, Residency};
use modeld_spec::lease::release::{Ending, Outcome, Release};
use modeld_spec::step::{Machine, Step};
use modeld_spec::time::{BootTime, Observed};

use super::state::epoch;
use crate::models::lease::names;

/// A state of a release, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node(u8);

/// What a release can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was done.
    Done,
    /// It failed.
    Failed,
    /// The latch is in hand.
    Latched,
    /// Somebody else kept the latch.
    Busy,
    /// There is no record.
    NoRecord,
    /// Our record.
    Own,
    /// Our record, and it says that we wait for the residency lock.
    OwnAwaiting,
    /// The record of another instance with another epoch.
    Other,
    /// The record of another instance with our epoch.
    OtherSameEpoch,
    /// Our instance with another epoch.
    OwnOtherEpoch,
}

/// What a release does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It goes on there.
    At(Node),
    /// It has ended.
    Ended,
    /// The driver broke the contract.
    Breach,
}

/// What an ended release starts with.
pub fn start(ending: Ending) -> Node {
    match ending {
        Ending::Handover => TABLE.handover,
        Ending::Fenced => TABLE.fenced,
    }
}

/// What the release wants there.
pub fn effect(node: Node) -> &'static Effect {
    &TABLE.nodes[usize::from(node.0)].0
}

/// What it does once it is answered.
pub fn step(node: Node, answer: Answer) -> Next {
    TABLE.nodes[usize::from(node.0)].1[answer as usize]
}

struct Table {
    handover: Node,
    fenced: Node,
    nodes: Vec<(Effect, [Next; ANSWERS])>,
}

const ANSWERS: usize = Answer::OwnOtherEpoch as usize + 1;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut machines: Vec<Step<Release>> = Vec::new();
    let mut nodes = Vec::new();
    let handover = number(&mut machines, Release::start(Owned { record: ours() }, Ending::Handover));
    let fenced = number(&mut machines, Release::start(Owned { record: ours() }, Ending::Fenced));
    while let Some(Step::Do(effect, release)) = machines.get(nodes.len()).cloned() {
        let next = answers().map(|what| match release.clone().step(Observed { at: BootTime::ZERO, what }) {
            Step::Done(Outcome::Breach(_)) => Next::Breach,
            Step::Done(_) => Next::Ended,
            step @ Step::Do(..) => Next::At(number(&mut machines, step)),
        });
        nodes.push((effect, next));
    }
    Table { handover, fenced, nodes }
});

fn number(machines: &mut Vec<Step<Release>>, step: Step<Release>) -> Node {
    let known = machines.iter().position(|known| *known == step);
    let index = known.unwrap_or_else(|| {
        machines.push(step);
        machines.len() - 1
    });
    Node(index as u8)
}

/// In the order of [`Answer`].
fn answers() -> [Seen; ANSWERS] {
    let record = |record: Record| Seen::Record(Content::Record(record));
    let awaiting = Residency::Awaited { file: names::file(0), holder: None };
    let other = |number| Record { instance: names::instance(1, 0), epoch: epoch(number), ..ours() };
    [
        Seen::Done,
        Seen::Failed(Failure {
            doing: "",
            path: String::new(),
            cause: String::new(),
            kind: FailureKind::Other,
        }),
        Seen::Latch(LatchSeen::Taken),
        Seen::Latch(LatchSeen::Busy),
        Seen::Record(Content::Absent),
        record(ours()),
        record(Record { residency: awaiting, ..ours() }),
        record(other(6)),
        record(other(5)),
        record(Record { epoch: epoch(6), ..ours() }),
    ]
}

fn ours() -> Record {
    let claim = names::claim(0, 0, names::ttl(1));
    Record {
        epoch: epoch(5),
        instance: claim.instance,
        process: claim.process,
        host: claim.host,
        clock: claim.clock,
        acquired_at: BootTime::ZERO,
        renewed_at: BootTime::ZERO,
        ttl: claim.ttl,
        residency: Residency::Held(names::file(0)),
        meta: claim.meta,
        protocol: claim.protocol,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_goes_the_way_of_a_handover() {
        let answers = [
            Answer::Done,
            Answer::Done,
            Answer::Done,
            Answer::Done,
            Answer::Latched,
            Answer::Own,
            Answer::Done,
            Answer::Done,
        ];
        let mut node = start(Ending::Handover);
        let mut names = vec![effect(node).name()];
        for answer in answers {
            let Next::At(next) = step(node, answer) else { panic!("it ends early: {names:?}") };
            node = next;
            names.push(effect(node).name());
        }
        let order = [
            "quiesce",
            "flush",
            "free",
            "stop keeper",
            "take latch",
            "read record",
            "remove record",
            "drop residency",
            "drop latch",
        ];
        assert_eq!(names, order);
        assert_eq!(step(node, Answer::Done), Next::Ended);
        assert_eq!(step(node, Answer::Own), Next::Breach);
    }

    #[test]
    fn what_is_fenced_flushes_nothing_and_leaves_another_record_alone() {
        let Next::At(next) = step(start(Ending::Fenced), Answer::Done) else { panic!("it ends early") };
        assert_eq!(effect(next).name(), "free");
        let mut node = next;
        for answer in [Answer::Done, Answer::Done, Answer::Latched, Answer::Other] {
            let Next::At(next) = step(node, answer) else { panic!("it ends early") };
            node = next;
        }
        assert_eq!(effect(node).name(), "drop residency");
    }
}
