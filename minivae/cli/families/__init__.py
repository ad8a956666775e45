"""The families of measures, a file each: what `minivae evaluate RUN --measure NAME` computes, prints and draws."""

from . import (  # noqa: F401 - they are found in MEASURES
    cross,
    detection,
    disentanglement,
    labels,
    latents,
    lines,
    modes,
    molecules,
    recovery,
    samples,
)
from .base import MEASURES as MEASURES
from .base import Case as Case
