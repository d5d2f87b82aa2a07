//! The transition tables of acquire, renew and release as text, compared with `transitions.txt`.
//!
//! A change of a machine is a change of that file, to be read in review. `UPDATE_SNAPSHOTS=1 cargo test` writes
//! it anew.

use std::fmt::Write as _;
use std::path::Path;

use modeld_spec::lease::acquire::{self, Acquire};
use modeld_spec::lease::effect::{ClaimSeen, Content, Effect, LatchSeen, LockSeen, ProcessSeen, Seen};
use modeld_spec::lease::record::{Record, Residency};
use modeld_spec::lease::release::{self, Ending, Release};
use modeld_spec::lease::renew::{self, Renew};
use modeld_spec::step::{Machine, Step};
use modeld_spec::time::Observed;

use crate::harness::{
    at, awaiting, claim, domain, eio, epoch, file, held, owned, process, record, seen, unreadable,
};

#[test]
fn the_transition_tables_are_those_of_the_snapshot() {
    let mut text = String::from(HEAD);
    let mut table = Table::new(&mut text, "acquire, by b, at 60.5 s");
    table.explore(Acquire::start(claim("b"), None), |outcome| match outcome {
        acquire::Outcome::Acquired(owned) => {
            format!("Acquired epoch {}, {}", owned.epoch(), residency(&owned.record.residency))
        }
        acquire::Outcome::Follower { why, .. } => format!("Follower {}", first_word(why)),
        other => first_word(other),
    });
    let mut table = Table::new(&mut text, "renew, of a's epoch 3, at 60.5 s");
    table.explore(Renew::start(owned("a", 3, 0), held(), at(300)), first_word::<renew::Outcome>);
    for ending in [Ending::Handover, Ending::Fenced] {
        let mut table = Table::new(&mut text, &format!("release, of a's epoch 3, {ending:?}"));
        table.explore(Release::start(owned("a", 3, 0), ending), first_word::<release::Outcome>);
    }

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lease/transitions.txt");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    let differs = kept.lines().zip(text.lines()).position(|(kept, new)| kept != new);
    assert!(
        kept == text,
        "the tables differ from {} (first at line {}); UPDATE_SNAPSHOTS=1 writes them anew",
        path.display(),
        differs.unwrap_or_else(|| kept.lines().count().min(text.lines().count())) + 1,
    );
}

const HEAD: &str = "\
What each state awaits, and what each answer leads to. `->` asks for an effect and names the state that then
waits; `=` ends. A state is numbered when it is first met. Every answer that is not listed is a breach.
";

/// The answers, each with its name in the table.
fn alphabet() -> Vec<(&'static str, Seen)> {
    let record = |record: Record| Seen::Record(Content::Record(record));
    let other_boot = Record { clock: domain("boot-0", 1), ..self::record("a", 3, 0) };
    let other_clock = Record { clock: domain("boot-1", 2), ..self::record("a", 3, 0) };
    vec![
        ("latch taken", Seen::Latch(LatchSeen::Taken)),
        ("latch busy", Seen::Latch(LatchSeen::Busy)),
        ("no record", Seen::Record(Content::Absent)),
        ("unreadable record", Seen::Record(unreadable())),
        ("record a3, has lock", record(self::record("a", 3, 0))),
        ("record a3, waits for lock", record(awaiting("a", 3, 0, "z"))),
        ("record a3, expired", record(expired())),
        ("record a3, of another boot", record(other_boot)),
        ("record a3, of another time namespace", record(other_clock)),
        ("record a3, of the future", record(self::record("a", 3, 9000))),
        ("record c3", record(self::record("c", 3, 0))),
        ("record c2", record(self::record("c", 2, 0))),
        ("record c4", record(self::record("c", 4, 0))),
        ("lock taken", Seen::Residency(LockSeen::Taken(file(1)))),
        ("lock held", Seen::Residency(LockSeen::Held(file(1)))),
        ("lock taken on another file", Seen::Residency(LockSeen::Taken(file(2)))),
        ("no epochs", Seen::Epochs(None)),
        ("epochs up to 3", Seen::Epochs(Some(epoch(3)))),
        ("epochs up to 5", Seen::Epochs(Some(epoch(5)))),
        ("granted", Seen::Claim(ClaimSeen::Granted)),
        ("refused", Seen::Claim(ClaimSeen::Refused)),
        ("alive", Seen::Process(ProcessSeen::Alive)),
        ("gone", Seen::Process(ProcessSeen::Gone)),
        ("unverifiable", Seen::Process(ProcessSeen::Unverifiable)),
        ("done", Seen::Done),
        ("failed", Seen::Failed(eio())),
    ]
}

fn expired() -> Record {
    // Renewed two seconds before the story begins; instants before it are not expressible by `at`.
    let before = modeld_spec::time::BootTime::from_nanos(at(0).as_nanos() - 2_000_000_000);
    Record { acquired_at: before, renewed_at: before, ..record("a", 3, 0) }
}

/// One machine's table, in the order in which its states are met.
struct Table<'a> {
    text: &'a mut String,
}

impl<'a> Table<'a> {
    fn new(text: &'a mut String, title: &str) -> Self {
        let _ = writeln!(text, "\n{title}\n{}", "=".repeat(title.len()));
        Table { text }
    }

    fn explore<M>(&mut self, first: Step<M>, ending: impl Fn(&M::Outcome) -> String)
    where
        M: Machine<Effect = Effect, Observed = Observed<Seen>> + Clone + PartialEq,
    {
        let mut states: Vec<(String, M)> = Vec::new();
        let number = |states: &mut Vec<(String, M)>, effect: &Effect, machine: M| {
            let known = states.iter().position(|(_, state)| *state == machine);
            let index = known.unwrap_or_else(|| {
                states.push((describe(effect), machine));
                states.len() - 1
            });
            index + 1
        };
        let Step::Do(effect, machine) = first else { return };
        number(&mut states, &effect, machine);
        let mut next = 0;
        while let Some((title, machine)) = states.get(next).cloned() {
            next += 1;
            let _ = writeln!(self.text, "{next}. {title}");
            for (name, answer) in alphabet() {
                // A claim that is refused leads to the next epoch, without end: one round is shown.
                let first = ["claim epoch 3", "claim epoch 4"].contains(&title.as_str());
                if name == "refused" && title.starts_with("claim") && !first {
                    let _ = writeln!(self.text, "    {name:<37} -> and so on");
                    continue;
                }
                match machine.clone().step(seen(500, answer)) {
                    Step::Do(effect, machine) => {
                        let shown = describe(&effect);
                        let state = number(&mut states, &effect, machine);
                        let _ = writeln!(self.text, "    {name:<37} -> {shown} ({state})");
                    }
                    Step::Done(outcome) => {
                        let shown = ending(&outcome);
                        if shown != "Breach" {
                            let _ = writeln!(self.text, "    {name:<37} = {shown}");
                        }
                    }
                }
            }
        }
    }
}

/// The effect with what it carries, in a few words.
fn describe(effect: &Effect) -> String {
    match effect {
        Effect::ClaimEpoch(epoch) => format!("claim epoch {epoch}"),
        Effect::ReplaceRecord(record) => {
            format!("replace record: {}{}, {}", record.instance, record.epoch, residency(&record.residency))
        }
        Effect::InspectProcess(seen) if *seen == process("a") => "inspect process a".to_string(),
        other => other.name().to_string(),
    }
}

fn residency(residency: &Residency) -> &'static str {
    match residency {
        Residency::Held(_) => "has lock",
        Residency::Awaited { .. } => "waits for lock",
    }
}

/// The name of an enum's variant.
fn first_word<T: std::fmt::Debug>(value: &T) -> String {
    let text = format!("{value:?}");
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_string()
}
