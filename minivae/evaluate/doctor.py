"""The collapse doctor: whether latents have collapsed, which, since when, and what to try.

A latent has collapsed where its posterior is the prior, whatever x is: its KL is about 0 and the decoder gets nothing
from it (Bowman et al. 2016; Lucas et al. 2019). Some such latents are normal: the ELBO charges for each that is used.
"""

import numpy as np

from ..backend import place, take, to_numpy
from ..data import batches
from ..densities import reparameterize
from ..metrics import BATCH, check_pair
from ..models.base import COLLAPSED
from ..numeric import at_once
from .latent_space import ACTIVE

IGNORED = 0.1  # nats of reconstruction that z gains, below which the decoder does not use it
NAMED = 8  # latents of one kind that are named


def decoder_gain(model, x, rng, y=None):
    """What z tells the decoder: log p(x | z), z ~ q(z | x), less that of z ~ p(z). x (N, D) -> (N,) nats."""
    x, y = check_pair(x, y, model)
    gain = np.empty(len(x))
    for rows in batches(len(x), at_once(BATCH, x.shape[1])):
        x_rows, y_rows = place((x[rows], take(y, rows)), like=model.theta)
        eps, noise = place((model.draw_eps(rng, 1, len(rows))[0], model.prior.draw_noise(rng, len(rows))), model.theta)
        of_x = reparameterize(*model.encode(x_rows, y=y_rows), eps=eps)
        of_prior = model.prior_of(y_rows, len(rows)).draw(noise)
        log_p = [model.log_px_z(x_rows, z, y_rows) for z in (of_x, of_prior)]
        gain[rows] = to_numpy(log_p[0] - log_p[1])
    return gain


def collapse_doctor(kl, variances, gain, settings, history=()):
    """One paragraph: whether latents have collapsed, which, since which epoch, and what to try.

    Parameters
    ----------
    kl : array (L,)
        Mean KL of each latent, nats.
    variances : array (L,)
        Of the posterior means over the rows, as `activity` gives them.
    gain : float
        The mean of `decoder_gain`, nats.
    settings : dict
        Of the run, so that nothing is advised that it already does or cannot do.
    history : sequence of (epoch, kl (L,))
        The same KL after epochs of the training, in order; empty where it was not recorded.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If the arrays differ in the number of latents.
    """
    kl, variances = np.asarray(kl, "float64"), np.asarray(variances, "float64")
    for name, array in (("variances", variances), *((f"history, epoch {epoch}", line) for epoch, line in history)):
        if np.shape(array) != kl.shape:
            raise ValueError(f"{name}: expected {len(kl)} latents, as kl has, got shape {np.shape(array)}")
    L, dead = len(kl), np.flatnonzero(kl < COLLAPSED)
    still = np.flatnonzero((kl >= COLLAPSED) & (variances <= ACTIVE))
    use = "ignores z" if gain < IGNORED else "hardly uses z" if gain <= kl.sum() else "uses z"
    asleep = len(dead) + len(still) == L  # no latent moves with x, whatever the noise of its variance gains
    lost = use != "uses z" or asleep
    text = [_which(dead, L)]
    if len(dead):
        text.append(_since(dead, history))
    if len(still):
        have = "has" if len(still) == 1 else "have"
        text.append(f"{_names(still)} {have} a KL, but a mean that does not move with x (variance {ACTIVE} or less): "
                    "what it costs says little of x.")  # fmt: skip
    but = "But the" if lost and not len(dead) else "The"
    text.append(f"{but} decoder {use}: a z from q(z | x) in the place of one from the prior gains {gain:z.2f} nats of "
                f"reconstruction, for a KL of {kl.sum():.2f} nats.")  # fmt: skip
    if asleep and len(still):
        text.append("No latent follows x.")
    if not len(dead) and not lost:
        text.append("There is nothing to try.")
    elif not lost and len(dead) <= L / 2:
        text.append(f"Unused latents are normal, {len(dead)} of {L}: the ELBO charges for each that is used. There is "
                    f"nothing to try; --latent {L - len(dead)} would do as well.")  # fmt: skip
    elif not lost:
        text.append(f"That is more than half: --latent {L - len(dead)} would do as well; or, to wake others, try "
                    f"{_advice(settings)}.")  # fmt: skip
    else:
        text.append(f"Try {_advice(settings)}.")
    return " ".join(text)


def _which(dead, L):
    """Whether: how many have collapsed."""
    limit = f"KL below {COLLAPSED} nats"
    if not len(dead):
        return f"None of the {L} latents has collapsed ({limit})."
    if len(dead) == L:
        return f"All {L} latents have collapsed ({limit})."
    return f"{len(dead)} of {L} latents {'has' if len(dead) == 1 else 'have'} collapsed ({limit})."


def _since(dead, history):
    """Where and since when: a latent that has collapsed was alive until some epoch, or never."""
    if not len(history):
        return f"Collapsed: {_names(dead)}. A training with ledger = true in its --config would tell since when."
    epochs = [epoch for epoch, _ in history]
    alive = np.array([line for _, line in history]) >= COLLAPSED  # (epochs, L)
    since = {}
    for latent in dead:
        seen = np.flatnonzero(alive[:, latent])
        when = None if not len(seen) else epochs[min(seen[-1] + 1, len(epochs) - 1)]
        since.setdefault(when, []).append(latent)
    parts = [f"{_names(since[when])} died at epoch {when}" for when in sorted(set(since) - {None})]
    if None in since:
        parts.append(f"{_names(since[None])} {'was' if len(since[None]) == 1 else 'were'} never alive since epoch "
                     f"{epochs[0]}, the first recorded")  # fmt: skip
    return "; ".join(parts) + "."


def _names(latents):
    """z[0], z[3] and z[7]; of many, the first few."""
    names = [f"z[{latent}]" for latent in latents]
    if len(names) > NAMED:
        names = [*names[: NAMED - 1], f"{len(names) - NAMED + 1} more"]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _advice(settings):
    """What to try, without what the run does already."""
    tries = []
    if settings.get("beta", 1) > 1:
        tries.append(f"a smaller --beta (it is {settings['beta']:g})")
    if settings.get("capacity") is not None:
        tries.append(f"a larger --capacity (it is {settings['capacity']:g})")
    if settings.get("beta_schedule") == "constant":
        tries.append("a warm-up of the KL (--beta-schedule linear)")
    if settings.get("free_bits") == 0:
        tries.append("a KL that costs nothing up to a limit (--free-bits 0.1)")
    if settings["model"] == "vae":
        tries.append("the bound of an IWAE (--model iwae)")
    return ", ".join([*tries, "a decoder with fewer units"]) + ", one at a time"
