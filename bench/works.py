"""What is timed: each work is one model, one kind of use, and the arrays that every peer gets."""

import ast
import math
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Work:
    """`kind`: "step" is a training step on a batch of N, the others are uses of the model on N images.

    `units` is what a repetition's seconds are divided by, `unit` what the quotient is called; `repeat` repetitions
    make a block of about a second. `goals`: largest ratio to PyTorch eager, and to the best peer.
    """

    name: str
    kind: str
    shape: tuple
    hidden: tuple
    latent: int
    N: int
    activation: str = "relu"
    channels: tuple = ()
    K: int = 1
    repeat: int = 50
    goals: tuple = (math.inf, math.inf)
    units: float = 1e-3
    unit: str = "ms a step"

    @property
    def arch(self):
        return "conv" if self.channels else "dense"


MNIST = Work("dense 784-400-20, batch 128", "step", (28, 28, 1), (400,), 20, 128, goals=(0.85, 1.0))
USE = replace(MNIST, N=10_000, repeat=3, units=1.0, unit="s for 10,000 images", goals=(0.9, 1.0))

WORKS = {
    "digits": Work("dense 64-128-8, batch 64", "step", (8, 8, 1), (128,), 8, 64, repeat=300, goals=(0.35, 0.5)),
    "mnist": MNIST,
    "deep": Work(
        "dense 784-200-200-50, tanh, batch 100", "step", (28, 28, 1), (200, 200), 50, 100, "tanh", goals=(0.85, 1.0)
    ),
    "conv": Work(
        "conv 28x28x1, 32 and 64 channels, dense 256, latent 16, batch 128",
        *("step", (28, 28, 1), (256,), 16, 128),
        channels=(32, 64),
        repeat=10,
        goals=(1.0, 1.1),
    ),
    "evidence": replace(
        *(USE,),
        name="importance-sampled log p(x), K = 5000",
        kind="evidence",
        K=5000,
        N=10,
        repeat=1,
        units=10 / 1000,
        unit="s for 1,000 images",
    ),
    "encode": replace(USE, name="encode 10,000 images", kind="encode"),
    "decode": replace(USE, name="decode 10,000 latents", kind="decode"),
    "sample": replace(USE, name="sample 10,000 images", kind="sample"),
}

CHECKED = 10  # steps whose losses are compared
BATCHES = 8  # batches that a step takes in turn


def find(key):
    """The work of a key, "mnist" say, or one that differs in some fields: "mnist N=512; hidden=(800,)"."""
    name, *fields = key.split(" ", 1)
    changes = dict(field.split("=") for field in fields[0].split("; ")) if fields else {}
    return replace(WORKS[name], **{field: ast.literal_eval(value) for field, value in changes.items()})


def arrays(work, seed=0):
    """{"x": (batches, N, D) bits, "eps": (CHECKED, K, N, L) noise}, float32."""
    rng = np.random.default_rng(seed)
    D = math.prod(work.shape)
    batches = BATCHES if work.kind == "step" else 1
    x = rng.random((batches, work.N, D), dtype="float32") < rng.beta(0.3, 1.2, D)
    eps = rng.standard_normal((CHECKED if batches > 1 else 1, work.K, work.N, work.latent), dtype="float32")
    return {"x": x.astype("float32"), "eps": eps}
