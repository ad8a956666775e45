"""What kind each column of a table is: as the user says, or by inspection of its cells."""

import numpy as np

from ..options import shown
from .columns import Column, check_cells, numbers_of

LEVELS = 200  # of a category, at most
DECIMALS = 9
DATE = r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})([T ].*)?"


def find_columns(frame, kinds, rows):
    """The Columns of a DataFrame, in its order: kinds as given in {name: kind}, else found by inspection.

    Levels and ranges are those of all rows, centers and scales of `rows`, the indices of the training split.
    A column of the kind "skip" is left out. Raises ValueError for a column that is none of KINDS, and says what to do.
    """
    for name in kinds:
        if name not in frame.columns:
            raise ValueError(f"columns: the table has no column {shown(name)}; expected of {', '.join(frame.columns)}")
    found = []
    for name in frame.columns:
        if kinds.get(name) == "skip":
            continue
        cells = frame[name]
        kind = kinds.get(name) or kind_of(cells)
        if cells.isna().all():
            raise ValueError(f'columns: {name} is empty; leave it out: columns = {{"{name}" = "skip"}} in --config')
        found.append(_column(cells, kind, rows))
    if not found:
        raise ValueError("columns: expected at least one that is not skipped")
    return tuple(found)


def kind_of(cells):
    """The kind of a column by inspection of its cells, a pandas Series; ValueError where none is certain.

    Two values are a binary, texts a category, one value a category of one. Whole numbers from 0 up, 0 among them, whose
    variance is at least half their mean are counts: given z, the variance of a count is at least its mean. Numbers
    above 0, the largest ten times the smallest or more, are positive; all others real.
    """
    import pandas as pd

    seen = cells.dropna()
    name = cells.name
    check_cells(seen, name)
    distinct = seen.nunique()
    if name.startswith("Unnamed: "):  # as pandas calls it
        raise ValueError(f"columns: {name} has no name in the header, is it an index? Say what it is, or leave it out: "
                         f'columns = {{"{name}" = "skip"}} in --config')  # fmt: skip
    if distinct == 2 or pd.api.types.is_bool_dtype(seen):
        return "binary"
    if distinct < 2:
        return "category"
    if not pd.api.types.is_numeric_dtype(seen):
        if seen.astype(str).str.fullmatch(DATE).all():
            raise ValueError(f"columns: {name} holds dates such as {shown(seen.iloc[0])}; make numbers of them first, "
                             f'or leave it out: columns = {{"{name}" = "skip"}} in --config')  # fmt: skip
        numbers = pd.to_numeric(seen, errors="coerce")
        texts = seen[numbers.isna()]
        if not any(isinstance(v, str) for v in seen.tolist()):
            return kind_of(numbers.astype("float64").rename(name))
        if 0 < len(texts) < len(seen) / 2:
            raise ValueError(f"columns: {name} holds numbers and {len(texts)} texts such as {shown(texts.iloc[0])}; "
                             f'leave these cells empty, or columns = {{"{name}" = "category"}}')  # fmt: skip
        if distinct > LEVELS or distinct > max(2, len(seen) / 2):
            raise ValueError(f"columns: {name} has {distinct} different texts in {len(seen)} rows, too many for a "
                             f'category; leave it out: columns = {{"{name}" = "skip"}} in --config')  # fmt: skip
        return "category"
    values = seen.to_numpy("float64")
    low, high = values.min(), values.max()
    if len(values) > 9 and (np.diff(values) == 1).all():
        raise ValueError(f"columns: {name} counts the rows, {low:.10g} to {high:.10g}; leave it out, or say what it is:"
                         f' columns = {{"{name}" = "skip"}} in --config')  # fmt: skip
    if low == 0 and not (values % 1).any() and values.var() >= values.mean() / 2:
        return "count"
    return "positive" if 0 < 10 * low <= high else "real"


def _column(cells, kind, rows):
    """The Column of this kind; ValueError where the cells are not that."""

    name, missing = str(cells.name), int(cells.isna().sum())
    seen = cells.dropna()
    check_cells(seen, name)
    if kind in ("binary", "category"):
        levels = sorted(set(seen.tolist()), key=lambda v: (isinstance(v, str), v))
        most = 2 if kind == "binary" else 5 * LEVELS
        if len(levels) > most or (kind == "binary" and len(levels) < 2):
            raise ValueError(f"columns: {name} has {len(levels)} different values; expected {'at most ' * (most > 2)}"
                             f"{most} of a {kind}" + "; numbers are real" * (most > 2))  # fmt: skip
        kinds = {type(level) for level in levels}
        dtype = "bool" if kinds == {bool} else "str" if str in kinds else "float64"
        if dtype == "float64" and all(float(v).is_integer() for v in levels):
            dtype, levels = "int64", [int(v) for v in levels]
        return Column(name, kind, dtype, missing, tuple(levels))
    values = numbers_of(cells, name, "columns")
    known = values[~np.isnan(values)]
    base = {"low": float(known.min()), "high": float(known.max()), "decimals": _decimals(known)}
    draft = Column(name, kind, "int64" if base["decimals"] == 0 else "float64", missing, center=0.0, scale=1.0, **base)
    from sklearn.preprocessing import StandardScaler

    used = draft.to_numbers(cells, "columns")[rows]
    if np.isnan(used).all():
        raise ValueError(f'columns: {name} is empty in the training split; leave it out: columns = '
                         f'{{"{name}" = "skip"}} in --config')  # fmt: skip
    scaler = StandardScaler().fit(used)  # leaves NaN out; a constant has the scale 1
    center, scale = float(scaler.mean_[0]), float(scaler.scale_[0])
    if kind == "count":
        center, scale = max(center, 1 / len(used)), 1.0
    return Column(name, kind, draft.dtype, missing, center=center, scale=scale, **base)


def _decimals(values):
    """The fewest decimals that say all of the values; None where it takes more than DECIMALS."""
    return next((d for d in range(DECIMALS + 1) if (values.round(d) == values).all()), None)
