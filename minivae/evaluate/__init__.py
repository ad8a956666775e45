"""Measures of a trained model: averages of its own metrics, the evidence log p(x), and walks through its latents."""

from .annealed import Annealed, annealed_evidence
from .disentanglement import (
    beta_vae_score,
    dci,
    factor_vae_score,
    modularity,
    mutual_information,
    mutual_information_gap,
    separated_attribute_predictability,
)
from .evidence import Evidence, log_evidence, row_scores, sampled_evidence
from .impute import impute
from .latents import Spread, codes, decodings, interpolate, kl_per_latent, normal_quantiles, posteriors, traverse
from .ledger import gradient_ledger, ledger_line
from .metrics import elbo_standard_error
from .results import Result, hash_of, standard_error

__all__ = [
    "Annealed",
    "Evidence",
    "Result",
    "Spread",
    "annealed_evidence",
    "beta_vae_score",
    "codes",
    "dci",
    "decodings",
    "elbo_standard_error",
    "factor_vae_score",
    "gradient_ledger",
    "hash_of",
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
    "sampled_evidence",
    "separated_attribute_predictability",
    "standard_error",
    "traverse",
]
