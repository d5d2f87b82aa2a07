"""Stories: a small simulation of an owner, its followers and its clients, told one paragraph an event.

The numbers in a story agree with each other, since they are read from the simulated state.
"""

import random
from dataclasses import dataclass, field

from grammar import vary

PROGRAMS = [
    "editor",
    "notebook",
    "terminal",
    "chat window",
    "build script",
    "mail reader",
    "file browser",
    "test runner",
]
TEXTS = ["a letter", "a manual", "a long report", "a list of names", "a small program", "a page of notes"]


@dataclass
class World:
    rng: random.Random
    epoch: int = 0
    owner: str = "A"
    standby: str = "B"
    spare: list[str] = field(default_factory=lambda: ["C", "D", "E"])
    tape: int = 0
    client: str = ""
    text: str = ""

    def say(self, template: str) -> str:
        """Fills in $names from the state, then resolves the choices."""
        names = {
            "$owner": f"process {self.owner}",
            "$standby": f"process {self.standby}",
            "$epoch": f"epoch {self.epoch}",
            "$old": f"epoch {self.epoch - 1}",
            "$client": f"the {self.client}",
            "$text": self.text,
        }
        for name, value in names.items():
            template = template.replace(name, value)
        text = vary(template, self.rng)
        return ". ".join(s[0].upper() + s[1:] for s in text.split(". "))

    def take_over(self, old_may_return: bool) -> None:
        """The standby becomes the owner, and another process takes its place."""
        gone, self.owner = self.owner, self.standby
        self.standby = self.spare.pop(0)
        if old_may_return:
            self.spare.append(gone)
        else:
            self.spare.append(chr(ord(max(self.spare + [gone, self.owner, self.standby])) + 1))
        self.epoch += 1
        self.tape = 0


def begin(w: World) -> str:
    w.epoch = w.rng.randint(2, 60)
    w.client = w.rng.choice(PROGRAMS)
    w.text = w.rng.choice(TEXTS)
    return w.say(
        "{In the morning|At nine o'clock|At the beginning|After the start of the machine} there is no record and the "
        "residency lock is free. $owner takes the latch, takes the residency lock and makes $epoch durable. "
        "Then it writes the record and drops the latch. {From now on|Now} $owner is the owner, and $standby "
        "{waits as a standby|is a standby that waits on the residency lock}."
    )


def renew(w: World) -> str:
    return w.say(
        "{Ten seconds later|After ten seconds|Every ten seconds} the keeper of $owner renews the lease. "
        "{The record gets a new end time, and the epoch stays $epoch|It writes a new end time, and $epoch stays as it "
        "is}. {Nobody else notices|$standby sees that the lease is valid and goes on waiting}."
    )


def new_session(w: World) -> str:
    w.client = w.rng.choice([p for p in PROGRAMS if p != w.client])
    w.text = w.rng.choice(TEXTS)
    w.tape = w.rng.randint(2, 9) * 100
    return w.say(
        "$client {opens a session and sends|opens a session with} $text as its prompt. "
        f"The prompt has {w.tape} tokens, and none of them is in the cache. "
        f"{{So $owner reads all of them|Therefore $owner reads all {w.tape} tokens}} and begins to write. "
        "{The reply carries $epoch|Each item of the reply carries $epoch}."
    )


def ask_again(w: World) -> str:
    if not w.tape:
        return new_session(w)
    reused, suffix = w.tape, w.rng.randint(1, 9) * 10
    w.tape += suffix
    return w.say(
        "{Then $client asks the next question|$client asks another question about $text}. "
        f"The first {reused} tokens are on the tape already, and only {suffix} tokens are new. "
        f"The reply says that {reused} tokens were reused and {suffix} were read. "
        f"{{Now the tape holds {w.tape} tokens|After this the tape has {w.tape} tokens}}."
    )


def edit(w: World) -> str:
    if w.tape < 300:
        return new_session(w)
    kept = w.rng.randrange(1, w.tape // 100) * 100
    dropped, w.tape = w.tape - kept, kept
    return w.say(
        "{A person changes a word in the middle of the text|Somebody changes a line of the text}. "
        f"The new prompt agrees with the tape for {kept} tokens, and there they differ. "
        f"{{So {dropped} tokens are dropped from the tape|The tape is cut there, and {dropped} tokens are dropped}}, "
        "and the rest of the prompt is read again. {The reply says so|The reply gives the numbers}, and nothing is "
        "hidden."
    )


def cancel(w: World) -> str:
    return w.say(
        "{In the middle of an answer|Before the answer is complete} $client cancels it. "
        "$owner stops after the next token, and the tape holds exactly what is in the cache. "
        "{The other sessions go on|No other session notices}."
    )


def disk_error(w: World) -> str:
    return w.say(
        "{A little later|Some time later} the disk gives an error, and a renewal fails. $owner does not conclude that "
        "the lease is lost. It {tries again after a moment|waits a moment and tries again}, {and this time it "
        "works|and the second renewal succeeds}. The lease was never in danger, because there was still time before "
        "the deadline."
    )


def crash(w: World) -> str:
    was = w.owner
    w.take_over(old_may_return=False)
    return w.say(
        f"{{Then process {was} crashes|Without any warning process {was} dies}}. The kernel drops its residency lock, "
        "and $owner wakes at once. It does not wait for the TTL, since the free lock proves that the memory is back. "
        "$owner takes the lease with $epoch{ and loads the model|, loads the model and serves}. "
        "{Now $standby is the standby|$standby becomes the new standby}."
    )


def pause(w: World) -> str:
    was = w.owner
    w.take_over(old_may_return=True)
    return w.say(
        f"{{Then process {was} is paused|Now somebody pauses process {was}}}. It is not dead, so its residency lock is "
        f"still held. After thirty seconds its lease has expired, and $owner becomes the leader with $epoch. "
        "{It loads nothing yet|It does not load a model yet}, because the memory of the old owner is not back. "
        f"{{When process {was} wakes, its gate is closed|As process {was} wakes up, it finds its gate closed}}. "
        "It frees its memory and drops the lock. {Only now $owner loads the model|Now $owner takes the lock and loads "
        "the model}, and $standby waits as a standby."
    )


def handover(w: World) -> str:
    was = w.owner
    w.take_over(old_may_return=True)
    return w.say(
        f"{{Then somebody stops process {was}|A person asks process {was} to stop}}. It quiesces, flushes, frees its "
        "memory and releases the lease, in this order. The record is gone, and the residency lock is free. "
        "$owner takes the lease with $epoch {and becomes the owner|and is the next owner}. "
        "{Its standby is $standby|$standby is now its standby}."
    )


def late_write(w: World) -> str:
    return w.say(
        "{A write of an older owner arrives late|Much too late a write of $old arrives}. The record says $epoch, and "
        "the write says $old. {So it is refused where it lands|Therefore it is refused}, and the file stays as $owner "
        "wrote it."
    )


def same_load(w: World) -> str:
    count = w.rng.randint(3, 9)
    return w.say(
        f"{{At one moment|A minute later}} {count} clients ask for the same model. $owner loads it once, and all "
        f"{count} "
        "of them get the result of this one load. {The memory holds one copy of the weights|There is only one copy of "
        "the weights in memory}."
    )


def restore(w: World) -> str:
    tape = w.tape = w.rng.randint(3, 9) * 100
    return w.say(
        f"$client restores a snapshot with {tape} tokens. $owner compares the manifest with its own model, and "
        f"everything agrees. {{So the session goes on with {tape} tokens|The session has {tape} tokens on its tape}} "
        "and nothing has to be read again."
    )


QUIET = [renew, new_session, ask_again, ask_again, edit, cancel, disk_error, same_load, restore]
CHANGES = [crash, pause, handover]


def end(w: World) -> str:
    return w.say(
        "{In the evening|At the end of the day} $owner is the owner, and it works under $epoch. "
        "{No epoch was used twice, and no two processes had models in memory at the same time|At no time did two "
        "processes have models in memory, and no epoch was used twice}."
    )


def story(rng: random.Random, events: int) -> str:
    """A day of one data root. Events do not come back soon, and a late write comes only after a change of owner."""
    w = World(rng)
    parts, past = [begin(w)], []
    for _ in range(events):
        if past and past[-1] in CHANGES and rng.random() < 0.4:
            event = late_write
        else:
            choices = CHANGES if rng.random() < 0.25 else QUIET
            event = rng.choice([c for c in choices if c not in past[-4:]] or QUIET)
        parts.append(event(w))
        past.append(event)
    return "\n\n".join([*parts, end(w)])
