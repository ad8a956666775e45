"""Sum or mean? What beta a loss really has, from how it reduces its two parts.

minivae's loss is Rec + beta KL in nats per example: Rec = -log_px_z summed over D pixels, KL summed over L latents,
both averaged over the N examples of a batch. A loss that reduces otherwise is, for the factors r and k of its parts,

    r Rec + k KL = r (Rec + beta KL),                                            beta = k / r

and with squared errors |x - x_hat|^2, summed over pixels, in the place of Rec

    c |x - x_hat|^2 + k KL = k (|x - x_hat|^2 / (2 s^2) + KL),                   s^2 = k / (2 c)

which is, but for a constant and the factor k, the loss of the Gaussian N(x_hat, s^2 I) at beta = 1. It is as well
2 c (|x - x_hat|^2 / 2 + s^2 KL): that of unit variance at beta = s^2. A weight of the KL is a variance of the pixels.
"""

import math
from typing import NamedTuple

from ..tables import aligned

# name: the options of effective_beta
CONVENTIONS = {
    "minivae": {},
    "everything summed, batch too (PyTorch's example)": {"rec_batch": "sum", "kl_batch": "sum"},
    "both parts per pixel, in bits": {
        "pixels": "mean", "latents": "per pixel", "rec_weight": 1 / math.log(2), "kl_weight": 1 / math.log(2),
    },
    "rec in bits per pixel, KL in nats": {"pixels": "mean", "rec_weight": 1 / math.log(2)},
    "rec mean over pixels, KL summed": {"pixels": "mean"},
    "rec mean over pixels, KL mean over latents (fastai; beta_norm)": {"pixels": "mean", "latents": "mean"},
    "rec summed, KL mean over latents": {"latents": "mean"},
    "rec mean over pixels and batch, KL summed over both": {"pixels": "mean", "kl_batch": "sum"},
    "rec summed over pixels and batch, KL mean over batch": {"rec_batch": "sum"},
    "squared error / 2": {"squared": True, "rec_weight": 0.5},
    "squared error": {"squared": True},
    "squared error of pixels times 255": {"squared": True, "scale": 255},
    "mean squared error (PyTorch-VAE, validation)": {"squared": True, "pixels": "mean"},
    "mean squared error, KL times 0.00025 (PyTorch-VAE, training)": {
        "squared": True, "pixels": "mean", "kl_weight": 0.00025,
    },
    "mean squared error, KL times 144 / 162770 (M_N = batch / data)": {
        "squared": True, "pixels": "mean", "kl_weight": 144 / 162770,
    },
    "mean squared error, KL mean over latents": {"squared": True, "pixels": "mean", "latents": "mean"},
}  # fmt: skip


class EffectiveBeta(NamedTuple):
    """`loss = factor * (Rec + beta * KL)` plus a constant; prints as a sentence.

    For squared errors Rec is that of a Gaussian of variance 1, and the same loss has beta = 1 at `variance`, in units
    of the pixels before `scale`; for other losses `variance` is None. Plain SGD takes steps `factor` times as large,
    Adam does not see it.
    """

    beta: float
    factor: float
    variance: float | None
    sentence: str

    @property
    def std(self):
        return None if self.variance is None else math.sqrt(self.variance)

    def __str__(self):
        return self.sentence


class Conventions(dict):
    """{name: EffectiveBeta}, printed as a table."""

    def __str__(self):
        rows = [("loss = factor (Rec + beta KL)", "beta", "std at beta = 1", "factor")]
        for name, b in self.items():
            std = "" if b.std is None else f"{b.std:.4g}"
            rows.append((name, f"{b.beta:.6g}", std, f"{b.factor:.4g}"))
        return "\n".join(aligned(rows))


def effective_beta(
    D,
    L,
    N=1,
    *,
    pixels="sum",
    latents="sum",
    rec_batch="mean",
    kl_batch="mean",
    rec_weight=1.0,
    kl_weight=1.0,
    squared=False,
    scale=1.0,
):
    """The beta that minivae's loss needs in order to be, but for a factor, a loss of another convention.

    Parameters
    ----------
    D, L, N : int
        Pixels (values of x), latents, examples in a batch.
    pixels : {"sum", "mean"}
        How the reconstruction is reduced over the pixels.
    latents : {"sum", "mean", "per pixel"}
        How the KL is reduced over the latents; "per pixel" divides their sum by D.
    rec_batch, kl_batch : {"mean", "sum"}
        How each part is reduced over the batch.
    rec_weight, kl_weight : float
        Factors of the two parts.
    squared : bool
        The reconstruction is the squared error, without a 1/2, and not a log-probability.
    scale : float
        What pixels are multiplied by before their squared error: 255 for grey levels from 0 to 255.

    Returns
    -------
    EffectiveBeta

    Raises
    ------
    ValueError
        For sizes and weights that are not positive, unknown reductions, and a scale without squared errors.
    """
    for name, size in (("D", D), ("L", L), ("N", N)):
        if not (size >= 1 and size % 1 == 0):
            raise ValueError(f"{name}: expected a positive whole number, got {size}")
    for name, number in (("rec_weight", rec_weight), ("kl_weight", kl_weight), ("scale", scale)):
        if not 0 < number < math.inf:
            raise ValueError(f"{name}: expected a positive number, got {number}")
    if scale != 1 and not squared:
        raise ValueError(f"scale: expected 1 where the error is not squared, got {scale}")
    over_batch = {"mean": 1, "sum": N}
    r = rec_weight * _chosen("pixels", pixels, {"sum": 1, "mean": 1 / D})
    r *= _chosen("rec_batch", rec_batch, over_batch)
    k = kl_weight * _chosen("latents", latents, {"sum": 1, "mean": 1 / L, "per pixel": 1 / D})
    k *= _chosen("kl_batch", kl_batch, over_batch)
    if squared:
        r *= 2 * scale**2  # c |x - x_hat|^2 = 2 c times what a Gaussian of variance 1 has
    beta = k / r

    summed = f" (summed over the batch of {N})"
    rec = f"{_times(rec_weight)}a {pixels} over {D} pixels" + " of squared errors" * squared
    rec += f" of pixels times {scale:g}" * (scale != 1) + summed * (rec_batch == "sum")
    kl = {"sum": "a summed KL", "mean": f"a KL averaged over {L} latents", "per pixel": f"a KL divided by {D} pixels"}
    kl = _times(kl_weight) + kl[latents] + summed * (kl_batch == "sum")
    end = f" for a Gaussian of std 1, or beta = 1 for one of std {math.sqrt(beta):.4g}" if squared else ""
    sentence = f"{rec} with {kl} is beta = {beta:.6g}{end}"
    return EffectiveBeta(beta, r, beta if squared else None, sentence)


def conventions(D, L, N):
    """{name: EffectiveBeta} of all `CONVENTIONS` for D pixels, L latents and batches of N; prints as a table."""
    return Conventions({name: effective_beta(D, L, N, **options) for name, options in CONVENTIONS.items()})


def bits_per_dimension(nats, D, levels=256):
    """Nats per example, -log p(x) or its bound -elbo, as bits per pixel: nats / (D log 2) + log2(levels).

    The second term is there for a density of pixels that are levels 0, 1, ... divided by `levels`, and made continuous
    by noise of one level: a level then has 1 / levels of the density as its probability (Theis et al. 2016, sec. 3.1).
    A likelihood that is a probability already, Bernoulli or Categorical, takes levels=1.
    """
    return nats / (D * math.log(2)) + math.log2(levels)


def _chosen(name, value, options):
    if value not in options:
        raise ValueError(f"{name}: expected one of {', '.join(options)}, got {value!r}")
    return options[value]


def _times(weight):
    return "" if weight == 1 else f"{weight:g} times "
