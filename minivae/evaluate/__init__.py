"""Measures of a trained model: averages of its own metrics, the evidence log p(x), and walks through its latents."""

from .evidence import impute, log_evidence, row_scores
from .features import Classifier, augmented_accuracy, classifier_features, fit_classifier, principal_features
from .latents import Spread, codes, decodings, interpolate, kl_per_latent, normal_quantiles, posteriors, traverse
from .ledger import gradient_ledger, ledger_line
from .metrics import elbo_standard_error
from .samples import copies, expected_coverage, frechet_distance, manifold_scores, sharpness

__all__ = [
    "Classifier",
    "Spread",
    "augmented_accuracy",
    "classifier_features",
    "codes",
    "copies",
    "decodings",
    "elbo_standard_error",
    "expected_coverage",
    "fit_classifier",
    "frechet_distance",
    "gradient_ledger",
    "impute",
    "interpolate",
    "kl_per_latent",
    "ledger_line",
    "log_evidence",
    "manifold_scores",
    "normal_quantiles",
    "posteriors",
    "principal_features",
    "row_scores",
    "sharpness",
    "traverse",
]
