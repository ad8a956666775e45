"""Measures of a trained model: metrics, evidence log p(x), latents, disentanglement, recovery, samples, anomalies."""

from .aggregate import aggregate_kl
from .annealed import Annealed, annealed_evidence
from .climb import Predictor, climb, fit_predictor
from .codebook import ChoiceParts, CodeUse, choice_parts, code_use
from .completions import completions
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
from .doctor import collapse_doctor, decoder_gain
from .evidence import Evidence, code_terms, log_evidence, row_scores, sampled_evidence
from .features import Classifier, augmented_accuracy, classifier_features, fit_classifier, principal_features
from .gap import Gap, approximation_gap, best_gaussian, best_heads
from .impute import impute
from .labels import confusion, errors_of_few
from .latent_space import ACTIVE, activity, kl_parts
from .latents import (
    Spread,
    carried_down,
    codes,
    decodings,
    interpolate,
    kl_per_latent,
    normal_quantiles,
    place_of,
    posteriors,
    traverse,
)
from .ledger import gradient_ledger, ledger_line
from .levels import Levels, by_level
from .lines import LineShares, PlaceKL, edit_distances, line_shares, perplexity, place_kl, tokens_of
from .metrics import elbo_standard_error, sampled_elbos
from .mixture import has_no_prior, mixture_of_codes
from .modes import ModeScores, call_rates, corrected_share, mode_scores, mode_width, near_modes
from .molecules import molecule_measures
from .recovery import Recovery, mean_correlation_coefficient
from .results import Result, hash_of, standard_error
from .samples import copies, expected_coverage, frechet_distance, manifold_scores, sharpness

__all__ = [
    "ACTIVE",
    "Annealed",
    "ChoiceParts",
    "Classifier",
    "CodeUse",
    "Evidence",
    "Gap",
    "Levels",
    "LineShares",
    "ModeScores",
    "PlaceKL",
    "Predictor",
    "Recovery",
    "Result",
    "Spread",
    "activity",
    "aggregate_kl",
    "annealed_evidence",
    "anomaly_scores",
    "approximation_gap",
    "augmented_accuracy",
    "auroc_interval",
    "aurocs",
    "best_gaussian",
    "best_heads",
    "beta_vae_score",
    "by_level",
    "call_rates",
    "carried_down",
    "choice_parts",
    "classifier_features",
    "climb",
    "code_terms",
    "code_use",
    "codes",
    "collapse_doctor",
    "completions",
    "confusion",
    "copies",
    "corrected_share",
    "dci",
    "decoder_gain",
    "decodings",
    "edit_distances",
    "elbo_standard_error",
    "errors_of_few",
    "expected_coverage",
    "factor_vae_score",
    "false_positive_rate",
    "fit_classifier",
    "fit_predictor",
    "frechet_distance",
    "gradient_ledger",
    "has_no_prior",
    "hash_of",
    "impute",
    "interpolate",
    "kl_parts",
    "kl_per_latent",
    "ledger_line",
    "line_shares",
    "log_evidence",
    "manifold_scores",
    "mean_correlation_coefficient",
    "mixture_of_codes",
    "mode_scores",
    "mode_width",
    "modularity",
    "molecule_measures",
    "mutual_information",
    "mutual_information_gap",
    "near_modes",
    "normal_quantiles",
    "perplexity",
    "place_kl",
    "place_of",
    "posteriors",
    "principal_features",
    "row_scores",
    "sampled_elbos",
    "sampled_evidence",
    "separated_attribute_predictability",
    "sharpness",
    "standard_error",
    "tokens_of",
    "traverse",
    "typicality",
]
