//! Time in the lease model: "now" stands still, and what was lies one tick further back after each tick.
//!
//! The machines see differences of instants only (`modeld_spec::time::Instants`, held by the random walks of
//! `spec/tests/lease/instants.rs`), so nothing is lost by moving what they hold instead of the clock. And because
//! nobody is told by an instant that is over more than that it is over, all those are one instant, [`LONG_AGO`]:
//!
//! | instant | is over | because |
//! |---|---|---|
//! | from which something is counted | the longest TTL in play after it | no more than a TTL is counted from any |
//! | that is waited for, or ends something | once it has come | it is only ever asked whether it has |
//! | that is written down for people | always | nothing asks |
//!
//! An owner that is paused for a year is then in the state of one that is paused for a TTL, and the graph is finite
//! without a last tick. What bounds it is how often anything can be begun anew: lives, epochs, faults.
//!
//! A watch of somebody else's record is left out ([`unwatched`]): it decides only about records of another clock,
//! and here all processes have the same.

use modeld_spec::lease::acquire::Outcome;
use modeld_spec::time::{BootTime, Instants, Role, Ttl};

use super::names::{LONG_AGO, NEVER, NOW, TICK};
use super::state::{Main, Owner, Process, Renewal, State};

/// Lets a tick pass.
pub(super) fn pass(state: &mut State) {
    state.instants(&mut |_, instant| {
        if *instant == NEVER {
            return;
        }
        *instant = LONG_AGO.after(instant.since(LONG_AGO).saturating_sub(TICK));
    });
}

/// Takes for one what is over; `ttl` is the longest in play.
pub(super) fn settle(value: &mut dyn Instants, ttl: Ttl) {
    value.instants(&mut |role, instant| {
        let is_over = match role {
            Role::From => ttl.expiry(*instant) <= NOW,
            Role::Until => *instant <= NOW,
            Role::Note => true,
        };
        if is_over {
            *instant = LONG_AGO;
        }
    });
}

/// Settles what a step has changed of `before`, which is settled: the rest is shared with it, and stays so.
pub(super) fn settle_since(before: &State, after: &mut State, ttl: Ttl) {
    if let Some(record) = &mut after.disk.record
        && !before.disk.record.as_ref().is_some_and(|before| record.is_shared_with(before))
    {
        settle(&mut **record, ttl);
    }
    for (before, after) in before.processes.iter().zip(&mut after.processes) {
        if after.lives() && !after.is_shared_with(before) {
            settle(&mut **after, ttl);
        }
    }
}

/// The outcome of an attempt without what it hands to the next one.
pub(super) fn unwatched(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Follower { why, until, .. } => Outcome::Follower { why, until, watched: None },
        other => other,
    }
}

impl Instants for State {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        if let Some(record) = &mut self.disk.record {
            (**record).instants(change);
        }
        for process in self.processes.iter_mut().filter(|process| process.lives()) {
            (**process).instants(change);
        }
    }
}

impl Instants for Process {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        self.main.instants(change);
        if let Some(owner) = &mut self.owner {
            owner.instants(change);
        }
    }
}

impl Instants for Main {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        match self {
            Main::Attempting { standby, effect, attempt, .. } => {
                standby.instants(change);
                effect.instants(change);
                attempt.instants(change);
            }
            Main::Waiting { standby, until, .. } => {
                standby.instants(change);
                change(Role::Until, until);
            }
            Main::Releasing { effect, release, .. } => {
                effect.instants(change);
                release.instants(change);
            }
            Main::Owning | Main::Leaving | Main::Crashed | Main::Exited => {}
        }
    }
}

impl Instants for Owner {
    fn instants(&mut self, change: &mut dyn FnMut(Role, &mut BootTime)) {
        self.gate.instants(change);
        if let Some((effect, keeper)) = &mut self.keeper {
            effect.instants(change);
            keeper.instants(change);
        }
        match &mut self.renewal {
            Renewal::Idle => {}
            Renewal::Running(effect, renew) => {
                effect.instants(change);
                renew.instants(change);
            }
            Renewal::Ended(outcome) => outcome.instants(change),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use stateright::Model;

    use super::super::Lease;
    use super::super::actions::Action;
    use super::*;

    /// Every state that `lease` can reach, where `keep` is applied to each new one.
    fn reached(lease: &Lease, keep: impl Fn(State) -> State) -> HashSet<State> {
        let mut seen: HashSet<State> = HashSet::new();
        let mut frontier = vec![keep(lease.beginning())];
        let mut actions = Vec::new();
        while let Some(state) = frontier.pop() {
            lease.actions(&state, &mut actions);
            for action in actions.drain(..) {
                let mut next = state.clone();
                lease.apply(&mut next, action);
                let next = keep(next);
                if !seen.contains(&next) {
                    frontier.push(next.clone());
                }
            }
            seen.insert(state);
        }
        seen
    }

    #[test]
    fn what_is_over_hides_nothing() {
        for lease in [
            Lease { crashes: 0, restarts: 0, horizon: Some(3), ..Lease::SMALL },
            Lease { horizon: Some(5), restarts: 0, prompt: true, ..Lease::SMALL },
        ] {
            let settled = |mut state: State| {
                settle(&mut state, lease.ttl());
                state
            };
            let plain = reached(&lease, |state| state);
            let through: HashSet<State> = plain.iter().cloned().map(settled).collect();
            let settling = reached(&lease, settled);
            assert!(settling.len() < plain.len(), "{} {}", settling.len(), plain.len());
            assert_eq!(settling.len(), through.len());
            assert!(settling == through);
        }
    }

    #[test]
    fn what_has_not_changed_is_settled() {
        let lease = Lease { failures: 1, restarts: 0, horizon: None, prompt: true, ..Lease::SMALL };
        let mut actions = Vec::new();
        for state in reached(&lease, |mut state| {
            settle(&mut state, lease.ttl());
            state
        }) {
            lease.actions(&state, &mut actions);
            for action in actions.drain(..) {
                let mut whole = state.clone();
                lease.apply(&mut whole, action);
                settle(&mut whole, lease.ttl());
                assert_eq!(lease.next_state(&state, action), Some(whole));
            }
        }
    }

    #[test]
    fn a_tick_moves_what_is_held_and_not_the_clock() {
        let lease = Lease::SMALL;
        let owner = crate::models::lease::properties::testing::state_with_owner();
        let later = lease.next_state(&owner, Action::Tick).unwrap();
        assert_eq!(later.now(), owner.now());
        let (Some(before), Some(after)) = (&owner.disk.record, &later.disk.record) else {
            panic!("a record")
        };
        assert_eq!(before.renewed_at.since(after.renewed_at), TICK);
        assert_eq!((before.acquired_at, after.acquired_at), (LONG_AGO, LONG_AGO));
        // A pause that outlasts the TTL is as good as one that lasts longer.
        let mut long: Vec<State> = vec![later];
        for _ in 0..3 {
            long.push(lease.next_state(&long[long.len() - 1], Action::Tick).unwrap());
        }
        let [.., before, last] = long.as_slice() else { panic!("four states") };
        assert!(before.disk == last.disk && before.processes == last.processes);
    }
}
