//! How far the searches are, on the terminal of whoever waits for them; elsewhere a line as each ends.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::table::{duration, thousands};
use crate::search::Memory;
use crate::search::exhaustive::Progress;

/// All that runs.
pub(super) struct Board {
    lines: Option<MultiProgress>,
    summary: ProgressBar,
    total: Mutex<Total>,
    began: Instant,
}

/// One thing that runs.
pub(super) struct Line<'a> {
    board: &'a Board,
    name: String,
    /// How many states it will have; 0 if nobody knows.
    expected: usize,
    bar: ProgressBar,
}

/// What is done, of what there is to do.
struct Total {
    /// How many things there are.
    things: usize,
    /// How many states they will have, as far as that is known.
    states: usize,
    things_done: usize,
    states_done: usize,
    /// How many states those that run have, by name.
    running: HashMap<String, usize>,
}

impl Board {
    /// For so many things with so many states in all; 0 if nobody knows how many.
    pub(super) fn of(things: usize, states: usize) -> Self {
        let lines = std::io::stderr().is_terminal().then(MultiProgress::new);
        let summary = bar(lines.as_ref());
        let total = Total { things, states, things_done: 0, states_done: 0, running: HashMap::new() };
        Board { lines, summary, total: Mutex::new(total), began: Instant::now() }
    }

    /// Something begins.
    pub(super) fn begin(&self, name: String, expected: usize) -> Line<'_> {
        let bar = match &self.lines {
            Some(lines) => lines.insert_before(&self.summary, styled()),
            None => ProgressBar::hidden(),
        };
        bar.set_message(name.clone());
        self.change(|total| {
            total.running.insert(name.clone(), 0);
        });
        Line { board: self, name, expected, bar }
    }

    /// Everything has ended.
    pub(super) fn end(&self) {
        self.summary.finish_and_clear();
    }

    fn change(&self, change: impl FnOnce(&mut Total)) {
        let mut total = self.total.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut total);
        self.summary.set_message(total.told(self.began.elapsed(), Memory::resident()));
    }
}

impl Line<'_> {
    /// How far it is.
    pub(super) fn show(&self, progress: &Progress) {
        if self.board.lines.is_some() {
            self.bar.set_message(told(&self.name, self.expected, progress));
            self.board.change(|total| {
                total.running.insert(self.name.clone(), progress.unique);
            });
        }
    }

    /// What came of it, and how many states it had.
    pub(super) fn end(self, result: &str, states: usize) {
        self.bar.finish_and_clear();
        let line = format!("{}: {result}", self.name);
        match &self.board.lines {
            // Whoever goes away while a search runs is no reason to stop a search.
            Some(lines) => drop(lines.println(line)),
            None => drop(writeln!(std::io::stderr(), "{line}")),
        }
        self.board.change(|total| {
            total.running.remove(&self.name);
            total.things_done += 1;
            total.states_done += self.expected.max(states);
        });
    }
}

impl Total {
    fn told(&self, elapsed: Duration, memory: Option<Memory>) -> String {
        let done = self.states_done + self.running.values().sum::<usize>();
        let mut text = format!("{} of {} done", self.things_done, self.things);
        if 0 < self.states {
            text += &format!(", {} of {} states", thousands(done), thousands(self.states));
        }
        if let Some(memory) = memory {
            text += &format!(", {memory}");
        }
        text += &format!(", {}", duration(elapsed.as_secs_f64()));
        text + &left(done, self.states, elapsed)
    }
}

/// A search in a line: states, when it ends, rate, depth, queue.
fn told(name: &str, expected: usize, progress: &Progress) -> String {
    let Progress { unique, queue, depth, elapsed } = *progress;
    let states = match expected {
        0 => thousands(unique),
        _ => format!("{} of {}", thousands(unique), thousands(expected)),
    };
    let rate = unique as f64 / elapsed.as_secs_f64().max(MOMENT) / 1000.0;
    let left = left(unique, expected, elapsed);
    format!("{name}: {states}{left}, {rate:.0} k/s, depth {depth}, queue {}", thousands(queue))
}

/// How long the rest takes if it goes on like this.
fn left(done: usize, expected: usize, elapsed: Duration) -> String {
    if done == 0 || expected <= done || elapsed.as_secs_f64() < MOMENT {
        return String::new();
    }
    let rest = (expected - done) as f64 / done as f64 * elapsed.as_secs_f64();
    format!(", {} left", duration(rest))
}

fn bar(lines: Option<&MultiProgress>) -> ProgressBar {
    lines.map_or_else(ProgressBar::hidden, |lines| lines.add(styled()))
}

fn styled() -> ProgressBar {
    let bar = ProgressBar::no_length();
    // The template is a constant; the plain line would do as well.
    if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
        bar.set_style(style);
    }
    bar
}

/// Before so many seconds have passed, a rate is an accident.
const MOMENT: f64 = 0.5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_in_a_line_says_how_far_it_is_and_when_it_ends() {
        let progress = Progress { unique: 500_000, queue: 120, depth: 94, elapsed: Duration::from_secs(2) };
        assert_eq!(
            told("crash-n2", 2_000_000, &progress),
            "crash-n2: 500,000 of 2,000,000, 6.0 s left, 250 k/s, depth 94, queue 120"
        );
        assert_eq!(told("crash-n2", 0, &progress), "crash-n2: 500,000, 250 k/s, depth 94, queue 120");
    }

    #[test]
    fn the_summary_counts_what_runs_too() {
        let total = Total {
            things: 9,
            states: 1000,
            things_done: 1,
            states_done: 100,
            running: HashMap::from([("a".to_string(), 50), ("b".to_string(), 100)]),
        };
        assert_eq!(
            total.told(Duration::from_secs(10), Some(Memory::gib(2))),
            "1 of 9 done, 250 of 1,000 states, 2.0 GiB, 10.0 s, 30.0 s left"
        );
    }

    #[test]
    fn nobody_is_told_when_what_takes_longer_than_expected_ends() {
        assert_eq!(left(11, 10, Duration::from_secs(5)), "");
    }
}
