"""Measures of a trained model: averages of its own metrics, the evidence log p(x), and walks through its latents."""

from .evidence import log_evidence
from .latents import decodings, interpolate, kl_per_latent, normal_quantiles, posteriors, principal_plane, traverse
from .metrics import elbo_standard_error, mean_metrics

__all__ = [
    "decodings",
    "elbo_standard_error",
    "interpolate",
    "kl_per_latent",
    "log_evidence",
    "mean_metrics",
    "normal_quantiles",
    "posteriors",
    "principal_plane",
    "traverse",
]
