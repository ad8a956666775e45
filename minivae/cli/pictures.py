"""Commands that draw, and the pictures that a training leaves behind."""

import numpy as np

from .. import plot
from ..backend import generator, to_numpy
from ..evaluate import latents
from ..runs import Run
from ..settings import whole
from .base import RUN, argument, command, output, picture

PICTURED = 30  # examples in a picture of reconstructions
DOTS = 5000  # examples in a picture of the latent space
FRAME = 36  # samples in a picture of an epoch
EXAMPLE = argument("--example", default="0", metavar="I", help="which of the pictured examples (default: 0)")


@command(
    RUN,
    argument("--n", default="64", metavar="N", help="how many (default: 64)"),
    argument("--seed", default="0", metavar="N", help="of the draws from the prior (default: 0)"),
    picture("samples.png"),
)
def sample(run, n, seed, out):
    """Write a picture of samples."""
    run = Run.open(run)
    path, n = output(out, ".png", run.path / "samples.png"), whole(1)("n", n)
    model, _ = run.load_model()
    _draw_samples(run, model, n, whole(0)("seed", seed), path)
    print(path)


@command(RUN, picture("reconstructions.png"))
def reconstruct(run, out):
    """Write a picture of examples, held out where there are any, and their reconstructions."""
    run = Run.open(run)
    path = output(out, ".png", run.path / "reconstructions.png")
    model, _ = run.load_model()
    _draw_reconstructions(run, model, run.read_data(), path)
    print(path)


@command(
    RUN,
    argument("--n", default="4", metavar="N", help="at most so many pairs of examples (default: 4)"),
    argument("--steps", default="9", metavar="N", help="decodings between and with the two ends (default: 9)"),
    picture("interpolations.png"),
)
def interpolate(run, n, steps, out):
    """Write a picture of what lies between pairs of examples: linear and spherical interpolation of their means."""
    run = Run.open(run)
    path = output(out, ".png", run.path / "interpolations.png")
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
    print(path)


@command(
    RUN,
    EXAMPLE,
    argument("--n", default="10", metavar="N", help="at most so many latents, those with the most KL (default: 10)"),
    argument("--steps", default="11", metavar="N", help="values of each latent, from -3 to 3 (default: 11)"),
    picture("traversal.png"),
)
def traverse(run, example, n, steps, out):
    """Write a picture of what each latent does: one at a time goes from -3 to 3, ordered by their KL."""
    run = Run.open(run)
    path = output(out, ".png", run.path / "traversal.png")
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
    print(path)


@command(
    RUN,
    argument("--n", default="15", metavar="N", help="decodings along each axis (default: 15)"),
    picture("latent_space.png"),
)
def latent(run, n, out):
    """Write a picture of the latent space: examples in it, and decodings on a grid of Gaussian quantiles."""
    run = Run.open(run)
    path, n = output(out, ".png", run.path / "latent_space.png"), whole(2, 100)("n", n)
    model, _ = run.load_model()
    x, y = (None if part is None else part[:DOTS] for part in run.read_data().pictured)
    mu, _ = latents.posteriors(model, x)
    _, center, axes, _ = latents.principal_plane(mu)
    across = latents.normal_quantiles(n)
    up = across[::-1] if model.L > 1 else across[:1] * 0
    grid = np.stack(np.meshgrid(across, up), axis=-1) @ axes + center  # (n or 1, n, L), first row at the top
    plot.latent_means(mu, y, path, to_numpy(model.decode(grid.astype("float32"))), _shape(run))
    print(path)


@command(
    RUN,
    argument("--n", default="6", metavar="N", help="at most so many examples (default: 6)"),
    argument("--seed", default="0", metavar="N", help="of the draws from the posteriors (default: 0)"),
    picture("uncertainty.png"),
)
def uncertainty(run, n, seed, out):
    """Write a picture of what posteriors leave open: several decodings of each example, their spread, and ellipses."""
    run = Run.open(run)
    path, n, seed = output(out, ".png", run.path / "uncertainty.png"), whole(1)("n", n), whole(0)("seed", seed)
    model, _ = run.load_model()
    x, y = (None if part is None else part[:DOTS] for part in run.read_data().pictured)
    draws = latents.decodings(model, x[:n], 50, generator(seed, "sample"))
    first = np.argsort(-latents.kl_per_latent(model, x), kind="stable")[:2]
    mu, log_var = (part[:, first] for part in latents.posteriors(model, x))
    names = [f"z[{i}]" for i in first]
    x_hat = to_numpy(model.reconstruct(x[:n]))
    plot.uncertainty(x[:n], x_hat, draws, mu, np.exp(0.5 * log_var), y, _shape(run), path, names)
    print(path)


@command(RUN, argument("--out", metavar="FILE", help="default: samples.gif in the run folder"))
def animate(run, out):
    """Write an animation of the samples that the training drew every few epochs (pictures_every in its --config)."""
    run = Run.open(run)
    path = output(out, ".gif", run.path / "samples.gif")
    frames = sorted((run.path / "samples").glob("epoch-[0-9]*.png"))
    if not frames:
        raise ValueError(f"run: {run.path} has no pictures of its epochs; train with pictures_every = N in --config")
    plot.animation(frames, path)
    print(path)


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
