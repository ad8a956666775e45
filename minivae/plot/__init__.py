"""Pictures: one style, one palette, labeled axes with units. Each function writes one file, always the same bytes."""

from .curves import comparison, learning_curves
from .images import animation, reconstructions, samples, walks
from .latent import latent_means, principal_plane, uncertainty
from .ledger import COLLAPSED, draw_ledger
from .style import BLUE, CLASSES, GREY, ORANGE, figure_to

__all__ = [
    "BLUE",
    "CLASSES",
    "COLLAPSED",
    "GREY",
    "ORANGE",
    "animation",
    "comparison",
    "draw_ledger",
    "figure_to",
    "latent_means",
    "learning_curves",
    "principal_plane",
    "reconstructions",
    "samples",
    "uncertainty",
    "walks",
]
