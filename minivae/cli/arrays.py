"""Commands from arrays to arrays: encode and decode."""

import io
from pathlib import Path

import numpy as np

from ..backend import to_numpy
from ..data import batches, original, prepare
from ..data.sources import read_arrays
from ..evaluate import posteriors
from ..files import write_atomic
from ..metrics import BATCH
from ..runs import Run
from .base import RUN, argument, command, output

FILES = (
    argument("--input", required=True, metavar="FILE.npy", help="the array to read"),
    argument("--out", required=True, metavar="FILE.npy", help="the array to write; nothing is overwritten"),
)


@command(RUN, *FILES)
def encode(run, input, out):
    """Encode data, X.npy, as `train --data X.npy` takes them, into posterior means: mu (N, L)."""
    run, path, x = Run.open(run), _new(out), _read(input)
    model, _ = run.load_model()
    x = prepare(x, "input", run.protocol, run.settings["likelihood"])
    _write(path, posteriors(model, x)[0])


@command(RUN, *FILES)
def decode(run, input, out):
    """Decode latents, Z.npy (N, L), into x_hat in the shape, and if they were standardized the units, of the data."""
    run, path, z = Run.open(run), _new(out), _read(input)
    model, _ = run.load_model()
    if z.dtype.kind not in "iuf" or z.shape[1:] != (model.L,):
        raise ValueError(f"input: expected numbers (N, {model.L}), got dtype {z.dtype}, shape {z.shape}")
    with np.errstate(over="ignore"):
        z = z.astype("float32")
    if not np.isfinite(z).all():
        raise ValueError("input: expected finite float32 values, got NaN or infinity")
    x_hat = np.concatenate([to_numpy(model.decode(z[rows])) for rows in batches(len(z), BATCH)])
    _write(path, original(x_hat, run.protocol))


def _read(path):
    if Path(path).suffix.lower() != ".npy":
        raise ValueError(f"input: expected a file name ending in .npy, got {path}")
    x = read_arrays(Path(path), argument="input").get("x")
    if x is None:
        raise ValueError(f"input: expected one array, {path} is an archive of several")
    if x.ndim == 0 or len(x) == 0:
        raise ValueError(f"input: expected at least one example, got shape {x.shape}")
    return x


def _new(out):
    path = output(out, ".npy")
    if path.exists():
        raise ValueError(f"out: {path} exists; expected the name of a new file")
    return path


def _write(path, array):
    if not np.isfinite(array).all():
        raise ValueError("input: its values are so large that the network's are not finite")
    content = io.BytesIO()
    np.save(content, array)
    write_atomic(path, content.getvalue())
    print(path)
