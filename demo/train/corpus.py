"""The text that the demo model is trained on: the project's own prose, varied by a small grammar.

`prose/*.txt` holds blocks, separated by empty lines:

    T a lease | the lease     a topic; TOPIC_QUESTIONS turns it into questions
    Q Who has the lease?      a question that the block answers
    Any other line.           always said (no mark)
    ~ A sentence.             said half of the time

`rules.txt` has one rule a line: a condition, what follows from it, and why. Each is a clause that can stand anywhere.
`glossary.txt` has a word, what it is, and what else is true of it.
`answers.txt` and `smalltalk.txt` are used in the chat only.

`{this|that}` is a choice. The first alternative is the more likely one, so that greedy decoding has a clear winner.

Everything is a function of the seed. Run this file to see a sample.
"""

import random
import string
import sys
from dataclasses import dataclass

from grammar import PROSE, reword, vary
from story import story

END = "<|endoftext|>"
IM_START = "<|im_start|>"
IM_END = "<|im_end|>"

TOPIC_QUESTIONS = [
    "What is {0}?",
    "What is {0}?",
    "What is {0} in modeld?",
    "Explain {0}.",
    "Explain what {0} is.",
    "Can you explain {0}?",
    "Tell me about {0}.",
    "Tell me what {0} is.",
    "Describe {0}.",
    "What do you know about {0}?",
    "I want to understand {0}.",
    "What does modeld mean by {0}?",
    "What exactly is {0}?",
    "Say something about {0}.",
    "What can you tell me about {0}?",
    "What's {0}?",
    "How does {0} work?",
    "Give me a definition of {0}.",
]
WORD_QUESTIONS = [
    "Define {0}.",
    "What does {0} mean?",
    "What does the word {0} mean?",
    "What is meant by {0}?",
    "{0}?",
]
LONG_QUESTIONS = [
    "Write a long text about {0}.",
    "Tell me everything about {0}.",
    "Explain {0} in detail.",
    "Write an essay about {0}.",
    "Tell me a lot about {0}.",
]
SHORT_QUESTIONS = [
    "What is {0}, in short?",
    "Explain {0} in two sentences.",
    "Explain {0} briefly.",
]
STORY_QUESTIONS = [
    "Tell me a story{ about a lease| about an owner| about modeld|}.",
    "Write a story{ about a lease| about two processes|}.",
    "Give me a{n| long} example{ of a day with modeld| with numbers|}.",
]
RULE_FORMS = [
    "When {when}, {then}, because {why}.",
    "When {when}, {then}, because {why}.",
    "If {when}, {then}. The reason is simple: {why}.",
    "Suppose that {when}. Then {then}, for {why}.",
    "What happens when {when}? In this case {then}, since {why}.",
    "It may happen that {when}. Then {then}, because {why}.",
    "When {when}, {then}. Why? The answer is that {why}.",
]
RULE_QUESTIONS = [
    "What happens when {when}?",
    "What happens if {when}?",
    "What if {when}?",
    "Why is it that {then} when {when}?",
    "Explain why {then} when {when}.",
]
DIFFERENCE_QUESTIONS = [
    "What is the difference between {0} and {1}?",
    "How does {0} differ from {1}?",
    "Compare {0} and {1}.",
]
GLOSSARY_QUESTIONS = [
    "Write a glossary.",
    "Give me a list of the words of modeld.",
    "Which words should I know?",
    "List the words of the project.",
]
SYSTEMS = [
    "You are a helpful assistant.",
    "You are the demo model of modeld.",
    "Answer briefly.",
    "You explain how modeld works.",
]
OPENERS = ["", "", "", "", "", "", "Please tell me: ", "Hi. ", "Hello, ", "I have a question. ", "And ", "So, "]


@dataclass
class Block:
    topics: list[str]
    questions: list[str]
    sentences: list[tuple[bool, str]]  # (always said, text)

    def say(self, rng: random.Random) -> list[str]:
        return [vary(s, rng) for always, s in self.sentences if always or rng.random() < 0.5]

    def paragraph(self, rng: random.Random) -> str:
        return " ".join(self.say(rng))

    def question(self, rng: random.Random) -> str:
        if self.topics and (not self.questions or rng.random() < 0.6):
            topic = rng.choice(self.topics)
            if rng.random() < 0.15:
                return rng.choice(WORD_QUESTIONS).format(
                    topic.removeprefix("a ").removeprefix("an ").removeprefix("the ")
                )
            return rng.choice(TOPIC_QUESTIONS).format(topic)
        return vary(rng.choice(self.questions), rng)


def read_blocks(name: str) -> list[Block]:
    blocks = []
    for part in (PROSE / name).read_text(encoding="utf-8").strip().split("\n\n"):
        block = Block([], [], [])
        for line in part.split("\n"):
            kind, rest = line[:2], line[2:]
            if kind == "T ":
                block.topics += rest.split(" | ")
            elif kind == "Q ":
                block.questions.append(rest)
            elif kind == "~ ":
                block.sentences.append((False, rest))
            else:
                block.sentences.append((True, line))
        blocks.append(block)
    return blocks


BLOCKS = (
    read_blocks("ownership.txt") + read_blocks("models.txt") + read_blocks("essays.txt") + read_blocks("practice.txt")
)
SMALLTALK = read_blocks("smalltalk.txt")
ANSWERS = read_blocks("answers.txt")
RULES = [line.split(" | ") for line in (PROSE / "rules.txt").read_text(encoding="utf-8").splitlines()]
GLOSSARY = [line.split(" | ") for line in (PROSE / "glossary.txt").read_text(encoding="utf-8").splitlines()]
LEADS = (PROSE / "leads.txt").read_text(encoding="utf-8").splitlines()
SCENES = (PROSE / "scenes.txt").read_text(encoding="utf-8").splitlines()
CLOSINGS = read_blocks("closings.txt")


def walk(start: int, count: int, rng: random.Random) -> list[int]:
    """Blocks in file order with some jumps, none of them twice: a long text always has somewhere new to go."""
    seen, at = [], start
    while len(seen) < count:
        if at not in seen:
            seen.append(at)
        at = (at + 1) % len(BLOCKS) if rng.random() < 0.75 else rng.randrange(len(BLOCKS))
    return seen


def document(rng: random.Random) -> str:
    """An essay of several paragraphs; sometimes it begins in the middle of one, as prompts do."""
    paragraphs = [BLOCKS[i].say(rng) for i in walk(rng.randrange(len(BLOCKS)), rng.randint(8, 12), rng)]
    if rng.random() < 0.4:
        first = paragraphs[0]
        del first[: rng.randrange(len(first))]
    paragraphs.append(rng.choice(CLOSINGS).say(rng))
    text = "\n\n".join(" ".join(p) for p in paragraphs)
    kind = rng.random()
    if kind < 0.12:
        lead = f"{rng.choice(LEADS)} {vary(rng.choice(SCENES), rng)}."
        return lead + rng.choice([" ", "\n\n"]) + text
    if kind < 0.24:
        return " ".join(text.split(" ")[rng.randrange(1, 12) :])
    return text


def sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def rule(index: int, rng: random.Random) -> str:
    when, then, why = RULES[index]
    form = rng.choice(RULE_FORMS)
    text = form.format(when=when, then=then, why=why)
    return ". ".join(map(sentence, text.split(". ")))


def rules(rng: random.Random) -> str:
    """Many rules, each said once, in paragraphs."""
    order = rng.sample(range(len(RULES)), rng.randint(14, 24))
    said = [rule(i, rng) for i in order]
    paragraphs = [" ".join(said[i : i + 3]) for i in range(0, len(said), 3)]
    paragraphs.append(rng.choice(CLOSINGS).paragraph(rng))
    return "\n\n".join(paragraphs)


def difference(rng: random.Random) -> tuple[str, str]:
    """A question about two words and its answer."""
    (word, what, more), (other, other_what, other_more) = rng.sample(GLOSSARY, 2)
    question = rng.choice(DIFFERENCE_QUESTIONS).format(word, other)
    answer = f"{sentence(word)} is {what}, and {more}. {sentence(other)}, on the other hand, is {other_what}, and "
    return question, answer + f"{other_more}."


def glossary(rng: random.Random, count: int) -> str:
    entries = rng.sample(GLOSSARY, count)
    return "\n\n".join(f"{sentence(word)} is {what}; {more}." for word, what, more in entries)


def casual(question: str, rng: random.Random) -> str:
    """The same question as people really type it."""
    opener = rng.choice(OPENERS)
    if opener.endswith((", ", ": ")) or opener == "And ":
        question = question[0].lower() + question[1:]
    question = opener + question
    if rng.random() < 0.2:
        question = question.lower()
    if rng.random() < 0.2:
        question = question.rstrip("?.")
    return question


def nonsense(rng: random.Random) -> str:
    words = ["".join(rng.choices(string.ascii_letters + "äéöüñßжя中日😀.,?-", k=rng.randint(1, 9))) for _ in range(4)]
    return " ".join(words[: rng.randint(1, 4)])


def exchange(index: int, rng: random.Random, brief: bool) -> tuple[str, str]:
    """A question about a block and its answer."""
    block = BLOCKS[index]
    kind = rng.random()
    if kind < 0.08:
        return casual(vary(rng.choice(STORY_QUESTIONS), rng), rng), story(rng, rng.randint(3, 8))
    if kind < 0.16:
        talk = rng.choice([*SMALLTALK, SMALLTALK[-1]])
        return casual(vary(rng.choice(talk.questions), rng), rng), talk.paragraph(rng)
    if kind < 0.18:
        return nonsense(rng), SMALLTALK[-1].paragraph(rng)
    if kind < 0.24:
        block = rng.choice(ANSWERS)
        return casual(vary(rng.choice(block.questions), rng), rng), block.paragraph(rng)
    if kind < 0.32:
        when, then, why = rng.choice(RULES)
        question = rng.choice(RULE_QUESTIONS).format(when=when, then=then)
        return casual(question, rng), f"When {when}, {then}. The reason is simple: {why}."
    if kind < 0.36:
        question, answer = difference(rng)
        return casual(question, rng), answer
    if kind < 0.37:
        return casual(rng.choice(GLOSSARY_QUESTIONS), rng), glossary(rng, rng.randint(5, 12))
    if kind < 0.44 and block.topics:
        question = rng.choice(LONG_QUESTIONS).format(rng.choice(block.topics))
        answer = "\n\n".join(BLOCKS[i].paragraph(rng) for i in walk(index, rng.randint(4, 8), rng))
        return casual(question, rng), answer
    if kind < 0.50 and block.topics:
        question = rng.choice(SHORT_QUESTIONS).format(rng.choice(block.topics))
        return casual(question, rng), " ".join(block.say(rng)[:2])
    question, answer = casual(block.question(rng), rng), block.say(rng)
    if brief and rng.random() < 0.5:
        del answer[rng.randint(2, 3) :]
    return question, " ".join(answer)


def conversation(rng: random.Random, brief: bool) -> str:
    """One to four turns in the chat format, sometimes after a system message."""
    messages = []
    if rng.random() < 0.15:
        messages.append(("system", rng.choice(SYSTEMS)))
    elif rng.random() < 0.12:
        # A long stable prefix, as clients that reuse their cache have it.
        paragraphs = [BLOCKS[i].paragraph(rng) for i in rng.sample(range(len(BLOCKS)), rng.randint(1, 5))]
        messages.append(("system", "\n\n".join([rng.choice(SYSTEMS), *paragraphs])))
    for index in walk(rng.randrange(len(BLOCKS)), rng.choice([1, 1, 1, 2, 2, 3, 4]), rng):
        question, answer = exchange(index, rng, brief)
        messages += [("user", question), ("assistant", answer)]
    return "".join(f"{IM_START}{role}\n{text}{IM_END}\n" for role, text in messages)


# Shares of essays, rules, glossaries and stories, each added to the one before; the rest is conversations.
MIX = (0.24, 0.31, 0.32, 0.40)
LATE_MIX = (0.10, 0.14, 0.15, 0.21)


def text(rng: random.Random, late: bool = False) -> str:
    """One training text without its end mark; late in the training there are more conversations and shorter answers."""
    essays, rule_lists, glossaries, stories = LATE_MIX if late else MIX
    kind = rng.random()
    if kind < essays:
        return reword(document(rng), rng)
    if kind < rule_lists:
        return reword(rules(rng), rng)
    if kind < glossaries:
        return glossary(rng, rng.randint(15, len(GLOSSARY)))
    if kind < stories:
        return reword(story(rng, rng.randint(10, 16)), rng)
    return reword(conversation(rng, late), rng)


if __name__ == "__main__":
    rng = random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    for _ in range(8):
        print(text(rng), END, sep="\n")
