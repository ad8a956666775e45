"""Commands that draw, and the pictures that a training leaves behind."""

from functools import partial

import numpy as np

from .. import plot
from ..backend import generator, take
from ..data.lines import SUFFIX
from ..evaluate import latents, mixture_of_codes
from ..files import check_file
from ..finite import finite_rows
from ..models import DDPM
from ..options import whole
from ..priors import UniformCodes
from ..trained import Trained
from .arrays import DATA, check_kind, one_label, read_input, read_labels, write_data
from .base import argument
from .codes import draw_use
from .columns import draw_column_reconstructions, draw_column_samples
from .completions import draw_completions
from .decoding import (
    DOTS,
    codes,
    decoded,
    in_tiles,
    is_standard,
    latent_name,
    made_of,
    name_of,
    reconstructed,
    sampled,
    shape_of,
    told,
)
from .drawing import drawing
from .levels import draw_levels
from .lines import draw_line_reconstructions, draw_line_samples
from .walks import WALKS

GIVEN = argument("--y", nargs="+", metavar="Y", help="what a conditional model is given: a class, or its numbers")
PICTURED = 30  # examples in a picture of reconstructions
FRAME = 36  # samples in a picture of an epoch
DRAWS = 50  # decodings of an example, whose spread is drawn


@drawing(
    "samples.png",
    argument("--n", default="64", metavar="N", help="how many (default: 64)"),
    argument("--seed", default="0", metavar="N", help="of the draws from the prior (default: 0)"),
    GIVEN,
    argument("--draw", action="store_true", help="with the noise of p(x | z), without which values vary too little"),
    argument("--temperature", metavar="X", help="of text with --draw: logits are divided by it (default: 1)"),
    argument("--top-k", metavar="K", help="of text with --draw: of the K likeliest tokens (default: of all)"),
    argument("--level", metavar="I", help="of a hierarchy: in a row all have the same zI and what is above it, and the "
             "levels below are drawn anew"),
    argument("--uniform", action="store_true", help="of a model with codes: each as likely as each other one, in the "
             "place of what the prior has learned"),
    argument("--mixture", metavar="C", help="of an autoencoder: z from a mixture of C Gaussians that is fitted to "
             "the codes of training rows, in the place of one Gaussian"),
    argument("--jumps", metavar="N", help="of diffusion: in N jumps without noise, in the place of all its steps"),
    data=DATA,
    lines=(SUFFIX,),
    tables=True,
    parts=True,
    codes=True,
)  # fmt: skip
def sample(run, path, n, seed, y, draw, temperature, top_k, level, uniform, mixture, jumps):
    """Write samples: a picture, of a conditional model of one y, or of classes against styles; or data.

    Of images that are cut: completions of pictured ones, what is given before them and the truth behind. Of text, lines
    whose tokens are the likeliest; by --draw, or without a z, they are drawn.
    """
    n, seed = whole(1, 10**6)("n", n), whole(0)("seed", seed)
    model, _ = run.load_model()
    if run.protocol.quadrants is not None and y is not None:
        raise ValueError("y: expected none, completions are of pictured images")
    y = one_label(model, y, run.protocol.label)
    trained = Trained(model, run.protocol, run.settings["likelihood"])
    choice = trained.choice(draw, temperature, top_k)
    if uniform:
        if model.latent != "codes":
            raise ValueError(f"uniform: expected a model with codes, got {run.settings['model']}")
        model.prior, model.sampled = UniformCodes(model.K, model.T), "codes, each as likely as each other one"
    if mixture is not None:
        C = whole(1)("mixture", mixture)
        model.prior = mixture_of_codes(model, _trained_on(run), C, seed)
        model.sampled = f"draws from a mixture of {C} Gaussians fitted to the codes"
    if jumps is not None:
        if not isinstance(model, DDPM):
            raise ValueError(f"jumps: expected a model of diffusion, got {run.settings['model']}")
        jumps = whole(1, model.T)("jumps", jumps)
        model.sample, model.sampled = partial(model.sample, jumps=jumps), f"draws from N(0, I), in {jumps} jumps"
    if level is not None:
        draw_levels(run, model, n, seed, path, level, draw)
        return
    if y is None and model.labels is not None and model.labels.kind == "classes":
        print("no --y: the classes take turns")
    if path.suffix.lower() in DATA:
        check_kind(path, trained)
        if run.protocol.quadrants is not None:
            y = run.read_data().pictured.y
        write_data(path, trained.drawn(n, seed, y, draw))
    else:
        _draw_samples(run, model, n, seed, path, y=y, draw=draw, **choice)


def _trained_on(run):
    """The rows of training, with bits as the first presentation draws them."""
    data = run.read_data()
    return data.settle(data.train.x, generator(0, "present"))


@drawing(
    "reconstructions.png",
    argument("--input", metavar="X", help="examples as in training, whose reconstructions go into the data of --out"),
    argument("--y", metavar="FILE.npy", help="what a conditional model is given: a label for each row of --input"),
    data=DATA,
    lines=(SUFFIX,),
    tables=True,
    parts=True,
    codes=True,
)
def reconstruct(run, path, input, y):
    """Write reconstructions: a picture of examples, held out where there are any; or of --input, as data."""
    model, _ = run.load_model()
    is_data = path.suffix.lower() in (*DATA, SUFFIX)
    if input is None:
        if is_data or y is not None:
            raise ValueError(f"{'out' if y is None else 'y'}: expected --input with it")
        _draw_reconstructions(run, model, run.read_data().pictured, path)
        return
    trained = Trained(model, run.protocol, run.settings["likelihood"], argument="input")
    x, y = trained.prepared(read_input(input, trained)[0], read_labels(y))
    if is_data:
        check_kind(path, trained)
        write_data(path, trained.through(x, y))
    else:
        _draw_reconstructions(run, model, (x, y), path, "given")


@drawing(
    "latent_space.png",
    argument("--n", default="15", metavar="N", help="decodings along each axis (default: 15)"),
    GIVEN,
)
def latent(run, path, n, y):
    """Write a picture of the latent space: examples in it, and decodings on a grid of Gaussian quantiles."""
    n = whole(2, 100)("n", n)
    model, _ = run.load_model()
    given = one_label(model, y)
    x, y = (take(part, slice(DOTS)) for part in run.read_data().pictured)
    mu = codes(path, model, x, y)
    if model.labels is not None and model.decodes_y == (given is None):
        wanted = "the decodings of a conditional model need one y for all; expected --y"
        raise ValueError(f"y: {wanted if given is None else 'expected none, the decoder of this model is given none'}")
    _, center, axes, share = plot.principal_plane(mu)
    if share is None and not is_standard(model):  # nothing says that the codes have mean 0 and variance 1
        center, axes = mu.mean(axis=0), axes * mu.std(axis=0)
    across = latents.normal_quantiles(n)
    up = across[::-1] if model.L > 1 else across[:1] * 0
    grid = (np.stack(np.meshgrid(across, up), axis=-1) @ axes + center).astype("float32")  # (n or 1, n, L)
    x_hat = decoded(path, model, grid, plot.Tiles(shape_of(run), len(grid), n), given)
    plot.latent_means(mu, y, path, x_hat, shape_of(run), name=name_of(model))


@drawing(
    "uncertainty.png",
    argument("--n", default="6", metavar="N", help="at most so many examples (default: 6)"),
    argument("--seed", default="0", metavar="N", help="of the draws from the posteriors (default: 0)"),
)
def uncertainty(run, path, n, seed):
    """Write a picture of what posteriors leave open: several decodings of each example, their spread, and ellipses."""
    n, seed = whole(1)("n", n), whole(0)("seed", seed)
    model, _ = run.load_model()
    if model.log_weights is None or (model.exact and model.latent == "point") or isinstance(model, DDPM):
        raise ValueError(f"run: uncertainty needs a q(z | x), which the model {run.settings['model']} lacks")
    x, y = (take(part, slice(DOTS)) for part in run.read_data().pictured)
    mu, std = latents.moments(model, x, generator(seed, "sample"), told(model, y))
    for name, part in (("mu", mu), ("std", std)):
        finite_rows(part, name, path.stem)
    size = latents.mean_kl(model, mu, 2 * np.log(std), told(model, y)) if model.has_kl else mu.var(axis=0)
    first = np.argsort(-size, kind="stable")[:2]
    names = [latent_name(model, i) for i in first]
    x, y_first = x[:n], told(model, take(y, slice(n)))
    tiles = plot.Tiles(shape_of(run), len(x), plot.SHOWN + 3)
    rng, spread = generator(seed, "sample"), latents.Spread()

    def decode(rows):
        draws = latents.decodings(model, x, len(rows), rng, y_first)  # (s, n, D)
        spread.add(draws)
        return draws

    draws = in_tiles(path, tiles, DRAWS, decode)
    x_hat = reconstructed(run, path, model, x, y_first, tiles)
    spread = tiles.reduce(spread.std(x.dtype))
    plot.uncertainty(x, x_hat, draws, mu[:, first], std[:, first], y, shape_of(run), path, names, spread)


@drawing("samples.gif", lines=(), tables=True, parts=True, codes=True)
def animate(run, path):
    """Write an animation of the samples that the training drew every few epochs (pictures_every in its --config)."""
    frames = sorted(run.file("samples").glob("epoch-[0-9]*.png"))
    if not frames:
        raise ValueError(f"run: {run.path} has no pictures of its epochs; train with pictures_every = N in --config")
    for frame in frames:
        check_file(run.file("samples", frame.name), "run")
    plot.animation(frames, path)


def draw_epoch(run, model, data, epoch):
    """The same draws from the prior as after every other epoch, into samples/epoch-NNNNN.png."""
    path = run.file("samples", f"epoch-{epoch:05d}.png")
    _draw_samples(run, model, FRAME, 0, path, f"samples after epoch {epoch}", data=data)


def draw_run(run, data):
    """The pictures of a finished training."""
    model, _ = run.load_model()
    plot.learning_curves(run.history(), run.file("curves.png"), model.metrics)
    if not model.generates:
        print(f"picture: {run.path / 'curves.png'}")
        return
    _draw_samples(run, model, 64, 0, run.file("samples.png"), data=data)
    names = ["curves", "samples"]
    if model.latent != "prior" and not (model.reads_text and model.latent is None):
        _draw_reconstructions(run, model, data.pictured, run.file("reconstructions.png"))
        names.insert(1, "reconstructions")
    if model.latent == "codes":
        draw_use(model, *(take(part, slice(DOTS)) for part in data.pictured), run.file("codes.png"))
        names.append("codes")
    elif model.latent not in ("prior", None):
        x, y = (take(part, slice(DOTS)) for part in data.pictured)
        path = run.file("latents.png")
        plot.latent_means(codes(path, model, x, y), y, path, name=name_of(model))
        names.append("latents")
    print("pictures: " + ", ".join(str(run.path / f"{name}.png") for name in names))


def _draw_samples(run, model, n, seed, path, title="samples", y=None, data=None, draw=False, **choice):
    """n samples; of classes, where none is asked for, a row each, with the same draws of z: class against style.

    Of a table, with the noise of p(x | z), as many as there are pictured rows, beside these: column by column.
    """
    if run.protocol.columns is not None:
        seen = (run.read_data() if data is None else data).pictured
        draw_column_samples(run, model, max(n, min(len(seen.x), DOTS)), seed, path, title, y, seen)
        return
    if run.protocol.tokens is not None:
        draw_line_samples(run, model, n, seed, path, title, draw, **choice)
        return
    title = f"{title}: decoded {model.sampled}"
    title += f", with the noise of p(x | {'y' if model.latent is None else 'z'})" * draw
    if run.protocol.quadrants is not None:
        seen = (run.read_data() if data is None else data).pictured
        draw_completions(run, model, n, seed, path, title, seen, draw)
        return
    classes = model.labels is not None and model.labels.kind == "classes"
    if y is None and classes:
        count = model.labels.count
        shown = count if len(shape_of(run)) == 3 else min(count, WALKS)  # each row of curves is a panel of its own
        columns = max(1, n // shown)
        tiles = plot.Tiles(shape_of(run), shown, columns)
        rows = [sampled(path, model, columns, seed, np.array([c]), tiles, draw) for c in range(shown)]
        title += ", a row for each y" + f" below {shown}" * (shown < count)
        plot.walks(rows, shape_of(run), path, title, [str(c) for c in range(shown)])
        return
    if y is None and model.labels is not None:
        y = (run.read_data() if data is None else data).pictured.y
        title += ", given the y of pictured examples"
    elif y is not None:
        title += f", given y = {' '.join(f'{v:g}' for v in np.ravel(y))}"
    tiles = plot.Tiles(shape_of(run), *plot.square(n))
    plot.samples(sampled(path, model, n, seed, y, tiles, draw), shape_of(run), path, title)


def _draw_reconstructions(run, model, rows, path, kind=None):
    """The first of some rows (x, y); `kind` says which rows they are, None: those that are pictured."""
    kind = kind or ("held-out" if run.protocol.n_validation else "training")
    if run.protocol.columns is not None:
        x, y = (take(part, slice(DOTS)) for part in rows)
        draw_column_reconstructions(run, model, x, y, path, kind)
        return
    x, y = (take(part, slice(PICTURED)) for part in rows)
    if run.protocol.tokens is not None:
        draw_line_reconstructions(run, model, x, path, kind)
        return
    tiles = plot.Tiles(shape_of(run), *plot.pairs(len(x)))
    x_hat = reconstructed(run, path, model, x, y, tiles)
    plot.reconstructions(run.protocol.whole(x, y), x_hat, shape_of(run), path, made_of(model))
