"""What a picture can show of large examples: means of blocks of their pixels, or of their columns."""

import math

import numpy as np

SIDE = 1600  # pixels of a grid of images to each side, at most, without its gaps
THIN = 4  # an image is drawn at most about so many times as long as it is wide
POINTS = 2000  # of a curve, at most


class Tiles:
    """How examples of a shape, (h, w, c) or (D,), are shown in a grid of so many rows and columns of them.

    Attributes
    ----------
    full, shape : tuple of int
        The shape of an example, and of what is shown of it.
    block : tuple of int
        What is shown are means of so many pixels (down, across) or columns; of fewer at the far edges.
    repeat : tuple of int
        How often a pixel is drawn (down, across): more than once where images are long and thin.
    note : str
        What a picture says about this, behind its title, or behind the name of the axis of columns.
    """

    def __init__(self, shape, rows=1, columns=1):
        self.full = tuple(shape)
        self.repeat = ()
        self.note = ""
        if len(shape) == 3:
            h, w, _ = shape
            stretch = max(1, w / (THIN * h)), max(1, h / (THIN * w))
            factor = math.ceil(max(rows * h * stretch[0], columns * w * stretch[1]) / SIDE)
            self.block = tuple(min(n, math.ceil(factor / s)) for n, s in zip((h, w), stretch, strict=True))
            self.repeat = tuple(max(1, round(s * b / factor)) for s, b in zip(stretch, self.block, strict=True))
            if max(self.block) > 1:
                self.note += "\neach pixel of a tile is the mean of {}x{} pixels".format(*self.block)
            if self.block[0] * self.repeat[1] != self.block[1] * self.repeat[0]:
                self.note += "\nthe images are longer and thinner than they are drawn"
        else:
            self.block = (math.ceil(shape[0] / POINTS),)
            if self.block[0] > 1:
                self.note = f" (each point is the mean of {self.block[0]})"
        left = [-(-n // b) for n, b in zip(shape, self.block, strict=False)]
        self.shape = (*left, *shape[len(left) :])

    def reduce(self, x):
        """Rows (..., D) of examples as rows (..., d) of what is shown of them. Rows (..., d) stay as they are."""
        if x.shape[-1] == math.prod(self.shape):
            return x
        y = x.reshape(-1, *self.full)
        for axis, block in enumerate(self.block, 1):
            starts = np.arange(0, y.shape[axis], block)
            sizes = np.diff(starts, append=y.shape[axis]).reshape(-1, *[1] * (y.ndim - axis - 1))
            y = np.add.reduceat(y, starts, axis, "float64") / sizes
        return y.astype(np.result_type(x, "float32")).reshape(*x.shape[:-1], -1)

    def images(self, x):
        """Reduced rows (n, d) as images (n, height, width, c), with every pixel as often as it is drawn."""
        down, across = self.repeat
        return x.reshape(-1, *self.shape).repeat(down, axis=1).repeat(across, axis=2)

    @property
    def size(self):
        """Height and width of a tile, in pixels of the grid."""
        return tuple(n * r for n, r in zip(self.shape, self.repeat, strict=False))

    @property
    def columns(self):
        """Where the points of a row are: at the middle of their columns (d,)."""
        starts = np.arange(0, self.full[0], self.block[0])
        return (starts + np.append(starts[1:], self.full[0]) - 1) / 2
