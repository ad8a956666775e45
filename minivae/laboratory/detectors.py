"""Which check sees which mistake: four detectors, each run while a mutant of the zoo is planted.

L  the loss curve of a short training, by someone who has no other to compare it with
G  the gradient check: of small models, at extreme log_var too, and of operations where they saturate
W  laws: moments, Monte-Carlo KL, densities that add up to one, ordered bounds (truth/laws.py)
U  known answers and scales (truth/known_answers.py)

For W and U also measures of posteriors and codes made by hand (truth/measures.py).
"""

import contextlib
from functools import partial

import numpy as np

from .. import densities
from ..data import batches, load_data
from ..gradcheck.check import check_gradients
from ..gradcheck.directional import check_directions
from ..gradcheck.problems import operation_problem
from ..metrics import mean_metrics
from ..models import VAE
from ..models.examples import learned_prior, small
from ..optim import Adam
from ..truth.known_answers import check_known
from ..truth.laws import check_laws
from ..truth.measures import measure_laws, measures_known
from .zoo import ZOO, planted

SUBJECTS = {mutant.name: mutant for mutant in ZOO} | {"right code": None}
TITLES = {mutant.name: f"{mutant.title}  ({mutant.pitfall})" for mutant in ZOO}
DETECTORS = {"L": "loss curve", "G": "gradient check", "W": "law", "U": "known answer"}


def model_and_data(rng, model="vae", likelihood="bernoulli", **options):
    """(model, x): one of minivae's, so small that every parameter is quickly checked, and data for it."""
    sizes = {"shape": (6,), "hidden": (8,), "n": 4, "shake": 0.2}
    return small(model, rng, likelihood=likelihood, **sizes, **options)[:2]


CHECKED = {  # {label: make(rng) -> (model, x)}
    "bernoulli": model_and_data,
    "gaussian-full": partial(model_and_data, likelihood="gaussian-full"),
    "learned prior": lambda rng: learned_prior(rng)[:2],
    "iwae": partial(model_and_data, model="iwae", samples=4),
}


def loss_curve(steps=300):
    """What looks wrong in the loss of a training: it is not finite, does not fall, or falls below zero nats."""
    rng = np.random.default_rng(0)
    model, _ = model_and_data(rng)
    optimizer = Adam(model, lr=1e-2)
    codes = (rng.random((2, 6)) < 0.5).astype(float)
    losses = []
    for t in range(steps):
        x = np.abs(codes[rng.integers(0, 2, 32)] - (rng.random((32, 6)) < 0.05))
        losses.append(float(model.loss_and_grads(x, model.draw_noise(rng, 32), t=t)["loss"]))
        optimizer.step()
    first = sum(losses[:20]) / 20
    last = sum(losses[-20:]) / 20
    if not np.isfinite(losses).all():
        return ["it is not finite"]
    return ["it does not fall"] * (last > 0.9 * first) + ["it is negative"] * (last < 0)


def gradient_check():
    """Names of the gradients that are wrong."""
    wrong = []
    for label, log_var in (*((label, 0) for label in CHECKED), ("bernoulli", -12), ("bernoulli", 12)):
        rng = np.random.default_rng(0)
        model, x = CHECKED[label](rng)
        model.params["encoder.layers.2.b"].data[model.L :] += log_var  # far out, where some clamp it
        checks = check_gradients(model, x, rng)
        wrong += [f"{label}, log_var near {log_var}: {name}" for name, check in checks.items() if not check.ok]
    rng = np.random.default_rng(0)
    far = np.array([-40.0, -9.0, 0.3, 9.0, 40.0])
    operations = {
        "log p(x) at saturated logits": (densities.bernoulli_log_prob, densities.bernoulli_log_prob_backward, (far,),
                                         {"x": np.array([1.0, 0, 1, 1, 0])}),
        "z at a very small std": (densities.reparameterize, densities.reparameterize_backward, (0 * far, far / 10 - 24),
                                  {"eps": rng.standard_normal(5)}),
        "z at extreme log_var": (densities.reparameterize, densities.reparameterize_backward, (0 * far, 0.6 * far),
                                 {"eps": rng.standard_normal(5)}),
    }  # fmt: skip
    for name, (f, backward, args, data) in operations.items():
        wrong += [name] * (not check_directions(operation_problem(f, backward, args, rng, **data), rng).ok)
    return wrong


def laws():
    """Names of the laws that do not hold."""
    return _broken(check_laws) + _names(measure_laws())


def known_answers():
    """Names of the known answers that are missed."""
    return _broken(check_known) + _names(measures_known())


def _broken(check):
    names = []
    for label, make in CHECKED.items():
        rng = np.random.default_rng(0)
        names += [f"{label}: {name}" for name in _names(check(*make(rng), rng))]
    return names


def _names(laws):
    """Of the laws that do not hold."""
    return [name for name, law in laws.items() if not law.ok]


RUNS = {"L": loss_curve, "G": gradient_check, "W": laws, "U": known_answers}


def caught(mutant=None):
    """{letter of a detector: what it sees} with the mutant planted; of the right code without one."""
    with np.errstate(all="ignore"), _as_it_is_or_with(mutant):
        return {letter: run() for letter, run in RUNS.items()}


def matrix():
    """{name: {letter of a detector: what it sees}} of every subject."""
    return {name: caught(mutant) for name, mutant in SUBJECTS.items()}


def _as_it_is_or_with(mutant):
    return planted(mutant) if mutant else contextlib.nullcontext()


def price(mutant=None, epochs=40):
    """(what a training on digits logs as its loss, what the right code says of that model), nats per example."""
    data = load_data("digits")
    rng = np.random.default_rng(0)
    logged = []
    with np.errstate(all="ignore"), _as_it_is_or_with(mutant):
        model = VAE.build(data.shape, rng, hidden=(64,), latent=4)
        optimizer = Adam(model, lr=2e-3)
        for _ in range(epochs):
            for rows in batches(len(data.train.x), 128, rng):
                x = data.present(data.train.x[rows], rng)
                logged.append(float(model.loss_and_grads(x, model.draw_noise(rng, len(x)))["loss"]))
                optimizer.step()
    return float(np.mean(logged[-10:])), -float(mean_metrics(model, *data.validation, np.random.default_rng(1))["elbo"])
