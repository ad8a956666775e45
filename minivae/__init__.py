"""minivae: variational autoencoders from scratch in NumPy and CuPy, every gradient derived by hand and checked."""

__version__ = "0.1.0"

from . import plot
from .data import Dataset, load_data
from .evaluate import log_evidence
from .gradcheck import check_gradients, diagnose
from .metrics import mean_metrics
from .models import VAE
from .optim import SGD, Adam, AdamW
from .train import fit

__all__ = [
    "SGD",
    "VAE",
    "Adam",
    "AdamW",
    "Dataset",
    "check_gradients",
    "diagnose",
    "fit",
    "load_data",
    "log_evidence",
    "mean_metrics",
    "plot",
]
