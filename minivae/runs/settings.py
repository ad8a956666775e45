"""The options of a training run: one table for flags, configuration files, `settings.json` and checkpoints."""

import math
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from ..backend import BACKENDS
from ..data.preprocess import BINARIZE
from ..data.sources import SOURCES, is_array_file
from ..layers import ACTIVATIONS, NORMS
from ..likelihoods import LIKELIHOODS
from ..models import MODELS
from ..optim import OPTIMIZERS
from ..schedules import BETA_SCHEDULES, CLOSED, SCHEDULES


class Option(NamedTuple):
    """`read(name, value)` turns text or a TOML value into the option's value, or raises ValueError.

    Without a metavar it has no flag and is set in a configuration file only.
    """

    read: Callable
    default: Any
    help: str
    metavar: str = ""
    many: bool = False


def whole(least, most=math.inf):
    """Whole numbers from `least` to `most`."""

    def read(name, value):
        number = _number(int, name, value, f"a whole number >= {least}")
        if number < least or (isinstance(value, float) and number != value):
            raise ValueError(f"{name}: expected a whole number >= {least}, got {value}")
        if number > most:
            raise ValueError(f"{name}: expected a whole number <= {most}, got {value}")
        return number

    return read


def real(low=0, below=math.inf, closed=False):
    """Numbers above `low`, or from it if `closed`, and below `below`."""
    what = f"a finite number {'>=' if closed else '>'} {low}" + (f" and < {below}" if below < math.inf else "")

    def read(name, value):
        number = _number(float, name, value, what)
        if not (low < number < below or (closed and number == low)):
            raise ValueError(f"{name}: expected {what}, got {value}")
        return number

    return read


def one_of(names):
    """One of some names."""

    def read(name, value):
        if value not in tuple(names):
            raise ValueError(f"{name}: expected one of {', '.join(names)}, got {value!r}")
        return value

    return read


def each(read_one):
    """A list, each item of which `read_one` reads."""

    def read(name, values):
        if not isinstance(values, list | tuple):
            raise ValueError(f"{name}: expected a list of numbers, got {values!r}")
        return [read_one(name, value) for value in values]

    return read


def table(read_one):
    """A table of names, each item of which `read_one` reads."""

    def read(name, values):
        if not isinstance(values, dict):
            raise ValueError(f"{name}: expected a table of names and values, got {values!r}")
        return {key: read_one(f"{name}.{key}", value) for key, value in values.items()}

    return read


def whole_or_list(name, value):
    """A whole number, or a list of them."""
    return each(whole(0))(name, value) if isinstance(value, list) else whole(0, 4096)(name, value)


def switch(name, value):
    """true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{name}: expected true or false, got {value!r}")
    return value


def text(name, value):
    """Text that is not empty."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name}: expected text, got {value!r}")
    return value


def _number(kind, name, value, what):
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError
        return kind(value)
    except (ValueError, OverflowError):
        raise ValueError(f"{name}: expected {what}, got {value!r}") from None


MOST = 1_000_000  # of sizes: beyond it memory is sure to be missing
OPTIONS = {
    "model": Option(one_of(MODELS), "vae", "the model", "|".join(MODELS)),
    "data": Option(text, "digits", f"{', '.join(SOURCES)}, or a .npy or .npz file", "NAME|FILE"),
    "data_dir": Option(text, None, "folder with mnist/train-images-idx3-ubyte.gz ...; nothing is downloaded", "DIR"),
    "sprites": Option(table(whole_or_list), None, "side and subset of data sprites: {side = 64, shape = [0, 1]}"),
    "binarize": Option(one_of(BINARIZE), None, "how grey pixels become bits (default: each, if that is needed)",
                       "|".join(BINARIZE)),
    "validation": Option(whole(0), None, "size of the validation split (default: a sixth of the training set)", "N"),
    "augment": Option(whole(0, MOST), 0, "shift training images by up to N pixels", "N"),
    "dequantize": Option(switch, False, "spread integer pixels over their grey levels, for a Gaussian likelihood"),
    "standardize": Option(switch, False, "columns to mean 0 and standard deviation 1, for a Gaussian likelihood"),
    "arch": Option(one_of(("dense", "conv")), "dense", "kind of networks", "dense|conv"),
    "hidden": Option(each(whole(1, MOST)), None, "of the encoder's dense layers; the decoder mirrors them", "N", True),
    "channels": Option(each(whole(1, MOST)), None, "of the encoder's convolutions (default: 32 64)", "N", True),
    "latent": Option(whole(1, MOST), None, "number of latents (default: 20; digits 8)", "L"),
    "activation": Option(one_of(ACTIVATIONS), "relu", "between layers", "|".join(ACTIVATIONS)),
    "norm": Option(one_of(NORMS), "none", f"normalization before each activation: {', '.join(NORMS)}"),
    "likelihood": Option(one_of(LIKELIHOODS), "bernoulli", "p(x | z)", "|".join(LIKELIHOODS)),
    "levels": Option(whole(2, MOST), None, "grey levels of the categorical likelihood (default: 16; digits 17)"),
    "std": Option(real(), None, "of a Gaussian likelihood: fixed, or the start (default: 0.1, 0.2; standardized 1)"),
    "beta": Option(real(closed=True), 1.0, "weight of the KL in the loss", "X"),
    "beta_schedule": Option(one_of(BETA_SCHEDULES), "constant", "how beta comes to its value",
                            "|".join(BETA_SCHEDULES)),
    "beta_epochs": Option(whole(1), None, "length of the linear rise, or of a cycle, in epochs (default: 10)"),
    "free_bits": Option(real(closed=True), 0.0, "nats of KL per latent that the loss does not charge", "X"),
    "epochs": Option(whole(1), None, "passes over the training set (default: 20; digits, which are few, 100)", "N"),
    "batch_size": Option(whole(1), 128, "examples per step", "N"),
    "optimizer": Option(one_of(OPTIMIZERS), "adam", "the optimizer", "|".join(OPTIMIZERS)),
    "lr": Option(real(), 1e-3, "learning rate", "X"),
    "rates": Option(table(real(closed=True)), None, "factors of lr by part: {encoder = 0.5, decoder = 1}"),
    "schedule": Option(one_of(SCHEDULES), "constant", "learning rate over the run; step: a tenth after each third; "
                       "iwae: 3^i epochs at lr 10^(-i/7)", "|".join(SCHEDULES)),
    "warm_up": Option(real(closed=True), 0.0, "epochs over which the learning rate rises to its schedule"),
    "clip": Option(real(), None, "largest norm of the whole gradient", "X"),
    "weight_decay": Option(real(closed=True), None, "of adamw (default: 0.01)", "X"),
    "momentum": Option(real(below=1, closed=True), None, "of sgd (default: 0.9)"),
    "nesterov": Option(switch, None, "of sgd (default: false)"),
    "ema": Option(real(below=1, closed=True), None, "keep a moving average of the parameters and use it; 0.999, say"),
    "early_stop": Option(whole(1), None, "stop when validation was not better for N epochs", "N"),
    "dropout": Option(real(below=1, closed=True), 0.0, "in dense hidden layers", "P"),
    "pictures_every": Option(whole(1), None, "epochs between pictures of samples in RUN/samples/"),
    "ledger": Option(switch, False, "split the gradients into reconstruction and KL in every line of metrics.jsonl"),
    "seed": Option(whole(0), 0, "of everything random", "N"),
    "backend": Option(one_of(BACKENDS), "numpy", "where arrays live", "|".join(BACKENDS)),
    "dtype": Option(one_of(("float32", "float64")), "float32", "precision", "float32|float64"),
}  # fmt: skip


# options that belong to some values of another: (that option, its values, the default there, given all settings)
NEEDS = {
    "channels": ("arch", ("conv",), lambda s: [32, 64]),
    "levels": ("likelihood", ("categorical",), lambda s: 17 if s["data"] == "digits" else 16),
    "std": ("likelihood", ("gaussian", "gaussian-fixed"),
            lambda s: 1.0 if s["standardize"] else 0.1 if s["likelihood"] == "gaussian-fixed" else 0.2),
    "beta_epochs": ("beta_schedule", ("linear", "cyclical"), lambda s: 10),
    "weight_decay": ("optimizer", ("adamw",), lambda s: 0.01),
    "momentum": ("optimizer", ("sgd",), lambda s: 0.9),
    "nesterov": ("optimizer", ("sgd",), lambda s: False),
}  # fmt: skip
# may be None once all is settled
OPTIONAL = {"data_dir", "sprites", "binarize", "validation", "rates", "clip", "ema", "early_stop", "pictures_every"}
OPTIONAL |= set(NEEDS)
# decide nothing about what was done so far: free ones may become anything, growing ones more; and where a file is
FREE, GROWING = ("data_dir", "pictures_every", "ledger"), ("epochs", "early_stop")
OPEN = ("data", *FREE, *GROWING)
MOVING = ("backend",)  # decides rounding only: a checkpoint says where it was made, and goes on anywhere


def read_options(given):
    """{name: value} of options given as text or TOML values; ValueError names the first that is unknown or wrong."""
    for name in given:
        if name not in OPTIONS:
            raise ValueError(f"{name}: unknown option; expected one of {', '.join(OPTIONS)}")
    return {name: OPTIONS[name].read(name, value) for name, value in given.items()}


def read_config(path):
    """Options in a TOML file, by their Python names."""
    try:
        return read_options(tomllib.loads(Path(path).read_text(encoding="utf-8-sig")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"config: {path} is not TOML ({error})") from None
    except OSError as error:
        raise ValueError(f"config: cannot read {path} ({error.strerror})") from None


def complete(given):
    """All options: what was given, else the defaults, which for sizes and epochs depend on the data."""
    settings = {name: option.default for name, option in OPTIONS.items()} | given
    small = settings["data"] == "digits"
    if settings["hidden"] is None:
        settings["hidden"] = [128] if small else [256] if settings["arch"] == "conv" else [400, 200]
    if settings["latent"] is None:
        settings["latent"] = 8 if small else 20
    if settings["epochs"] is None:
        settings["epochs"] = 100 if small else 20
    for name, (other, values, default) in NEEDS.items():
        if settings[other] in values:
            settings[name] = default(settings) if settings[name] is None else settings[name]
        elif settings[name] is not None:
            raise ValueError(f"{name}: expected {other} {' or '.join(values)}, got {settings[other]}")
    return settings


def deciding(settings):
    """The settings that decide the numbers, for checkpoints: epochs only where a schedule ends with the run."""
    left_out = set(OPEN) - ({"epochs"} if settings["schedule"] in CLOSED else set())
    return {name: value for name, value in settings.items() if name not in left_out}


def resumed(recorded, given):
    """The recorded settings, with what may change on the way; ValueError where `given` does not agree.

    Where files are (their hash is checked) and what is drawn may be anything; epochs and early_stop may grow, which
    leads to where a run with the larger number would be.
    """
    settings = dict(recorded)
    for name, value in given.items():
        before = settings[name]
        grows = before is not None and name in GROWING and value > before
        moved = name == "data" and is_array_file(value) and is_array_file(before)
        if name in FREE + MOVING or moved or (grows and name not in deciding(settings)):
            settings[name] = value
        elif value != before:
            why = "; it may grow" if name in GROWING and before is not None else ""
            why += f", but not under schedule {settings['schedule']}" if grows else ""
            raise ValueError(f"{name}: expected {before}, as the run was started with, got {value}{why}")
    return settings
