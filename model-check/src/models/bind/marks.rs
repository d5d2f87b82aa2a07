//! What searches of this model have to have seen: each sort of action, each reply and refusal, each reason to end.
//!
//! A refusal is a guard that decided one way, and the reply beside it the same guard the other way.

use modeld_spec::holder::close;
use modeld_spec::holder::effect::{Deadline, Why};
use modeld_spec::holder::frame::{Refusal, Reply};
use modeld_spec::holder::spawn;

use super::actions::{Action, Heard};

/// The sort of an action.
pub(super) fn kind(action: &Action) -> &'static str {
    match action {
        Action::ClientDoes(effect) => client_does(effect),
        Action::ClientCloses(effect) => client_closes(effect),
        Action::AskerDoes(_, _) => "bind: an asker does something",
        Action::HolderDoes(effect) => holder_does(effect),
        Action::HolderHears(heard) => holder_hears(heard),
        Action::ClientSees => "bind: the client sees what it waits for",
        Action::ClientGivesUp => "bind: the client waits no longer",
        Action::ClientHasEnough => "bind: the client has enough",
        Action::ClientBabbles => "bind: the client says what does not fit",
        Action::ClientDies => "bind: the client dies",
        Action::PidIsReused => "bind: the pid is used again",
        Action::WrapperEnds => "bind: the wrapper ends",
        Action::AskerBegins(_) => "bind: an asker begins",
        Action::AskerSees(_) => "bind: an asker sees what it waits for",
        Action::AskerGivesUp(_) => "bind: an asker waits no longer",
        Action::StrayConnects(_) => "bind: a stray connects",
        Action::StraySays(..) => "bind: a stray says something",
        Action::StrayHangsUp(_) => "bind: a stray hangs up",
        Action::HolderCrashes => "bind: the holder crashes",
        Action::LoadEnds(_) => "bind: a load ends",
        Action::MemberFails(_) => "bind: a member fails",
        Action::MemberIsGone(_) => "bind: a member is gone",
    }
}

fn client_does(effect: &spawn::Effect) -> &'static str {
    match effect {
        spawn::Effect::StartChild => "bind: the client starts the holder",
        spawn::Effect::Connect(_) => "bind: the client connects",
        spawn::Effect::Say(..) => "bind: the client says something",
        spawn::Effect::HangUpEarlier(_) => "bind: the client hangs up earlier connections",
        spawn::Effect::HangUp(_) => "bind: the client hangs up",
        spawn::Effect::EndChild => "bind: the client ends the holder it started",
        spawn::Effect::AwaitReady | spawn::Effect::Receive(_) => "bind: the client waits",
    }
}

fn client_closes(effect: &close::Effect) -> &'static str {
    match effect {
        close::Effect::HangUp => "bind: the client hangs up to end the holder",
        close::Effect::EndChild => "bind: the client reaps the holder",
        close::Effect::AwaitEnd => "bind: the client waits",
    }
}

fn holder_does(effect: &str) -> &'static str {
    match effect {
        "watch parent" => "bind: the holder does watch parent",
        "listen" => "bind: the holder does listen",
        "tell ready" => "bind: the holder does tell ready",
        "inspect parent" => "bind: the holder does inspect parent",
        "send" => "bind: the holder does send",
        "close" => "bind: the holder does close",
        "close doors" => "bind: the holder does close doors",
        "open socket" => "bind: the holder does open socket",
        "begin load" => "bind: the holder does begin load",
        "end member" => "bind: the holder does end member",
        "close socket" => "bind: the holder does close socket",
        _ => "bind: the holder waits",
    }
}

fn holder_hears(heard: &Heard) -> &'static str {
    match heard {
        Heard::Connection(_) => "bind: the holder hears a connection",
        Heard::Word(_) => "bind: the holder hears a word",
        Heard::End(_) => "bind: the holder hears the end of a connection",
        Heard::ParentGone => "bind: the holder hears the end of its client",
        Heard::Reparented => "bind: the holder hears of another parent",
        Heard::Deadline(Deadline::Bind) => "bind: the holder hears the bind deadline",
        Heard::Deadline(Deadline::Line(_)) => "bind: the holder hears the deadline of a connection",
        Heard::Deadline(Deadline::Drain) => "bind: the holder hears the drain deadline",
        Heard::Up(_) => "bind: the holder hears that a member is up",
        Heard::Failed(_) => "bind: the holder hears that a member failed",
        Heard::Gone(_) => "bind: the holder hears that a member is gone",
        Heard::Termination => "bind: the holder hears the user",
    }
}

/// The mark of a reply.
pub(super) fn reply_mark(reply: Reply) -> &'static str {
    match reply {
        Reply::Refused(refusal) => refusal_mark(refusal),
        Reply::Welcome(_) => "bind: replies welcome",
        Reply::Offer(_) => "bind: replies offer",
        Reply::Bound(_) => "bind: replies bound",
        Reply::Up => "bind: replies up",
        Reply::Stopped => "bind: replies stopped",
    }
}

fn refusal_mark(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NotPermitted => "bind: refuses: not permitted",
        Refusal::TooManyConnections => "bind: refuses: too many connections",
        Refusal::HelloFirst => "bind: refuses: hello first",
        Refusal::Versions(_) => "bind: refuses: versions",
        Refusal::Unexpected => "bind: refuses: unexpected",
        Refusal::Detached => "bind: refuses: detached",
        Refusal::WrongToken => "bind: refuses: wrong token",
        Refusal::Superseded => "bind: refuses: superseded",
        Refusal::NotYours => "bind: refuses: not yours",
        Refusal::Ending => "bind: refuses: ending",
        Refusal::Exists => "bind: refuses: exists",
        Refusal::Spent(_) => "bind: refuses: spent",
        Refusal::Full => "bind: refuses: full",
        Refusal::NoSuchMember => "bind: refuses: no such member",
        Refusal::Left(_) => "bind: refuses: left",
        Refusal::MemoryHeld => "bind: refuses: memory held",
    }
}

/// The mark of a reason to end.
pub(super) fn why_mark(why: Why) -> &'static str {
    match why {
        Why::ClientGone => "bind: ends because its client is gone",
        Why::NeverBound => "bind: ends because it was never bound",
        Why::Asked => "bind: ends because it was asked to",
        Why::LastMemberLeft => "bind: ends because its last member left",
    }
}

/// Every mark.
pub(super) const MARKS: &[&str] = &[
    "bind: an asker does something",
    "bind: the client sees what it waits for",
    "bind: the client waits no longer",
    "bind: the client has enough",
    "bind: the client says what does not fit",
    "bind: the client dies",
    "bind: the pid is used again",
    "bind: the wrapper ends",
    "bind: an asker begins",
    "bind: an asker sees what it waits for",
    "bind: an asker waits no longer",
    "bind: a stray connects",
    "bind: a stray says something",
    "bind: a stray hangs up",
    "bind: the holder crashes",
    "bind: a load ends",
    "bind: a member fails",
    "bind: a member is gone",
    "bind: the client starts the holder",
    "bind: the client connects",
    "bind: the client says something",
    "bind: the client hangs up earlier connections",
    "bind: the client hangs up",
    "bind: the client ends the holder it started",
    "bind: the client hangs up to end the holder",
    "bind: the client reaps the holder",
    "bind: the holder does watch parent",
    "bind: the holder does listen",
    "bind: the holder does tell ready",
    "bind: the holder does inspect parent",
    "bind: the holder does send",
    "bind: the holder does close",
    "bind: the holder does close doors",
    "bind: the holder does open socket",
    "bind: the holder does begin load",
    "bind: the holder does end member",
    "bind: the holder does close socket",
    "bind: the holder hears a connection",
    "bind: the holder hears a word",
    "bind: the holder hears the end of a connection",
    "bind: the holder hears the end of its client",
    "bind: the holder hears of another parent",
    "bind: the holder hears the bind deadline",
    "bind: the holder hears the deadline of a connection",
    "bind: the holder hears the drain deadline",
    "bind: the holder hears that a member is up",
    "bind: the holder hears that a member failed",
    "bind: the holder hears that a member is gone",
    "bind: the holder hears the user",
    "bind: replies welcome",
    "bind: replies offer",
    "bind: replies bound",
    "bind: replies up",
    "bind: replies stopped",
    "bind: refuses: not permitted",
    "bind: refuses: too many connections",
    "bind: refuses: hello first",
    "bind: refuses: versions",
    "bind: refuses: unexpected",
    "bind: refuses: detached",
    "bind: refuses: wrong token",
    "bind: refuses: superseded",
    "bind: refuses: not yours",
    "bind: refuses: ending",
    "bind: refuses: exists",
    "bind: refuses: spent",
    "bind: refuses: full",
    "bind: refuses: no such member",
    "bind: refuses: left",
    "bind: refuses: memory held",
    "bind: ends because its client is gone",
    "bind: ends because it was never bound",
    "bind: ends because it was asked to",
    "bind: ends because its last member left",
    "bind: the client can't be told",
    "bind: the client is found",
    "bind: the client is not found",
    "bind: a watched connection ends",
    "bind: another connection ends",
    "bind: reparented, the client lives",
    "bind: reparented, the client is gone",
    "bind: ends with nothing in memory",
    "bind: ends with memory held",
];
