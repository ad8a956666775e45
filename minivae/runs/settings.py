"""The options of a training run: those of data and training, the optimizers', and between them the model's own."""

import tomllib
from dataclasses import replace

from ..backend import BACKENDS
from ..data.frames import is_table_file
from ..data.options import OPTIONS as DATA
from ..data.sources import is_own
from ..files import read_file
from ..models import MODELS
from ..optim import OPTIMIZERS
from ..optim import OPTIONS as OPTIMIZER
from ..options import UNKNOWN, Option, one_of, real, switch, whole
from ..schedules import CLOSED, SCHEDULES
from ..train import OPTIONS as FIT

MODEL = {"model": Option(one_of(MODELS), "vae", "the model", "|".join(MODELS))}


def _of_optimizers():
    """{name: Option} of what some optimizers have, each with those that it needs."""
    owners = {}
    for key, cls in OPTIMIZERS.items():
        for name, option in cls.options.items():
            owners.setdefault(name, (option, []))[1].append(key)
    return {
        name: replace(option, default=None, fill=lambda settings, value=option.default: value, optional=True,
                      help=f"of {', '.join(keys)}: {option.help} (default: {str(option.default).lower()})",
                      needs=("optimizer", tuple(keys)))
        for name, (option, keys) in owners.items()
    }  # fmt: skip


TRAINING = {
    "epochs": replace(FIT["epochs"], default=None, help="passes over the training set (default: 20; digits, which are "
                      "few, 100; tables 200; fit closed 1)", fill=lambda settings: 1 if settings.get("fit") == "closed"
                      else 200 if is_table_file(settings["data"]) else 100 if settings["data"] == "digits" else 20),
    "batch_size": FIT["batch_size"],
    "optimizer": Option(one_of(OPTIMIZERS), "adam", "the optimizer", "|".join(OPTIMIZERS)),
    "lr": OPTIMIZER["lr"],
    "rates": OPTIMIZER["rates"],
    "schedule": Option(one_of(SCHEDULES), "constant", "learning rate over the run; step: a tenth after each third; "
                       "iwae: 3^i epochs at lr 10^(-i/7), iwae-scaled: as many as the run has", "|".join(SCHEDULES)),
    "warm_up": Option(real(below=1e15, closed=True), 0.0, "epochs over which the learning rate rises to its schedule"),
    "output_bias": Option(one_of(("zero", "mean")), None, "where the last bias of a dense decoder starts: zero, or the "
                          "logit of the mean of the training data (default: zero)", fill=lambda settings: "zero",
                          needs=("likelihood", ("bernoulli",)), optional=True, older=None),
    "clip": OPTIMIZER["clip"],
    **_of_optimizers(),
    "ema": OPTIMIZER["ema"],
    "early_stop": FIT["early_stop"],
    "pictures_every": Option(whole(1), None, "epochs between pictures of samples in RUN/samples/", optional=True,
                             on_resume="free", older=None),
    "ledger": Option(switch, False, "split the gradients into reconstruction and KL in every line of metrics.jsonl",
                     on_resume="free", older=False),
    "seed": FIT["seed"],
    "backend": Option(one_of(BACKENDS), "numpy", "what computes: NumPy, NumPy with kernels that a C compiler makes, or "
                      "CuPy on a GPU", "|".join(BACKENDS), on_resume="moves"),
    "dtype": Option(one_of(("float32", "float64")), "float32", "precision", "float32|float64"),
}  # fmt: skip


def options_of(model):
    """{name: Option} of a run of the model of that name."""
    return MODEL | DATA | MODELS[model].options | TRAINING


def every_option():
    """{name: Option} of all models; of options of one name the first model's."""
    own = {}
    for cls in MODELS.values():
        own |= {name: option for name, option in cls.options.items() if name not in own | DATA}
    return MODEL | DATA | own | TRAINING


def read_options(given):
    """{name: value} of options given as text or TOML values; ValueError names the first that is unknown or wrong.

    The options are those of the model among them.
    """
    model = MODEL["model"].read("model", given.get("model", MODEL["model"].default))
    options = options_of(model)
    for name in given:
        if name not in options:
            others = [other for other in MODELS if name in MODELS[other].options]
            why = f"model {model} has none, only {', '.join(others)}" if others else "unknown option"
            raise ValueError(f"{name}: {why}; expected one of {', '.join(options)}")
    return {name: options[name].read(name, value) for name, value in given.items()}


def read_config(path):
    """{name: TOML value} of the options in a file, by their Python names; `read_options` reads the values."""
    content = read_file(path, "config", 2**24)
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # TOML's own, of text that is no UTF-8, of numbers too long
        raise ValueError(f"config: {path} is not TOML ({error})") from None


def complete(given):
    """All options: what was given, else the defaults, which for sizes and epochs depend on the data."""
    options = options_of(given.get("model", MODEL["model"].default))
    settings = {name: option.default for name, option in options.items()} | given
    for name, option in options.items():
        if option.belongs(settings):
            settings[name] = option.settled(settings, settings[name])
        elif settings[name] is not None:
            other, values = option.needs
            raise ValueError(f"{name}: expected {other} {' or '.join(map(str, values))}, got {settings[other]}")
    return settings


def with_older(settings, model):
    """Settings of a run, and of each option that is younger than they are the value that the code had then."""
    missing = {n: o.older for n, o in options_of(model).items() if n not in settings and o.older is not UNKNOWN}
    return settings | missing


def is_complete(settings):
    """Whether each option of the model has a value that a run can have."""
    options = options_of(settings["model"])
    return all(settings[name] is not None or option.optional for name, option in options.items())


def deciding(settings):
    """The settings that decide the numbers, for checkpoints: epochs only where a schedule ends with the run.

    A backend decides rounding only, but the checkpoint says where it was made.
    """
    options = options_of(settings["model"])
    left_out = {name for name, option in options.items() if option.on_resume in ("free", "grows")} | {"data"}
    if settings["schedule"] in CLOSED:
        left_out -= {"epochs"}
    return {name: value for name, value in settings.items() if name not in left_out}


def resumed(recorded, given):
    """The recorded settings, with what may change on the way; ValueError where `given` does not agree.

    Where files are (their hash is checked) and what is drawn may be anything; epochs and early_stop may grow, which
    leads to where a run with the larger number would be.
    """
    settings = dict(recorded)
    options = options_of(recorded["model"])
    for name, value in given.items():
        before = settings[name]
        rule = options[name].on_resume
        grows = rule == "grows" and before is not None and value > before
        elsewhere = rule == "moves" and (name != "data" or (is_own(value) and is_own(before)))
        if rule == "free" or elsewhere or (grows and name not in deciding(settings)):
            settings[name] = value
        elif value != before:
            why = "; it may grow" if rule == "grows" and before is not None else ""
            why += f", but not under schedule {settings['schedule']}" if grows else ""
            raise ValueError(f"{name}: expected {before}, as the run was started with, got {value}{why}")
    return settings
