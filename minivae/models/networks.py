"""Encoder, decoder and likelihood from the options that the models share."""

import math

from ..layers import ACTIVATIONS, NORMS, conv_decoder, conv_encoder, dense_decoder, dense_encoder
from ..likelihoods import LIKELIHOODS, STD
from ..options import Option, each, one_of, read_arguments, real, whole

MOST = 1_000_000  # the largest size of a layer: more would not fit into memory


def _hidden(settings):
    """Widths of the dense layers, where none are given."""
    if settings["data"] == "digits":
        return [128]
    return [256] if settings["arch"] == "conv" else [400, 200]


def _std(settings):
    """Standard deviation of a Gaussian likelihood, where none is given."""
    if settings["standardize"]:
        return 1.0
    return 0.1 if settings["likelihood"] == "gaussian-fixed" else 0.2


NETWORKS = {
    "arch": Option(one_of(("dense", "conv")), "dense", "kind of networks", "dense|conv"),
    "hidden": Option(each(whole(1, MOST)), None, "of the encoder's dense layers; the decoder mirrors them", "N", True,
                     fill=_hidden),
    "channels": Option(each(whole(1, MOST)), None, "of the encoder's convolutions (default: 32 64)", "N", True,
                       fill=lambda settings: [32, 64], needs=("arch", ("conv",)), optional=True),
    "latent": Option(whole(1, MOST), None, "number of latents (default: 20; digits 8)", "L",
                     fill=lambda settings: 8 if settings["data"] == "digits" else 20),
    "activation": Option(one_of(ACTIVATIONS), "relu", "between layers", "|".join(ACTIVATIONS)),
    "norm": Option(one_of(NORMS), "none", f"normalization before each activation: {', '.join(NORMS)}"),
    "likelihood": Option(one_of(LIKELIHOODS), "bernoulli", "p(x | z)", "|".join(LIKELIHOODS)),
    "levels": Option(whole(2, MOST), None, "grey levels of the categorical likelihood (default: 16; digits 17)",
                     fill=lambda settings: 17 if settings["data"] == "digits" else 16,
                     needs=("likelihood", ("categorical",)), optional=True),
    "std": Option(STD, None, "of a Gaussian likelihood: fixed, or the start (default: 0.1, 0.2; standardized 1)",
                  fill=_std, needs=("likelihood", ("gaussian", "gaussian-fixed")), optional=True),
    "dropout": Option(real(below=1, closed=True), 0.0, "in dense hidden layers", "P"),
}  # fmt: skip


def build_networks(
    shape,
    rng,
    arch="dense",
    hidden=(400, 200),
    channels=(32, 64),
    latent=20,
    activation="relu",
    likelihood="bernoulli",
    levels=None,
    std=None,
    dropout=0.0,
    norm="none",
    heads=2,
    given=0,
):
    """(encoder, decoder, likelihood) for data of `shape`, (h, w, c) or (D,).

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws the initial weights.
    arch : {"dense", "conv"}
    hidden, channels : sequences of int
        Widths of the encoder, which the decoder mirrors; `channels` are used by conv only.
    levels : int, optional
        Grey levels of the categorical likelihood.
    std : float, optional
        Standard deviation of a Gaussian likelihood: the fixed one, or where the learned one starts.
    heads : int
        Outputs of the encoder, each (..., latent).
    given : int
        Number of columns of a condition, which stand behind x and behind z.

    Raises
    ------
    ValueError
        For values that the options of these names do not take, and for conv on rows or on images too small for its
        layers.
    """
    arch, hidden, channels, latent, activation, likelihood, levels, std, dropout, norm = read_arguments(
        NETWORKS, arch=arch, hidden=hidden, channels=channels, latent=latent, activation=activation,
        likelihood=likelihood, levels=levels, std=std, dropout=dropout, norm=norm,
    )  # fmt: skip
    shape = each(whole(1))("shape", shape)
    heads, given = whole(1)("heads", heads), whole(0)("given", given)
    if len(shape) not in (1, 3):
        raise ValueError(f"shape: expected (D,) or (h, w, c), got {tuple(shape)}")
    own = {"categorical": levels, "gaussian": std, "gaussian-fixed": std}.get(likelihood)
    p = LIKELIHOODS[likelihood](*[] if own is None else [own])
    look = {"activation": activation, "dropout": dropout, "norm": norm, "given": given, "rng": rng}
    if arch == "dense":
        D = math.prod(shape)
        encoder = dense_encoder(D, hidden, latent, heads=heads, **look)
        decoder = dense_decoder(latent, hidden, D, p.n_out, **look)
    else:
        encoder = conv_encoder(shape, channels, hidden, latent, heads=heads, **look)
        decoder = conv_decoder(latent, hidden, channels, shape, p.n_out, **look)
    return encoder, decoder, p
