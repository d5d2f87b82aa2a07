//! Save and restore of a session, against the same bytes written to the same disk and read from it.
//!
//! Both sides write, sync and rename; both read what the system may still have in memory.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use modeld::data_root::DataRoot;
use modeld::engine::{OpenRequest, Prompt};

use crate::{Stage, generate, limits, median, model, text};

pub(crate) fn run(rounds: usize) {
    let stage = Stage::new(limits(1, CONTEXT));
    let opened = stage.runtime.block_on(stage.engine.open_session(&OpenRequest::new(model())));
    let session = opened.expect("a session");
    let long = text(|text| text.len() <= BYTES);
    let (mut saves, mut writes, mut restores, mut reads) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut size = 0;
    for round in 0..rounds {
        // Another text each time: what is there already would not be written again.
        let prefix = format!("{round}. {long}");
        let filled = stage.runtime.block_on(session.ensure_prefix(Prompt::literal(prefix)));
        filled.expect("a prefill");
        let started = Instant::now();
        let saved = stage.runtime.block_on(session.snapshot()).expect("the disk has room");
        saves.push(started.elapsed().as_secs_f64());
        let name = saved.id.to_string();
        let folder = DataRoot::new(stage.directory.path()).snapshots();
        let bytes = fs::read(folder.join(&name[..2]).join(&name)).expect("it was written");
        size = bytes.len();
        writes.push(write(stage.directory.path(), &bytes));
        // What is restored is not what the session has.
        stage.runtime.block_on(session.ensure_prefix(Prompt::literal("another text"))).expect("a prefill");
        let started = Instant::now();
        let restored = stage.runtime.block_on(session.restore(saved.id)).expect("it is there");
        restores.push(started.elapsed().as_secs_f64());
        assert_eq!(restored.covers, saved.covers);
        let started = Instant::now();
        let again = fs::read(stage.directory.path().join("raw")).expect("it was written");
        reads.push(started.elapsed().as_secs_f64());
        assert_eq!(again.len(), size);
        stage.runtime.block_on(generate(&session, 1));
    }
    let rate = |seconds: f64| size as f64 / 1e6 / seconds;
    for (name, ours, raw) in
        [("save", median(saves), median(writes)), ("restore", median(restores), median(reads))]
    {
        println!(
            "{name} of {:.1} MB: {:.0} MB/s ({:.1} ms), the bare disk {:.0} MB/s: {:.2} of it",
            size as f64 / 1e6,
            rate(ours),
            1e3 * ours,
            rate(raw),
            raw / ours
        );
    }
    drop(session);
    stage.end();
}

/// Seconds to write a file so that it survives a crash.
fn write(folder: &Path, bytes: &[u8]) -> f64 {
    let started = Instant::now();
    let beside = folder.join("beside");
    let mut file = File::create(&beside).expect("the directory is writable");
    file.write_all(bytes).and_then(|()| file.sync_all()).expect("the disk has room");
    fs::rename(&beside, folder.join("raw")).expect("the directory is writable");
    File::open(folder).and_then(|folder| folder.sync_all()).expect("a directory can be synced");
    started.elapsed().as_secs_f64()
}

const CONTEXT: usize = 2048;

/// Nearly as much text as the context holds.
const BYTES: usize = 4000;
