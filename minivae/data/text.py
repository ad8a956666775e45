"""Text as data: lines are cut into tokens, whose numbers in a vocabulary are the rows x."""

import hashlib
import sys

from ..files import memory
from ..options import read_arguments, shown
from .corpora import read_corpus
from .dataset import Dataset, Split
from .options import OPTIONS, refuse
from .protocol import BITS_SEED, Protocol
from .splits import SPLIT_SEED, cut
from .vocabulary import TOKENS, to_rows, vocabulary_of


def load_text(source, data_dir, likelihood, validation, split_order, tokens, others):
    """The Dataset of lines of text; arguments as for `load_data`. `others` are those that text cannot have.

    The vocabulary is that of the training split alone; what others have beside it is unknown. Raises ValueError for
    lines or an argument that do not fit.
    """
    refuse(others, "lines of text are made of tokens")
    if likelihood is not None and not (isinstance(likelihood, str) and likelihood == "tokens"):
        raise ValueError(f"likelihood: expected tokens for text, got {shown(likelihood)}")
    validation, split_order, tokens = read_arguments(
        OPTIONS, validation=validation, split_order=split_order, tokens=tokens
    )
    tokens = "characters" if tokens is None else tokens
    corpus = read_corpus(source, data_dir)
    lines, of_test, left_out = _cut(corpus, tokens)
    n, longest = len(lines), max(map(len, (*lines, *of_test)))
    n_validation = n // 6 if validation is None else validation
    if not 0 <= n_validation < n:
        raise ValueError(f"validation: expected 0 to {n - 1} of the {n} lines, got {validation}")
    if 16 * (n + len(of_test)) * longest > memory():
        raise ValueError(f"data: {n:,} lines of which the longest has {longest:,} {TOKENS[tokens].one}s need more than "
                         "this machine's memory; cut it into lines")  # fmt: skip
    order = ("tail" if corpus.is_named else "shuffle") if split_order is None else split_order
    rows = dict(zip(("training", "validation"), cut(n, n_validation, order=order), strict=True))
    parts = {name: [lines[i] for i in index] for name, index in rows.items()} | {"test": of_test}
    vocabulary = vocabulary_of(parts["training"], tokens)
    seed = SPLIT_SEED if order == "shuffle" and n_validation else None
    protocol = Protocol(corpus.name, _hash_of(corpus.lines), (longest + 1,), n - n_validation, n_validation, 1, "none",
                        BITS_SEED, split_seed=seed, tokens=tokens, vocabulary=vocabulary)  # fmt: skip
    splits = {name: Split(to_rows(part, vocabulary, longest + 1), None) for name, part in parts.items() if part}

    def test():
        if "test" not in splits:
            raise ValueError(f"split: {corpus.name} has no test split; expected --split validation")
        return splits["test"]

    notes = [*corpus.notes, *left_out, *_twice(parts), *_unknown(splits)]
    return Dataset(splits["training"], splits.get("validation"), test, protocol, has_test="test" in splits, notes=notes)


def _cut(corpus, tokens):
    """(lines to train on, lines to test on, notes): those that can be cut, each the list of its tokens."""
    from tqdm import tqdm

    quiet = tokens != "selfies" or not sys.stderr.isatty()  # a molecule takes 0.4 ms
    parts = [[TOKENS[tokens].cut(line) for line in tqdm(part, tokens, leave=False, disable=quiet)]
             for part in (corpus.lines, corpus.test or ())]  # fmt: skip
    bad = sum(part.count(None) for part in parts)
    lines, test = ([line for line in part if line is not None] for part in parts)
    if not lines:
        raise ValueError(f"tokens: expected molecules in SMILES for {tokens}, {corpus.name} has none")
    notes = [f"data: {bad:,} lines are left out, which are no molecules that SELFIES can say"] if bad else []
    return lines, test, notes


def _twice(parts):
    """A note on lines of other splits that are lines of the training split as well."""
    seen = set(map(tuple, parts["training"]))
    found = {name: sum(tuple(line) in seen for line in part) for name, part in parts.items() if name != "training"}
    said = [f"{count:,} of {len(parts[name]):,} {name} lines" for name, count in found.items() if count]
    return [f"x: {' and '.join(said)} are training lines as well"] if said else []


def _unknown(splits):
    """A note on tokens that the vocabulary lacks."""
    found = {name: (int((x == 1).sum()), int((x > 0).sum())) for name, (x, _) in splits.items()}
    said = [f"{count:,} of {total:,} in the {name} split" for name, (count, total) in found.items() if count]
    return [f"x: tokens that are unknown: {', '.join(said)}"] if said else []


def _hash_of(lines):
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
