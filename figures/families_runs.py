"""The runs of figures.families: six families on five sets of data, equal in parameters and seconds, and their order."""

from typing import NamedTuple

import numpy as np

from minivae.models import MODELS
from minivae.runs.settings import complete, read_options

WITHIN = 0.05  # of the parameters that a set of data gives all families
SEEDS = (0, 1, 2, 3, 4)
RATES = {"slow": 1 / 3, "default": 1.0, "fast": 3.0}  # of a family's learning rate
RATE_SEEDS = (0,)  # of each rate that is not the default
MARKS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)  # of the seconds, at which a model is kept
LONGER = (2.0, 4.0)  # the same of what trains until it no longer gets better
RARE = {"class": 1, "share": 0.01}  # of Fashion-MNIST, trousers: a tenth of the images without this


class Data(NamedTuple):
    """A set of data: its options, the parameters and the seconds that each family has, and what is trained for longer.

    `kind` is "points" or "images"; `stability`: whether seeds and rates are varied; `longer`: whether seed 0 goes on.
    """

    what: str
    options: dict
    shape: tuple
    kind: str
    parameters: int
    seconds: float
    stability: bool
    longer: bool


DATA = {
    "ring": Data("eight Gaussians on a ring", {"data": "modes", "modes": {"kind": "ring", "std": 0.1}}, (2,), "points",
                 34_000, 15, True, True),
    "grid": Data("a grid of 25 Gaussians", {"data": "modes", "modes": {"kind": "grid", "std": 0.1}}, (2,), "points",
                 34_000, 15, True, True),
    "digits": Data("digits, 8x8 pixels", {"data": "digits"}, (8, 8, 1), "images", 96_000, 20, True, True),
    "mnist": Data("MNIST", {"data": "mnist"}, (28, 28, 1), "images", 320_000, 240, False, False),
    "fashion": Data("Fashion-MNIST, one class in ten thinned to 1 %", {"data": "fashion", "rare": RARE}, (28, 28, 1),
                    "images", 320_000, 240, False, False),
}  # fmt: skip


class Family(NamedTuple):
    """What a family is called, its options on points and on images, and which options take the width that fits.

    `sized(width, kind)` are the options of a width; None: it has no parameters to choose. `draw`: whether samples of
    points, and of images, are draws of p(x | z) instead of its means.
    """

    what: str
    points: dict
    images: dict
    sized: object
    draw: tuple = (False, False)


def _two(width, kind):
    return {"hidden": [width, width]}


def _unet(width, kind):
    return {"channels": [width, 2 * width, 4 * width]} if kind == "images" else _two(width, kind)


FAMILIES = {
    "vae": Family("VAE", {"model": "vae", "latent": 2, "likelihood": "gaussian", "lr": 2e-3},
                  {"model": "vae", "latent": 16, "likelihood": "beta-binomial"}, _two, (True, False)),
    "gan": Family("GAN", {"model": "gan", "latent": 2, "likelihood": "gaussian-fixed", "lr": 1e-3},
                  {"model": "gan", "latent": 16, "binarize": "none", "norm": "batch", "lr": 1e-3},
                  lambda width, kind: {"hidden": [width, width], "critic": [width, width]}),
    "ae": Family("autoencoder", {"model": "ae", "latent": 2, "likelihood": "gaussian-fixed"},
                 {"model": "ae", "latent": 16, "binarize": "none"}, _two),
    "nvp": Family("flow (RealNVP)", {"model": "nvp", "ema": 0.99, "clip": 1.0},
                  {"model": "nvp", "bins": 17, "ema": 0.99, "clip": 10.0, "optimizer": "adamw", "weight_decay": 1.0},
                  _two),
    "ddpm": Family("diffusion (DDPM)", {"model": "ddpm", "lr": 3e-3, "ema": 0.999},
                   {"model": "ddpm", "arch": "conv", "batch_size": 32, "lr": 2e-3, "ema": 0.999}, _unet),
    "ppca": Family("probabilistic PCA", {"model": "ppca", "latent": 1}, {"model": "ppca", "latent": 16}, None,
                   (True, True)),
}  # fmt: skip
FEWER = {"times": 50, "jumps": 25}  # steps, so that enough samples can be measured
OWN = {("ddpm", data): FEWER for data in ("mnist", "fashion")}  # options of a family on one set of data
BASELINE = "ppca"
TRAINED = [name for name in FAMILIES if name != BASELINE]
WIDTHS = {  # that come within 5 % of the parameters, as `fitted` finds them
    "vae": {"ring": 127, "grid": 127, "digits": 166, "mnist": 120, "fashion": 120},
    "gan": {"ring": 128, "grid": 128, "digits": 184, "mnist": 166, "fashion": 166},
    "ae": {"ring": 127, "grid": 127, "digits": 182, "mnist": 165, "fashion": 165},
    "nvp": {"ring": 63, "grid": 63, "digits": 70, "mnist": 30, "fashion": 30},
    "ddpm": {"ring": 68, "grid": 68, "digits": 13, "mnist": 24, "fashion": 24},
}


def options_of(family, data, width=None):
    """The options of `minivae train` of a family on a set of data; `width` None: the one that fits."""
    own, of = FAMILIES[family], DATA[data]
    options = (own.points if of.kind == "points" else own.images) | of.options | OWN.get((family, data), {})
    if own.sized is None:
        return options
    return options | own.sized(WIDTHS[family][data] if width is None else width, of.kind)


def parameters_of(options, shape):
    """How many parameters a model of these options has, on data of a shape; of a GAN those of both players."""
    settings = complete(read_options(options))
    cls = MODELS[settings["model"]]
    build = {name: settings[name] for name in cls.options}
    return cls.build(shape, np.random.default_rng(0), **build).theta.size


def fitted(family, data, most=2048):
    """The width at which a family comes nearest to the parameters that a set of data gives it, by halving."""
    wanted = DATA[data].parameters

    def count(width):
        return parameters_of(options_of(family, data, width), DATA[data].shape)

    low, high = 1, 2
    while count(high) < wanted and high < most:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) < wanted else (low, middle)
    return min((low, high), key=lambda width: abs(count(width) - wanted))


def run_of(family, data, seed=0, rate="default"):
    """{"options": of minivae train, "seconds": of one thread, "marks": shares of them at which the model is kept}."""
    options = options_of(family, data)
    lr = options.get("lr", 1e-3)
    options = options | {"seed": seed} | ({} if rate == "default" else {"lr": lr * RATES[rate]})
    of = DATA[data]
    marks = [1.0]
    if seed == 0 and rate == "default":
        marks = [*MARKS, *(LONGER if of.longer else ())]
    return {"options": options, "seconds": of.seconds, "marks": marks}


def _every():
    """(name, run) in the order in which they are trained: what shows most comes first."""
    for data in ("ring", "grid", "digits", "mnist", "fashion"):
        for family in FAMILIES:
            yield f"{data}-{family}-0", run_of(family, data)
    varied = [data for data, of in DATA.items() if of.stability]
    for seed in SEEDS[1:]:
        for data in varied:
            for family in TRAINED:
                yield f"{data}-{family}-{seed}", run_of(family, data, seed)
    for seed in RATE_SEEDS:
        for rate in ("slow", "fast"):
            for data in varied:
                for family in TRAINED:
                    yield f"{data}-{family}-{rate}-{seed}", run_of(family, data, seed, rate)


RUNS = dict(_every())
MAIN = [f"{data}-{family}-0" for data in DATA for family in FAMILIES]  # of which all is measured


def parts_of(name):
    """(data, family, rate, seed) of a run's name."""
    data, family, *rate, seed = name.split("-")
    return data, family, rate[0] if rate else "default", int(seed)


def minutes(names):
    """Of one thread, that the trainings of these names take."""
    return sum(RUNS[name]["seconds"] * RUNS[name]["marks"][-1] for name in names if not is_closed(name)) / 60


def is_closed(name):
    """Whether a run is a closed form, which takes no seconds to speak of."""
    return parts_of(name)[1] == BASELINE
