"""Pictures: one style, one palette, labeled axes with units. Each function writes one file, always the same bytes."""

from .attention import draw_attention
from .chain import draw_chain
from .checks import draw_error_curves, draw_matrix, draw_parity
from .codes import draw_code_use
from .columns import association_matrices, marginals, reconstructed_columns
from .curves import comparison, learning_curves
from .detection import draw_detection
from .disentanglement import draw_disentanglement
from .estimators import draw_estimators
from .evidence import draw_evidence
from .exact import draw_bound_and_gap, draw_linear_training
from .images import animation, pairs, reconstructions, samples, square, walks
from .labels import draw_confusion, draw_errors
from .latent import SHOWN, latent_means, principal_plane, uncertainty
from .latent_space import draw_kl
from .ledger import COLLAPSED, draw_ledger
from .likeness import draw_manifold_scores, draw_neighbors
from .lines import draw_lines, marked, repeated, side_by_side
from .modes import draw_class_shares, draw_mode_samples
from .molecules import draw_molecules
from .pencil import draw_pencil
from .places import draw_place_kl
from .recovery import draw_recovery
from .style import BLUE, CLASSES, GREY, ORANGE, check_matplotlib, figure_to
from .tiles import Tiles

__all__ = [
    "BLUE",
    "CLASSES",
    "COLLAPSED",
    "GREY",
    "ORANGE",
    "SHOWN",
    "Tiles",
    "animation",
    "association_matrices",
    "check_matplotlib",
    "comparison",
    "draw_attention",
    "draw_bound_and_gap",
    "draw_chain",
    "draw_class_shares",
    "draw_code_use",
    "draw_confusion",
    "draw_disentanglement",
    "draw_detection",
    "draw_error_curves",
    "draw_errors",
    "draw_estimators",
    "draw_evidence",
    "draw_kl",
    "draw_ledger",
    "draw_linear_training",
    "draw_lines",
    "draw_manifold_scores",
    "draw_matrix",
    "draw_mode_samples",
    "draw_molecules",
    "draw_neighbors",
    "draw_parity",
    "draw_pencil",
    "draw_place_kl",
    "draw_recovery",
    "figure_to",
    "latent_means",
    "learning_curves",
    "marginals",
    "marked",
    "pairs",
    "principal_plane",
    "reconstructed_columns",
    "reconstructions",
    "repeated",
    "samples",
    "side_by_side",
    "square",
    "uncertainty",
    "walks",
]
