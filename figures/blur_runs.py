"""The runs of figures.blur, in the order in which they are trained: the same images, networks and number of epochs."""

BITS = 49 * 7  # of 7x7 codes, each one of 128
FASHION = {"data": "fashion", "binarize": "none", "arch": "conv", "channels": [32, 64], "hidden": [256], "latent": 20,
           "batch_size": 128, "epochs": 12, "lr": 1e-3, "schedule": "cosine"}  # fmt: skip
FASHION_CODES = {name: value for name, value in FASHION.items() if name not in ("hidden", "latent")}
GAUSSIAN = {"likelihood": "gaussian", "dequantize": True}
NATS = 237.75  # BITS ln 2

BASE = {"likelihood": "gaussian-fixed", "std": 0.3}
RUNS = {
    "blur-vae": FASHION | BASE | {"model": "vae"},
    "blur-wide": FASHION | BASE | {"model": "vae", "std": 0.5},
    "blur-learned": FASHION | GAUSSIAN | {"model": "vae"},
    "blur-beta-binomial": FASHION | {"model": "vae", "likelihood": "beta-binomial"},
    "blur-bits": FASHION | GAUSSIAN | {"model": "capacity", "latent": 64, "capacity": NATS, "capacity_epochs": 4,
                                       "gamma": 10.0},
    "blur-aae": FASHION | GAUSSIAN | {"model": "aae", "gamma": 30.0},
    "blur-vqvae": FASHION_CODES | GAUSSIAN | {"model": "vqvae", "codes": 128, "commit": 5.0},
    "blur-vaegan": FASHION | BASE | {"model": "vaegan", "gamma": 0.02, "feature_std": 0.3},
    "blur-logistic-mixture": FASHION | {"model": "vae", "likelihood": "logistic-mixture"},
}  # fmt: skip

ROWS = {  # what a run is, in the order of the page
    "blur-vae": "VAE, std 0.3",
    "blur-wide": "VAE, std 0.5",
    "blur-learned": "VAE, learned std",
    "blur-beta-binomial": "VAE, beta-binomial",
    "blur-logistic-mixture": "VAE, mixture of logistics",
    "blur-bits": f"VAE of {BITS} bits",
    "blur-vqvae": "VQ-VAE",
    "blur-aae": "adversarial autoencoder",
    "blur-vaegan": "VAE-GAN",
}


def means(model, n, rng):
    """Means of p(x | z), z from the prior."""
    return model.sample(n, rng)


def with_noise(model, n, rng):
    """Draws of p(x | z), z from the prior."""
    return model.sample(n, rng, draw=rng)


def uniform_codes(model, n, rng):
    """Means of p(x | z), each code as likely as each other one."""
    return model.decode(rng.integers(0, model.K, (n, model.T)))


WAYS = {name: {"means": means} for name in ROWS}
WAYS["blur-learned"] = {"means": means, "with noise": with_noise}
WAYS["blur-vqvae"] = {"means": means, "uniform codes": uniform_codes}
