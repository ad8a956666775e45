"""altosaar/variational-autoencoder, the reference implementation of a much-read tutorial: a VAE with a mean field.

784-256-256-128, ReLU, static bits, batches of 128, learning rate 0.001, 30,000 steps (77 epochs), the weights that are
best on the validation images, NLL by 128 samples. It is trained by a centered RMSprop.
"""

from .published import Published

ROWS = [
    Published(
        "altosaar-vae", "altosaar/variational-autoencoder", "VAE 784-256-256-128", 97.10, 128,
        {"model": "vae", "data": "static-mnist", "hidden": [256, 256], "latent": 128, "batch_size": 128, "epochs": 77},
        differs="Adam in the place of a centered RMSprop; the best of all epochs, not of every 10,000th step",
    ),
]  # fmt: skip
