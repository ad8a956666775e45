"""What is timed: each work is one model, one kind of use, and the arrays that every peer gets."""

import ast
import math
from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True)
class Work:
    """`kind`: "step" is a training step on a batch of N; the others are uses of the model on N images.

    `shape` is (h, w, c) of images, or (T,) of lines, whose `options` say how many tokens there are. `hidden` and
    `latent` are None of a model that has codes at places. `K`: samples of z inside the logarithm; 0: there is no
    such logarithm. `goals`: largest ratio to PyTorch eager, to the best peer on one thread, and on two.
    """

    name: str
    kind: str
    shape: tuple
    hidden: tuple | None
    latent: int | None
    N: int
    activation: str = "relu"
    channels: tuple = ()
    K: int = 0
    model: str = "vae"
    options: dict = field(default_factory=dict)
    goals: tuple | None = None

    @property
    def is_lines(self):
        return len(self.shape) == 1

    @property
    def noise(self):
        """The shape of the noise of N examples; None without latents."""
        if self.latent is None:
            return None
        return (self.K, self.N, self.latent) if self.K else (self.N, self.latent)

    @property
    def settings(self):
        """What the model is built with."""
        settings = {"hidden": self.hidden, "latent": self.latent} | self.options
        if not self.is_lines:
            arch = "conv" if self.channels else "dense"
            settings |= {"arch": arch, "channels": self.channels, "activation": self.activation}
        return settings | {"samples": self.K} if self.K and self.kind == "step" else settings

    @property
    def unit(self):
        """(its name, how many of it a repetition's seconds are)."""
        if self.kind == "step":
            return "ms a step", 1e3
        return ("s for 1,000 images", 1000 / self.N) if self.kind == "evidence" else ("ms for 10,000", 1e7 / self.N)


MNIST = Work("dense 784-400-20, batch 128", "step", (28, 28, 1), (400,), 20, 128, goals=(0.65, 0.9, 1.0))
USE = replace(MNIST, N=10_000, goals=(0.9, 1.0, 1.0))
FURTHER = replace(MNIST, goals=None)

WORKS = {
    "digits": Work("dense 64-128-8, batch 64", "step", (8, 8, 1), (128,), 8, 64, goals=(0.2, 0.8, 0.8)),
    "mnist": MNIST,
    "deep": replace(
        MNIST,
        name="dense 784-200-200-50, tanh, batch 100",
        hidden=(200, 200),
        latent=50,
        N=100,
        activation="tanh",
        goals=(0.6, 0.9, 1.0),
    ),
    "conv": replace(
        MNIST,
        name="conv 32-64, dense 256, latent 16, batch 128",
        channels=(32, 64),
        hidden=(256,),
        latent=16,
        goals=(0.75, 0.85, 1.0),
    ),
    "evidence": replace(USE, name="log p(x), K = 5000", kind="evidence", K=5000, N=10, goals=(0.5, 0.85, 1.0)),
    "encode": replace(USE, name="encode", kind="encode"),
    "decode": replace(USE, name="decode", kind="decode"),
    "sample": replace(USE, name="sample", kind="sample"),
    "iwae": replace(FURTHER, name="IWAE, K = 5, dense 784-400-20, batch 128", model="iwae", K=5),
    "planar": replace(
        FURTHER,
        name="planar posterior of 20 flows, dense 784-400-20, batch 128",
        model="flow",
        K=1,
        options={"flow": "planar", "flows": 20},
    ),
    "vqvae": replace(
        FURTHER,
        name="VQ-VAE, conv 32-64, 128 codes of 16 at 7x7, PixelCNN, batch 128",
        model="vqvae",
        channels=(32, 64),
        hidden=None,
        latent=None,
        options={"codes": 128, "width": 16, "codebook": "loss", "revive": 0.0},
    ),
    "gru": Work(
        "GRU of 8 letters, 28 tokens, 128 units, latent 16, batch 128",
        "step",
        (8,),
        (128,),
        16,
        128,
        model="seqvae",
        options={"vocabulary": 28},
    ),
    "conv64": Work(
        "conv 64x64, 32-32-64-64, dense 256, latent 10, batch 64",
        "step",
        (64, 64, 1),
        (256,),
        10,
        64,
        channels=(32, 32, 64, 64),
    ),
}

CHECKED = 10  # steps whose losses are compared
BATCHES = 8  # batches that a step takes in turn


def find(key):
    """The work of a key, "mnist" say, or one that differs in some fields: "mnist N=512; hidden=(800,)"."""
    name, *fields = key.split(" ", 1)
    changes = dict(field.split("=") for field in fields[0].split("; ")) if fields else {}
    return replace(WORKS[name], **{field: ast.literal_eval(value) for field, value in changes.items()})


def arrays(work, seed=0):
    """{"x": (batches, N, D) bits, or tokens of lines that end with 0; "eps": noise, CHECKED times}, float32."""
    rng = np.random.default_rng(seed)
    D = math.prod(work.shape)
    batches, times = (BATCHES, CHECKED) if work.kind == "step" else (1, 1)
    if work.is_lines:
        x = rng.integers(1, work.options["vocabulary"], (batches, work.N, D))
        x[..., -1] = 0
    else:
        x = rng.random((batches, work.N, D), dtype="float32") < rng.beta(0.3, 1.2, D)
    eps = None if work.noise is None else rng.standard_normal((times, *work.noise), dtype="float32")
    return {"x": x.astype("float32"), "eps": eps}
