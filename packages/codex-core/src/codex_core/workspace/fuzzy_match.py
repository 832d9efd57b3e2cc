"""How well a path fits what was typed: letters in order, better at the beginnings of words and side by side.

The weights are those of the matcher the reference uses for paths (spec: exec-sandbox.md G.2): smart case, and
letters with accents fit plain ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MATCH = 16
GAP_START = 3
GAP_EXTENSION = 1
BOUNDARY = 8
BOUNDARY_DELIMITER = 9
CAMEL_OR_NUMBER = 5
CONSECUTIVE = 4
FIRST_FACTOR = 2

_BLANK, _OTHER, _DELIMITER, _LOWER, _UPPER, _LETTER, _DIGIT = range(7)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a query, and how texts are folded before they are compared with it."""

    text: str
    keeps_case: bool
    keeps_accents: bool
    regex: re.Pattern[str]
    """Matches folded texts that hold its letters in order, in time linear to their length."""

    def fold(self, text: str) -> str:
        """`text` as it is compared with this word, character by character."""
        if text.isascii():
            return text if self.keeps_case else text.lower()
        return "".join(self._fold(character) for character in text)

    def _fold(self, character: str) -> str:
        if not self.keeps_accents and not character.isascii():
            import unicodedata

            base = unicodedata.normalize("NFD", character)[0]
            character = base if base.isascii() else character
        if self.keeps_case:
            return character
        lowered = character.lower()
        return lowered if len(lowered) == 1 else character


def query_words(query: str) -> tuple[Word, ...]:
    """The words of a query, which all must fit."""
    return tuple(_word(text) for text in query.split())


def _word(text: str) -> Word:
    keeps_case = any(character.isupper() for character in text)
    # Every letter is looked for as far left as it can be; there is nothing to try again.
    steps = "".join(f"[^{re.escape(letter)}]*+{re.escape(letter)}" for letter in text)
    return Word(text, keeps_case, not text.isascii(), re.compile(steps, re.DOTALL))


def score_path(path: str, words: tuple[Word, ...]) -> tuple[int, tuple[int, ...]] | None:
    """(score, indices of the characters that fit, sorted and unique); None if a word does not fit."""
    bonuses = _bonuses(path)
    total = 0
    indices: set[int] = set()
    for word in words:
        found = _score_word(word.fold(path), word.text, bonuses)
        if found is None:
            return None
        total += found[0]
        indices.update(found[1])
    return total, tuple(sorted(indices))


def _bonuses(path: str) -> list[int]:
    """What a match at each character is worth beyond `MATCH`, by what stands before it."""
    found: list[int] = []
    before = _DELIMITER
    for character in path:
        kind = _kind(character)
        bonus = 0
        if kind > _DELIMITER and before <= _DELIMITER:
            bonus = BOUNDARY_DELIMITER if before == _DELIMITER else BOUNDARY
        elif (before == _LOWER and kind == _UPPER) or (before != _DIGIT and kind == _DIGIT):
            bonus = CAMEL_OR_NUMBER
        elif kind in (_BLANK, _OTHER):
            bonus = BOUNDARY
        found.append(bonus)
        before = kind
    return found


def _kind(character: str) -> int:
    if "a" <= character <= "z":
        return _LOWER
    if character == "/":
        return _DELIMITER
    if "A" <= character <= "Z":
        return _UPPER
    if character.isdigit():
        return _DIGIT
    if character.isalpha():
        return _LOWER if character.islower() else _UPPER if character.isupper() else _LETTER
    return _BLANK if character.isspace() else _OTHER


def _score_word(text: str, word: str, bonuses: list[int]) -> tuple[int, list[int]] | None:
    """The best score of all ways to find the letters of `word` in order, and where they are then.

    One step per letter: for each place where it may be, the best score so far, the bonus of the run of
    neighbours it ends, and the place of the letter before.
    """
    # (place, score, bonus of the run, index of the state before)
    states: list[list[tuple[int, int, int, int]]] = []
    for number, letter in enumerate(word):
        places: list[tuple[int, int, int, int]] = []
        if number == 0:
            at = text.find(letter)
            while at >= 0:
                places.append((at, MATCH + bonuses[at] * FIRST_FACTOR, bonuses[at], -1))
                at = text.find(letter, at + 1)
        else:
            previous = states[-1]
            at = text.find(letter, previous[0][0] + 1)
            passed = 0  # states before this one are left of the place
            gap_score, gap_from, gap_at = -(1 << 30), -1, 0  # the best of those that leave a gap
            while at >= 0:
                while passed < len(previous) and previous[passed][0] < at - 1:
                    place, score = previous[passed][0], previous[passed][1] - GAP_START + GAP_EXTENSION
                    if score >= gap_score - GAP_EXTENSION * (place - gap_at):
                        gap_score, gap_from, gap_at = score, passed, place
                    passed += 1
                best = (at, -(1 << 30), 0, -1)
                if gap_from >= 0:
                    score = gap_score - GAP_EXTENSION * (at - gap_at - 1)
                    best = (at, score + MATCH + bonuses[at], bonuses[at], gap_from)
                if passed < len(previous) and previous[passed][0] == at - 1:
                    _, score, run, _ = previous[passed]
                    # A run goes on with the bonus it began with, unless a better one begins here.
                    if bonuses[at] >= BOUNDARY and bonuses[at] > run:
                        run = bonuses[at]
                    joined = score + MATCH + max(run, CONSECUTIVE, bonuses[at])
                    if joined >= best[1]:
                        best = (at, joined, run, passed)
                places.append(best)
                at = text.find(letter, at + 1)
        if not places:
            return None
        states.append(places)
    index = max(range(len(states[-1])), key=lambda at: (states[-1][at][1], -at))
    total = states[-1][index][1]
    indices: list[int] = []
    for places in reversed(states):
        place, _, _, before = places[index]
        indices.append(place)
        index = before
    return total, indices[::-1]
