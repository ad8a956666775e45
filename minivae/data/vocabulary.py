"""Tokens: what a line of text is cut into, their numbers in a vocabulary, and the way back.

A row x (T,) holds the numbers of a line's tokens, then 0, the end mark, up to the length T. 1 stands for a token that
the vocabulary lacks.
"""

import re
from collections import Counter
from collections.abc import Callable
from itertools import takewhile
from typing import NamedTuple

import numpy as np

MARKS = ("<end>", "<unknown>")  # of the numbers 0 and 1
UNKNOWN = "\N{REPLACEMENT CHARACTER}"  # stands in a line for a token that is not known
JOINED = "\N{MIDDLE DOT}"  # in front of a token that follows the one before it without a space
MOST = 10_000  # words of a vocabulary
WORD = re.compile(r"\w+|[^\w\s]")


class Tokens(NamedTuple):
    """A way to cut lines.

    `cut(line)` -> its tokens, or None for a line that has none; `join(tokens)` -> the line; `order(counts)` -> the
    vocabulary of {token: how often}. `one`: what people call a token.
    """

    one: str
    cut: Callable
    join: Callable
    order: Callable = sorted


def words_of(line):
    """Words and single punctuation marks; spaces stand between tokens, except before those that begin with `JOINED`.

    "don't go, now" -> don ·' ·t go ·, now
    """
    return [JOINED * (i > 0) + piece for part in line.split() for i, piece in enumerate(WORD.findall(part))]


def line_of_words(words):
    """The line, with single spaces."""
    line = "".join(word[1:] if len(word) > 1 and word[0] == JOINED else f" {word}" for word in words)
    return line.removeprefix(" ")


def most_frequent(counts):
    """At most `MOST` words, the most frequent first, those of one count by the alphabet."""
    return sorted(counts, key=lambda word: (-counts[word], word))[:MOST]


def symbols_of(line):
    """SELFIES symbols (Krenn et al. 2020, 1905.13741) of a molecule in SMILES; None if it is none that they have."""
    selfies = _selfies()
    try:
        return list(selfies.split_selfies(selfies.encoder(line))) if line else []
    except Exception:  # the package's own, and of odd lines almost anything
        return None


def line_of_symbols(symbols):
    """SMILES: that of each part between symbols that are not known."""
    selfies = _selfies()
    try:
        return UNKNOWN.join(selfies.decoder(part) for part in "".join(symbols).split(UNKNOWN))
    except selfies.DecoderError as error:
        raise ValueError(f"vocabulary: expected SELFIES symbols ({' '.join(str(error).split())})") from None


def _selfies():
    try:
        import selfies
    except ModuleNotFoundError:
        raise ValueError('tokens: selfies is not installed; pip install -e ".[chem]"') from None
    return selfies


TOKENS = {
    "characters": Tokens("character", list, "".join),
    "words": Tokens("word", words_of, line_of_words, most_frequent),
    "selfies": Tokens("SELFIES symbol", symbols_of, line_of_symbols),
}


def vocabulary_of(lines, tokens):
    """The vocabulary of lines that are cut: the two marks, then their tokens in the order that is theirs."""
    return (*MARKS, *TOKENS[tokens].order(Counter(token for line in lines for token in line)))


def to_rows(lines, vocabulary, T):
    """Lines that are cut, of less than T tokens, as rows x (N, T) float32."""
    numbers = {token: i for i, token in enumerate(vocabulary) if i >= len(MARKS)}
    x = np.zeros((len(lines), T), "float32")
    for row, line in zip(x, lines, strict=True):
        row[: len(line)] = [numbers.get(token, 1) for token in line]
    return x


def to_lines(x, tokens, vocabulary):
    """Lines of rows x (N, T): the way back."""
    known = [None, UNKNOWN, *vocabulary[len(MARKS) :]]
    rows = np.rint(x).astype("int64").tolist()
    return [TOKENS[tokens].join([known[i] for i in takewhile(bool, row)]) for row in rows]


def cut_lines(lines, tokens, vocabulary, T, name):
    """Lines as rows x (N, T) of a vocabulary; ValueError for one that is too long or cannot be cut."""
    cut = [TOKENS[tokens].cut(line) for line in lines]
    for number, line in enumerate(cut, 1):
        if line is None:
            raise ValueError(f"{name}: expected a molecule in SMILES that SELFIES can say in line {number}")
        if len(line) >= T:
            raise ValueError(f"{name}: expected at most {T - 1} {TOKENS[tokens].one}s, the most in training, got "
                             f"{len(line)} in line {number}")  # fmt: skip
    return to_rows(cut, vocabulary, T)
