"""What a picture can show of an example: means of blocks of pixels or columns where it is large, and of channels."""

import math

import numpy as np

SIDE = 1600  # pixels of a grid of images to each side, at most, without its gaps
THIN = 4  # an image is drawn at most about so many times as long as it is wide
POINTS = 2000  # of a curve, at most
CHANNELS = {1: "", 3: "", 4: "\nthe first 3 of 4 channels"}  # drawn as they are, and what is said of them


class Tiles:
    """How examples of a shape, (h, w, c), (D,) or (T, c), are shown in a grid of so many rows and columns of them.

    A row of shape (T, c) is a signal: T positions of c numbers, which are drawn channel after channel.

    Attributes
    ----------
    full, shape : tuple of int
        The shape of an example, and of what is shown of it.
    block : tuple of int
        What is shown are means of so many pixels (down, across) and channels, or columns; of fewer at the far edges.
    repeat : tuple of int
        How often a pixel is drawn (down, across): more than once where images are long and thin.
    note : str
        What a picture says about this, behind its title.
    axis : str
        The name of the axis of columns, or of channels.
    """

    def __init__(self, shape, rows=1, columns=1):
        self.full = tuple(shape)
        self.repeat = ()
        self.note = ""
        if len(shape) == 3:
            h, w, c = shape
            stretch = max(1, w / (THIN * h)), max(1, h / (THIN * w))
            factor = math.ceil(max(rows * h * stretch[0], columns * w * stretch[1]) / SIDE)
            self.block = tuple(min(n, math.ceil(factor / s)) for n, s in zip((h, w), stretch, strict=True))
            self.repeat = tuple(max(1, round(s * b / factor)) for s, b in zip(stretch, self.block, strict=True))
            if max(self.block) > 1:
                self.note += "\neach pixel of a tile is the mean of {}x{} pixels".format(*self.block)
            if self.block[0] * self.repeat[1] != self.block[1] * self.repeat[0]:
                self.note += "\nthe images are longer and thinner than they are drawn"
            self.note += CHANNELS.get(c, f"\nmean of {c} channels")
            self.block += (1 if c in CHANNELS else c,)
        else:
            self.block = (math.ceil(math.prod(shape) / POINTS), 1)[: len(shape)]
            self.axis = "column" if len(shape) == 1 else f"channel, each of {shape[0]} positions"
            if self.block[0] > 1:
                self.note = f" (each point is the mean of {self.block[0]})"
                self.axis += self.note
        self.shape = tuple(-(-n // b) for n, b in zip(shape, self.block, strict=True))

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
        """Where the points of a curve are: at the middle of their columns (d,)."""
        starts = np.arange(0, self.full[0], self.block[0])
        middles = (starts + np.append(starts[1:], self.full[0]) - 1) / 2
        if len(self.full) == 1:
            return middles
        return self.curve(np.add.outer(middles, self.pitch * np.arange(self.full[1])).ravel())

    @property
    def pitch(self):
        """From the first position of a channel to that of the next."""
        return 1.1 * self.full[0]

    def curve(self, row):
        """A reduced row (d,) as it is drawn; of a signal its channels one after another, a gap (NaN) behind each."""
        if len(self.shape) == 1:
            return row
        return np.pad(row.reshape(self.shape).T, ((0, 0), (0, 1)), constant_values=np.nan).ravel()
