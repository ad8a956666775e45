"""Measures of a trained model: averages of its own metrics, and the evidence log p(x)."""

from .evidence import log_evidence
from .metrics import elbo_standard_error, mean_metrics

__all__ = ["elbo_standard_error", "log_evidence", "mean_metrics"]
