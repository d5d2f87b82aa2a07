"""The choice notation `{this|that}`, shared by the prose files and the stories, and the synonyms."""

import random
import re
from functools import partial
from pathlib import Path

PROSE = Path(__file__).parent / "prose"
CHOICE = re.compile(r"\{([^{}]*)\}")


def vary(text: str, rng: random.Random) -> str:
    """Resolves every choice, innermost first; the first alternative has half of the weight and a share of the rest."""

    def pick(match: re.Match) -> str:
        options = match.group(1).split("|")
        return options[0] if rng.random() < 0.5 else rng.choice(options)

    while CHOICE.search(text):
        text = CHOICE.sub(pick, text)
    return text


def read_synonyms() -> list[tuple[re.Pattern, list[str]]]:
    lines = [line.split(" | ") for line in (PROSE / "synonyms.txt").read_text(encoding="utf-8").splitlines()]
    return [(re.compile(pattern), others) for pattern, *others in lines]


SYNONYMS = read_synonyms()


def reword(text: str, rng: random.Random) -> str:
    """Puts another word here and there, so that the model learns to go on after words that it did not expect."""

    def other(match: re.Match, words: list[str]) -> str:
        return match.expand(rng.choice(words)) if rng.random() < 0.2 else match.group()

    for pattern, words in SYNONYMS:
        text = pattern.sub(partial(other, words=words), text)
    return text
