"""What is timed: each work is one model, one kind of use, and the arrays that every peer gets."""

import ast
import math
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Work:
    """`kind`: "step" is a training step on a batch of N; the others are uses of the model on N images.

    `goals`: largest ratio to PyTorch eager, and to the best peer.
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
    goals: tuple = (math.inf, math.inf)

    @property
    def arch(self):
        return "conv" if self.channels else "dense"

    @property
    def unit(self):
        """(its name, how many of it a repetition's seconds are)."""
        if self.kind == "step":
            return "ms a step", 1e3
        return ("s for 1,000 images", 1000 / self.N) if self.kind == "evidence" else ("ms for 10,000", 1e7 / self.N)


MNIST = Work("dense 784-400-20, batch 128", "step", (28, 28, 1), (400,), 20, 128, goals=(0.85, 1.0))
USE = replace(MNIST, N=10_000, goals=(0.9, 1.0))

WORKS = {
    "digits": Work("dense 64-128-8, batch 64", "step", (8, 8, 1), (128,), 8, 64, goals=(0.35, 0.5)),
    "mnist": MNIST,
    "deep": replace(
        MNIST, name="dense 784-200-200-50, tanh, batch 100", hidden=(200, 200), latent=50, N=100, activation="tanh"
    ),
    "conv": replace(
        MNIST,
        name="conv 32-64, dense 256, latent 16, batch 128",
        channels=(32, 64),
        hidden=(256,),
        latent=16,
        goals=(1.0, 1.1),
    ),
    "evidence": replace(USE, name="log p(x), K = 5000", kind="evidence", K=5000, N=10),
    "encode": replace(USE, name="encode", kind="encode"),
    "decode": replace(USE, name="decode", kind="decode"),
    "sample": replace(USE, name="sample", kind="sample"),
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
