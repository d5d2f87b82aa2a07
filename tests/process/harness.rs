//! Processes of `modeld` that end with the test, and waits that have a bound.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Longer than anything takes on a busy machine: whoever waits for it fails.
pub(crate) const BOUND: Duration = Duration::from_secs(60);

/// Between two looks at what another process brings about.
const LOOK: Duration = Duration::from_millis(2);

/// A `modeld` command on a data root; the environment of the test does not reach it.
pub(crate) fn modeld(data_root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_modeld"));
    command.args(arguments).arg("--data-root").arg(data_root);
    command.env_remove("CONTENOX_DATA_ROOT").env_remove("XDG_RUNTIME_DIR").env("HOME", data_root);
    command.stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub(crate) fn run(command: Command) -> Output {
    let mut process = Process::spawn(command);
    let stdout = process.rest();
    let status = process.wait();
    Output { status, stdout: stdout.into_bytes(), stderr: process.stderr().into_bytes() }
}

/// A process, killed at the end of the test whatever happens.
///
/// Its standard output is read as the test reads it, and not ahead: a process that writes much waits in the middle.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    stderr: Receiver<String>,
}

impl Process {
    pub(crate) fn spawn(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary under test can be run");
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let (sender, lines) = sync_channel(0);
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut pipe = child.stderr.take().expect("it is piped");
        let (sender, stderr) = channel();
        thread::spawn(move || {
            let mut text = String::new();
            // What is not UTF-8 would be a defect that the comparison with the text shows.
            let _ = pipe.read_to_string(&mut text);
            let _ = sender.send(text);
        });
        Process { child, lines, stderr }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line of standard output; `None` at its end.
    pub(crate) fn line(&self) -> Option<String> {
        match self.lines.recv_timeout(BOUND) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no line within {BOUND:?}"),
        }
    }

    /// The next line, as JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        let line = self.line()?;
        Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line:?}")))
    }

    /// Skips lines until the event of this name.
    pub(crate) fn event(&self, name: &str) -> Value {
        loop {
            let value = self.json().unwrap_or_else(|| panic!("the process ended before {name:?}"));
            if value["event"] == name {
                return value;
            }
        }
    }

    /// What is left of standard output.
    pub(crate) fn rest(&self) -> String {
        let mut text = String::new();
        while let Some(line) = self.line() {
            text += &line;
            text.push('\n');
        }
        text
    }

    /// All of standard error; only after the end.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.recv_timeout(BOUND).expect("standard error ends with the process")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid() as i32).expect("a child has a pid");
        // Unreaped, so the pid is still this child's.
        kill_process(pid, signal).expect("a child can be signalled");
    }

    /// Waits for the end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            match self.child.try_wait().expect("a child can be waited for") {
                Some(status) => return status,
                None if BOUND < start.elapsed() => panic!("the process does not end"),
                None => thread::park_timeout(LOOK),
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended; then there is nothing to kill and nothing to wait for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Polls a condition that another process brings about.
pub(crate) fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = probe() {
            return value;
        }
        assert!(start.elapsed() < BOUND, "never: {what}");
        thread::park_timeout(LOOK);
    }
}
