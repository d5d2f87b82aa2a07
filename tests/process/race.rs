//! Many processes want one data root.

use rustix::process::Signal;

use crate::harness::{Process, modeld};

const RACERS: usize = 16;
const ROUNDS: u32 = 50;

#[test]
fn l3_sixteen_racers_give_one_owner_each_round_and_rising_epochs() {
    let directory = tempfile::tempdir().unwrap();
    let mut last_epoch = 0;
    for round in 0..ROUNDS {
        let serve = || modeld(directory.path(), &["serve", "--json", "--backend", "toy"]);
        let racers: Vec<Process> = (0..RACERS).map(|_| Process::spawn(serve())).collect();
        let mut owners = Vec::new();
        let mut losers = Vec::new();
        for mut racer in racers {
            let first = racer.json().expect("each says how it went");
            if first["event"] == "owner" {
                owners.push((racer, first));
            } else {
                assert_eq!(racer.wait().code(), Some(5), "round {round}: {first}");
                losers.push(first["error"]["message"].as_str().expect("a message").to_owned());
            }
        }
        let [(owner, event)] = &mut owners[..] else { panic!("round {round}: {} owners", owners.len()) };
        for message in &losers {
            let named = format!("pid {} ", owner.pid());
            assert!(message.contains(&named), "round {round}: {message:?} does not name {named:?}");
        }
        let epoch = event["epoch"].as_u64().expect("an epoch");
        assert!(last_epoch < epoch, "round {round}: epoch {epoch} after {last_epoch}");
        last_epoch = epoch;
        // Every other owner crashes, the rest hand over.
        let signal = if round % 2 == 0 { Signal::KILL } else { Signal::TERM };
        owner.signal(signal);
        owner.wait();
    }
}
