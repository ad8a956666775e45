"""Pythae (Chadebec, Vincent & Allassonniere 2022, 2206.08309), its table of reproduced results: a plain VAE.

784-400-40, ReLU, Adam, static bits, the epoch that is best on the validation images, NLL by 200 samples. Its learning
rate falls by 10^(-1/5) at epochs 200, 350, 500, 750 and 1,000; its batch size and its last epoch are not in its files.
"""

from .published import Published

ROWS = [
    Published(
        "pythae-vae", "pythae, reproduced results", "VAE 784-400-40", 89.78, 200,
        {"model": "vae", "data": "static-mnist", "hidden": [400], "latent": 40, "batch_size": 100, "epochs": 200,
         "schedule": "cosine"},
        differs="batch size and number of epochs are not published; lr falls along a cosine over 200 epochs",
    ),
]  # fmt: skip
