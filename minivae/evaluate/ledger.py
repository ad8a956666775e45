r"""The gradient ledger: how much of each gradient comes from the reconstruction, and how much from the KL.

    loss = -log p(x | z) + beta KL(q(z | x) || p(z)),    so    d loss / d a = reconstruction part + KL part

for a = mu, log_var and every parameter. The loss is affine in beta: a step with beta = 0 gives the reconstruction part,
the step as it is gives the sum, and the difference is the KL part. For mu that is beta mu / N: it pulls mu to 0, and
where no reconstruction part pulls back the latent collapses (Bowman et al. 2016; Lucas et al. 2019).
"""

from contextlib import contextmanager

import numpy as np

from ..backend import place, to_numpy
from ..numeric import at_once
from ..options import is_number, is_plain
from ..params import replaced
from .latents import mean_kl

PARTS = ("reconstruction", "kl", "total", "cosine")  # of a gradient
NEEDED = "the ledger needs a KL of each latent and a beta(t) that weighs it"
ROWS = 128  # examples whose ledger a training keeps, at most
VALUES = 2**23  # of these examples, at most


def gradient_ledger(model, x, noise, y=None, t=0):
    """Split the gradients of one step into their reconstruction part and their KL part; the model is left as found.

    Parameters
    ----------
    model : Model
        With a Gaussian posterior, a prior with `kl`, and a loss that is affine in its `beta(t)`.
    x : array (N, D)
    noise : dict
        As `model.draw_noise` gives it.
    y, t
        As for `model.loss_and_grads`.

    Returns
    -------
    dict
        "kl": (L,) nats, the mean over the examples. "mu" and "log_var": {"reconstruction", "kl", "total": norms (L,) of
        the parts and of their sum, "cosine": (L,) between the parts, 0 where one is 0}. "layers": the same four
        numbers for each parameter by its name.

        The norm of a parameter's gradient is that of d loss / d parameter. The norm of a latent is the root mean square
        over the examples of d loss_n / d mu_n, loss_n the loss of one example: neither depends on N.

    Raises
    ------
    ValueError
        For a model without these: one that ignores its beta, say, or puts a logarithm around both parts. And for one
        that does not go backward once through its first encoding.
    """
    _check_parts(model)
    x, noise, y = place((x, noise, y), like=model.theta)
    with _put_back(model):
        _check_affine(model, x, noise, y, t)
        (mu, log_var), totals, grads = _step(model, x, noise, y, t)
        with replaced(model, beta=lambda t: 0.0):
            _, parts, grad_parts = _step(model, x, noise, y, t)
    of_one = len(x) ** 0.5  # |N dmu| / sqrt(N), since the loss is a mean over N
    ledger = {"kl": mean_kl(model, mu, log_var, y)}
    for name, part, total in zip(("mu", "log_var"), parts, totals, strict=True):
        ledger[name] = _split(of_one * part, of_one * total)
    return ledger | {"layers": {name: _split(grad_parts[name], grads[name]) for name in grads}}


def ledger_line(model, x, y, rng, t=0):
    """The ledger of the first rows of x (N, D) as metrics.jsonl holds it: numbers of four digits, no dropout.

    Each row is taken with eps and with -eps: what is odd in eps, the most of the noise, cancels in the cosine. Raises
    FloatingPointError where one is not finite.
    """
    n = at_once(ROWS, x.shape[1], VALUES)
    x, y = (None if part is None else np.concatenate(2 * [to_numpy(part[:n])]) for part in (x, y))
    noise = model.draw_noise(rng, len(x), train=False)
    _check_parts(model)
    noise["eps"][..., len(x) // 2 :, :] = -noise["eps"][..., : len(x) // 2, :]
    line = _rounded(gradient_ledger(model, x, noise, y, t))
    bad = [name for name, part in line.items() if not np.isfinite(list(_numbers(part))).all()]
    if bad:
        raise FloatingPointError(f"ledger: not finite ({', '.join(bad)}) at step {t}; the weights are too large")
    return line


def is_ledger(line):
    """Whether something read from a file is what `ledger_line` gives; KeyError, TypeError where parts are missing."""
    L = len(line["kl"])
    lists = [line["kl"], *(line[name][part] for name in ("mu", "log_var") for part in PARTS)]
    numbers = [*sum(lists, []), *(parts[part] for parts in line["layers"].values() for part in PARTS)]
    return L > 0 and {*map(len, lists)} == {L} and all(map(is_number, numbers)) and all(map(is_plain, line["layers"]))


def _check_parts(model):
    if not (model.has_kl and callable(getattr(model, "beta", None))):
        raise ValueError(f"model: {NEEDED}, which {type(model).__name__} lacks")


def _check_affine(model, x, noise, y, t):
    """ValueError unless the loss is affine in beta: loss(2) - loss(1) = loss(1) - loss(0), and not 0.

    And unless loss(0) is the reconstruction alone.
    """

    def step(beta):
        with replaced(model, beta=lambda t: beta):
            metrics = model.loss_and_grads(x, noise, y=y, t=t, grads=False)
        return float(metrics["loss"]), float(metrics["log_px_z"])

    (at_0, log_px_z), (at_1, _), (at_2, _) = map(step, (0.0, 1.0, 2.0))
    near = 1e-3 * abs(at_1 - at_0) + 1e-6 * abs(at_0)
    what = None
    if at_1 == at_0:
        what = "does not depend on beta"
    elif abs(at_2 - 2 * at_1 + at_0) > near:
        what = "is not affine in beta"
    elif abs(at_0 + log_px_z) > near:
        what = "has more than the reconstruction beside beta"
    if what is not None:
        raise ValueError(f"model: {NEEDED}; the loss of {type(model).__name__} {what}")


def _split(part, total):
    """Norms over the first axis of a reconstruction part, of the rest of the total and of the total; the cosine."""
    norm = lambda g: np.sqrt((g * g).sum(axis=0))  # noqa: E731
    rest = total - part
    split = {"reconstruction": norm(part), "kl": norm(rest), "total": norm(total)}
    both = split["reconstruction"] * split["kl"]
    return split | {"cosine": (part * rest).sum(axis=0) / np.maximum(both, 1e-300)}


def _step(model, x, noise, y, t):
    """((mu, log_var), (dmu, dlog_var) as they arrive at the encoder, {name: gradient}) of one step, in float64."""
    encoder = model.encoder
    encoded = []
    arrived = []
    forward, backward = encoder.forward, encoder.backward

    def watched_forward(*args, **kwargs):
        encoded.append(forward(*args, **kwargs))
        return encoded[-1]

    def watched_backward(dy, cache, *args, **kwargs):
        if encoded and cache is encoded[0][1]:  # not that of pseudo-inputs, say
            arrived.append(_float64(dy))
        return backward(dy, cache, *args, **kwargs)

    with replaced(encoder, forward=watched_forward, backward=watched_backward):
        model.loss_and_grads(x, noise, y=y, t=t)
    posterior = encoded[0][0] if encoded else None
    if not (isinstance(posterior, tuple) and len(posterior) == 2 and len(arrived) == 1):
        raise ValueError(f"model: expected an encoder that gives (mu, log_var), once, got {type(model).__name__}")
    grad = _float64(model.grad)
    return posterior, arrived[0], {name: grad[part] for name, part in model.slices.items()}


def _float64(tree):
    return tuple(map(_float64, tree)) if isinstance(tree, tuple) else to_numpy(tree).astype("float64")


@contextmanager
def _put_back(model):
    """Afterwards gradients, pulls and their counts are what they were."""
    grad = model.grad.copy()
    pull = model.pull.copy()
    counts = [state.count for state in model.states.values()]
    try:
        yield
    finally:
        model.grad[...], model.pull[...] = grad, pull
        for state, count in zip(model.states.values(), counts, strict=True):
            state.count = count


def _numbers(tree):
    """Every number in nested dicts and lists."""
    for part in tree.values() if isinstance(tree, dict) else tree:
        yield from _numbers(part) if isinstance(part, dict | list) else [part]


def _rounded(tree):
    if isinstance(tree, dict):
        return {name: _rounded(part) for name, part in tree.items()}
    return [float(f"{v:.4g}") for v in tree] if np.ndim(tree) else float(f"{tree:.4g}")
