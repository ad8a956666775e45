"""Measures of a trained model: averages of its own metrics, the evidence log p(x), and walks through its latents."""

from .disentanglement import (
    beta_vae_score,
    dci,
    factor_vae_score,
    modularity,
    mutual_information,
    mutual_information_gap,
    separated_attribute_predictability,
)
from .evidence import impute, log_evidence, row_scores
from .latents import Spread, codes, decodings, interpolate, kl_per_latent, normal_quantiles, posteriors, traverse
from .ledger import gradient_ledger, ledger_line
from .metrics import elbo_standard_error

__all__ = [
    "Spread",
    "beta_vae_score",
    "codes",
    "dci",
    "decodings",
    "elbo_standard_error",
    "factor_vae_score",
    "gradient_ledger",
    "impute",
    "interpolate",
    "kl_per_latent",
    "ledger_line",
    "log_evidence",
    "modularity",
    "mutual_information",
    "mutual_information_gap",
    "normal_quantiles",
    "posteriors",
    "row_scores",
    "separated_attribute_predictability",
    "traverse",
]
