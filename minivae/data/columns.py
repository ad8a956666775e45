"""The columns of a table: how the values of each become numbers of a row x, and how they come back.

x (N, D) has the columns by kind, in the order of KINDS: a real or the log of a positive number with mean 0 and standard
deviation 1, a count as it is, a binary as 0 or 1, a category as a block of one-hot numbers. Missing cells are NaN, of a
category the whole block. Numbers are converted in float64 and rounded to float32 last.
"""

import datetime
import math
from dataclasses import MISSING, dataclass, fields

import numpy as np

from ..options import is_number, is_plain, shown
from ..tables import aligned

KINDS = ("real", "positive", "count", "binary", "category")


@dataclass(frozen=True)
class Column:
    """One column of a table, as it was in training.

    Attributes
    ----------
    name, kind : str
    dtype : str
        NumPy's name for what its values are: "int64", "float64", "bool" or "str".
    missing : int
        Empty cells.
    levels : tuple, optional
        Of a category or a binary, its values; a binary's second is 1.
    low, high : float, optional
        Range of the numbers.
    center, scale : float, optional
        Mean and standard deviation of a real, or of a positive number's log; of a count its mean, and 1.
    decimals : int, optional
        Of the numbers in the file: values that come back are rounded to as many.
    """

    name: str
    kind: str
    dtype: str
    missing: int = 0
    levels: tuple | None = None
    low: float | None = None
    high: float | None = None
    center: float | None = None
    scale: float | None = None
    decimals: int | None = None

    @property
    def width(self):
        """How many numbers of x it takes."""
        return len(self.levels) if self.kind == "category" else 1

    def to_json(self):
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items() if v is not None}

    @classmethod
    def from_json(cls, record):
        """The column whose `to_json` gave `record`; ValueError if it cannot be from there."""
        known = {field.name: field.default for field in fields(cls)}
        if not isinstance(record, dict) or set(record) - set(known):
            raise ValueError("expected the fields of a column")
        if any(default is MISSING and name not in record for name, default in known.items()):
            raise ValueError("expected a name, a kind and a dtype")
        column = cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in record.items()})
        numbers = (column.low, column.high, column.center, column.scale)
        whole = (column.missing, 0 if column.decimals is None else column.decimals)
        if (
            not all(isinstance(v, str) and is_plain(v) for v in (column.name, column.kind, column.dtype))
            or column.kind not in KINDS
            or column.dtype not in ("int64", "float64", "bool", "str")
            or not all(type(v) is int and v >= 0 for v in whole)
            or (column.kind in ("binary", "category")) != _are_levels(column.levels)
            or (column.kind == "binary" and len(column.levels) != 2)
            or (column.kind not in ("binary", "category")) != all(map(is_number, numbers))
            or (column.scale is not None and not column.scale > 0)
        ):
            raise ValueError(f"{shown(column.name)} is no column of a table")
        return column

    @property
    def unit(self):
        """Of a count its mean; of other numbers the standard deviation of their rounding, on the scale of x; or None.

        A rounding error is uniform, with the variance unit^2 / 12; of a log it is that at the geometric mean.
        """
        if self.kind == "count":
            return self.center
        if self.decimals is None or self.levels is not None:
            return None if self.levels is not None else 0.0
        size = 10.0**-self.decimals / math.sqrt(12) / self.scale
        return size / math.exp(self.center) if self.kind == "positive" else size

    def described(self):
        """What it is, for people: name, kind, missing cells, levels or range."""
        if self.levels is None:
            values = f"{self.low:.10g} to {self.high:.10g}"
        else:
            seen = ", ".join(str(v) if str(v).isprintable() else ascii(v) for v in self.levels[:6])
            values = f"{len(self.levels)}: {seen}" + ", ..." * (len(self.levels) > 6)
        return self.name, self.kind, str(self.missing), values

    def count_outside(self, cells, of):
        """How many numbers of a pandas Series lie outside the range of training's. `of`: which table."""
        if self.low is None:
            return 0
        values = numbers_of(cells, self.name, of)
        return int(((values < self.low) | (values > self.high)).sum())

    # ---- from a column of cells to numbers, and back

    def to_numbers(self, cells, of):
        """A pandas Series -> (N, width) float64; ValueError names the first cell that does not fit. `of`: which table.

        A log of a positive number is taken before it is standardized.
        """
        empty = cells.isna().to_numpy()
        if self.levels is not None:
            check_cells(cells.dropna(), self.name, of)
            place = {level: i for i, level in enumerate(self.levels)}
            codes = np.array([-1 if gap else place.get(v, -2) for v, gap in zip(cells.tolist(), empty, strict=True)])
            self._check(codes == -2, cells, of, f"one of {', '.join(map(str, self.levels[:20]))}")
            if self.kind == "binary":
                return np.where(empty, np.nan, codes)[:, None]
            return np.where(empty[:, None], np.nan, codes[:, None] == np.arange(len(self.levels)))
        values = numbers_of(cells, self.name, of)
        with np.errstate(invalid="ignore", divide="ignore"):
            if self.kind == "positive":
                self._check(values <= 0, cells, of, "a number above 0")
                values = np.log(values)
            if self.kind == "count":
                self._check((values < 0) | (values % 1 > 0), cells, of, "a count, 0, 1, 2, ...")
                return values[:, None]
        return ((values - self.center) / self.scale)[:, None]

    def from_numbers(self, x):
        """The way back: (N, width) -> a list of N values in the column's units and type, None where x is NaN."""
        x = np.asarray(x, "float64")
        if self.levels is not None:
            codes = x.argmax(axis=1) if self.kind == "category" else (x[:, 0] > 0.5).astype(int)
            return [None if gap else self.levels[i] for i, gap in zip(codes, np.isnan(x).any(axis=1), strict=True)]
        values = x[:, 0]
        if self.kind != "count":
            values = values * self.scale + self.center
        if self.kind == "positive":
            with np.errstate(over="ignore"):
                values = np.exp(values)
        if self.decimals is not None:
            values = values.round(self.decimals)
        if self.dtype == "int64" and np.isfinite(values).all() and np.abs(values).max(initial=0) < 2**62:
            values = values.astype("int64")
        return values.tolist()

    def from_codes(self, y):
        """Values of a column that is a label, from classes (N,) or rows (N, 1)."""
        if self.levels is not None:
            return [self.levels[i] for i in y]
        return self.from_numbers(y)

    def _check(self, bad, cells, of, expected):
        """ValueError that names the first row, counted from 1 as in a file below its header, that is bad."""
        if bad.any():
            i = int(np.argmax(bad))
            raise ValueError(f"{of}: column {self.name}, row {i + 1}: expected {expected}, got {_shown(cells.iloc[i])}"
                             f"; {int(bad.sum())} such cells; an empty cell is a missing value")  # fmt: skip


def _shown(cell):
    return shown(cell.item() if hasattr(cell, "item") else cell)


def numbers_of(cells, name, of):
    """A pandas Series as float64, NaN where it is empty; ValueError names the first cell that is no finite number."""
    import pandas as pd

    values = pd.to_numeric(cells, errors="coerce").to_numpy("float64", na_value=np.nan)
    bad = (np.isnan(values) & ~cells.isna().to_numpy()) | np.isinf(values)
    if bad.any():
        i = int(np.argmax(bad))
        raise ValueError(f"{of}: column {name}, row {i + 1}: expected a number, got {_shown(cells.iloc[i])}; "
                         f"{int(bad.sum())} such cells; an empty cell is a missing value")  # fmt: skip
    return values


def check_cells(seen, name, of="columns"):
    """ValueError unless the cells of a column are numbers or texts."""
    import pandas as pd

    odd = next((v for v in seen.tolist() if not isinstance(v, str | int | float | np.number | np.bool_)), None)
    if isinstance(odd, datetime.date | pd.Period):
        raise ValueError(f'columns: {name} holds dates; make numbers of them first, or leave it out: columns = '
                         f'{{"{name}" = "skip"}} in --config')  # fmt: skip
    if odd is not None:
        raise ValueError(f"{of}: {name} holds {type(odd).__name__}; expected numbers or texts")


def _are_levels(levels):
    return isinstance(levels, tuple) and len(levels) > 0 and all(
        (isinstance(v, str) or type(v) in (int, bool) or is_number(v)) and not (isinstance(v, float) and math.isnan(v))
        for v in levels
    )  # fmt: skip


# ---- tables


def by_kind(columns):
    """The columns in the order that they have in x."""
    return sorted(columns, key=lambda column: KINDS.index(column.kind))


def to_rows(frame, columns, of):
    """A DataFrame -> x (N, D) float32, NaN where a cell is empty. Columns that are not asked for are left out."""
    absent = [column.name for column in columns if column.name not in frame.columns]
    if absent:
        raise ValueError(f"{of}: expected the columns of training, got none called {', '.join(absent)}; there are "
                         f"{', '.join(map(str, frame.columns))}")  # fmt: skip
    x = np.concatenate([column.to_numbers(frame[column.name], of) for column in by_kind(columns)], axis=1)
    with np.errstate(over="ignore"):
        x = x.astype("float32")
    if np.isinf(x).any():
        raise ValueError(f"{of}: expected values that stay finite when they are standardized")
    return x


def to_frame(x, columns):
    """The way back, x (N, D) -> a DataFrame with the columns in their order."""
    import pandas as pd

    ends = np.cumsum([column.width for column in by_kind(columns)])
    parts = np.split(np.asarray(x), ends[:-1], axis=1)
    cells = {column.name: column.from_numbers(part) for column, part in zip(by_kind(columns), parts, strict=True)}
    return pd.DataFrame({column.name: cells[column.name] for column in columns})


def blocks(columns):
    """[(kind, width, units)] of the parts of a `mixed` likelihood: neighbors of one kind, and each category by itself.

    `units` are those of its columns, None where they have none.
    """
    found = []
    for column in by_kind(columns):
        if found and found[-1][0] == column.kind != "category":
            kind, width, units = found.pop()
            found.append((kind, width + 1, units and (*units, column.unit)))
        else:
            found.append((column.kind, column.width, None if column.unit is None else (column.unit,)))
    return found


def described(columns):
    """Lines for people: each column's name, kind, missing cells, and levels or range."""
    return aligned([("column", "kind", "missing", "levels or range"), *(c.described() for c in columns)], "<<><")
