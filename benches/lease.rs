//! What ownership costs: the gate on every owned effect, and acquire, renew and inspect on a local disk.

use std::fs::{self, OpenOptions};
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use modeld::data_root::DataRoot;
use modeld::lease::files::FileStore;
use modeld::lease::store::drive;
use modeld::os::{self, BootClock, Clock};
use modeld::owner::{self, Config};
use modeld_spec::ids::HostName;
use modeld_spec::lease::acquire::{Acquire, Claim, Outcome, Owned};
use modeld_spec::lease::record::{Meta, ProtocolRange};
use modeld_spec::lease::release::{Ending, Release};
use modeld_spec::lease::renew::{self, Renew};
use modeld_spec::time::Ttl;

fn claim() -> Claim {
    Claim {
        instance: owner::fresh_instance(),
        process: os::this_process().expect("this process is in /proc"),
        host: HostName::lossy("bench"),
        clock: os::clock_domain().expect("the boot id is readable"),
        ttl: Ttl::DEFAULT,
        meta: Meta {
            endpoint: Some("unix:/run/user/1000/modeld.sock".into()),
            backend: Some("llama".into()),
        },
        protocol: ProtocolRange::CURRENT,
    }
}

fn store(root: &DataRoot, claim: &Claim) -> FileStore {
    let clock: Arc<dyn Clock> = Arc::new(BootClock);
    FileStore::new(root.clone(), claim.instance.clone(), claim.process, Duration::from_secs(2), clock)
}

fn acquire(claim: &Claim, store: &mut FileStore) -> Owned {
    match drive(Acquire::start(claim.clone(), None), store) {
        Outcome::Acquired(owned) => owned,
        other => panic!("not acquired: {other:?}"),
    }
}

fn gate(c: &mut Criterion) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let owner = owner::join(Config::new(DataRoot::new(directory.path()))).expect("nobody else owns it");
    let gate = owner.gate().expect("this is the owner");
    let mut group = c.benchmark_group("gate");
    group.bench_function("clock alone (floor)", |b| b.iter(|| black_box(BootClock.now())));
    group.bench_function("pass", |b| b.iter(|| black_box(gate.pass().is_ok())));
    group.bench_function("pass resident", |b| b.iter(|| black_box(gate.pass_resident().is_ok())));
    group.finish();
    let _ = owner.release(&mut ());
}

fn lease(c: &mut Criterion) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let root = DataRoot::new(directory.path());
    let claim = claim();
    let mut store = store(&root, &claim);
    let mut group = c.benchmark_group("lease");

    group.bench_function("acquire and release", |b| {
        b.iter(|| {
            let owned = acquire(&claim, &mut store);
            let _ = drive(Release::start(owned, Ending::Handover), &mut store);
        });
    });

    let mut owned = acquire(&claim, &mut store);
    group.bench_function("renew", |b| {
        b.iter(|| {
            let residency = owned.record.residency.clone();
            match drive(Renew::start(owned.clone(), residency, BootClock.now()), &mut store) {
                renew::Outcome::Renewed(renewed) => owned = renewed,
                other => panic!("not renewed: {other:?}"),
            }
        });
    });
    let text = fs::read(root.record()).expect("the record is there");
    group.bench_function("write over and exchange (floor of renew)", |b| {
        let (path, beside) = (directory.path().join("plain"), directory.path().join("beside"));
        fs::write(&path, &text).expect("the disk has room");
        fs::write(&beside, &text).expect("the disk has room");
        b.iter(|| write_over_and_exchange(&path, &beside, &text));
    });
    group.bench_function("write and replace by rename (for comparison)", |b| {
        let path = directory.path().join("renamed");
        b.iter(|| write_and_rename(&path, &text));
    });
    group.bench_function("inspect", |b| {
        b.iter(|| FileStore::inspect(black_box(&root)).expect("it is readable"))
    });
    group.finish();
}

fn write_over_and_exchange(path: &Path, beside: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().write(true).open(beside).expect("it is there");
    file.write_all(bytes).expect("the disk has room");
    os::put_in_place(beside, path).expect("the directory is writable");
}

fn write_and_rename(path: &Path, bytes: &[u8]) {
    let temporary = path.with_extension("tmp");
    fs::write(&temporary, bytes).expect("the disk has room");
    fs::rename(&temporary, path).expect("the directory is writable");
}

criterion_group!(benches, gate, lease);
criterion_main!(benches);
