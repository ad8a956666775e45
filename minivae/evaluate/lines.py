"""Lines of text: how likely their tokens are, what z says of each of them, and what lines that are made are like."""

from typing import NamedTuple

import numpy as np

from ..backend import array_module, place, to_numpy
from ..densities import log_mean_exp, reparameterize
from ..layers.lines import ends_of
from .molecules import Share
from .results import standard_error


def tokens_of(x):
    """How many tokens lines x (N, T) have, the end mark among them, (N,)."""
    return to_numpy(ends_of(x)) + 1


def perplexity(log_px, tokens):
    """(exp(-sum log_px / sum tokens), its standard error) of lines: log_px (N,) nats, tokens (N,).

    The error is that of a ratio of two means, by the delta method; None of a single line. Where log_px is a bound from
    below, the perplexity is at most this.
    """
    nll = -log_px.sum() / tokens.sum()
    error = standard_error((-log_px - nll * tokens) / tokens.mean())
    return float(np.exp(nll)), None if error is None else float(np.exp(nll) * error)


class PlaceKL(NamedTuple):
    """Of each place of some lines, (T,): means over the lines that reach it.

    Attributes
    ----------
    kl, standard_error
        Nats; the error is NaN where a single line reaches the place.
    reached
        How many lines reach it.
    effective
        How many of the draws from the prior count there, (sum_s w_s)^2 / sum_s w_s^2.
    of_line
        The sum over the places of each line, (N,) nats.
    """

    kl: np.ndarray
    standard_error: np.ndarray
    reached: np.ndarray
    effective: np.ndarray
    of_line: np.ndarray


def place_kl(model, x, S, rng):
    """What z says of each token beyond those before it, for lines x (N, T): a `PlaceKL`.

    Of a line it is KL(p(x_t | x_<t, z) || p(x_t | x_<t)), z ~ q(z | x). The second is a mixture over S draws z_s from
    the prior of p(x_t | x_<t, z_s), with weights w_s = p(x_<t | z_s) / sum_s p(x_<t | z_s): right for many draws, and
    with few that count too near to one of them.
    """
    tokens = tokens_of(x)
    kl, effective = (np.full((len(x), tokens.max()), np.nan) for _ in range(2))
    for i, t in enumerate(tokens):
        eps = rng.standard_normal((1, model.L), dtype="float32")
        line, eps, noise = place((x[i : i + 1, :t], eps, model.prior.draw_noise(rng, S)), like=model.theta)  # (1, t)
        z = reparameterize(*model.encoder(line), eps=eps)
        log_p = _log_p(model, line, z)[0]  # (t, V), of q's z
        log_ps = _log_p(model, line, model.prior.draw(noise))  # (S, t, V)
        of_line = np.take_along_axis(log_ps, to_numpy(line).astype(int)[..., None], axis=-1)[..., 0]  # (S, t)
        log_w = np.cumsum(of_line, axis=1) - of_line  # of the tokens before each place
        log_w -= log_mean_exp(log_w)
        log_mixture = log_mean_exp(log_w[..., None] + log_ps)  # (t, V)
        kl[i, :t] = (np.exp(log_p) * (log_p - log_mixture)).sum(axis=-1)
        effective[i, :t] = S / np.exp(log_mean_exp(2 * log_w))
    n = np.isfinite(kl).sum(axis=0)
    error = np.sqrt(np.nanmean((kl - np.nanmean(kl, axis=0)) ** 2, axis=0) / np.where(n > 1, n - 1, np.nan))
    return PlaceKL(np.nanmean(kl, axis=0), error, n, np.nanmean(effective, axis=0), np.nansum(kl, axis=1))


def _log_p(model, line, z):
    """log p(v | x_<t, z) of each token v at each place of a line (1, t): z (S, L) -> (S, t, V) float64."""
    lines = array_module(line).tile(line, (len(z), 1))
    logits = to_numpy(model.decoder((lines, z))).astype("float64").reshape(*lines.shape, -1)
    logits -= logits.max(axis=-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def edit_distances(a, b):
    """How many tokens must be put in, taken out or changed to make lines b (N, T) of a (N, T): whole numbers (N,).

    The end mark is no token here. d[i, j], of the first i and j tokens, is the least of d[i - 1, j] + 1,
    d[i, j - 1] + 1 and d[i - 1, j - 1], with 1 more where the two tokens differ (Levenshtein 1966).
    """
    n_a, n_b = ends_of(a), ends_of(b)
    d = np.empty((int(n_a.max()) + 1, int(n_b.max()) + 1, len(a)), int)
    d[0] = np.arange(d.shape[1])[:, None]
    for i in range(1, len(d)):
        d[i, 0] = i
        for j in range(1, d.shape[1]):
            changed = d[i - 1, j - 1] + (a[:, i - 1] != b[:, j - 1])
            d[i, j] = np.minimum(np.minimum(d[i - 1, j], d[i, j - 1]) + 1, changed)
    return d[n_a, n_b, np.arange(len(a))]


class LineShares(NamedTuple):
    """Of a set of lines: the different ones of all, those of them that are new, and the mean number of tokens."""

    different: Share
    new: Share
    tokens: float
    tokens_standard_error: float | None


def line_shares(x, trained_on):
    """`LineShares` of lines x (N, T); new is what is no line of `trained_on` (M, T)."""
    made, seen = (set(map(bytes, np.asarray(rows).astype("int32"))) for rows in (x, trained_on))
    tokens = tokens_of(x)
    return LineShares(Share(len(made), len(x)), Share(len(made - seen), len(made)), float(tokens.mean()),
                      standard_error(tokens))  # fmt: skip
