"""What the fields of a protocol's record must be: (in words, a function that says whether a value is that)."""

import math
import reprlib

from ..options import is_number, is_plain
from .columns import Column
from .lines import ODD
from .preprocess import BINARIZE
from .quadrants import check_cut
from .vocabulary import MARKS, TOKENS

DTYPES = ("bool", *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)),
          *(f"float{bits}" for bits in (16, 32, 64, 80, 96, 128)))  # fmt: skip


def _is_whole(value, least=1):
    return type(value) is int and value >= least


def _is_real(value):
    return type(value) is int or is_number(value)


def _are_numbers(value):
    return isinstance(value, list) and all(map(is_number, value))


def _is_text(value):
    return isinstance(value, str) and is_plain(value)


def _is_shape(value):
    return isinstance(value, list) and len(value) in (1, 3) and all(map(_is_whole, value))


def _are_labels(value):
    if not isinstance(value, dict) or set(value) != {"kind", "count"}:
        return False
    return value["kind"] in ("classes", "rows") and _is_whole(value["count"])


def _is_rare(value):
    if not isinstance(value, dict) or set(value) != {"class", "share", "train", "validation"}:
        return False
    rows = all(_is_whole(value[name], 0) for name in ("class", "train", "validation"))
    return rows and is_number(value["share"]) and 0 < value["share"] < 1


def _is_vocabulary(value):
    if not isinstance(value, list) or not all(isinstance(token, str) and token for token in value):
        return False
    return tuple(value[:2]) == MARKS and len(set(value)) == len(value) > 2 and not ODD.search("".join(value))


RULES = {
    "name": ("text without control characters", _is_text),
    "sha256": ("text without control characters", _is_text),
    "shape": ("1 or 3 whole numbers >= 1", _is_shape),
    "n_train": ("a whole number >= 1", _is_whole),
    "n_validation": ("a whole number >= 0", lambda value: _is_whole(value, 0)),
    "divisor": ("a number > 0", lambda value: _is_real(value) and value > 0),
    "binarize": (f"one of {', '.join(BINARIZE)}", lambda value: value in BINARIZE),
    "bits_seed": ("a whole number >= 0", lambda value: _is_whole(value, 0)),
    "labels": ("their kind, classes or rows, and a count >= 1", _are_labels),
    "levels": ("a whole number >= 2", lambda value: _is_whole(value, 2)),
    "mean": ("a list of numbers", _are_numbers),
    "std": ("a list of numbers > 0", lambda value: _are_numbers(value) and all(number > 0 for number in value)),
    "entropy_floor": ("a number", is_number),
    "dtype": ("a dtype of numbers", lambda value: value in DTYPES),
    "low": ("a number", _is_real),
    "high": ("a number", _is_real),
    "outside": ("a whole number >= 0", lambda value: _is_whole(value, 0)),
    "missing": ("a whole number >= 1", _is_whole),
    "side": ("a whole number >= 1", _is_whole),
    "columns": ("columns", lambda value: isinstance(value, list) and len(value) > 0),
    "label": ("a column", lambda value: isinstance(value, dict)),
    "quadrants": ("1, 2 or 3", lambda value: type(value) is int and 1 <= value <= 3),
    "labelled": ("a whole number >= 1", _is_whole),
    "label_seed": ("a whole number >= 0", lambda value: _is_whole(value, 0)),
    "rare": ("a class, its share, and its rows in train and validation", _is_rare),
    "tokens": (f"one of {', '.join(TOKENS)}", lambda value: isinstance(value, str) and value in TOKENS),
    "vocabulary": (f"{', '.join(MARKS)} and different tokens", _is_vocabulary),
    "split_seed": ("a whole number >= 0", lambda value: _is_whole(value, 0)),
}


def read_record(record, required):
    """{name: value} of the fields in a record; ValueError names the first that cannot be from there, or is not there.

    `required`: names of those that each record has.
    """
    if not isinstance(record, dict):
        raise ValueError(f"expected a table of fields, got {reprlib.repr(record)}")
    for name in required:
        if name not in record:
            raise ValueError(f"{name}: expected {RULES[name][0]}, got none")
    for name, value in record.items():
        if name not in RULES:
            raise ValueError(f"{name}: unknown field; expected one of {', '.join(RULES)}")
        expected, holds = RULES[name]
        if not holds(value):
            raise ValueError(f"{name}: expected {expected}, got {reprlib.repr(value)}")
    _check_together(record)
    found = {name: tuple(value) if isinstance(value, list) else value for name, value in record.items()}
    if "columns" in record:
        found["columns"] = tuple(map(Column.from_json, record["columns"]))
        if sum(column.width for column in found["columns"]) != math.prod(record["shape"]):
            raise ValueError(f"columns: expected {math.prod(record['shape'])} numbers in all")
    if "label" in record:
        found["label"] = Column.from_json(record["label"])
    return found


def _check_together(record):
    """ValueError unless fields that belong together fit."""
    sizes = {len(record[name]) if name in record else 0 for name in ("mean", "std")}
    if sizes != {0} and sizes != {math.prod(record["shape"])}:
        raise ValueError(f"mean, std: expected {math.prod(record['shape'])} numbers each, or none of both")
    known = [name in record for name in ("dtype", "low", "high")]
    if any(known) and not all(known):
        raise ValueError("dtype, low, high: expected all three, or none of them")
    if all(known) and record["low"] > record["high"]:
        raise ValueError(f"low: expected a number <= high, got {record['low']}")
    if "quadrants" in record:
        check_cut(record["shape"], record["quadrants"], record.get("labels"))
    if ("tokens" in record) != ("vocabulary" in record):
        raise ValueError("tokens, vocabulary: expected both, or none of them")
    if "tokens" in record and len(record["shape"]) != 1:
        raise ValueError(f"shape: expected one whole number of lines of text, got {record['shape']}")
