"""The families of measures, a file each: what `minivae evaluate RUN --measure NAME` computes, prints and draws."""

from . import cross, detection, disentanglement, labels, latents, recovery, samples  # noqa: F401 - they are found in MEASURES
from .base import MEASURES as MEASURES
from .base import Case as Case
