"""Models, one file per paper, on one template."""

from .ae import AE
from .base import Labels, Metric, Model
from .cvae import CVAE
from .iwae import IWAE
from .vae import VAE

__all__ = ["AE", "CVAE", "IWAE", "MODELS", "VAE", "Labels", "Metric", "Model"]

MODELS = {"vae": VAE, "iwae": IWAE, "cvae": CVAE, "ae": AE}
