"""Models, one file per paper, on one template."""

from .aae import AAE
from .ae import AE
from .base import Metric, Model
from .capacity import CapacityVAE
from .cvae import CVAE
from .ddpm import DDPM
from .factorvae import FactorVAE
from .flow import FlowVAE
from .gan import GAN
from .gumbel import GumbelVAE
from .halves import HalvesVAE
from .hvae import HVAE
from .iaf import IAFVAE
from .ivae import IVAE
from .iwae import IWAE
from .labels import Labels
from .ladder import LadderVAE
from .lm import LanguageModel
from .m2 import M2
from .mixture import MixtureVAE
from .multimodal import Multimodal
from .net import PlainNet
from .nvp import RealNVP
from .ppca import PPCA
from .realnvp import RealNVPVAE
from .seqvae import SeqVAE
from .tcvae import TCVAE
from .vae import VAE
from .vaegan import VAEGAN
from .vamp import VampVAE
from .vqvae import VQVAE

MODELS = {"vae": VAE, "iwae": IWAE, "flow": FlowVAE, "iaf": IAFVAE, "vamp": VampVAE, "mixture": MixtureVAE,
          "realnvp": RealNVPVAE, "hvae": HVAE, "ladder": LadderVAE, "capacity": CapacityVAE, "tcvae": TCVAE,
          "factorvae": FactorVAE, "cvae": CVAE, "ivae": IVAE, "m2": M2, "multimodal": Multimodal, "halves": HalvesVAE,
          "net": PlainNet, "ae": AE, "aae": AAE, "vaegan": VAEGAN, "gan": GAN, "vqvae": VQVAE, "gumbel": GumbelVAE,
          "seqvae": SeqVAE, "lm": LanguageModel, "nvp": RealNVP, "ddpm": DDPM, "ppca": PPCA}  # fmt: skip

__all__ = ["MODELS", "Labels", "Metric", "Model", *(cls.__name__ for cls in MODELS.values())]
