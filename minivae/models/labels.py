"""What a conditional model is given beside x: y, a class or a row of numbers."""

from typing import NamedTuple

import numpy as np

from ..backend import as_array, place
from ..numeric import one_hot
from ..options import one_of, shown, whole


class Labels(NamedTuple):
    """What y is: "classes", whole numbers below `count`, y (N,); or "rows" of `count` numbers, y (N, count)."""

    kind: str
    count: int

    @classmethod
    def read(cls, labels):
        """Labels of a pair (kind, count); ValueError if it is none."""
        if not isinstance(labels, tuple | list) or len(labels) != 2:
            raise ValueError(f"labels: expected (kind, count) of the labels y of the data, got {shown(labels)}")
        return cls(one_of(("classes", "rows"))("labels", labels[0]), whole(1)("labels", labels[1]))

    def checked(self, y, n):
        """y as an array of n labels; ValueError if it is none. On a device its values are not read: that would wait."""
        classes = self.kind == "classes"
        shape = (n,) if classes else (n, self.count)
        what = f"classes 0 to {self.count - 1}, {shown(shape)}" if classes else f"rows of numbers, {shown(shape)}"
        if y is None:
            raise ValueError(f"y: expected {what}, got none")
        y = as_array(y, "y")
        if y.shape != shape or y.dtype.kind not in ("iu" if classes else "iuf"):
            raise ValueError(f"y: expected {what}, got dtype {y.dtype}, shape {y.shape}")
        if classes and isinstance(y, np.ndarray) and y.size and not (y.min() >= 0 and y.max() < self.count):
            raise ValueError(f"y: expected {what}, got {y.min()} to {y.max()}")
        return y

    def columns(self, y, n, like):
        """y of n rows as columns (n, count), one-hot rows or the rows of numbers, where and in the dtype `like` is."""
        y = self.checked(y, n)
        if self.kind == "classes":
            return one_hot(y, self.count, like)
        return place(y, like=like).astype(like.dtype, copy=False)
