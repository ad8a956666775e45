"""Odd arguments of what a user of Python calls: constructors, functions, methods of models."""

import inspect
import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from contract import attempt
from fuzz_files import OF_DATA, read_all
from hypothesis import strategies as st
from odd import WORDS, arrays_of, brief, sizes, values

from minivae import flows, layers, likelihoods, priors, schedules
from minivae.data import Split, load_data
from minivae.evaluate import log_evidence
from minivae.metrics import mean_metrics
from minivae.models import MODELS, Labels
from minivae.models.networks import build_networks
from minivae.optim import OPTIMIZERS
from minivae.params import Param
from minivae.train import fit

# ---- constructors and functions


class Call(NamedTuple):
    """`make(**arguments)`, and `use(what was made, arguments)`, which gives numbers."""

    make: Callable
    arguments: dict
    use: Callable


def rng():
    return np.random.default_rng(0)


def of_layer(shape):
    """Use of a layer: forward and backward of x, whose shape follows from the arguments."""

    def use(layer, arguments):
        x = rng().standard_normal(shape(**arguments)).astype("float32")
        y, cache = layer.forward(x, layer.draw_noise(rng(), len(x)))
        dx = layer.backward(y, cache)
        return y, dx, [param.grad for param in layer.named(Param).values()]

    return use


def layer(name, arguments, shape=None):
    cls = getattr(layers, name)
    takes_rng = "rng" in inspect.signature(cls).parameters
    return Call(lambda **given: cls(**given, **({"rng": rng()} if takes_rng else {})), arguments, of_layer(shape))


def use_likelihood(likelihood, arguments):
    x, out = rng().random((4, 3)), rng().standard_normal((4, 3 * likelihood.n_out))
    log_px_z, cache = likelihood.forward(x, out)
    return log_px_z, likelihood.backward(np.ones(4), cache), likelihood.mean(out)


def use_prior(prior, arguments):
    z = rng().standard_normal((4, arguments["L"]))
    log_pz, cache = prior.forward(z)
    return log_pz, prior.backward(np.ones(4), cache)


def use_flow(flow, arguments):
    z, h = (rng().standard_normal((4, arguments[name])) for name in ("L", "H"))
    (y, log_det), cache = flow.forward(z, h)
    return y, log_det, flow.backward(y, log_det, cache)


def use_flow_of_own(flow, arguments):
    """One whose context, if it takes one, is as wide as it says."""
    z, h = rng().standard_normal((4, arguments["L"])), None if flow.H is None else rng().standard_normal((4, flow.H))
    (y, log_det), cache = flow.forward(z, h)
    return y, log_det, flow.backward(y, log_det, cache)


def use_schedule(schedule, arguments):
    return [schedule(t) for t in (0, 1, 2, 100)]


def tiny_data(shape=(4, 4, 1), y=True):
    x = (rng().random((12, *shape)) < 0.5).astype("float32")
    data = load_data(x, validation=4)
    split = lambda part, start, stop: Split(part.x, np.arange(start, stop) % 3 if y else None)  # noqa: E731
    return replace(data, train=split(data.train, 0, 8), validation=split(data.validation, 8, 12))


def tiny_lines(shape):
    """Lines of 5 tokens, the marks among them."""
    x = np.floor(5 * rng().random((12, *shape))).astype("float32")
    return replace(load_data(["ab", "cab"], validation=1), train=Split(x[:8], None), validation=Split(x[8:], None))


def use_model(model, arguments):
    """An epoch on tiny data."""
    data = (tiny_lines if model.reads_text else tiny_data)(arguments["shape"])
    return fit(model, OPTIMIZERS["adam"](model), data, epochs=1, progress=False), model.theta


def tiny_model(name="vae", **options):
    own = {"labels": Labels("classes", 3)} if MODELS[name].conditional else {}
    if "latent" in MODELS[name].options:
        own |= {"latent": 1, "upper": (1,)} if "upper" in MODELS[name].options else {"latent": 2}  # z (..., 2) of all
    if "hidden" in MODELS[name].options:
        own["hidden"] = (3,)
    if MODELS[name].reads_text:
        return MODELS[name].build((16,), rng(), vocabulary=5, **own, **options)
    return MODELS[name].build((4, 4, 1), rng(), **own, **options)


def use_optimizer(optimizer, arguments):
    return fit(optimizer.model, optimizer, tiny_data(), epochs=1, batch_size=4, progress=False), optimizer.model.theta


def call_fit(**given):
    model = tiny_model()
    return fit(model, OPTIMIZERS["adam"](model), tiny_data(), **({"progress": False} | given)), model.theta


def nothing(made, arguments):
    return made


NETWORK = {"shape": (4, 4, 1), "arch": "dense", "hidden": (3,), "latent": 2, "channels": (2,), "activation": "relu",
           "norm": "none", "likelihood": "bernoulli", "levels": None, "mixtures": None, "std": None, "dropout": 0.0,
           "signal": None, "parts": None}  # fmt: skip
OF_CONV = {"c_in": 2, "c_out": 3, "kernel": 3, "stride": 1, "padding": 0}
OF_BETA = {"beta": 1.0, "beta_schedule": "linear", "beta_epochs": 1, "pass_steps": 2}
OF_LEVELS = {"upper": (1,), "between": (3,), "samples": 2}
OF_TEXT = {"shape": (6,), "vocabulary": 5, "arch": "gru", "decoder_hidden": None, "heads": None, "embedding": 2,
           "likelihood": "tokens", "word_dropout": 0.1}  # fmt: skip
OF_MODEL = {
    "vae": OF_BETA | {"free_bits": 0.0},
    "iwae": OF_BETA | {"samples": 2, "gradient": "reparameterized", "bound": "iwae"},
    "cvae": OF_BETA | {"free_bits": 0.0, "labels": ("classes", 3), "prior": "learned"},
    "ivae": OF_BETA | {"free_bits": 0.0, "labels": ("classes", 3)},
    "net": {"labels": ("classes", 3)},
    "m2": OF_BETA | {"alpha": 0.1, "labels_first": 1, "labels_only": False, "labels": ("classes", 3)},
    "multimodal": OF_BETA | {"experts": "mixture", "label_weight": 2.0, "labels": ("classes", 3)},
    "halves": OF_BETA | {"experts": "product"},
    "ae": {},
    "gumbel": OF_BETA
    | {"categories": 3, "gradient": "relaxed", "temperature": 1.0, "temperature_end": 0.5, "temperature_epochs": 1},
    "aae": {"gamma": 10.0, "critic": (3,), "pass_steps": 2},
    "capacity": {"gamma": 10.0, "capacity": 2.0, "capacity_epochs": 1, "pass_steps": 2},
    "tcvae": OF_BETA | {"estimator": "stratified", "n_train": 20},
    "factorvae": {"gamma": 10.0, "critic": (3,), "pass_steps": 2},
    "vaegan": OF_BETA | {"gamma": 1.0, "feature_std": 0.3, "critic": (3,), "critic_channels": (2,)},
    "gan": {
        "objective": "hinge",
        "critic": (3,),
        "critic_channels": (2,),
        "critic_norm": "spectral",
        "binarize": "none",
    }
    | {"pass_steps": 2},
    "flow": OF_BETA | {"samples": 1, "flow": "planar", "flows": 2},
    "iaf": OF_BETA | {"samples": 1, "flows": 2, "flow_width": 4, "context": 3},
    "vamp": OF_BETA | {"samples": 1, "components": 3},
    "mixture": OF_BETA | {"samples": 1, "components": 3},
    "realnvp": OF_BETA | {"samples": 1, "flows": 2, "flow_width": 4},
    "vqvae": {
        "codes": 3,
        "width": 2,
        "codebook": "ema",
        "commit": 1.0,
        "decay": 0.9,
        "revive": 0.1,
        "prior": "learned",
        "prior_width": 3,
        "prior_blocks": 1,
        "prior_after": 1,
        "pass_steps": 2,
    },
    "hvae": OF_BETA | OF_LEVELS,
    "ladder": OF_BETA | OF_LEVELS,
    "seqvae": OF_BETA | OF_TEXT | {"free_bits": 0.0, "aggressive": 1, "aggressive_epochs": 1},
    "lm": OF_TEXT | {"pass_steps": 2},
    "ddpm": {"likelihood": "gaussian", "dequantize": True, "noise": "linear", "times": 4, "jumps": 2, "pass_steps": 2},
    "ppca": {"likelihood": "gaussian", "dequantize": True, "fit": "gradient", "missing": False, "pass_steps": 2},
    "nvp": {"likelihood": "gaussian", "dequantize": True, "flows": 2, "logit_alpha": 0.01, "bins": 3, "pass_steps": 2},
}


def of_build(name, cls):
    """Arguments of `build`."""
    return {part: value for part, value in NETWORK.items() if part in (*cls.options, "shape")} | OF_MODEL[name]


OF_OPTIMIZER = {"lr": 1e-3, "clip": None, "rates": None, "ema": None}
OWN = {"adam": {"betas": (0.9, 0.999), "adam_eps": 1e-8}, "adamw": {"weight_decay": 0.01, "adam_eps": 1e-8},
       "sgd": {"momentum": 0.9, "nesterov": False}}  # fmt: skip
CALLS = {
    "Dense": layer("Dense", {"n_in": 5, "n_out": 3}, lambda n_in, **_: (4, n_in)),
    "MaskedDense": layer("MaskedDense", {"mask": np.ones((5, 3)), "scale": 1.0}, lambda mask, **_: (4, len(mask))),
    "Conv2d": layer("Conv2d", OF_CONV, lambda c_in, **_: (2, 5, 4, c_in)),
    "MaskedConv2d": layer("MaskedConv2d", {"c_in": 2, "c_out": 3, "kernel": 3, "own": False},
                          lambda c_in, **_: (2, 5, 4, c_in)),
    "Quantize": layer("Quantize", {"K": 3, "d": 2, "T": 2, "codebook": "ema", "decay": 0.9, "revive": 0.1},
                      lambda d, T, **_: (4, T * d)),
    "ConvTranspose2d": layer("ConvTranspose2d", OF_CONV | {"output_padding": 0}, lambda c_in, **_: (2, 5, 4, c_in)),
    "Dropout": layer("Dropout", {"p": 0.4, "shape": (6,)}, lambda shape, **_: (4, *shape)),
    "LeakyReLU": layer("LeakyReLU", {"slope": 0.1}, lambda **_: (4, 6)),
    "LayerNorm": layer("LayerNorm", {"n": 6, "tiny": 1e-5}, lambda n, **_: (4, n)),
    "GroupNorm": layer("GroupNorm", {"n": 6, "groups": 2, "tiny": 1e-5}, lambda n, **_: (4, n)),
    "BatchNorm": layer("BatchNorm", {"n": 6, "rate": 0.1, "tiny": 1e-5}, lambda n, **_: (4, n)),
    "AvgPool2d": layer("AvgPool2d", {"kernel": 2, "stride": None}, lambda **_: (2, 4, 6, 2)),
    "MaxPool2d": layer("MaxPool2d", {"kernel": 2, "stride": None}, lambda **_: (2, 4, 6, 2)),
    "Upsample": layer("Upsample", {"factor": 2}, lambda **_: (2, 4, 6, 2)),
    "Columns": layer("Columns", {"n": 2, "L": 3}, lambda L, **_: (4, L)),
    "Take": layer("Take", {"indices": [2, 0], "L": 3}, lambda L, **_: (4, L)),
    "Put": layer("Put", {"indices": [2, 0], "L": 3}, lambda indices, **_: (4, len(indices))),
    "Blocks": layer("Blocks", {"n": 2}, lambda **_: (2, 3, 2, 4)),
    "ColumnsToChannels": layer("ColumnsToChannels", {"h": 3, "w": 2, "c": 2, "n": 3},
                               lambda h, w, c, n: (4, h * w * c + n)),
    "Split": layer("Split", {"n": 2})._replace(use=lambda part, _: part.forward(np.ones((4, 6)))),
    "Embedding": layer("Embedding", {"n": 5, "width": 3})._replace(
        use=lambda part, _: part.forward(np.zeros((4, 2), "int64"))[0]),
    "CausalAttention": layer("CausalAttention", {"width": 6, "heads": 2}, lambda width, **_: (2, 4, width)),
    "Positions": layer("Positions", {"T": 5, "width": 3}, lambda width, **_: (2, 1, width)),
    "GRUCell": layer("GRUCell", {"n_in": 2, "H": 3})._replace(
        use=lambda part, given: part.forward((np.ones((4, given["n_in"])), np.ones((4, given["H"]))))[0]),
    "GRU": layer("GRU", {"n_in": 2, "H": 3})._replace(
        use=lambda part, given: part.forward((np.ones((4, 5, given["n_in"])), np.ones((4, given["H"]))))[0]),
    "Recurrent": layer("Recurrent", {"n_in": 2, "hidden": [3, 4]}, lambda n_in, **_: (4, 5, n_in)),
    "Transformer": layer("Transformer", {"n_in": 3, "width": 4, "blocks": 1, "heads": 2, "T": 5},
                         lambda n_in, **_: (2, 4, n_in)),
    "Repeat": layer("Repeat", {"T": 3}, lambda **_: (4, 2)),
    "FromZero": layer("FromZero", {"H": 3})._replace(use=lambda part, _: part.forward(np.ones((4, 5, 2)))[0][1]),
    **{cls.__name__: Call(cls, {"L": 3}, use_prior) for cls in (priors.StandardNormal, priors.DiagonalNormal)},
    "IAF": Call(lambda **given: flows.IAF(rng=rng(), **given), {"L": 3, "H": 2, "width": 4, "reverse": False},
                use_flow),
    **{cls.__name__: Call(cls, {"L": 3}, use_flow_of_own) for cls in (flows.Planar, flows.Radial)},
    "masked_coupling": Call(lambda **given: flows.masked_coupling(rng=rng(), **given),
                            {"L": 3, "width": 4, "odd": False}, use_flow_of_own),
    "dense_coupling": Call(lambda **given: flows.dense_coupling(rng=rng(), **given),
                           {"shape": [3], "hidden": [4], "odd": False},
                           lambda flow, given: use_flow_of_own(flow, {"L": math.prod(given["shape"])})),
    "Bins": Call(flows.Bins, {"L": 3, "K": 4}, use_flow_of_own),
    "Logit": Call(flows.Logit, {"alpha": 0.05}, lambda part, _: part.forward(np.full((4, 3), 0.3))),
    "ActNorm": Call(flows.ActNorm, {"L": 3}, use_flow_of_own),
    "Mixture": Call(lambda **given: priors.Mixture(rng=rng(), **given), {"L": 3, "C": 4}, use_prior),
    "VampPrior": Call(lambda **given: priors.VampPrior(tiny_model().encoder, 2, rng=rng(), **given),
                      {"C": 4, "unit": True}, lambda prior, _: use_prior(prior, {"L": 2})),
    "Categorical": Call(likelihoods.Categorical, {"levels": 3}, use_likelihood),
    "DiscretizedLogisticMixture": Call(likelihoods.DiscretizedLogisticMixture, {"levels": 3, "mixtures": 2},
                                       use_likelihood),
    "BetaBinomial": Call(likelihoods.BetaBinomial, {"levels": 3}, use_likelihood),
    "Gaussian": Call(likelihoods.Gaussian, {"std": 0.2, "n": 1, "rounding": None}, use_likelihood),
    "StudentT": Call(likelihoods.StudentT, {"std": 0.2, "n": 1, "df": 5.0, "rounding": None}, use_likelihood),
    "Poisson": Call(likelihoods.Poisson, {"unit": 1.0}, use_likelihood),
    "NegativeBinomial": Call(likelihoods.NegativeBinomial, {"unit": 1.0, "n": 1}, use_likelihood),
    "GaussianFixed": Call(likelihoods.GaussianFixed, {"std": 0.2}, use_likelihood),
    "schedule": Call(schedules.schedule, {"value": 0.1}, use_schedule),
    "cosine": Call(schedules.cosine, {"value": 0.1, "steps": 10}, use_schedule),
    "step_decay": Call(schedules.step_decay, {"value": 0.1, "every": 10, "factor": 0.1}, use_schedule),
    "iwae_stages": Call(schedules.iwae_stages, {"value": 0.1, "pass_steps": 10}, use_schedule),
    "warm_up": Call(lambda steps: schedules.warm_up(schedules.schedule(0.1), steps), {"steps": 10}, use_schedule),
    "linear": Call(schedules.linear, {"value": 0.1, "steps": 10}, use_schedule),
    "cyclical": Call(schedules.cyclical, {"value": 0.1, "steps": 10}, use_schedule),
    "build_networks": Call(lambda **given: build_networks(rng=rng(), **given), NETWORK | {"heads": 2, "given": 0},
                           lambda made, _: [p.data for part in made for p in part.named(Param).values()]),
    **{f"{name}.build": Call(lambda cls=cls, **given: cls.build(rng=rng(), **given), of_build(name, cls), use_model)
       for name, cls in MODELS.items()},
    **{name: Call(lambda cls=cls, **given: cls(tiny_model(), **given), OF_OPTIMIZER | OWN[name], use_optimizer)
       for name, cls in OPTIMIZERS.items()},
    "load_data": Call(read_all, {"source": np.eye(6), "data_dir": None, "likelihood": "bernoulli", "binarize": None,
                      "validation": 2, "augment": 0, "dequantize": False, "standardize": False, "sprites": None,
                      "scale": None, "split_order": None, "levels": None, "columns": None, "label": None,
                      "side": None, "sources": None, "modes": None, "quadrants": None, "labelled": None,
                      "label_seed": 0, "rare": None, "tokens": None}, nothing),
    "load_data of text": Call(read_all, {"source": ["ab", "b", "abc", "ca"], "data_dir": None, "likelihood": "tokens",
                              "validation": 1, "split_order": None, "tokens": "words"}, nothing),
    "fit": Call(call_fit, {"epochs": 1, "batch_size": 4, "seed": 0, "early_stop": None, "progress": False}, nothing),
}  # fmt: skip
ENDLESS = ("epochs", "K")  # a number of these that is large is a long run, and no fault


def altered(name):
    """One or two odd arguments of a call."""
    odd = {part: brief if part in ENDLESS else sizes | st.sampled_from(WORDS) for part in CALLS[name].arguments}
    return st.lists(st.sampled_from(list(odd)), min_size=1, max_size=2, unique=True).flatmap(
        lambda parts: st.tuples(st.just(name), st.fixed_dictionaries({part: odd[part] for part in parts}))
    )


altered_calls = st.sampled_from(list(CALLS)).flatmap(altered)


def run_call(case):
    """A constructor or function with one or two odd arguments."""
    name, changes = case
    call = CALLS[name]
    arguments = call.arguments | changes
    names = [*changes, *name.split("."), "x", "weights", *(OF_DATA if name.startswith("load_data") else [])]
    use = nothing if arguments.get("L") == 10**15 else call.use  # a prior without parameters has no size yet
    return attempt(lambda: use(call.make(**arguments), {n: as_read(a) for n, a in arguments.items()}), names)


def as_read(value):
    """A whole number that is given as text or as a float, as it is read."""
    try:
        return int(value) if isinstance(value, str | float | np.floating) and int(value) == float(value) else value
    except (ValueError, OverflowError):
        return value


# ---- what a user gives to a model

INPUTS = {"x": (4, 16), "z": (4, 2), "eps": (4, 2), "y": (4,), "n": (), "K": ()}
METHODS = {
    "encode": ("x", "y"),
    "decode": ("z", "y"),
    "reconstruct": ("x", "eps", "y"),
    "sample": ("n", "y"),
    "log_evidence": ("x", "K", "y"),
    "mean_metrics": ("x", "y"),
}
FORMS = [lambda a: a, lambda a: a, lambda a: a.tolist(), lambda a: np.ma.array(a, mask=True), memoryview, np.matrix,
         lambda a: a[::-1], lambda a: a.astype(object)]  # fmt: skip


def in_form(array, form):
    """The array in another form, where there is one of its shape and dtype."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of np.matrix, whose time is over
            return form(array)
    except (TypeError, ValueError, IndexError):
        return array


def inputs_like(*shape):
    """Arrays of this shape and of others, of all dtypes, and what is no array."""
    near = [shape, shape, (0, *shape[1:]), (*shape, 1), (2, *shape), shape[1:], (7, *shape[1:]), (*shape[:-1], 3)]
    return st.builds(in_form, arrays_of(near).filter(is_mild), st.sampled_from(FORMS)) | values.filter(is_mild)


def is_mild(array):
    """Whether no number is so large that a network may overflow, of which NumPy warns: its scale is the user's."""
    try:
        array = np.asarray(array)
    except Exception:  # of what is no array
        return True
    return array.dtype.kind not in "iuf" or not (np.isfinite(array) & (np.abs(array.astype("float64")) > 10)).any()


ODD_INPUTS = {name: inputs_like(*shape) if shape else sizes for name, shape in INPUTS.items()}
ODD_INPUTS |= {"K": brief, "n": sizes.filter(lambda n: not isinstance(n, int) or n < 10**6)}
altered_inputs = st.sampled_from(list(METHODS)).flatmap(
    lambda method: st.tuples(
        st.sampled_from(list(MODELS)),
        st.just(method),
        st.fixed_dictionaries(
            {},
            optional={name: ODD_INPUTS[name] for name in METHODS[method]},
        ),
    )
)


def run_input(case):
    """A method of a model with odd inputs."""
    name, method, changes = case
    model = tiny_model(name)
    z = np.ones((4, 2), "int64" if model.latent == "codes" else "float64")
    usual = {"x": np.eye(4, 16), "z": z, "eps": None, "n": 4, "K": 2,
             "y": np.arange(4) % 3 if model.labels else None}  # fmt: skip
    given = {part: changes.get(part, usual[part]) for part in METHODS[method]}
    calls = {
        "sample": lambda n, y: model.sample(n, rng(), y),
        "log_evidence": lambda x, K, y: log_evidence(model, x, K, rng(), y=y),
        "mean_metrics": lambda x, y: mean_metrics(model, x, y, rng()),
    }
    return attempt(lambda: calls.get(method, getattr(model, method, None))(**given), [*given, "model"])
