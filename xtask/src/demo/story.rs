//! The demo's plot: who is started, what is waited for, when the owner is killed, what must be true at the end.

use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::Report;
use super::account::{Account, milliseconds};
use super::contract::{self, Event, Outcome, Question, Said, Served};
use super::process::{Child, Heard, Role, What};
use crate::failure::{Failure, OrFail, Result};
use crate::interrupt::Interrupt;

/// What is played.
pub(super) struct Script {
    /// The program.
    pub(super) modeld: PathBuf,
    /// A path, or the word for the demo model.
    pub(super) model: String,
    pub(super) prompt: String,
    /// Length of the answer in tokens.
    pub(super) tokens: u32,
    /// Pieces of text after which the owner is killed.
    pub(super) kill_after: u32,
    /// Whether the data root stays.
    pub(super) keep: bool,
}

/// Plays it on a temporary data root.
///
/// # Errors
/// A process that does not start, ends early, says what is not understood, or says nothing for too long; an answer
/// that ended before the kill, or that has pieces of an old epoch, missing, or twice.
pub(super) fn play(script: &Script, account: &mut Account<'_>, interrupt: &Interrupt) -> Result<Report> {
    let root = tempfile::Builder::new()
        .prefix("modeld-demo-")
        .tempdir()
        .or_fail(|| "could not create a temporary data root".to_string())?;
    let (send, receive) = mpsc::channel();
    let mut stage = Stage { children: Vec::new(), send, receive, interrupt };

    let begun = Instant::now();
    stage.start(Role::Owner, contract::serve(&script.modeld, root.path(), false)?)?;
    let first = stage.wait_for_owner(Role::Owner)?;
    account.process(
        "owner",
        first.pid,
        &format!("epoch {}, ready in {} ms", first.epoch, milliseconds(begun.elapsed())),
    );
    stage.start(Role::Standby, contract::serve(&script.modeld, root.path(), true)?)?;
    stage.wait_for_standby()?;
    account.process("standby", stage.pid(Role::Standby), "waits for the owner's end");

    let question = Question { model: &script.model, prompt: &script.prompt, tokens: script.tokens };
    account.question(&script.model, &script.prompt);
    stage.start(Role::Client, contract::run(&script.modeld, root.path(), &question)?)?;
    let mut answer = Answer::default();
    while answer.items < u64::from(script.kill_after) {
        let heard = stage.next("the client to say something")?;
        stage.hear_client_before_kill(heard, &mut answer, account)?;
    }
    let killed = Instant::now();
    stage.child(Role::Owner)?.kill()?;
    account.killed(first.pid, answer.items);

    let mut second = None;
    let outcome = stage.hear_the_end(&first, &mut second, &mut answer, killed, account)?;
    if answer.first_after.is_none() {
        return Err(too_short(&answer));
    }
    let Some((lease, taken)) = second else {
        return Err(Failure::new("the answer ended and the standby has not said that it owns"));
    };
    let report = report(script, &first, &lease, &outcome, &answer, taken.duration_since(killed))?;
    account.end(&report);
    drop(stage);
    if script.keep {
        account.note(&format!("kept      {}", root.keep().display()));
    }
    Ok(report)
}

/// What a process said when it became the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lease {
    epoch: u64,
    pid: u32,
}

/// The processes, and the one channel on which they are heard.
struct Stage<'a> {
    children: Vec<(Role, Child)>,
    send: Sender<Heard>,
    receive: Receiver<Heard>,
    interrupt: &'a Interrupt,
}

impl Stage<'_> {
    fn start(&mut self, role: Role, command: std::process::Command) -> Result<()> {
        let child = Child::start(role, command, &self.send)?;
        self.children.push((role, child));
        Ok(())
    }

    fn child(&mut self, role: Role) -> Result<&mut Child> {
        let found = self.children.iter_mut().find(|(of, _)| *of == role);
        found.map(|(_, child)| child).ok_or_else(|| Failure::new(format!("{role} was not started")))
    }

    fn pid(&self, role: Role) -> u32 {
        self.children.iter().find(|(of, _)| *of == role).map_or(0, |(_, child)| child.pid())
    }

    fn obituary(&mut self, role: Role, what_happened: &str) -> Failure {
        self.child(role).map_or_else(|failure| failure, |child| child.obituary(what_happened))
    }

    /// The next thing that any process says, within [`SILENCE`].
    fn next(&mut self, waiting_for: &str) -> Result<Heard> {
        let deadline = Instant::now() + SILENCE;
        loop {
            self.interrupt.check()?;
            match self.receive.recv_timeout(POLL) {
                Ok(heard) => return Ok(heard),
                Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
                Err(_) => {
                    let seconds = SILENCE.as_secs();
                    let said: String = self.children.iter().map(|(_, child)| child.last_words()).collect();
                    return Err(Failure::new(format!("waited {seconds} s for {waiting_for}{said}")));
                }
            }
        }
    }

    fn wait_for_owner(&mut self, role: Role) -> Result<Lease> {
        loop {
            match self.next(&format!("{role} to serve"))?.what {
                What::Line(line) => {
                    if let Served::Owner { epoch, pid } = Served::parse(&line)? {
                        return Ok(Lease { epoch, pid });
                    }
                }
                What::TooLong | What::End => return Err(self.obituary(role, "ended before it served")),
            }
        }
    }

    fn wait_for_standby(&mut self) -> Result<()> {
        loop {
            let heard = self.next("the standby to wait")?;
            match heard.what {
                What::Line(line) => {
                    if heard.from == Role::Standby && Served::parse(&line)? == Served::Standby {
                        return Ok(());
                    }
                }
                What::TooLong | What::End => {
                    return Err(self.obituary(heard.from, "ended before it was needed"));
                }
            }
        }
    }

    fn hear_client_before_kill(
        &mut self,
        heard: Heard,
        answer: &mut Answer,
        account: &mut Account<'_>,
    ) -> Result<()> {
        match (heard.from, heard.what) {
            (Role::Client, What::Line(line)) => match Said::parse(&line)? {
                Said::Event(event) => {
                    if let Some(text) = answer.hear(event, heard.at) {
                        account.text(&text);
                    }
                    Ok(())
                }
                Said::Outcome(_) => Err(too_short(answer)),
            },
            (_, What::Line(_)) => Ok(()),
            (role, What::TooLong | What::End) => {
                Err(self.obituary(role, "ended before the owner was killed"))
            }
        }
    }

    /// Listens from the kill to the client's outcome and the new owner's word, in whichever order they come.
    fn hear_the_end(
        &mut self,
        first: &Lease,
        second: &mut Option<(Lease, Instant)>,
        answer: &mut Answer,
        killed: Instant,
        account: &mut Account<'_>,
    ) -> Result<Outcome> {
        let mut outcome = None;
        loop {
            if let Some(outcome) = outcome.take_if(|_| second.is_some() || answer.epochs.len() < 2) {
                return self.client_ended_well().map(|()| outcome);
            }
            let heard = self.next("the standby to take over and the client to end")?;
            match (heard.from, heard.what) {
                (Role::Standby, What::Line(line)) => {
                    if let Served::Owner { epoch, pid } = Served::parse(&line)? {
                        if epoch <= first.epoch {
                            let text =
                                format!("the new owner has epoch {epoch}, the old one had {}", first.epoch);
                            return Err(Failure::new(text));
                        }
                        account.taken_over(pid, epoch, heard.at.duration_since(killed));
                        *second = Some((Lease { epoch, pid }, heard.at));
                    }
                }
                (Role::Client, What::Line(line)) => match Said::parse(&line)? {
                    Said::Event(event) => {
                        if let Some(text) = answer.hear(event, heard.at) {
                            account.text(&text);
                        }
                    }
                    Said::Outcome(last) => outcome = Some(last),
                },
                (Role::Client, What::End) if outcome.is_some() => {}
                (Role::Owner | Role::Build, _) => {}
                (role, What::TooLong | What::End) => return Err(self.obituary(role, "ended too early")),
            }
        }
    }

    fn client_ended_well(&mut self) -> Result<()> {
        match self.child(Role::Client)?.ended_within(EXIT) {
            Some(status) if status.success() => Ok(()),
            _ => Err(self.obituary(Role::Client, "gave its answer and did not end well")),
        }
    }
}

/// The client's answer as it comes, and what is wrong with it.
#[derive(Debug, Default)]
struct Answer {
    /// Epochs of which there was output, in order, each once.
    epochs: Vec<u64>,
    /// Pieces of text.
    items: u64,
    /// Pieces of an epoch older than one seen before.
    stale: u64,
    /// Pieces whose number is not the one after the last.
    out_of_order: u64,
    /// All pieces, one after the other.
    text: String,
    /// When the last piece of the first epoch came.
    last_before: Option<Instant>,
    /// When the first piece of a later epoch came.
    first_after: Option<Instant>,
}

impl Answer {
    /// Takes an event in; the piece of text that is to be shown, if it has one.
    fn hear(&mut self, event: Event, at: Instant) -> Option<String> {
        let Event::Text { epoch, text, index } = event else {
            return None;
        };
        match self.epochs.last().copied() {
            Some(seen) if epoch < seen => self.stale += 1,
            Some(seen) if epoch == seen => {}
            _ => self.epochs.push(epoch),
        }
        if self.epochs.len() < 2 {
            self.last_before = Some(at);
        } else {
            self.first_after.get_or_insert(at);
        }
        self.out_of_order += u64::from(index != self.items);
        self.items += 1;
        self.text.push_str(&text);
        Some(text)
    }
}

/// Holds the answer against what the demo promises.
fn report(
    script: &Script,
    first: &Lease,
    second: &Lease,
    outcome: &Outcome,
    answer: &Answer,
    takeover: Duration,
) -> Result<Report> {
    let (Some(before), Some(after)) = (answer.last_before, answer.first_after) else {
        return Err(too_short(answer));
    };
    let stale_items = answer.stale.max(outcome.stale_items);
    let broken = if answer.epochs != [first.epoch, second.epoch] {
        Some(format!("epochs {:?} were seen, and {}, {} granted", answer.epochs, first.epoch, second.epoch))
    } else if answer.out_of_order > 0 {
        Some(format!("{} pieces of the answer are missing or came twice", answer.out_of_order))
    } else if stale_items > 0 {
        Some(format!("{stale_items} pieces of an old epoch came after a newer one"))
    } else if answer.text != outcome.text {
        Some("the answer at the end is not the one that was streamed".to_string())
    } else {
        None
    };
    if let Some(broken) = broken {
        return Err(Failure::new(broken));
    }
    Ok(Report {
        epochs: answer.epochs.clone(),
        takeover_ms: milliseconds(takeover),
        client_gap_ms: milliseconds(after.duration_since(before)),
        tokens: outcome.tokens,
        reused: outcome.reused,
        prefilled: outcome.prefilled,
        finish_reason: outcome.finish_reason.clone(),
        stale_items,
        owner_pid: first.pid,
        standby_pid: second.pid,
        model: script.model.clone(),
        text: outcome.text.clone(),
    })
}

fn too_short(answer: &Answer) -> Failure {
    Failure::new(format!(
        "the answer ended after {} pieces of text, before the owner's death could matter",
        answer.items
    ))
    .hint("ask for more with `--tokens`, or kill earlier with `--kill-after`")
}

/// Nothing is silent for longer: the load of a large model from a slow disk, with room to spare.
const SILENCE: Duration = Duration::from_secs(120);
/// A client that has given its answer ends within this time.
const EXIT: Duration = Duration::from_secs(10);
/// How soon Ctrl-C is noticed.
const POLL: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    fn text(epoch: u64, index: u64) -> Event {
        Event::Text { epoch, index, text: format!("{index} ") }
    }

    fn answer(events: &[Event]) -> Answer {
        let begun = Instant::now();
        let mut answer = Answer::default();
        for (tick, event) in events.iter().enumerate() {
            answer.hear(event.clone(), begun + Duration::from_millis(tick as u64));
        }
        answer
    }

    fn reported(answer: &Answer, outcome: Outcome) -> Result<Report> {
        let script = Script {
            modeld: "modeld".into(),
            model: "demo".into(),
            prompt: "a".into(),
            tokens: 4,
            kill_after: 2,
            keep: false,
        };
        let outcome = Outcome { text: answer.text.clone(), ..outcome };
        let [first, second] = [1, 2].map(|epoch| Lease { epoch, pid: 10 + epoch as u32 });
        report(&script, &first, &second, &outcome, answer, Duration::from_micros(4_260))
    }

    fn whole() -> Vec<Event> {
        let changed = Event::OwnerChanged { from_epoch: 1, to_epoch: 2 };
        vec![Event::Open { epoch: 1 }, text(1, 0), text(1, 1), changed, text(2, 2), text(2, 3)]
    }

    #[test]
    fn a_whole_answer_is_reported_with_its_times() {
        let report = reported(&answer(&whole()), Outcome { tokens: 4, ..Outcome::default() }).unwrap();
        assert_eq!((report.epochs, report.stale_items), (vec![1, 2], 0));
        assert_eq!((report.takeover_ms, report.client_gap_ms), (4.3, 2.0));
        assert_eq!((report.owner_pid, report.standby_pid), (11, 12));
        assert_eq!(report.text, "0 1 2 3 ");
    }

    #[test]
    fn a_piece_of_an_old_epoch_fails_whoever_counted_it() {
        let mut events = whole();
        events.push(text(1, 4));
        let seen = reported(&answer(&events), Outcome::default()).unwrap_err();
        assert!(seen.to_string().contains("1 pieces of an old epoch"), "{seen}");
        let counted = Outcome { stale_items: 3, ..Outcome::default() };
        let counted = reported(&answer(&whole()), counted).unwrap_err();
        assert!(counted.to_string().contains("3 pieces of an old epoch"), "{counted}");
    }

    #[test]
    fn a_missing_and_a_repeated_piece_fail() {
        for wrong in [text(2, 5), text(2, 3)] {
            let mut events = whole();
            events.push(wrong);
            let failure = reported(&answer(&events), Outcome::default()).unwrap_err();
            assert!(failure.to_string().contains("missing or came twice"), "{failure}");
        }
    }

    #[test]
    fn an_answer_that_the_first_owner_finished_shows_nothing() {
        let failure = reported(&answer(&whole()[..3]), Outcome::default()).unwrap_err();
        assert!(failure.to_string().contains("ended after 2 pieces"), "{failure}");
    }

    #[test]
    fn an_epoch_that_nobody_announced_fails() {
        let mut events = whole();
        events.push(text(3, 4));
        let failure = reported(&answer(&events), Outcome::default()).unwrap_err();
        assert!(failure.to_string().contains("epochs [1, 2, 3] were seen"), "{failure}");
    }

    #[test]
    fn a_text_that_changed_fails() {
        let mut answer = answer(&whole());
        let outcome = Outcome { text: answer.text.clone(), ..Outcome::default() };
        answer.text.push('!');
        let script = |model: &str| Script {
            modeld: "m".into(),
            model: model.into(),
            prompt: String::new(),
            tokens: 4,
            kill_after: 2,
            keep: false,
        };
        let [first, second] = [1, 2].map(|epoch| Lease { epoch, pid: 1 });
        let failure = report(&script("demo"), &first, &second, &outcome, &answer, SILENCE).unwrap_err();
        assert!(failure.to_string().contains("not the one that was streamed"), "{failure}");
    }
}
