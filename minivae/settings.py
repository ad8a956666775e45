"""The options of a training run: one table for flags, configuration files, `settings.json` and checkpoints."""

import math
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from .backend import BACKENDS
from .data.preprocess import BINARIZE
from .data.sources import SOURCES
from .layers import ACTIVATIONS
from .likelihoods import LIKELIHOODS
from .models import MODELS
from .optim import OPTIMIZERS, SCHEDULES


class Option(NamedTuple):
    """`read(name, value)` turns text or a TOML value into the option's value, or raises ValueError."""

    read: Callable
    default: Any
    help: str
    metavar: str = ""
    many: bool = False


def whole(least):
    """Whole numbers from `least` up."""

    def read(name, value):
        number = _number(int, name, value, f"a whole number >= {least}")
        if number < least or (isinstance(value, float) and number != value):
            raise ValueError(f"{name}: expected a whole number >= {least}, got {value}")
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


OPTIONS = {
    "model": Option(one_of(MODELS), "vae", "the model", "|".join(MODELS)),
    "data": Option(text, "digits", f"{', '.join(SOURCES)}, or a .npy or .npz file", "NAME|FILE"),
    "data_dir": Option(text, None, "folder with mnist/train-images-idx3-ubyte.gz ...; nothing is downloaded", "DIR"),
    "binarize": Option(one_of(BINARIZE), None, "how grey pixels become bits (default: each, if that is needed)",
                       "|".join(BINARIZE)),
    "validation": Option(whole(0), None, "size of the validation split (default: a sixth of the training set)", "N"),
    "arch": Option(one_of(("dense", "conv")), "dense", "kind of networks", "dense|conv"),
    "hidden": Option(each(whole(1)), None, "widths of the encoder's dense layers; the decoder mirrors them", "N", True),
    "channels": Option(each(whole(1)), [32, 64], "channels of the encoder's convolutions", "N", True),
    "latent": Option(whole(1), None, "number of latents (default: 20; digits 8)", "L"),
    "activation": Option(one_of(ACTIVATIONS), "relu", "between layers", "|".join(ACTIVATIONS)),
    "likelihood": Option(one_of(LIKELIHOODS), "bernoulli", "p(x | z)", "|".join(LIKELIHOODS)),
    "beta": Option(real(closed=True), 1.0, "weight of the KL in the loss", "X"),
    "epochs": Option(whole(1), None, "passes over the training set (default: 20; digits, which are few, 100)", "N"),
    "batch_size": Option(whole(1), 128, "examples per step", "N"),
    "optimizer": Option(one_of(OPTIMIZERS), "adam", "the optimizer", "|".join(OPTIMIZERS)),
    "lr": Option(real(), 1e-3, "learning rate", "X"),
    "schedule": Option(one_of(SCHEDULES), "constant", "learning rate over the run; step: a tenth after each third",
                       "|".join(SCHEDULES)),
    "clip": Option(real(), None, "largest norm of the whole gradient", "X"),
    "weight_decay": Option(real(closed=True), None, "of adamw (default 0.01)", "X"),
    "dropout": Option(real(below=1, closed=True), 0.0, "in dense hidden layers", "P"),
    "seed": Option(whole(0), 0, "of everything random", "N"),
    "backend": Option(one_of(BACKENDS), "numpy", "where arrays live", "|".join(BACKENDS)),
    "dtype": Option(one_of(("float32", "float64")), "float32", "precision", "float32|float64"),
}  # fmt: skip


OPTIONAL = ("data_dir", "binarize", "validation", "clip", "weight_decay")  # may be None once all is settled


def read_options(given):
    """{name: value} of options given as text or TOML values; ValueError names the first that is unknown or wrong."""
    for name in given:
        if name not in OPTIONS:
            raise ValueError(f"{name}: unknown option; expected one of {', '.join(OPTIONS)}")
    return {name: OPTIONS[name].read(name, value) for name, value in given.items()}


def read_config(path):
    """Options in a TOML file, by their Python names."""
    try:
        return read_options(tomllib.loads(Path(path).read_text(encoding="utf-8")))
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
    if settings["optimizer"] == "adamw":
        settings["weight_decay"] = 0.01 if settings["weight_decay"] is None else settings["weight_decay"]
    elif settings["weight_decay"] is not None:
        raise ValueError(f"weight_decay: expected optimizer adamw, got {settings['optimizer']}")
    return settings


def deciding(settings):
    """The settings that decide the numbers, for checkpoints: no paths, and no epochs unless a schedule needs them."""
    left_out = {"data", "data_dir"} | ({"epochs"} if settings["schedule"] == "constant" else set())
    return {name: value for name, value in settings.items() if name not in left_out}


def resumed(recorded, given):
    """The recorded settings, with epochs grown if that was asked for; ValueError where `given` does not agree."""
    settings = dict(recorded)
    for name, value in given.items():
        if name == "data_dir":  # where the files are now; their hash is checked
            settings[name] = value
        elif name == "epochs" and value > settings[name] and settings["schedule"] == "constant":
            settings[name] = value
        elif value != settings[name]:
            why = ""
            if name == "epochs":
                why = "; it may grow" + (f", but not under schedule {settings['schedule']}" * (value > settings[name]))
            raise ValueError(f"{name}: expected {settings[name]}, as the run was started with, got {value}{why}")
    return settings
