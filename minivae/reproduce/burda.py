"""Importance Weighted Autoencoders (Burda, Grosse & Salakhutdinov 2016, 1509.00519), table 1: one stochastic layer.

784-200-200-50, tanh, Glorot's weights, the output bias at the logit of the clipped mean; Adam with betas (0.9, 0.999),
adam_eps 1e-4, batches of 20, 3^i passes at 0.001 10^(-i/7), i = 0 .. 7: 3,280 in all. Bits are drawn anew at every
presentation, or are static (the paper's appendix). NLL by 5,000 samples.

The full schedule takes some five hours on one core for k = 1; the last row is a schedule of ours that fits into one.
"""

from .published import Published

NETWORK = {"hidden": [200, 200], "latent": 50, "activation": "tanh", "output_bias": "mean"}
SCHEDULE = {"batch_size": 20, "epochs": 3280, "lr": 1e-3, "adam_eps": 1e-4, "schedule": "iwae-scaled"}
RESAMPLED = NETWORK | SCHEDULE | {"data": "mnist", "validation": 0}
STATIC = NETWORK | SCHEDULE | {"data": "static-mnist"}
STATIC_DIFFERS = "10,000 of the training images choose the epoch"
TABLE = [  # name, model, k, NLL and active units of resampled bits, NLL of static bits
    ("vae-1", {"model": "vae"}, 86.76, 19, 88.71),
    ("vae-5", {"model": "iwae", "samples": 5, "bound": "elbo"}, 86.47, 20, 88.83),
    ("vae-50", {"model": "iwae", "samples": 50, "bound": "elbo"}, 86.35, 20, 89.05),
    ("iwae-5", {"model": "iwae", "samples": 5}, 85.54, 22, 87.63),
    ("iwae-50", {"model": "iwae", "samples": 50}, 84.78, 25, 87.10),
]
IN_AN_HOUR = NETWORK | {"data": "mnist", "validation": 0, "batch_size": 100, "epochs": 700, "lr": 1.5e-3,
                        "schedule": "cosine"}  # fmt: skip


def _rows():
    for name, model, resampled, active, static in TABLE:
        kind, k = name.upper().split("-")
        what = f"{kind}, k = {k}"
        yield Published(f"burda-{name}", "Burda et al. 2016, table 1", what, resampled, 5000, RESAMPLED | model, active)
        yield Published(f"burda-static-{name}", "Burda et al. 2016, static bits", what, static, 5000, STATIC | model,
                        differs=STATIC_DIFFERS)  # fmt: skip
    yield Published("burda-vae-1-in-an-hour", "Burda et al. 2016, table 1", "VAE, k = 1, our schedule", 86.76, 5000,
                    IN_AN_HOUR, 19, "batches of 100, adam_eps 1e-8, lr 0.0015 that falls along a cosine")  # fmt: skip


ROWS = list(_rows())
