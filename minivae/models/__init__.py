"""Models, one file per paper, on one template."""

from .ae import AE
from .base import Labels, Metric, Model
from .cvae import CVAE
from .flow import FlowVAE
from .hvae import HVAE
from .iaf import IAFVAE
from .iwae import IWAE
from .ladder import LadderVAE
from .m2 import M2
from .mixture import MixtureVAE
from .realnvp import RealNVPVAE
from .vae import VAE
from .vamp import VampVAE

MODELS = {"vae": VAE, "iwae": IWAE, "flow": FlowVAE, "iaf": IAFVAE, "vamp": VampVAE, "mixture": MixtureVAE,
          "realnvp": RealNVPVAE, "hvae": HVAE, "ladder": LadderVAE, "cvae": CVAE, "m2": M2, "ae": AE}  # fmt: skip

__all__ = ["MODELS", "Labels", "Metric", "Model", *(cls.__name__ for cls in MODELS.values())]
