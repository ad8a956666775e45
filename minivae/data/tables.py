"""A table as data: a .csv file or a DataFrame, with columns of several kinds."""

import hashlib
from pathlib import Path

import numpy as np

from ..options import read_arguments, shown
from .columns import KINDS, described, to_rows
from .dataset import Dataset, Split
from .frames import check_frame, is_frame, read_table
from .kinds import find_columns
from .options import OPTIONS, refuse
from .preprocess import labels_of
from .protocol import BITS_SEED, Protocol
from .splits import SPLIT_SEED, Part, cut, missing_classes


def load_table(source, likelihood, validation, split_order, kinds, label, others):
    """The Dataset of a table; arguments as for `load_data`. `others` are those that a table cannot have.

    Raises ValueError for a table, a column or an argument that does not fit.
    """
    refuse(others, "columns of a table have kinds instead")
    if likelihood not in (None, "mixed"):
        raise ValueError(f"likelihood: expected mixed for a table, got {likelihood}; a .npy file of its numbers takes "
                         "any other")  # fmt: skip
    validation, split_order, kinds, label = read_arguments(
        OPTIONS, validation=validation, split_order=split_order, columns=kinds, label=label
    )
    frame = check_frame(source, "data") if is_frame(source) else read_table(source)
    name = "table" if is_frame(source) else Path(source).name
    n = len(frame)
    n_validation = n // 6 if validation is None else validation
    if not 0 <= n_validation < n:
        raise ValueError(f"validation: expected 0 to {n - 1} of the {n} rows, got {validation}")
    kinds = dict(kinds or {})
    y, of_label = (None, None) if label is None else _labels(frame, label, kinds.pop(label, "category"))
    table = frame if label is None else frame.drop(columns=label)
    order = "shuffle" if split_order is None else split_order
    rows = dict(zip(("train", "validation"), cut(n, n_validation, y, order), strict=True))
    columns = find_columns(table, kinds, rows["train"])
    x = to_rows(table, columns, "data")
    missing = sum(column.missing for column in columns)
    seed = SPLIT_SEED if order == "shuffle" and n_validation else None
    sizes = (n - n_validation, n_validation)
    protocol = Protocol(name, _hash_of(frame), (x.shape[1],), *sizes, 1, "none", BITS_SEED, labels_of(y),
                        missing=missing or None, split_seed=seed, columns=columns, label=of_label)  # fmt: skip
    splits = {part: Split(x[i], None if y is None else y[i]) for part, i in rows.items() if len(i)}

    def test():
        raise ValueError(f"split: {name} has no test split, tables have none; expected --split validation")

    notes = described([*columns] + [of_label] * (of_label is not None))
    if of_label is not None:
        notes.append(f"{label} is the label y, not a column of x")
        notes += missing_classes({part: Part(None, split.y) for part, split in splits.items()})
    return Dataset(splits["train"], splits.get("validation"), test, protocol, has_test=False, notes=notes)


def labels_in(frame, column, of):
    """y of a table: classes (N,) int64, or rows (N, 1) float32; ValueError where a cell is empty or does not fit."""
    x = to_rows(frame, [column], of)
    if np.isnan(x).any():
        row = int(np.isnan(x).any(axis=1).argmax())
        raise ValueError(f"{of}: column {column.name}, row {row + 1}: expected a label, got an empty cell")
    if column.levels is None:
        return x
    return (x.argmax(axis=1) if column.kind == "category" else x[:, 0]).astype("int64")


def labels_of_column(y, column):
    """The same of values (N,) of that column."""
    import pandas as pd

    return labels_in(pd.DataFrame({column.name: np.asarray(y)}), column, "y")


def _labels(frame, label, kind):
    """(y, its Column)."""
    if label not in frame.columns:
        raise ValueError(f"label: the table has no column {shown(label)}; expected of {', '.join(frame.columns)}")
    if kind not in KINDS:
        raise ValueError(f"label: expected a column of one of the kinds {', '.join(KINDS)}, got {kind}")
    if len(frame.columns) == 1:
        raise ValueError(f"label: expected more columns than {label}")
    (column,) = find_columns(frame[[label]], {label: kind}, np.arange(len(frame)))
    return labels_in(frame, column, "data"), column


def _hash_of(frame):
    """Of the names and all cells."""
    import pandas as pd

    digest = hashlib.sha256("\0".join(frame.columns).encode())
    for name in frame:
        cells = frame[name]
        cells = cells if pd.api.types.is_numeric_dtype(cells) else cells.astype(str)
        digest.update(pd.util.hash_pandas_object(cells, index=False).to_numpy().tobytes())
    return digest.hexdigest()
