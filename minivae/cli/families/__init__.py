"""The families of measures, a file each: what `minivae evaluate RUN --measure NAME` computes, prints and draws."""

from . import latents  # noqa: F401
from .base import MEASURES as MEASURES
from .base import Case as Case
