"""Encoder, decoder and likelihood from the options that the models share."""

import math

from ..data.frames import is_table_file
from ..layers import ACTIVATIONS, NORMS, builders
from ..likelihoods import LIKELIHOODS, STD
from ..options import Option, each, one_of, read_arguments, real, whole
from .columns import mixed, read_parts

MOST = 1_000_000  # the largest size of a layer: more would not fit into memory


def is_small(settings):
    """Whether the rows are of few numbers."""
    return settings["data"] in ("digits", "sources", "modes") or is_table_file(settings["data"])


def _hidden(settings):
    """Widths of the dense layers, where none are given."""
    if is_small(settings) or settings["arch"] == "gru":
        return [128, 128] if settings["data"] == "modes" else [128]
    return [256] if settings["arch"] == "conv" else [400, 200]


def _likelihood(settings):
    """The likelihood, where none is given."""
    if is_table_file(settings["data"]):
        return "mixed"
    return "gaussian" if settings["data"] in ("sources", "modes") else "bernoulli"


def _latent(settings):
    """Number of latents, where it is not given."""
    if settings["data"] in ("sources", "modes"):
        return (settings["sources"] or {}).get("count", 2)
    return 8 if is_small(settings) else 20


def _levels(settings):
    """Grey levels of a likelihood that has some, where their number is not given."""
    if settings["data"] == "digits":
        return 17
    return 16 if settings["likelihood"] == "categorical" else 256


def _std(settings):
    """Standard deviation of a Gaussian likelihood, where none is given."""
    if settings["standardize"]:
        return 1.0
    return 0.1 if settings["likelihood"] == "gaussian-fixed" else 0.2


NETWORKS = {
    "arch": Option(one_of(("dense", "conv", "gru")), "dense", "kind of networks, gru along signals", "dense|conv|gru"),
    "hidden": Option(each(whole(1, MOST)), None, "of the encoder's dense layers, of gru first the width of the state; "
                     "the decoder mirrors them", "N", True, fill=_hidden),
    "channels": Option(each(whole(1, MOST)), None, "of the encoder's convolutions (default: 32 64)", "N", True,
                       fill=lambda settings: [32, 64], needs=("arch", ("conv",)), optional=True),
    "signal": Option(whole(1, MOST), None, "channels of rows that are a signal, position after position (default of "
                     "gru: 1)", "CHANNELS", needs=("arch", ("conv", "gru")), optional=True, older=None),
    "latent": Option(whole(1, MOST), None, "number of latents (default: 20; digits, tables 8; modes 2; sources as "
                     "many)", "L", fill=_latent),
    "activation": Option(one_of(ACTIVATIONS), "relu", "between layers", "|".join(ACTIVATIONS)),
    "norm": Option(one_of(NORMS), "none", f"normalization before each activation: {', '.join(NORMS)}"),
    "likelihood": Option(one_of((*LIKELIHOODS, "mixed")), None, "p(x | z) (default: bernoulli; table: mixed; sources, "
                         "modes: gaussian)", "|".join((*LIKELIHOODS, "mixed")), fill=_likelihood),
    "parts": Option(read_parts, None, 'likelihoods of columns: {real = "student-t", count = "poisson"}',
                    needs=("likelihood", ("mixed",)), optional=True, older=None),
    "levels": Option(whole(2, MOST), None, "grey levels of x (default: categorical 16, others 256; digits 17)", "N",
                     fill=_levels, needs=("likelihood", ("categorical", "logistic-mixture", "beta-binomial")),
                     optional=True),
    "mixtures": Option(whole(1, MOST), None, "components of the logistic mixture (default: 5)", "M",
                       fill=lambda settings: 5, needs=("likelihood", ("logistic-mixture",)), optional=True, older=None),
    "std": Option(STD, None, "of a Gaussian or Student-t: fixed, or the start (default: 0.1, 0.2; standardized 1)",
                  fill=_std, needs=("likelihood", ("gaussian", "gaussian-fixed", "student-t")), optional=True),
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
    mixtures=None,
    std=None,
    dropout=0.0,
    norm="none",
    signal=None,
    heads=2,
    given=0,
    parts=None,
    columns=None,
    missing=False,
    depth=None,
):
    """(encoder, decoder, likelihood) for data of `shape`, (h, w, c) or (D,).

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws the initial weights.
    arch : {"dense", "conv", "gru"}
    hidden, channels : sequences of int
        Widths of the encoder, which the decoder mirrors; of gru the first is the state's. `channels`: of conv only.
    levels : int, optional
        Grey levels, of a likelihood of these.
    mixtures : int, optional
        Components for each pixel, of the likelihood "logistic-mixture".
    std : float, optional
        Standard deviation of a Gaussian likelihood: the fixed one, or where the learned one starts.
    signal : int, optional
        Rows (D,) are D / signal positions of so many channels, for conv and gru (None: 1; of images row after row).
    heads : int or sequence of int
        Outputs of the encoder, each (..., latent); or their widths.
    given : int or pair of int
        Number of columns of a condition, which stand behind x and behind z; of a pair, behind each.
    parts, columns : dict and list, optional
        Of the likelihood "mixed": what a column of a kind is, and the blocks of columns; see `mixed`.
    missing : bool
        Whether values of x may be missing, as NaN: then the encoder sees a mask beside each value.
    depth : int, optional
        Of places instead of latents, each of `depth` numbers: `latent` of them; with conv the pixels that the
        convolutions leave, without dense layers.

    Raises
    ------
    ValueError
        For values that the options of these names do not take, for conv on rows that are no signal, or on images too
        small for its layers, for gru on a table or without a width, and for rows that `signal` does not divide.
    """
    arch, hidden, channels, latent, activation, likelihood, dropout, norm, signal = read_arguments(
        NETWORKS, arch=arch, hidden=hidden, channels=channels, latent=latent, activation=activation,
        likelihood=likelihood, dropout=dropout, norm=norm, signal=signal,
    )  # fmt: skip
    levels, mixtures, std = read_arguments(NETWORKS, levels=levels, mixtures=mixtures, std=std)
    own = {name: value for name, value in (("levels", levels), ("mixtures", mixtures), ("std", std))
           if value is not None and likelihood in NETWORKS[name].needs[1]}  # fmt: skip
    shape = each(whole(1))("shape", shape)
    heads = each(whole(1))("heads", heads) if isinstance(heads, list | tuple) else whole(1)("heads", heads)
    given = each(whole(0))("given", given if isinstance(given, list | tuple) else [given, given])
    if len(given) != 2:
        raise ValueError(f"given: expected a number of columns, or two, got {len(given)}")
    of_x, of_z = given
    if len(shape) not in (1, 3):
        raise ValueError(f"shape: expected (D,) or (h, w, c), got {tuple(shape)}")
    if arch == "gru" and columns is not None:
        raise ValueError("arch: expected dense for a table, whose columns are no steps, got gru")
    if signal is not None or arch == "gru":
        shape = as_images(shape, arch, signal)
    if (columns is None) == (likelihood == "mixed"):
        wanted = "none, they have no columns" if columns is None else "mixed for a table"
        raise ValueError(f"likelihood: expected {wanted}, got {likelihood}")
    p = mixed(columns, parts) if likelihood == "mixed" else LIKELIHOODS[likelihood](**own)
    p.missing = bool(missing)
    look = {"activation": activation, "dropout": dropout, "norm": norm, "rng": rng}
    seen = (*shape[:-1], shape[-1] * (2 if missing else 1))  # the encoder sees a mask beside each value
    latent *= 1 if depth is None or arch == "conv" else depth
    if arch == "dense":
        encoder = builders.dense_encoder(math.prod(seen), hidden, latent, heads=heads, given=of_x, **look)
        decoder = builders.dense_decoder(latent, hidden, math.prod(shape), p.n_out, given=of_z, **look)
    elif arch == "gru":
        encoder = builders.gru_encoder(seen[1:], hidden, latent, heads=heads, given=of_x, **look)
        decoder = builders.gru_decoder(latent, hidden, shape[1:], p.n_out, given=of_z, **look)
    elif depth is None:
        encoder = builders.conv_encoder(seen, channels, hidden, latent, heads=heads, given=of_x, **look)
        decoder = builders.conv_decoder(latent, hidden, channels, shape, p.n_out, given=of_z, **look)
    else:
        del look["dropout"]
        encoder = builders.spatial_encoder(seen, channels, depth, heads=heads, given=of_x, **look)
        decoder = builders.spatial_decoder(depth, channels, shape, p.n_out, given=of_z, **look)
    return encoder, decoder, p


def gaussian_network(n_in, hidden, n_out, look):
    """y or z (..., n_in) -> (mu, log_var), (..., n_out) each, near N(0, I) at the start."""
    network = builders.dense_encoder(n_in, hidden, n_out, **look)
    network.layers[-2].W.data *= 0.1
    return network


def as_images(shape, arch, signal):
    """(1, T, c), images of one line along which the networks go: of rows (T * c,) of a signal, or of images' rows."""
    if arch == "dense":
        raise ValueError("signal: expected arch conv or gru, got dense")
    if len(shape) == 3 and signal is None:
        return (1, shape[0], shape[1] * shape[2])
    c = signal or 1
    if len(shape) != 1:
        raise ValueError(f"signal: expected rows (N, D), got images of {'x'.join(map(str, shape))}")
    if shape[0] % c:
        raise ValueError(f"signal: expected a divisor of the {shape[0]} values of a row, got {c}")
    return (1, shape[0] // c, c)
