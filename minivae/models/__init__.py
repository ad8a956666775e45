"""Models, one file per paper, on one template."""

from .ae import AE
from .base import Labels, Metric, Model
from .cvae import CVAE
from .hvae import HVAE
from .iwae import IWAE
from .ladder import LadderVAE
from .vae import VAE

__all__ = ["AE", "CVAE", "HVAE", "IWAE", "MODELS", "LadderVAE", "VAE", "Labels", "Metric", "Model"]

MODELS = {"vae": VAE, "iwae": IWAE, "cvae": CVAE, "ae": AE, "hvae": HVAE, "ladder": LadderVAE}
