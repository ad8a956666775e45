"""Papamakarios, Pavlakou & Murray (2017), "Masked Autoregressive Flow for Density Estimation", 1705.07057: RealNVP.

Five couplings on MNIST's grey levels, dequantized and seen through a logit with alpha 1e-6; 1.93 bits per pixel, which
is quoted from memory. In nats of a whole image that is 1.93 * 784 log 2 = 1048.8.
"""

from .published import Published

ROWS = [
    Published(
        "maf-realnvp-5", "Papamakarios et al. 2017, from memory", "RealNVP, 5 couplings; 1.93 bits a pixel", 1048.8, 1,
        {"model": "nvp", "data": "mnist", "dequantize": True, "flows": 5, "hidden": [256, 256], "logit_alpha": 1e-6,
         "bins": 1, "epochs": 14, "batch_size": 100, "optimizer": "adamw", "weight_decay": 0.1, "lr": 1e-3,
         "schedule": "cosine", "ema": 0.999},
        differs="two hidden layers of 256 units; scales and shifts that learn, in the place of batch norm; AdamW at "
                "1e-3 falling to 0 in 14 epochs and an average of the parameters, in the place of Adam at 1e-4 with "
                "early stopping; a checkerboard mask; the test levels are dequantized once, by seed 0",
    ),
]  # fmt: skip
