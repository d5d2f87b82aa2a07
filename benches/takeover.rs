//! From the kill of an owner to its successor, with the TTL at 30 s: what a crash costs those who wait.
//!
//! The floor is the bare hand-over of a lock by the kernel: a process that does nothing but hold it is killed,
//! and another that does nothing but wait for it gets it. Owners are real processes: this executable again,
//! with `MODELD_BENCH_CHILD` in its environment.

use std::env;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use criterion::Criterion;
use fs2::FileExt;
use modeld::data_root::DataRoot;
use modeld::owner::{self, Config, StandbyEvent, Stop};
use modeld_spec::lease::decision::Why;

fn main() {
    match env::var(CHILD).ok().as_deref() {
        Some("owner") => own(),
        Some("lock") => hold_lock(),
        _ => {
            let mut criterion = Criterion::default().sample_size(20).configure_from_args();
            takeover(&mut criterion);
            criterion.final_summary();
        }
    }
}

fn takeover(c: &mut Criterion) {
    let mut group = c.benchmark_group("takeover");
    group.measurement_time(Duration::from_secs(10));
    group.bench_function("lock handed over by the kernel (floor)", |b| {
        b.iter_custom(|rounds| (0..rounds).map(|_| lock_handover()).sum());
    });
    group.bench_function("owner killed to successor owns", |b| {
        b.iter_custom(|rounds| (0..rounds).map(|_| owner_killed()).sum());
    });
    group.finish();
}

fn owner_killed() -> Duration {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut child = spawn("owner", directory.path());
    let stop = Stop::new().expect("a descriptor is left");
    let (following, followed) = mpsc::channel();
    let config = Config::new(DataRoot::new(directory.path()));
    let standby = thread::spawn(move || {
        let mut tell = |event: StandbyEvent<'_>| {
            if matches!(event, StandbyEvent::Following(Why::Held(_))) {
                // Nobody listens any more once the kill was sent.
                let _ = following.send(());
            }
        };
        let owner = owner::stand_by(config, &stop, &mut tell);
        (Instant::now(), owner)
    });
    followed.recv().expect("the standby follows");
    // The lock is waited for a moment after the decision to follow; long before this is over.
    thread::sleep(SETTLE);
    let killed = Instant::now();
    child.kill().expect("it is our child");
    let (owned, owner) = standby.join().expect("the standby does not panic");
    child.wait().expect("it is our child");
    let _ = owner.expect("the standby owns").expect("it was not asked to stop").release(&mut ());
    owned - killed
}

fn lock_handover() -> Duration {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut child = spawn("lock", directory.path());
    let path = directory.path().join("lock");
    let waiter = thread::spawn(move || {
        let file = File::open(path).expect("the child made it");
        FileExt::lock_exclusive(&file).expect("it can be waited for");
        Instant::now()
    });
    thread::sleep(SETTLE);
    let killed = Instant::now();
    child.kill().expect("it is our child");
    let locked = waiter.join().expect("the waiter does not panic");
    child.wait().expect("it is our child");
    locked - killed
}

fn spawn(role: &str, directory: &Path) -> Child {
    let mut child = Command::new(env::current_exe().expect("this is an executable"))
        .env(CHILD, role)
        .env(DIRECTORY, directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this executable can be run again");
    let mut ready = String::new();
    let stdout = child.stdout.take().expect("it is piped");
    BufReader::new(stdout).read_line(&mut ready).expect("the child says when it is ready");
    assert_eq!(ready, READY);
    child
}

fn own() {
    let owner = owner::join(Config::new(DataRoot::new(directory()))).expect("nobody else owns it");
    assert!(owner.is_owner());
    wait_for_the_end();
}

fn hold_lock() {
    let file = File::create(directory().join("lock")).expect("the directory is writable");
    FileExt::lock_exclusive(&file).expect("nobody else has it");
    wait_for_the_end();
}

fn wait_for_the_end() -> ! {
    print!("{READY}");
    std::io::stdout().flush().expect("the parent listens");
    loop {
        thread::park();
    }
}

fn directory() -> PathBuf {
    env::var_os(DIRECTORY).expect("the parent names a directory").into()
}

const CHILD: &str = "MODELD_BENCH_CHILD";
const DIRECTORY: &str = "MODELD_BENCH_DIRECTORY";
const READY: &str = "ready\n";

/// How long a waiter is given to reach the kernel before the kill.
const SETTLE: Duration = Duration::from_millis(50);
