"""What the fields of a protocol's record must be: (in words, a function that says whether a value is that)."""

from ..options import is_number, is_plain
from .preprocess import BINARIZE

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
    "split_seed": ("a whole number >= 0", lambda value: _is_whole(value, 0)),
}
