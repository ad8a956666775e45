"""Jang, Gu & Poole 2017 (1611.01144), table 1, the columns of categorical latents: 20 choices among 10 on MNIST.

The numbers are negative ELBOs, which is what one sample of the posterior estimates. Networks, optimizer and number of
epochs are not in the table, so that its order can be met, and its numbers not.
"""

from .published import Published

SETTINGS = {"model": "gumbel", "data": "static-mnist", "hidden": [400, 200], "latent": 20, "categories": 10,
            "batch_size": 128, "epochs": 50, "lr": 2e-3, "schedule": "cosine"}  # fmt: skip
RELAXED = {"temperature": 1.0, "temperature_end": 0.5, "temperature_epochs": 25}
DIFFERS = "784-400-200, static bits, Adam and 50 epochs, where the paper has others or does not say"


def _row(name, what, nll, **own):
    return Published(f"jang-{name}", "Jang et al. 2017, table 1", what, nll, 1, SETTINGS | own, differs=DIFFERS)


ROWS = [
    _row("relaxed", "Gumbel-softmax, 20 x 10", 101.5, gradient="relaxed", **RELAXED),
    _row("straight-through", "straight-through Gumbel, 20 x 10", 107.8, gradient="straight-through", temperature=1.0,
         temperature_end=1.0),
    _row("score", "score function, 20 x 10", 110.6, gradient="score"),
]  # fmt: skip
