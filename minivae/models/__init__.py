"""Models, one file per paper, on one template."""

from .vae import VAE

MODELS = {"vae": VAE}
