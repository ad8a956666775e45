"""Commands that draw, and the pictures that a training leaves behind."""

from functools import wraps
from pathlib import Path

import numpy as np

from .. import plot
from ..backend import generator, to_numpy
from ..evaluate import latents
from ..runs import Run
from ..runs.settings import whole
from .base import RUN, argument, command, output

PICTURED = 30  # examples in a picture of reconstructions
DOTS = 5000  # examples in a picture of the latent space
FRAME = 36  # samples in a picture of an epoch


def drawing(name, *arguments):
    """Make a command of a function that draws, given the open run, the path (--out, or `name` in it) and the rest."""
    out_argument = argument("--out", metavar="FILE", help=f"default: {name} in the run folder")

    def register(function):
        @command(RUN, *arguments, out_argument)
        @wraps(function)
        def draw(run, out, **given):
            run = Run.open(run)
            path = output(out, Path(name).suffix, run.path / name)
            function(run, path, **given)
            print(path)

        return draw

    return register


@drawing(
    "samples.png",
    argument("--n", default="64", metavar="N", help="how many (default: 64)"),
    argument("--seed", default="0", metavar="N", help="of the draws from the prior (default: 0)"),
)
def sample(run, path, n, seed):
    """Write a picture of samples."""
    n, seed = whole(1)("n", n), whole(0)("seed", seed)
    model, _ = run.load_model()
    _draw_samples(run, model, n, seed, path)


@drawing("reconstructions.png")
def reconstruct(run, path):
    """Write a picture of examples, held out where there are any, and their reconstructions."""
    model, _ = run.load_model()
    _draw_reconstructions(run, model, run.read_data(), path)


@drawing(
    "interpolations.png",
    argument("--n", default="4", metavar="N", help="at most so many pairs of examples (default: 4)"),
    argument("--steps", default="9", metavar="N", help="decodings between and with the two ends (default: 9)"),
)
def interpolate(run, path, n, steps):
    """Write a picture of what lies between pairs of examples: linear and spherical interpolation of their means."""
    n, steps = whole(1)("n", n), whole(2)("steps", steps)
    model, _ = run.load_model()
    x, _ = run.read_data().pictured
    n = min(n, len(x) // 2)
    if n == 0:
        raise ValueError(f"run: a walk needs two examples, {run.path} has {len(x)}")
    x = x[: 2 * n]
    mu = to_numpy(model.encode(x)[0])
    bands = []
    for how in ("linear", "spherical"):
        x_hat = to_numpy(model.decode(latents.interpolate(mu[::2], mu[1::2], steps, how)))  # (n, steps, D)
        bands.append([np.concatenate([x[2 * i : 2 * i + 1], x_hat[i], x[2 * i + 1 : 2 * i + 2]]) for i in range(n)])
    bands = [band for pair in zip(*bands, strict=True) for band in pair]
    title, tops = "between two examples: decoded walks from mu to mu", ["x", *[""] * steps, "x"]
    plot.walks(bands, _shape(run), path, title, ["linear", "spherical"], tops)


@drawing(
    "traversal.png",
    argument("--example", default="0", metavar="I", help="which of the pictured examples (default: 0)"),
    argument("--n", default="10", metavar="N", help="at most so many latents, those with the most KL (default: 10)"),
    argument("--steps", default="11", metavar="N", help="values of each latent, from -3 to 3 (default: 11)"),
)
def traverse(run, path, example, n, steps):
    """Write a picture of what each latent does: one at a time goes from -3 to 3, ordered by their KL."""
    n, steps = whole(1)("n", n), whole(2)("steps", steps)
    model, _ = run.load_model()
    x, _ = run.read_data().pictured
    kl = latents.kl_per_latent(model, x[:DOTS])
    order = np.argsort(-kl, kind="stable")[:n]
    mu = to_numpy(model.encode(_example(x, example))[0])[0]
    x_hat = to_numpy(model.decode(latents.traverse(mu, order, np.linspace(-3, 3, steps, dtype="float32"))))
    labels = [f"z[{i}], {kl[i]:.2f} nats" for i in order]
    tops = ["-3", *[""] * (steps - 2), "3"]
    plot.walks(list(x_hat), _shape(run), path, "one latent at a time, from -3 to 3", labels, tops)


@drawing(
    "latent_space.png",
    argument("--n", default="15", metavar="N", help="decodings along each axis (default: 15)"),
)
def latent(run, path, n):
    """Write a picture of the latent space: examples in it, and decodings on a grid of Gaussian quantiles."""
    n = whole(2, 100)("n", n)
    model, _ = run.load_model()
    x, y = (None if part is None else part[:DOTS] for part in run.read_data().pictured)
    mu, _ = latents.posteriors(model, x)
    _, center, axes, _ = plot.principal_plane(mu)
    across = latents.normal_quantiles(n)
    up = across[::-1] if model.L > 1 else across[:1] * 0
    grid = np.stack(np.meshgrid(across, up), axis=-1) @ axes + center  # (n or 1, n, L), first row at the top
    plot.latent_means(mu, y, path, to_numpy(model.decode(grid.astype("float32"))), _shape(run))


@drawing(
    "uncertainty.png",
    argument("--n", default="6", metavar="N", help="at most so many examples (default: 6)"),
    argument("--seed", default="0", metavar="N", help="of the draws from the posteriors (default: 0)"),
)
def uncertainty(run, path, n, seed):
    """Write a picture of what posteriors leave open: several decodings of each example, their spread, and ellipses."""
    n, seed = whole(1)("n", n), whole(0)("seed", seed)
    model, _ = run.load_model()
    x, y = (None if part is None else part[:DOTS] for part in run.read_data().pictured)
    draws = latents.decodings(model, x[:n], 50, generator(seed, "sample"))
    mu, log_var = latents.posteriors(model, x)
    first = np.argsort(-latents.mean_kl(model, mu, log_var), kind="stable")[:2]
    mu, log_var = mu[:, first], log_var[:, first]
    names = [f"z[{i}]" for i in first]
    x_hat = to_numpy(model.reconstruct(x[:n]))
    plot.uncertainty(x[:n], x_hat, draws, mu, np.exp(0.5 * log_var), y, _shape(run), path, names)


@drawing("samples.gif")
def animate(run, path):
    """Write an animation of the samples that the training drew every few epochs (pictures_every in its --config)."""
    frames = sorted((run.path / "samples").glob("epoch-[0-9]*.png"))
    if not frames:
        raise ValueError(f"run: {run.path} has no pictures of its epochs; train with pictures_every = N in --config")
    plot.animation(frames, path)


def draw_epoch(run, model, epoch):
    """The same draws from the prior as after every other epoch, into samples/epoch-NNNNN.png."""
    folder = run.path / "samples"
    folder.mkdir(exist_ok=True)
    _draw_samples(run, model, FRAME, 0, folder / f"epoch-{epoch:05d}.png", f"samples after epoch {epoch}")


def draw_run(run, data):
    """The pictures of a finished training."""
    model, _ = run.load_model()
    plot.learning_curves(run.history(), run.path / "curves.png")
    _draw_reconstructions(run, model, data, run.path / "reconstructions.png")
    _draw_samples(run, model, 64, 0, run.path / "samples.png")
    x, y = data.pictured
    rows = slice(0, DOTS)
    plot.latent_means(latents.posteriors(model, x[rows])[0], None if y is None else y[rows], run.path / "latents.png")
    names = ("curves", "reconstructions", "samples", "latents")
    print("pictures: " + ", ".join(str(run.path / f"{name}.png") for name in names))


def _draw_samples(run, model, n, seed, path, *title):
    x_hat = to_numpy(model.sample(n, generator(seed, "sample")))
    plot.samples(x_hat, _shape(run), path, *title)


def _draw_reconstructions(run, model, data, path):
    x = data.pictured.x[:PICTURED]
    plot.reconstructions(x, to_numpy(model.reconstruct(x)), _shape(run), path)


def _shape(run):
    return tuple(run.protocol["shape"])


def _example(x, which):
    """One row of x, by the number that the user gave."""
    i = whole(0)("example", which)
    if i >= len(x):
        raise ValueError(f"example: expected a whole number < {len(x)}, got {i}")
    return x[i : i + 1]
