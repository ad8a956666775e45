"""Measures of a trained model: averages of its own metrics, the evidence log p(x), and walks through its latents."""

from .doctor import collapse_doctor, decoder_gain
from .evidence import impute, log_evidence, row_scores
from .gap import Gap, approximation_gap, best_gaussian
from .latent_space import ACTIVE, activity, kl_parts
from .latents import Spread, codes, decodings, interpolate, kl_per_latent, normal_quantiles, posteriors, traverse
from .ledger import gradient_ledger, ledger_line
from .metrics import elbo_standard_error

__all__ = [
    "ACTIVE",
    "Gap",
    "Spread",
    "activity",
    "approximation_gap",
    "best_gaussian",
    "codes",
    "collapse_doctor",
    "decoder_gain",
    "decodings",
    "elbo_standard_error",
    "gradient_ledger",
    "impute",
    "interpolate",
    "kl_parts",
    "kl_per_latent",
    "ledger_line",
    "log_evidence",
    "normal_quantiles",
    "posteriors",
    "row_scores",
    "traverse",
]
