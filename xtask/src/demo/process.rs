//! Child processes that never outlive the demo, and what they say as one stream of lines.
//!
//! Each child has two reader threads, which end with its output. Lines of standard output go to one channel with
//! the time at which they came; the end of standard error is kept for the case that the child fails. Dropping a
//! child kills and reaps it.

use std::collections::VecDeque;
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::{Failure, OrFail, Result};

/// Who a child is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Build,
    Owner,
    Standby,
    Client,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Build => "the build",
            Role::Owner => "the owner",
            Role::Standby => "the standby",
            Role::Client => "the client",
        })
    }
}

/// Something that came from a child.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) from: Role,
    pub(super) at: Instant,
    pub(super) what: What,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A line of standard output, without its end.
    Line(String),
    /// A line beyond [`LINE_BYTES_MAX`]; nothing after it is read.
    TooLong,
    /// Standard output is closed.
    End,
}

/// A running or dead child.
pub(super) struct Child {
    role: Role,
    child: std::process::Child,
    last_words: Arc<Mutex<VecDeque<String>>>,
}

impl Child {
    /// Starts a child in a process group of its own: Ctrl-C reaches the demo alone, which then ends its children.
    pub(super) fn start(role: Role, mut command: Command, to: &Sender<Heard>) -> Result<Child> {
        command.process_group(0).stderr(Stdio::piped());
        Child::spawn(role, command, to)
    }

    /// Starts a child whose standard error goes where the demo's goes, and which Ctrl-C reaches too.
    pub(super) fn start_shown(role: Role, command: Command, to: &Sender<Heard>) -> Result<Child> {
        Child::spawn(role, command, to)
    }

    fn spawn(role: Role, mut command: Command, to: &Sender<Heard>) -> Result<Child> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .or_fail(|| format!("could not start {role}, {program}"))?;
        if let Some(stdout) = child.stdout.take() {
            let to = to.clone();
            thread::spawn(move || read_lines(stdout, role, &to));
        }
        let last_words = Arc::new(Mutex::new(VecDeque::new()));
        if let Some(stderr) = child.stderr.take() {
            let last_words = Arc::clone(&last_words);
            thread::spawn(move || keep_tail(stderr, &last_words));
        }
        Ok(Child { role, child, last_words })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it with SIGKILL and waits until the kernel has let go of all it held.
    pub(super) fn kill(&mut self) -> Result<()> {
        self.child.kill().or_fail(|| format!("could not kill {}", self.role))?;
        self.child.wait().or_fail(|| format!("could not wait for {}", self.role))?;
        Ok(())
    }

    /// Its exit status, if it ends in time.
    pub(super) fn ended_within(&mut self, bound: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + bound;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < deadline => thread::sleep(POLL),
                Ok(None) | Err(_) => return None,
            }
        }
    }

    /// A failure that says how the child ended, and what it said last.
    pub(super) fn obituary(&mut self, what_happened: &str) -> Failure {
        let status = match self.ended_within(Duration::from_secs(1)) {
            Some(status) => status.to_string(),
            None => "still running".to_string(),
        };
        // The thread that reads standard error may be a moment behind the exit.
        let deadline = Instant::now() + Duration::from_secs(1);
        while Arc::strong_count(&self.last_words) > 1 && Instant::now() < deadline {
            thread::sleep(POLL);
        }
        Failure::new(format!("{} {what_happened} ({status}){}", self.role, self.last_words()))
    }

    /// What it said last to standard error, as lines for the end of a message.
    pub(super) fn last_words(&self) -> String {
        let words = self.last_words.lock().unwrap_or_else(PoisonError::into_inner);
        let said: String = words.iter().map(|line| format!("\n  | {line}")).collect();
        let verb = if said.is_empty() { "wrote nothing" } else { "wrote" };
        format!("\n  {} {verb} to standard error{said}", self.role)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to kill.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn read_lines(from: impl Read, role: Role, to: &Sender<Heard>) {
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
        let what = match read {
            Ok(0) | Err(_) => What::End,
            Ok(_) if line.len() as u64 == LINE_BYTES_MAX && !line.ends_with(b"\n") => What::TooLong,
            Ok(_) => What::Line(String::from_utf8_lossy(&line).trim_end().to_string()),
        };
        let is_last = !matches!(what, What::Line(_));
        if to.send(Heard { from: role, at: Instant::now(), what }).is_err() || is_last {
            return;
        }
    }
}

fn keep_tail(from: impl Read, tail: &Mutex<VecDeque<String>>) {
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    while matches!(reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line), Ok(1..)) {
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        if tail.len() == LAST_LINES {
            tail.pop_front();
        }
        tail.push_back(String::from_utf8_lossy(&line).trim_end().to_string());
        line.clear();
    }
}

/// The longest line that a child may write: room for an answer of a hundred thousand tokens.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// Lines of standard error that a failure quotes: a screen's half.
const LAST_LINES: usize = 12;
/// How often a child that is about to end is looked at.
const POLL: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn lines(receive: &mpsc::Receiver<Heard>) -> Vec<What> {
        let mut all = Vec::new();
        while all.last() != Some(&What::End) && all.last() != Some(&What::TooLong) {
            all.push(receive.recv_timeout(Duration::from_secs(10)).expect("the child says something").what);
        }
        all
    }

    #[test]
    fn lines_come_in_order_and_end() {
        let (send, receive) = mpsc::channel();
        let mut child = Child::start(Role::Client, shell("echo one; printf two"), &send).unwrap();
        assert_eq!(lines(&receive), [What::Line("one".into()), What::Line("two".into()), What::End]);
        assert!(child.ended_within(Duration::from_secs(10)).is_some_and(|status| status.success()));
    }

    #[test]
    fn a_line_without_end_is_cut_off() {
        let (send, receive) = mpsc::channel();
        let _child = Child::start(Role::Client, shell("yes | tr -d '\\n'"), &send).unwrap();
        assert_eq!(lines(&receive), [What::TooLong]);
    }

    #[test]
    fn an_obituary_has_the_status_and_the_last_words() {
        let (send, _receive) = mpsc::channel();
        let script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do echo line $i >&2; done; exit 3";
        let mut child = Child::start(Role::Owner, shell(script), &send).unwrap();
        let text = child.obituary("ended before it served").to_string();
        assert!(
            text.starts_with("error: the owner ended before it served (exit status: 3)\n  the owner wrote to standard error\n  | line 2\n"),
            "{text}"
        );
        assert!(text.ends_with("| line 13"), "{text}");
    }

    #[test]
    fn dropping_a_child_ends_it() {
        let (send, receive) = mpsc::channel();
        let child = Child::start(Role::Standby, shell("echo up; exec sleep 1000"), &send).unwrap();
        assert_eq!(receive.recv_timeout(Duration::from_secs(10)).unwrap().what, What::Line("up".into()));
        let pid = child.pid();
        drop(child);
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "process {pid} is left");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let (send, _receive) = mpsc::channel();
        let failure = Child::start(Role::Owner, Command::new("/no/such/modeld"), &send).err().unwrap();
        assert!(failure.to_string().contains("could not start the owner, /no/such/modeld"), "{failure}");
    }
}
