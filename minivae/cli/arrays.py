"""Commands from arrays to arrays: encode and decode."""

import io
from pathlib import Path

import numpy as np

from ..backend import take, to_numpy
from ..data import batches
from ..data.arrays import read_arrays
from ..evaluate import codes
from ..files import write_atomic
from ..metrics import BATCH
from ..runs import Run
from .base import FORCE, RUN, argument, command, finite_rows, output

FILES = (
    argument("--input", required=True, metavar="FILE.npy", help="the array to read"),
    argument("--out", required=True, metavar="FILE.npy", help="the array to write"),
    FORCE,
    argument("--y", metavar="FILE.npy", help="what a conditional model is given: a label for each row"),
)


@command(RUN, *FILES)
def encode(run, input, out, force, y):
    """Encode data, X.npy, as `train --data X.npy` takes them, into codes: posterior means mu (N, L), or z."""
    run = Run.open(run)
    path = output(out, ".npy", force=force)
    x = _read(input)
    model, _ = run.load_model()
    x = run.protocol.prepare(x, "input", run.settings["likelihood"])
    _write(path, codes(model, x, _labels(run, model, y, len(x))), "codes")


@command(RUN, *FILES)
def decode(run, input, out, force, y):
    """Decode latents, Z.npy (N, L), into x_hat in the shape, and if they were standardized the units, of the data."""
    run = Run.open(run)
    path = output(out, ".npy", force=force)
    z = _read(input)
    model, _ = run.load_model()
    if z.dtype.kind not in "iuf" or z.shape[1:] != (model.L,):
        raise ValueError(f"input: expected numbers (N, {model.L}), got dtype {z.dtype}, shape {z.shape}")
    z = z.astype("float32")
    if not np.isfinite(z).all():
        raise ValueError("input: expected finite float32 values, got NaN or infinity")
    y = _labels(run, model, y, len(z))
    parts = [to_numpy(model.decode(z[rows], y=take(y, rows))) for rows in batches(len(z), BATCH)]
    x_hat = np.concatenate(parts)
    _write(path, run.protocol.original(x_hat), "x_hat")


def _labels(run, model, path, n):
    """The labels in a file, n of them; ValueError where the model needs some and there are none, or the reverse."""
    if (path is None) != (model.labels is None):
        wanted = "no labels" if model.labels is None else "a file of labels"
        raise ValueError(f"y: expected {wanted}, the model is {'un' * (model.labels is None)}conditional")
    return None if path is None else run.protocol.prepare_labels(_read(path, "y"), "y", n)


def _read(path, argument="input"):
    if Path(path).suffix.lower() != ".npy":
        raise ValueError(f"{argument}: expected a file name ending in .npy, got {path}")
    x = read_arrays(Path(path), argument=argument).get("x")
    if x is None:
        raise ValueError(f"{argument}: expected one array, {path} is an archive of several")
    if x.ndim == 0 or len(x) == 0:
        raise ValueError(f"{argument}: expected at least one example, got shape {x.shape}")
    return x


def _write(path, array, name):
    finite_rows(array.reshape(len(array), -1), "rows", name)
    content = io.BytesIO()
    np.save(content, array)
    write_atomic(path, content.getvalue())
    print(path)
