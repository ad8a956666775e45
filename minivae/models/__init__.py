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
<<<<<<< HEAD
<<<<<<< HEAD
          "net": PlainNet, "ae": AE, "aae": AAE, "vaegan": VAEGAN, "vqvae": VQVAE, "gumbel": GumbelVAE,
<<<<<<< HEAD
          "seqvae": SeqVAE, "lm": LanguageModel, "ddpm": DDPM}  # fmt: skip
=======
          "net": PlainNet, "ae": AE, "aae": AAE, "vaegan": VAEGAN, "gan": GAN, "vqvae": VQVAE, "gumbel": GumbelVAE,
          "seqvae": SeqVAE, "lm": LanguageModel}  # fmt: skip
>>>>>>> 2c42a49d9f007d4ca8110b8ac0d5d953e567c320
=======
          "seqvae": SeqVAE, "lm": LanguageModel, "nvp": RealNVP}  # fmt: skip
>>>>>>> a938b58109521b815fef1af4a9d5442f83a5c75b
=======
          "net": PlainNet, "ae": AE, "aae": AAE, "vaegan": VAEGAN, "gan": GAN, "vqvae": VQVAE, "gumbel": GumbelVAE,
          "seqvae": SeqVAE, "lm": LanguageModel, "nvp": RealNVP, "ppca": PPCA}  # fmt: skip
>>>>>>> 778272b8a022ad4900383707f15d0521f02af52f

__all__ = ["MODELS", "Labels", "Metric", "Model", *(cls.__name__ for cls in MODELS.values())]
