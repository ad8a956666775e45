"""Named sets of lines, and a user's: those to train on, and those to test on."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..backend import generator
from ..files import read_file
from ..options import text
from .download import DOWNLOADS, data_folder, fetch
from .expressions import entropy, expressions, mean_length
from .lines import SETS, check_lines, lines_in, read_lines
from .sources import unpack

DRAWN = (24_000, 6000)  # lines of the set expressions, to train on and to test on
ZINC = "zinc250k_jtnn_"  # files of a data_dir have this in front of the names under which they are published


class Corpus(NamedTuple):
    """Lines as they are in the source, those of the test split (None: there is none), and notes.

    `is_named`: whether it is one of the named sets, not a user's.
    """

    name: str
    lines: list
    test: list | None = None
    notes: tuple = ()
    is_named: bool = False


def read_corpus(source, data_dir=None):
    """Corpus of a named set, a .txt file, or a list of lines. Empty lines are left out."""
    if not isinstance(source, str | Path):
        return _filled(Corpus("lines", check_lines(source, "data")))
    source = text("data", str(source))
    if source in SETS:
        return NAMED[source](data_folder(data_dir))._replace(is_named=True)
    return _filled(Corpus(Path(source).name, read_lines(source)))


def _filled(corpus):
    """Without its empty lines."""
    lines = [line for line in corpus.lines if line.strip()]
    if not lines:
        raise ValueError("data: expected lines of text, got empty ones only")
    empty = len(corpus.lines) - len(lines)
    return corpus._replace(lines=lines, notes=(f"data: {empty:,} empty lines are left out",) * (empty > 0))


def _names(data_dir):
    """32,033 first names in small letters (karpathy/makemore), in a fixed random order; the last tenth is for test."""
    lines = _published("names", "names.txt", data_dir)
    lines = [lines[i] for i in generator(0, "split").permutation(len(lines))]
    return Corpus("names", *_tail(lines))


def _shakespeare(data_dir):
    """Lines of Shakespeare (karpathy/char-rnn) that are not empty, speakers' names too; the last tenth is for test."""
    lines = _published("shakespeare", "input.txt", data_dir)
    return Corpus("shakespeare", *_tail([line for line in lines if line.strip()]))


def _smiles(data_dir):
    """Molecules of ZINC as SMILES (Jin et al. 2018): 24,445 that they validated with to train on, their test set."""
    return Corpus("smiles", *(_published("smiles", file, data_dir, ZINC + file) for file in ("valid.txt", "test.txt")))


def _expressions(data_dir):
    """Lines of the grammar in expressions.py, always the same."""
    n = DRAWN[0]
    lines = expressions(sum(DRAWN), np.random.default_rng(0))
    H, T = entropy(), mean_length()
    note = (f"x: the entropy of such lines is {H:.4f} nats each, {H / T:.4f} a token with the end marks: what an NLL "
            "cannot be below, but by chance")  # fmt: skip
    return Corpus("expressions", lines[:n], lines[n:], (note,))


NAMED = dict(zip(SETS, (_names, _shakespeare, _smiles, _expressions), strict=True))


def _tail(lines):
    """(lines, the last tenth)."""
    n = len(lines) - len(lines) // 10
    return lines[:n], lines[n:]


def _published(name, file, data_dir, own=None):
    """Lines of a file of a set: from `data_dir`, packed by gzip or not, under the name `own` or as it is published."""
    if data_dir is None:
        path = fetch(name, file)
    else:
        names = [f"{own or file}.gz", own or file, file]
        paths = [Path(data_dir) / DOWNLOADS[name].folder / each for each in names]
        path = next((path for path in paths if path.is_file()), None)
        if path is None:
            raise ValueError(f"data_dir: {paths[0]} does not exist")
    return lines_in(unpack(path) if path.suffix == ".gz" else read_file(path, "data"), path)
