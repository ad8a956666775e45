"""The runs of figures.codes, beside those of figures.blur, in the order in which they are trained."""

CATEGORICAL = {"data": "static-mnist", "hidden": [400, 200], "latent": 20, "batch_size": 128, "epochs": 50, "lr": 2e-3,
               "schedule": "cosine"}  # fmt: skip
CHOICES = CATEGORICAL | {"model": "gumbel", "categories": 10}
MODAL = {"data": "mnist", "hidden": [400, 200], "latent": 16, "batch_size": 128, "epochs": 12, "schedule": "cosine"}
RUNS = {
    "choices-relaxed": CHOICES | {"gradient": "relaxed", "temperature": 1.0, "temperature_end": 0.5,
                                  "temperature_epochs": 25},
    "choices-straight-through": CHOICES | {"gradient": "straight-through", "temperature": 1.0, "temperature_end": 1.0},
    "choices-score": CHOICES | {"gradient": "score"},
    "choices-gaussian": CATEGORICAL | {"model": "vae"},
    "modal-product": MODAL | {"model": "multimodal", "experts": "product"},
    "modal-mixture": MODAL | {"model": "multimodal", "experts": "mixture"},
    "modal-vae": MODAL | {"model": "vae"},
}  # fmt: skip
GRADIENTS = {  # run: (what it is, -ELBO of Jang et al. 2017, table 1)
    "choices-relaxed": ("Gumbel-softmax, relaxed", "101.5"),
    "choices-straight-through": ("Gumbel-softmax, straight-through", "107.8"),
    "choices-score": ("score function", "110.6"),
    "choices-gaussian": ("VAE, Gaussian latents", ""),
}
