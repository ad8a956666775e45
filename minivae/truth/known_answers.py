"""Known answers and scales: what a right VAE must give without any sampling, and what it stands on.

Numbers that are known (chance level, a perfect reconstruction), what must not change (the batch twice over), what must
double (the pixels twice over), signs, and what a step may not touch.
"""

import math

import numpy as np

from ..backend import take
from ..data import load_data
from ..evaluate import log_evidence
from ..gradcheck.compare import norm
from ..gradcheck.problems import same_numbers, with_params
from ..gradcheck.rules import broken_rules
from ..layers import ACTIVATIONS, Dense, Residual, Sequential
from ..likelihoods import Bernoulli, Mixed
from ..models import VAE
from ..params import replaced
from ..priors import DiagonalNormal, StandardNormal
from .laws import Law, Laws, copies, has_likelihood, noise_twice

EXACT = 1e-9


def check_known(model, x, rng, y=None):
    """{what is said: Law} of a model in float64 and data x (N, D), y: all that says something of it."""
    noise = model.draw_noise(rng, len(x), train=False)
    return Laws(
        ({} if model.pairs_examples else scales(model, x, noise, y))
        | signs(model, x, model.stopped(x, noise, y), y)
        | (of_likelihood(model.likelihood, rng) if has_likelihood(model) else {})
        | (of_kl(model.prior_of(take(y, slice(1)), 1)) if model.has_kl else {})
        | ({} if model.log_weights is None else of_evidence(model, x, rng, y))
        | untouched(model, x, noise, y)
        | of_starts()
        | of_bits()
        | of_layers(rng)
    )


def equal(value, expected):
    """The Law that a number is known."""
    return Law(float(value), float(expected), float(abs(value - expected) / max(abs(expected), 1.0)), EXACT)


def true(statement):
    """The Law that something is so, 1, and not 0."""
    return equal(bool(statement), 1)


def scales(model, x, noise, y=None):
    """The loss and its gradients are means over examples: the batch twice over changes neither (pitfall 16)."""
    once = model.loss_and_grads(x, noise, y=y)
    grad = model.grad.copy()
    twice = model.loss_and_grads(copies(x, 2), noise_twice(model, noise, len(x)), y=copies(y, 2))
    change = norm(model.grad - grad) / max(norm(grad), 1e-300)
    return {
        "the batch twice over: the same loss": equal(twice["loss"], once["loss"]),
        "the batch twice over: the same gradient": equal(1 + change, 1),
    }


def signs(model, x, noise, y=None):
    """kl >= 0, elbo = log_px_z - kl, the loss is what the model says of it (pitfalls 5, 10).

    And a step against the gradient of each objective, on the parameters that it trains, lowers it.
    """
    m = model.loss_and_grads(x, noise, y=y)
    laws = {}
    if model.has_kl and "iwae" not in model.metrics:  # a sampled KL may be negative
        laws["kl >= 0"] = true(0 <= m["kl"] < math.inf)
    if {"elbo", "kl"} <= set(m):
        laws["elbo = log_px_z - kl"] = equal(m["elbo"], m["log_px_z"] - m["kl"])
    laws |= {text: equal(m["loss"], loss) for text, loss in model.loss_law(m, 0).items()}
    grads = {name: p.grad.copy() for name, p in model.params.items()}
    for objective, names in model.by_objective().items():
        size = max(norm(tuple(grads[name] for name in names)), 1e-300)
        moved = {name: model.params[name].data - 1e-4 * (grads[name] / size) for name in names}
        with with_params(model, moved):
            lower = model.loss_and_grads(x, noise, y=y, grads=False)[objective]
        what = "the loss" if objective == "loss" else objective
        laws[f"a step against the gradient lowers {what}"] = true(-math.inf < lower < m[objective] < math.inf)
    return laws


def of_likelihood(likelihood, rng):
    """Twice the pixels, twice the nats (pitfall 5); of a Bernoulli its known values (pitfalls 12, 19).

    Of one of several kinds of columns, the sum of their parts; of lines of text, what their ends say.
    """
    if isinstance(likelihood, Mixed):
        out = rng.standard_normal((3, likelihood.D))
        x = likelihood.draw(out, likelihood.draw_noise(rng, out.shape).astype("float64"))
        ends = np.cumsum(likelihood.widths)[:-1]
        parts = zip(likelihood.parts, np.split(x, ends, axis=1), np.split(out, ends, axis=1), strict=True)
        apart = sum(part.forward(*columns)[0].sum() for part, *columns in parts)
        return {"columns of several kinds: the sum of theirs": equal(likelihood.forward(x, out)[0].sum(), apart)}
    if likelihood.values == "tokens":
        return of_ends(likelihood, rng)
    out = rng.standard_normal((3, likelihood.n_out, 4))
    x = likelihood.draw(out.reshape(3, -1), likelihood.draw_noise(rng, (3, 4)).astype("float64"))
    once = likelihood.forward(x, out.reshape(3, -1))[0]
    if likelihood.values == "one-hot":
        once = once - math.log(2)  # a choice of twice as many
    twice = likelihood.forward(np.tile(x, (1, 2)), np.tile(out, (1, 1, 2)).reshape(3, -1))[0]
    laws = {"the pixels twice over: twice log_px_z": equal(twice.sum(), 2 * once.sum())}
    if isinstance(likelihood, Bernoulli):
        zeros, ones = np.zeros((1, 784)), np.ones((1, 784))
        laws |= {
            "784 bits by chance: -784 log 2": equal(likelihood.forward(zeros, zeros)[0][0], -784 * math.log(2)),
            "784 wrong bits, 50 nats each": equal(likelihood.forward(ones, -50 * ones)[0][0], -784 * 50),
            "at logit 0 the mean is 1/2": equal(likelihood.mean(np.zeros(1))[0], 0.5),
            "a mean is at most 1": true(likelihood.mean(np.full(1, 30.0))[0] <= 1),
        }
    return laws


def of_ends(likelihood, rng):
    """Logits of 0 give a line of 3 tokens and its end 4 log V nats, and what is behind its end adds nothing."""
    x, zeros = np.array([[1.0, 1, 1, 0, 0, 0]]), np.zeros((1, 6 * likelihood.n_out))
    behind = zeros.copy()
    behind[:, 4 * likelihood.n_out :] = rng.standard_normal(2 * likelihood.n_out)
    chance = -4 * math.log(likelihood.n_out)
    return {
        "3 tokens and an end by chance: -4 log V": equal(likelihood.forward(x, zeros)[0][0], chance),
        "what is behind the end of a line: nothing": equal(likelihood.forward(x, behind)[0][0], chance),
    }


def of_kl(prior):
    """KL(p || p) = 0, a number for each latent, whose sum is the mean of log q - log p (pitfall 21).

    log q - log p of Gaussians is quadratic in eps, so that its mean over eps = 1 and -1 is exact.
    """
    mu = np.full((1, prior.L), 0.3)
    log_var = np.full((1, prior.L), -0.7)
    kl = prior.kl(mu, log_var)
    laws = {"KL in nats per latent, (N, L)": true(np.shape(kl) == mu.shape)}
    own = _gaussian_of(prior)
    if own is not None:
        laws["KL of the prior to itself"] = equal(np.abs(prior.kl(*own)).sum(), 0)
        z = mu + np.exp(0.5 * log_var) * np.array([[1.0], [-1.0]])
        log_qz_x = -0.5 * (math.log(2 * math.pi) + log_var + 1).sum()
        mean = (log_qz_x - prior.forward(z)[0]).mean()
        laws["KL = mean of log q - log p at eps = 1 and -1"] = equal(kl.sum(), mean)
    return laws


def _gaussian_of(prior):
    """(mu, log_var) (1, L) of a prior that is a diagonal Gaussian; None of another."""
    if isinstance(prior, StandardNormal):
        return np.zeros((1, prior.L)), np.zeros((1, prior.L))
    if isinstance(prior, DiagonalNormal):
        return prior.mu.data[None], prior.log_var.data[None]
    return getattr(prior, "context", None)  # of p(z | y)


def of_evidence(model, x, rng, y=None):
    """`log_evidence` is the log of the mean of as many weights as asked for: of 1 to 50 that is 25.5 (pitfall 7)."""
    weights = iter(range(1, 51))

    def log_weights(x, eps, y=None):
        return np.log([[next(weights)] for _ in eps])

    with replaced(model, log_weights=log_weights):
        value = log_evidence(model, x[:1], 50, rng, y=take(y, slice(1)))[0]
    return {"log p(x) of the weights 1 to 50": equal(value, math.log(25.5))}


def untouched(model, x, noise, y=None):
    """A step does not write into x (pitfall 17), and the same step again gives the same (pitfall 18)."""
    before = x.copy()
    first = model.loss_and_grads(x, noise, y=y)
    grad = model.grad.copy()
    second = model.loss_and_grads(before.copy(), noise, y=y)
    return {
        "x is left as it was": true(np.array_equal(x, before, equal_nan=True)),
        "the same step gives the same": true(first == second and np.array_equal(grad, model.grad)),
    }


def of_layers(rng):
    """The rules of layers, broken by no activation, nor by a stack that has all ways for gradients to meet (17, 18)."""
    x, w = rng.standard_normal((2, 3, 4))
    broken = []
    for act in ACTIVATIONS.values():
        stack = Residual(Sequential(Dense(4, 5, rng), act(), Dense(5, 4, rng)))
        broken += [rule for part in (stack, act()) for rule in broken_rules(part.bind("float64"), x, None, w)]
    return {"layers write into no argument and remember no call": equal(len(broken), 0)}


def of_starts():
    """No two columns of new weights are equal, nor two layers of one shape (pitfall 15)."""
    rng = np.random.default_rng(0)
    alike = 0
    for arch in ("dense", "conv"):
        model = VAE.build((4, 4, 1), rng, arch=arch, hidden=(6, 6), channels=(2, 2), latent=3)
        W = [p.data for p in model.params.values() if p.data.ndim > 1]
        alike += sum(same_numbers(a, b) for i, a in enumerate(W) for b in W[:i])
        alike += sum(w.shape[-1] - np.unique(w.reshape(-1, w.shape[-1]), axis=1).shape[1] for w in W)
    return {"equal columns or layers of new weights": equal(alike, 0)}


def of_bits():
    """Under a Bernoulli likelihood training sees bits, whose best possible log_px_z is 0 nats (pitfall 11)."""
    grey = np.linspace(0.1, 0.9, 60).reshape(6, 10)
    data = load_data(grey, validation=0, likelihood="bernoulli", binarize="each")
    shown = data.present(data.train.x, np.random.default_rng(0)).astype("float64")
    floor = sum(-(p * np.log(p + (p == 0))).sum(axis=1).mean() for p in (shown, 1 - shown))
    return {"the entropy floor of what training sees": equal(floor, 0)}
