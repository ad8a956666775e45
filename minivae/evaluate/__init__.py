"""Measures of a trained model: its metrics, the evidence log p(x), latents, disentanglement, samples, anomalies."""

from .annealed import Annealed, annealed_evidence
from .detection import anomaly_scores, auroc_interval, aurocs, false_positive_rate, typicality
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
    "anomaly_scores",
    "auroc_interval",
    "aurocs",
    "codes",
    "dci",
    "decodings",
    "elbo_standard_error",
    "factor_vae_score",
    "false_positive_rate",
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
    "typicality",
]
