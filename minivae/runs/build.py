"""From the settings of a run to its data, model and optimizer."""

import numpy as np

from ..backend import generator, place, take
from ..data import OPTIONS, batches, load_data
from ..data.columns import blocks
from ..data.lines import is_text
from ..evaluate import ledger_line
from ..files import memory
from ..layers import Dense
from ..models import MODELS, Labels
from ..numeric import at_once
from ..optim import OPTIMIZERS
from ..options import shown
from ..schedules import SCHEDULES, warm_up
from ..train import batch_starts, check_batches, check_early_stop, check_solvable
from .settings import options_of


def build_model(settings, protocol):
    """The model that the settings describe for such data, bound to its dtype and backend.

    Raises ValueError for a model that is given labels, and data that have none, or too few for it; and for one that
    cannot be of images that are cut.
    """
    cls = MODELS[settings["model"]]
    options = {name: settings[name] for name in cls.options}
    if cls.conditional:
        if protocol.labels is None:
            wanted = "classes from 0 up or rows of numbers"
            raise ValueError(f"model: {settings['model']} needs data with labels, {wanted}; {protocol.name} has none")
        options["labels"] = Labels(**protocol.labels)
    if protocol.quadrants is not None:
        if not cls.conditional:
            raise ValueError(f"quadrants: expected a model that is given them, as y, got {settings['model']}")
        if settings["arch"] != "dense":
            raise ValueError(f"arch: expected dense for the rest of images that are cut, got {settings['arch']}")
    if cls.counts_data:
        options["n_train"] = protocol.n_train
    if protocol.labelled is not None and not cls.infers_y:
        some = ", ".join(name for name, other in MODELS.items() if other.infers_y)
        raise ValueError(f"labelled: model {settings['model']} does not learn from some of the labels, only {some}")
    if protocol.labelled is None and settings.get("labels_first"):
        raise ValueError("labels_first: expected labelled with it, here all rows have a label")
    if protocol.columns is not None:
        options["columns"] = blocks(protocol.columns)
    if protocol.missing is not None:
        options["missing"] = True
    if protocol.tokens is not None:
        options["vocabulary"] = len(protocol.vocabulary)
    rng = generator(settings["seed"], "weights")
    model = cls.build(protocol.x_shape, rng, pass_steps=_pass_steps(settings, protocol), **options)
    return model.bind(settings["dtype"], settings["backend"])


def start(settings, model, data):
    """Set what a new training starts from beside random weights: the output bias b, sigmoid(b) the mean of the data.

    Means are clipped to [0.001, 0.999] (Burda et al. 2016, their code). Raises ValueError for a decoder whose last
    layer has no bias for each number of x.
    """
    if settings.get("output_bias") != "mean":
        return
    last = getattr(model.decoder, "layers", [model.decoder])[-1]
    if not isinstance(last, Dense):
        raise ValueError(f"output_bias: mean needs a decoder that ends in a dense layer, got {type(last).__name__}")
    x = data.train.x
    total, seen = 0.0, 0
    for rows in batches(len(x), at_once(len(x), x.shape[1])):
        part = x[rows]
        total = total + np.nansum(part, axis=0, dtype="float64")
        seen = seen + (~np.isnan(part)).sum(axis=0)
    mean = np.clip(total / seen, 0.001, 0.999)
    last.b.data[...] = place(np.log(mean / (1 - mean)), like=model.theta)


def build_optimizer(settings, model, protocol):
    """The optimizer that the settings describe, with its schedule laid over all steps of the run."""
    pass_steps = _pass_steps(settings, protocol)
    lr = SCHEDULES[settings["schedule"]](settings["lr"], settings["epochs"] * pass_steps, pass_steps)
    own = [
        name for name, option in options_of(settings["model"]).items()
        if option.needs is not None and option.needs[0] == "optimizer" and option.belongs(settings)
    ]  # fmt: skip
    return OPTIMIZERS[settings["optimizer"]](
        model,
        warm_up(lr, settings["warm_up"] * pass_steps),
        **{name: settings[name] for name in ("clip", "rates", "ema", *own)},
    )


def read_data(settings, source=None):
    """The data set that the settings describe, or of `source`; ValueError or OSError where it cannot be read."""
    if "likelihood" not in settings:
        raise ValueError(f"model: {settings['model']} has no option likelihood, which decides how data are read")
    own = {name: settings[name] for name in OPTIONS if name != "data"} | {"label_seed": settings["seed"]}
    source = settings["data"] if source is None else source
    if is_text(source) != MODELS[settings["model"]].reads_text:
        some = ", ".join(name for name, cls in MODELS.items() if cls.reads_text)
        if is_text(source):
            raise ValueError(f"model: expected {some} for lines of text, got {settings['model']}")
        raise ValueError(f"data: expected lines of text for model {settings['model']}, got {shown(source)}")
    return load_data(source, likelihood=settings["likelihood"], levels=settings.get("levels"), **own)


def check_run(settings, model, data):
    """ValueError for what would fail later: before anything is trained or written."""
    check_early_stop(settings["early_stop"], model, data)
    check_solvable(model, data)
    if settings["pictures_every"] is not None and not model.generates:
        raise ValueError("pictures_every: expected a model that generates, labels_only has none")
    check_batches(model, data.protocol.n_train, settings["batch_size"])
    n = min(settings["batch_size"], data.protocol.n_train) * model.n_samples * data.train.x.shape[1]
    out = 4 * n * getattr(getattr(model, "likelihood", None), "n_out", 1)  # bytes
    if model.pairs_examples:
        out += 8 * min(settings["batch_size"], data.protocol.n_train) ** 2 * model.L  # densities of all pairs
    if 4 * out > memory():  # of the decoder's outputs, their gradient and what the likelihood makes of both
        raise ValueError(f"batch_size: expected fewer examples, samples or levels, a step needs {4 * out:,} bytes")
    if settings["ledger"]:
        x, y = (take(part, slice(2)) for part in data.pictured)
        ledger_line(model, x, y, generator(settings["seed"], "validation"))


def _pass_steps(settings, protocol):
    batch_norm = settings.get("norm") == "batch" and (settings["hidden"] or settings["arch"] == "conv")
    return len(batch_starts(protocol.presented(settings["batch_size"]), settings["batch_size"], batch_norm))
