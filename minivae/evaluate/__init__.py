"""Measures of a trained model: averages of its own metrics, the evidence log p(x), anomalies, walks through latents."""

from .detection import anomaly_scores, auroc_interval, aurocs, false_positive_rate, typicality
from .evidence import impute, log_evidence, row_scores
from .latents import Spread, codes, decodings, interpolate, kl_per_latent, normal_quantiles, posteriors, traverse
from .ledger import gradient_ledger, ledger_line
from .metrics import elbo_standard_error

__all__ = [
    "Spread",
    "anomaly_scores",
    "auroc_interval",
    "aurocs",
    "codes",
    "decodings",
    "elbo_standard_error",
    "false_positive_rate",
    "gradient_ledger",
    "impute",
    "interpolate",
    "kl_per_latent",
    "ledger_line",
    "log_evidence",
    "normal_quantiles",
    "posteriors",
    "row_scores",
    "traverse",
    "typicality",
]
