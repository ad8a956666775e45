"""Which examples are the training split, and which the validation split."""

from typing import NamedTuple

import numpy as np

from ..backend import generator
from ..options import real, table_of, whole
from .preprocess import as_examples, check_labels, labels_of
from .rows import Rows

SPLIT_SEED = 0  # of the order in which a user's data are split
ORDERS = ("shuffle", "tail")
SPLITS = ("train", "validation")
RARE = {"class": whole(0), "share": real(below=1)}
_read_rare = table_of(RARE)


class Part(NamedTuple):
    """The examples of a split as they are in the source, their labels, and what messages call them."""

    x: Rows
    y: np.ndarray | None
    name: str = "x"

    def of(self, i):
        """These rows of it, i (n,)."""
        return self._replace(x=Rows(self.x.x, self.x.index[i]), y=self.y[i])


def split(raw, validation=None, order=None, mapped=True):
    """({"train": Part, "validation": Part, unless it is empty}, shape of an example, seed or None) of a source.

    `validation`: how many examples, None: a sixth; `order`: see `cut`, None: "tail" for named sets, else "shuffle".
    `mapped`: whether a large file stays where it is.
    """
    x, shape = as_examples(raw.x, "x")
    y = check_labels(raw.y, "y", len(x))
    x = x if mapped or not isinstance(x, np.memmap) else np.asarray(x)
    if raw.validation is not None:
        for name, given in (("validation", validation), ("split_order", order)):
            if given is not None:
                raise ValueError(f"{name}: expected none, {raw.name} has a validation split of its own, got {given}")
        return {"train": Part(Rows(x), y), "validation": _own(raw, shape, y)}, shape, None
    n_validation = len(x) // 6 if validation is None else validation
    if not 0 <= n_validation < len(x):
        raise ValueError(f"validation: expected 0 to {len(x) - 1} of the {len(x)} training examples, got {validation}")
    order = ("shuffle" if raw.divisor is None else "tail") if order is None else order
    parts = dict(zip(("train", "validation"), cut(len(x), n_validation, y, order), strict=True))
    parts = {name: Part(Rows(x, i), None if y is None else y[i]) for name, i in parts.items() if len(i)}
    return parts, shape, SPLIT_SEED if order == "shuffle" and n_validation else None


def _own(raw, shape, y):
    """The validation split that a file has; ValueError where it does not fit."""
    x_val, shape_val = as_examples(raw.validation[0], "x_val")
    y_val = check_labels(raw.validation[1], "y_val", len(x_val))
    if shape_val != shape:
        raise ValueError(f"x_val: expected examples of shape {shape}, as in training, got {shape_val}")
    kinds = [None if part is None else part.shape[1:] for part in (y, y_val)]
    if kinds[0] != kinds[1]:
        said = ["none" if kind is None else f"rows of {kind[0]}" if kind else "whole numbers" for kind in kinds]
        raise ValueError(f"y_val: expected {said[0]}, as y of training, got {said[1]}")
    return Part(Rows(x_val), y_val, "x_val")


def cut(n, n_validation, y=None, order="shuffle"):
    """Indices (training, validation) of n examples, each in ascending order.

    "tail": the last n_validation are the validation split. "shuffle": a random choice by `SPLIT_SEED`, stratified by
    the classes y (n,) where each has two members or more and both splits have room for all.
    """
    if order == "tail" or n_validation == 0:
        return np.arange(n - n_validation), np.arange(n - n_validation, n)
    from sklearn.model_selection import train_test_split

    classes = None
    if y is not None and y.ndim == 1:
        _, counts = np.unique(y, return_counts=True)
        if counts.min() > 1 and len(counts) <= min(n_validation, n - n_validation):
            classes = y
    parts = train_test_split(np.arange(n), test_size=n_validation, stratify=classes, random_state=SPLIT_SEED)
    return tuple(map(np.sort, parts))


def missing_classes(parts):
    """Notes on classes that one of the splits lacks."""
    if len(parts) < 2 or (labels_of(parts["train"].y) or {}).get("kind") != "classes":
        return []
    notes = []
    for name, other in (("train", "validation"), ("validation", "train")):
        lacks = np.setdiff1d(parts[other].y, parts[name].y)
        if len(lacks):
            some = ", ".join(map(str, lacks[:10])) + " ..." * (len(lacks) > 10)
            named = {"train": "training"}.get(name, name)
            notes.append(f"y: the {named} split lacks {len(lacks)} of the classes: {some}")
    return notes


def read_rare(name, values):
    """{"class": a class, "share": its share of the rows}; ValueError for anything else, or one without the other."""
    read = _read_rare(name, values)
    for part in RARE:
        if part not in read:
            raise ValueError(f"{name}: expected a class and its share, got no {part}")
    return read


def thinned(y, rare, split):
    """Indices, in ascending order, of the rows that stay where of class rare["class"] only its share of them does.

    y (N,): the classes. Which rows stay depends on `SPLIT_SEED` and on the split, "train" or "validation", alone.
    """
    if y is None or y.ndim > 1 or y.min() < 0:
        raise ValueError("rare: expected data with classes, whole numbers from 0 up")
    c, share = rare["class"], rare["share"]
    own, others = np.flatnonzero(y == c), np.flatnonzero(y != c)
    n = max(1, round(share / (1 - share) * len(others)))
    if split == "train" and (not len(own) or n >= len(own)):
        what = f"a share below the {len(own) / len(y):.4g} that class {c} has of the training split, got {share}"
        raise ValueError(f"rare: expected {what if len(own) else f'a class of the training split, got {c}'}")
    kept = generator(SPLIT_SEED, "split", SPLITS.index(split)).permutation(own)[:n]
    return np.sort(np.concatenate([others, kept]))


def few_labels(y, n, seed):
    """Classes y (N,) of which n are kept, the others -1: of each class as many, or as even as can be.

    Which are kept depends on the seed alone; so do the classes that get one more, where n is no multiple of theirs.
    """
    if y is None or y.ndim > 1 or y.min() < 0:
        raise ValueError("labelled: expected data with classes, whole numbers from 0 up")
    if n >= len(y):
        raise ValueError(f"labelled: expected fewer than the {len(y)} rows of the training split, got {n}")
    rng = generator(seed, "labels")
    found = rng.permutation(np.unique(y))
    if n < len(found):
        raise ValueError(f"labelled: expected at least one of each of the {len(found)} classes, got {n}")
    rows = {c: rng.permutation(np.flatnonzero(y == c)) for c in found}
    kept = np.full_like(y, -1)
    for turn in range(max(map(len, rows.values()))):  # each class gives one, again and again, until there are n
        for c in found:
            if n and turn < len(rows[c]):
                kept[rows[c][turn]] = c
                n -= 1
    return kept


def labelled_in(batch_size, n, labelled):
    """How many rows of a batch have a label, where `labelled` of n have: a tenth, or as large a share if it is more."""
    if batch_size < 2:
        raise ValueError(f"batch_size: expected 2 or more, rows with a label and without, got {batch_size}")
    rows = min(batch_size, n)
    return min(max(1, round(max(0.1, labelled / n) * rows)), rows - 1)


def presented(n, labelled, batch_size):
    """How many rows an epoch of n presents: those without a label once, and in each batch its share of the others."""
    others, heads = n - labelled, labelled_in(batch_size, n, labelled)
    return others + heads * -(-others // (batch_size - heads))
