"""Rows of a user's numbers, converted to float32 when they are read: a file may be larger than memory."""

import copy
import itertools
import math
import sys
from hashlib import sha256

import numpy as np

from ..backend import place, to_numpy
from ..numeric import at_once


class Rows:
    """Rows of an array of any numeric type, which is read, and converted, in the parts that are asked for.

    `rows[i]`, i a slice or whole numbers (n,), are rows (n, D) float32.

    Parameters
    ----------
    x : array (N, ...)
        Examples as they are in the source: of any numeric type, masked, or mapped from a file.
    index : array (n,) of int, optional
        Which of them, in the order of the source; None: all.
    convert : callable(part), optional
        Makes float32 rows of some examples (n, D) as they are in the source.
    """

    dtype = np.dtype("float32")
    ndim = 2

    def __init__(self, x, index=None, convert=None):
        self.x = x.view(np.ndarray) if isinstance(x, np.memmap) else x
        self.index = np.arange(len(x)) if index is None else index
        self.convert = as_float32 if convert is None else convert
        self.is_large = is_large(x)
        self.shape = (len(self.index), math.prod(x.shape[1:]))
        self.settle = None  # what is done to rows (n, D) at i

    def __len__(self):
        return len(self.index)

    @property
    def size(self):
        """How many numbers there are."""
        return math.prod(self.shape)

    def raw(self, i):
        """Examples as they are in the source, as rows (n, D) of its type."""
        at = self.index[i]
        steps = np.diff(at)
        if not len(at) or (steps == 1).all():
            part = self.x[at[0] : at[-1] + 1] if len(at) else self.x[:0]
        elif (steps > 0).all():
            part = self.x[at]
        else:
            order = np.argsort(at)  # a file is read from its beginning to its end
            part = self.x[at[order]][np.argsort(order)]
        return part.reshape(len(at), self.shape[1])

    def placed(self, like):
        """Rows that come to the device of an array, in its dtype."""
        return self.then(lambda x: place(x, like=like))

    def parts(self, what=""):
        """(slice, examples as they are in the source) of all of them, with a bar where they are many."""
        from tqdm import tqdm

        n = at_once(len(self), self.shape[1])
        shown = self.is_large and sys.stderr.isatty()
        for start in tqdm(range(0, len(self), n), what, leave=False, disable=not shown):
            part = slice(start, min(start + n, len(self)))
            yield part, self.raw(part)

    def __getitem__(self, i):
        i = i if isinstance(i, slice) else to_numpy(i)
        rows = self.convert(self.raw(i))
        return rows if self.settle is None else self.settle(rows, i)

    def converted(self, convert):
        """The same rows by another `convert`."""
        rows = copy.copy(self)
        rows.convert = convert
        return rows

    def then(self, settle, rng=None):
        """Rows that are settle(rows), or settle(rows, u), u the noise that rng.random(shape, "float32") would give."""
        rows = copy.copy(self)
        before, positions = self.settle, np.arange(len(self))

        def after(x, i):
            x = x if before is None else before(x, i)
            return settle(x) if rng is None else settle(x, _uniform(rng, positions[i], self.shape[1]))

        rows.settle = after
        return rows

    def read(self):
        """All of them as an array; those of a large file stay where they are."""
        if self.is_large:
            return self
        rows = np.empty(self.shape, "float32")
        for part, raw in self.parts():
            rows[part] = self.convert(raw)  # these have no `settle` yet
        return rows


LARGE = 2**26  # bytes of float32 rows, above which those of a file are not kept in memory


def is_large(x):
    """Whether an array is mapped from a file, and stays there."""
    return isinstance(x, np.memmap) and 4 * x.size > LARGE


def drawn(x, settle, rng):
    """settle(x, u), u uniform noise in the shape of x (N, D); Rows are settled when they are read."""
    return x.then(settle, rng) if isinstance(x, Rows) else settle(x, rng.random(x.shape, dtype="float32"))


def as_float32(part, divisor=1):
    """Examples divided by a number, float32; what is missing is NaN."""
    x = np.ma.getdata(part)
    with np.errstate(over="ignore", invalid="ignore"):
        if x.dtype.kind == "f":
            x = (x if divisor == 1 else x / divisor).astype("float32")
        else:
            x = x.astype("float32") if divisor == 1 else x.astype("float32") / np.float32(divisor)
    return without_gaps(x, part)


def without_gaps(x, part):
    """Floats x, which are new, with NaN where `part` is masked."""
    if np.ma.is_masked(part):
        x[np.ma.getmaskarray(part)] = np.nan
    return x


def gaps_in(part):
    """Where values are missing, NaN or masked, as bools in the shape of `part`; None if none is."""
    x = np.ma.getdata(part)
    gaps = np.ma.getmaskarray(part) if np.ma.is_masked(part) else None
    if x.dtype.kind == "f" and np.isnan(x.min()):
        gaps = np.isnan(x) if gaps is None else gaps | np.isnan(x)
    return gaps


def find_rows(x, parts):
    """Where each row of x (N, D) is among the rows of `parts`, arrays (n, D) one after another.

    Of equal ones it is the first. Raises KeyError for a row that is not there.
    """
    first = {}
    for i, row in enumerate(itertools.chain.from_iterable(parts)):
        first.setdefault(sha256(row).digest(), i)
    return np.array([first[sha256(row).digest()] for row in np.ascontiguousarray(x)])


def moments(rows, name, older=False):
    """Mean and standard deviation (D,) of the columns, in float64, of what is not missing; 1 for a constant column.

    `older`: those of the float32 rows, in float32, as older runs have them.
    """
    if older:
        x = rows.read()
        std = x.std(axis=0, dtype="float64").astype("float32")
        return x.mean(axis=0, dtype="float64").astype("float32"), np.where(std > 0, std, np.float32(1))
    low, high, count, total, squares = np.inf, -np.inf, 0, 0.0, 0.0
    for _, part in rows.parts("mean"):
        x = _float64(part)
        low = np.fmin(low, np.fmin.reduce(x))
        high = np.fmax(high, np.fmax.reduce(x))
        count = count + (~np.isnan(x)).sum(axis=0)
        total = total + np.nansum(x, axis=0)
    if (count == 0).any():
        raise ValueError(f"{name}: expected a number in each column, column {np.argmin(count)} is missing in all "
                         f"{len(rows)} training rows")  # fmt: skip
    mean = np.where(high > low, total / count, low)
    for _, part in rows.parts("standard deviation"):
        squares = squares + np.nansum((_float64(part) - mean) ** 2, axis=0)
    std = np.sqrt(squares / count)
    return mean, np.where((high > low) & (std > 0), std, 1.0)


def _float64(part):
    return without_gaps(np.ma.getdata(part).astype("float64"), part)


def _uniform(rng, at, D):
    """Rows `at` (n,) of what a new generator of NumPy's gives for rng.random((N, D), "float32")."""
    u = np.empty((len(at), D), "float32")
    bits = type(rng.bit_generator)()
    starts = np.flatnonzero(np.diff(at, prepend=-2) != 1)  # of rows that follow each other
    for start, stop in itertools.pairwise([*starts, len(at)]):
        bits.state = rng.bit_generator.state
        steps, rest = divmod(int(at[start]) * D, 2)  # a step gives two float32
        bits.advance(steps)
        u[start:stop] = np.random.Generator(bits).random(rest + (stop - start) * D, "float32")[rest:].reshape(-1, D)
    return u
