//! The holder's half: whose end is its end, what it refuses, how it ends.

use modeld_spec::holder::effect::{ConnId, Deadline, Effect, ParentSeen, Peer, Seen, Why};
use modeld_spec::holder::frame::{Attempt, Fate, Refusal, Reply, Ticket, Token, Version};
use modeld_spec::holder::serve::{Holder, Life, Limits, Outcome};
use modeld_spec::step::{Breach, Machine, Step};

use crate::harness::{ACK, STOP_ALL, TOKEN, World, add, bind, drive, hello, stop, versions};

const GONE: Option<Outcome> = Some(Outcome::Ended { why: Why::ClientGone, drained: true });

fn refused(refusal: Refusal) -> Vec<Reply> {
    vec![Reply::Refused(refusal)]
}

/// Lets the member end that is about to.
fn let_go(world: &mut World, ticket: u64) {
    world.hears(Seen::MemberGone(Ticket(ticket)));
}

#[test]
fn h1_each_end_of_the_client_ends_the_holder() {
    for end in [Seen::Ended(ConnId(1)), Seen::ParentGone, Seen::Terminate] {
        let mut world = World::armed();
        world.hears(end);
        assert_eq!(world.names(), ["close doors", "end member"], "{end:?}");
        let_go(&mut world, 1);
        let why = if end == Seen::Terminate { Why::Asked } else { Why::ClientGone };
        assert_eq!(world.outcome(), Some(Outcome::Ended { why, drained: true }));
    }
}

#[test]
fn h1_a_client_that_is_gone_before_the_beginning_ends_everything_at_once() {
    let world = World::start(Life::Bound(TOKEN), Limits::DEFAULT, ParentSeen::Gone);
    assert_eq!(world.names(), ["watch parent"]);
    assert_eq!(world.outcome(), GONE);
}

#[test]
fn h1_another_parent_is_a_reason_to_look() {
    let unverifiable = |direct| ParentSeen::Unverifiable { direct };
    for (at_first, later, ends) in [
        (ParentSeen::Watched, ParentSeen::Watched, false),
        (ParentSeen::Watched, ParentSeen::Gone, true),
        (unverifiable(true), unverifiable(false), true),
        (unverifiable(false), unverifiable(false), false),
    ] {
        let mut world = World::start(Life::Bound(TOKEN), Limits::DEFAULT, at_first);
        world.parent = later;
        world.hears(Seen::Reparented);
        assert_eq!(world.names().first(), Some(&"inspect parent"));
        assert_eq!(world.machine().ending().is_some(), ends, "{at_first:?}, then {later:?}");
    }
}

#[test]
fn h1_who_is_not_the_client_does_not_end_a_bound_holder() {
    let mut world = World::armed();
    world.greet(2);
    assert_eq!(world.says(2, STOP_ALL), refused(Refusal::NotYours));
    world.hears(Seen::Ended(ConnId(2)));
    assert_eq!(world.machine().ending(), None);
    // The client itself may.
    assert_eq!(world.says(1, STOP_ALL), []);
    let_go(&mut world, 1);
    assert_eq!(world.replies(1), [Reply::Stopped]);
    assert_eq!(world.outcome(), Some(Outcome::Ended { why: Why::Asked, drained: true }));
}

#[test]
fn h1_who_is_never_bound_ends_at_the_deadline_and_who_is_bound_has_none() {
    let mut world = World::bound();
    assert!(world.machine().stands(Deadline::Bind));
    world.hears(Seen::Expired(Deadline::Bind));
    assert_eq!(world.machine().ending(), Some(Why::NeverBound));

    let mut world = World::armed();
    assert!(!world.machine().stands(Deadline::Bind));
    world.hears(Seen::Expired(Deadline::Bind));
    assert_eq!(world.machine().ending(), None);
}

#[test]
fn h2_only_an_ack_arms() {
    let mut world = World::bound();
    assert_eq!(world.greet(1), [Reply::Welcome(Version(2))]);
    assert_eq!(world.says(1, bind(TOKEN, 1)), [Reply::Offer(Attempt(1))]);
    assert!(!world.machine().lines()[0].is_armed());
    // The end of a connection that was offered and not acked means nothing.
    world.hears(Seen::Ended(ConnId(1)));
    assert_eq!(world.machine().ending(), None);

    assert_eq!(world.arm(2, 2).last(), Some(&Reply::Bound(Attempt(2))));
    assert!(world.machine().lines()[0].is_armed());
}

#[test]
fn h2_a_holder_that_ends_arms_nothing_more() {
    let mut world = World::bound();
    world.greet(1);
    world.says(1, bind(TOKEN, 1));
    world.greet(2);
    world.hears(Seen::Terminate);
    assert_eq!(world.says(1, ACK), refused(Refusal::Ending));
    assert_eq!(world.says(2, bind(TOKEN, 2)), refused(Refusal::Ending));
    assert!(world.machine().lines().iter().all(|line| !line.is_armed()));
}

#[test]
fn h3_a_stray_is_refused_and_has_no_effect() {
    let script = [
        (bind(Token(8), 99), Refusal::WrongToken),
        (ACK, Refusal::Unexpected),
        (hello(1, 2), Refusal::Unexpected),
        (STOP_ALL, Refusal::NotYours),
        (stop("nobody"), Refusal::NoSuchMember),
    ];
    for (request, refusal) in script {
        let mut world = World::armed();
        world.greet(2);
        assert_eq!(world.says(2, request), refused(refusal), "{request:?}");
        assert_eq!(world.did.contains(&Effect::Close(ConnId(2))), refusal.parts(), "{request:?}");
        world.hears(Seen::Ended(ConnId(2)));
        assert_eq!(world.machine().ending(), None);
        // The number that it said counts for nothing.
        assert_eq!(world.arm(3, 2).last(), Some(&Reply::Bound(Attempt(2))));
    }
}

#[test]
fn h3_another_user_is_refused_unheard() {
    let mut world = World::detached();
    world.hears(Seen::Accepted(ConnId(1), Peer::Foreign));
    assert_eq!(world.replies(1), refused(Refusal::NotPermitted));
    assert_eq!(world.did.last(), Some(&Effect::Close(ConnId(1))));
    // What it said before it was closed is nobody's.
    assert_eq!(world.says(1, stop("a")), []);
}

#[test]
fn h3_the_watched_connection_is_not_ended_by_the_holder() {
    let mut world = World::armed();
    assert_eq!(world.says(1, hello(1, 2)), refused(Refusal::Unexpected));
    assert_eq!(world.names(), ["send"]);
    assert!(world.machine().lines()[0].is_armed());
}

#[test]
fn h4_a_late_ack_changes_nothing() {
    let mut world = World::bound();
    world.greet(1);
    world.says(1, bind(TOKEN, 1));
    world.arm(2, 2);
    assert_eq!(world.says(1, ACK), refused(Refusal::Superseded));
    world.hears(Seen::Ended(ConnId(1)));
    assert_eq!(world.machine().ending(), None);
    // Nor does a late bind.
    world.greet(3);
    assert_eq!(world.says(3, bind(TOKEN, 1)), refused(Refusal::Superseded));
    world.hears(Seen::Ended(ConnId(2)));
    assert_eq!(world.machine().ending(), Some(Why::ClientGone));
}

#[test]
fn h4_a_retry_moves_the_watch() {
    let mut world = World::armed();
    world.arm(2, 2);
    let armed: Vec<bool> = world.machine().lines().iter().map(|line| line.is_armed()).collect();
    assert_eq!(armed, [false, true]);
    world.hears(Seen::Ended(ConnId(1)));
    assert_eq!(world.machine().ending(), None);
    // Until the ack of the later one the earlier one is watched.
    let mut world = World::armed();
    world.greet(2);
    world.says(2, bind(TOKEN, 2));
    world.hears(Seen::Ended(ConnId(1)));
    assert_eq!(world.machine().ending(), Some(Why::ClientGone));
}

#[test]
fn h5_versions_meet_or_part() {
    for (theirs, common) in [((1, 1), Some(1)), ((2, 9), Some(2)), ((1, 2), Some(2)), ((3, 4), None)] {
        let mut world = World::detached();
        world.hears(Seen::Accepted(ConnId(1), Peer::Own));
        let replies = world.says(1, hello(theirs.0, theirs.1));
        match common {
            Some(version) => assert_eq!(replies, [Reply::Welcome(Version(version))]),
            None => {
                assert_eq!(replies, refused(Refusal::Versions(versions(1, 2))));
                assert_eq!(world.did.last(), Some(&Effect::Close(ConnId(1))));
            }
        }
    }
    for (a, b, common) in [((1, 3), (2, 5), Some(3)), ((4, 5), (1, 3), None), ((2, 2), (1, 3), Some(2))] {
        let meet = versions(a.0, a.1).common(versions(b.0, b.1));
        assert_eq!(meet, common.map(Version));
        assert_eq!(meet, versions(b.0, b.1).common(versions(a.0, a.1)));
    }
}

#[test]
fn h5_nothing_is_heard_before_hello() {
    for request in [bind(TOKEN, 1), ACK, stop("a"), STOP_ALL, add("b", 2)] {
        let mut world = World::bound();
        world.hears(Seen::Accepted(ConnId(1), Peer::Own));
        assert_eq!(world.says(1, request), refused(Refusal::HelloFirst));
        assert_eq!(world.names(), ["send", "close"]);
    }
}

#[test]
fn h7_a_stop_during_boot_wins() {
    let mut world = World::armed();
    world.greet(2);
    assert_eq!(world.says(2, stop("a")), []);
    assert_eq!(world.names(), ["end member"]);
    // The load was faster than its end.
    world.hears(Seen::MemberUp(Ticket(1)));
    assert_eq!(world.names(), [""; 0]);
    // Or it fails: what was begun to be ended is waited for.
    world.hears(Seen::MemberFailed(Ticket(1)));
    assert_eq!(world.names(), [""; 0]);
    let_go(&mut world, 1);
    assert_eq!(world.names(), ["close socket", "send"]);
    assert_eq!(world.replies(2), [Reply::Stopped]);
    assert!(world.machine().members().is_empty());
}

#[test]
fn h7_the_socket_is_there_before_and_after() {
    let world = World::bound();
    let boot = ["watch parent", "listen", "tell ready", "open socket", "begin load"];
    assert_eq!(world.names(), boot);
    let mut world = World::armed();
    world.hears(Seen::MemberFailed(Ticket(1)));
    assert_eq!(world.names(), ["close socket"]);
    assert_eq!(world.machine().departed()[0].fate, Fate::Failed);
}

#[test]
fn h7_what_has_no_socket_is_not_loaded() {
    let start = Holder::start(Life::Detached, versions(1, 2), Limits::DEFAULT, vec![("a", Ticket(1))]);
    let script = [Seen::Done, Seen::Done, Seen::Failed, Seen::Failed, Seen::Done];
    let (effects, outcome) = drive(start, script);
    let names: Vec<&str> = effects.iter().map(Effect::name).collect();
    assert_eq!(names, ["listen", "tell ready", "open socket", "close socket", "close doors"]);
    assert_eq!(outcome, Some(Outcome::Ended { why: Why::LastMemberLeft, drained: true }));
}

#[test]
fn h8_a_repeated_wish_joins_or_is_told() {
    let mut world = World::armed();
    world.greet(2);
    assert_eq!(world.says(2, add("b", 5)), []);
    assert_eq!(world.names(), ["open socket", "begin load"]);
    world.greet(3);
    assert_eq!(world.says(3, add("b", 5)), []);
    assert_eq!(world.names(), [""; 0]);
    // Another wish for the same name is another thing.
    world.greet(4);
    assert_eq!(world.says(4, add("b", 6)), refused(Refusal::Exists));
    world.hears(Seen::MemberUp(Ticket(5)));
    assert_eq!((world.replies(2), world.replies(3)), (vec![Reply::Up], vec![Reply::Up]));
    assert_eq!(world.says(3, add("b", 5)), [Reply::Up]);
    world.says(4, stop("b"));
    let_go(&mut world, 5);
    assert_eq!(world.says(3, add("b", 5)), refused(Refusal::Spent(Fate::Stopped)));
    assert_eq!(world.machine().members().len(), 1);
}

#[test]
fn h8_who_waits_for_a_member_that_leaves_is_told() {
    let mut world = World::armed();
    world.greet(2);
    world.says(2, add("b", 5));
    world.hears(Seen::MemberFailed(Ticket(5)));
    assert_eq!(world.replies(2), refused(Refusal::Left(Fate::Failed)));
}

#[test]
fn h8_the_oldest_wish_is_forgotten_first() {
    let limits = Limits { departed: 1, ..Limits::DEFAULT };
    let mut world = World::start(Life::Bound(TOKEN), limits, ParentSeen::Watched);
    world.greet(2);
    for ticket in [5, 6] {
        world.says(2, add("b", ticket));
        world.hears(Seen::MemberFailed(Ticket(ticket)));
    }
    let left: Vec<Ticket> = world.machine().departed().iter().map(|left| left.ticket).collect();
    assert_eq!(left, [Ticket(6)]);
}

#[test]
fn h9_a_detached_holder_ends_with_its_last_member() {
    let mut world = World::detached();
    for other in [Seen::Ended(ConnId(1)), Seen::Reparented, Seen::Expired(Deadline::Bind)] {
        world.hears(other);
        assert_eq!(world.machine().ending(), None, "{other:?}");
    }
    world.greet(2);
    assert_eq!(world.says(2, bind(TOKEN, 1)), refused(Refusal::Detached));
    world.hears(Seen::MemberFailed(Ticket(1)));
    assert_eq!(world.outcome(), Some(Outcome::Ended { why: Why::LastMemberLeft, drained: true }));
}

#[test]
fn h9_a_bound_holder_stays_without_members() {
    let mut world = World::armed();
    world.hears(Seen::MemberFailed(Ticket(1)));
    assert!(world.machine().members().is_empty());
    assert_eq!(world.machine().ending(), None);
    assert_eq!(world.says(1, add("b", 5)), []);
    assert_eq!(world.names(), ["open socket", "begin load"]);
}

#[test]
fn h10_the_order_of_an_end() {
    let mut world = World::detached();
    world.greet(1);
    world.greet(2);
    world.says(2, add("b", 5));
    world.says(1, STOP_ALL);
    assert_eq!(world.names(), ["close doors", "end member", "end member"]);
    // Whoever comes in between is answered too.
    world.greet(3);
    assert_eq!(world.says(3, add("c", 6)), refused(Refusal::Ending));
    assert_eq!(world.says(3, stop("a")), []);
    let_go(&mut world, 1);
    assert_eq!((world.replies(1), world.replies(3)), (vec![], vec![Reply::Stopped]));
    let_go(&mut world, 5);
    assert_eq!(world.replies(2), refused(Refusal::Left(Fate::Stopped)));
    assert_eq!(world.replies(1), [Reply::Stopped]);
    assert_eq!(world.outcome(), Some(Outcome::Ended { why: Why::Asked, drained: true }));
}

#[test]
fn h10_what_is_not_freed_in_time_is_not_said_to_be() {
    let mut world = World::detached();
    world.greet(1);
    world.says(1, STOP_ALL);
    world.greet(2);
    world.says(2, stop("a"));
    world.hears(Seen::Expired(Deadline::Drain));
    assert_eq!(world.replies(1), refused(Refusal::MemoryHeld));
    assert_eq!(world.replies(2), refused(Refusal::MemoryHeld));
    assert_eq!(world.outcome(), Some(Outcome::Ended { why: Why::Asked, drained: false }));
}

#[test]
fn h10_one_question_at_a_time() {
    let mut world = World::detached();
    world.greet(1);
    world.says(1, add("b", 5));
    assert_eq!(world.says(1, stop("a")), refused(Refusal::Unexpected));
    assert_eq!(world.did.last(), Some(&Effect::Close(ConnId(1))));
    // The member goes on: somebody else may wait for it.
    assert_eq!(world.machine().members().len(), 2);
}

#[test]
fn h11_each_wait_has_its_deadline() {
    let mut world = World::bound();
    world.hears(Seen::Accepted(ConnId(1), Peer::Own));
    let line = Deadline::Line(ConnId(1));
    assert_eq!(world.machine().deadlines().collect::<Vec<_>>(), [Deadline::Bind, line]);
    world.hears(Seen::Expired(line));
    assert_eq!(world.did, [Effect::Close(ConnId(1))]);
    // One that waits for a member has none, and the watched one has none.
    world.greet(2);
    world.says(2, add("b", 5));
    assert!(!world.machine().stands(Deadline::Line(ConnId(2))));
    world.arm(3, 1);
    assert_eq!(world.machine().deadlines().count(), 0);
    // A deadline that does not stand any more does nothing.
    world.hears(Seen::Expired(Deadline::Line(ConnId(3))));
    assert_eq!(world.names(), [""; 0]);
    world.hears(Seen::Terminate);
    assert_eq!(world.machine().deadlines().collect::<Vec<_>>(), [Deadline::Drain]);
    for deadline in [Deadline::Bind, line, Deadline::Drain] {
        assert!(!deadline.length().is_zero());
    }
}

#[test]
fn h11_there_are_limits() {
    let limits = Limits { lines: 1, members: 1, ..Limits::DEFAULT };
    let mut world = World::start(Life::Detached, limits, ParentSeen::Watched);
    world.greet(1);
    world.hears(Seen::Accepted(ConnId(2), Peer::Own));
    assert_eq!(world.replies(2), refused(Refusal::TooManyConnections));
    assert_eq!(world.did.last(), Some(&Effect::Close(ConnId(2))));
    assert_eq!(world.says(1, add("b", 5)), refused(Refusal::Full));
}

#[test]
fn a_holder_that_can_t_listen_says_so() {
    let start = Holder::start(Life::Detached, versions(1, 2), Limits::DEFAULT, vec![("a", Ticket(1))]);
    assert_eq!(drive(start, [Seen::Failed]).1, Some(Outcome::NotListening));
}

#[test]
fn a_wrong_answer_is_a_breach() {
    let Step::Do(_, holder) =
        Holder::start(Life::Bound(TOKEN), versions(1, 2), Limits::DEFAULT, vec![("a", Ticket(1))])
    else {
        panic!("a holder begins with an effect")
    };
    let breach = |holder: Holder<&'static str>, seen, expected| {
        assert_eq!(holder.step(seen), Step::Done(Outcome::Breach(Breach { expected })));
    };
    breach(holder, Seen::Done, "watch parent");
    let waiting = World::armed().machine();
    breach(waiting.clone(), Seen::Done, "await");
    breach(waiting, Seen::Parent(ParentSeen::Gone), "await");
    breach(World::detached().machine(), Seen::ParentGone, "await");
}
