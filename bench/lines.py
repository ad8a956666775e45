"""python -m bench.lines: tokens a second of the models of lines beside their twins in PyTorch, on one core.

A twin is the model as people write it in PyTorch, eager: modules that take our parameters, token numbers x (N, T) and
our noise, and give the loss. A step has the optimizer's in it, Adam after clipping by the norm.
"""

import argparse
import os
import time
from functools import partial
from typing import NamedTuple

if __name__ == "__main__":
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is imported

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from minivae.backend import generator, keep_freed_memory
from minivae.laboratory import timing
from minivae.layers.lines import END, UNKNOWN
from minivae.models import MODELS
from minivae.tables import markdown

from .pytorch import load, parts
from .variants import LIMIT

CLIP = 5.0


class Recurrent(nn.Module):
    def __init__(self, n_in, hidden):
        super().__init__()
        self.gru = nn.GRU(n_in, hidden[0], len(hidden), batch_first=True)

    def forward(self, x):
        return self.gru(x)[0]


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.qkv, self.mix = nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.norm2, self.up, self.down = nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        q, k, v = (a.unflatten(-1, (self.heads, -1)).transpose(1, 2) for a in self.qkv(self.norm1(x)).chunk(3, -1))
        x = x + self.mix(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))
        return x + self.down(F.relu(self.up(self.norm2(x))))


class Transformer(nn.Module):
    def __init__(self, n_in, hidden, heads, T):
        super().__init__()
        width = hidden[0]
        self.first, self.positions = nn.Linear(n_in, width), nn.Embedding(T, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in hidden))
        self.norm = nn.LayerNorm(width)

    def forward(self, x):
        return self.norm(self.blocks(self.first(x) + self.positions.weight[: x.shape[1]]))


def body(n_in, hidden, arch, heads, T):
    return Recurrent(n_in, hidden) if arch == "gru" else Transformer(n_in, hidden, heads, T)


class Encoder(nn.Module):
    def __init__(self, V, T, hidden, embedding, latent, arch, heads):
        super().__init__()
        self.embedding = nn.Embedding(V, embedding)
        self.body = body(embedding, hidden, arch, heads, T)
        self.heads = nn.Linear(hidden[-1], 2 * latent)

    def forward(self, x, ends):
        states = self.body(self.embedding(x))
        return self.heads(states[torch.arange(len(x)), ends]).chunk(2, -1)


class Decoder(nn.Module):
    def __init__(self, V, T, hidden, embedding, latent, arch, heads):
        super().__init__()
        self.embedding = nn.Embedding(V, embedding)
        self.body = body(embedding + latent, hidden, arch, heads, T)
        self.out = nn.Linear(hidden[-1], V)

    def forward(self, x, z=None, unseen=None):
        """Logits (N, T, V); `unseen` (N, T) is 1 where a token is hidden."""
        seen = x if unseen is None else x.masked_fill(unseen > 0, UNKNOWN)
        e = self.embedding(F.pad(seen[:, :-1], (1, 0), value=END))
        if z is not None:
            e = torch.cat([e, z[:, None].expand(-1, e.shape[1], -1)], -1)
        return self.out(self.body(e))


def ends_of(x):
    """The place of the first end mark of each line, or the last place."""
    is_end = x == END
    is_end[:, -1] = True
    return is_end.long().argmax(-1)


def cross_entropy(logits, x, ends):
    """-log p(x | z) of all lines, without what stands behind their ends."""
    behind = torch.arange(x.shape[1]) > ends[:, None]
    return F.cross_entropy(logits.flatten(0, 1), x.masked_fill(behind, -100).flatten(), reduction="sum")


class SeqVAE(nn.Module):
    def __init__(self, V, T, hidden, embedding=64, latent=32, arch="gru", heads=4, beta=1.0):
        super().__init__()
        self.encoder = Encoder(V, T, hidden, embedding, latent, arch, heads)
        self.decoder = Decoder(V, T, hidden, embedding, latent, arch, heads)
        self.beta = beta

    def forward(self, x, eps, dec=None):
        ends = ends_of(x)
        mu, log_var = self.encoder(x, ends)
        z = mu + torch.exp(0.5 * log_var) * eps
        kl = 0.5 * (mu * mu + log_var.exp() - 1 - log_var).sum()
        return (cross_entropy(self.decoder(x, z, dec), x, ends) + self.beta * kl) / len(x)


class LanguageModel(nn.Module):
    def __init__(self, V, T, hidden, embedding=64, arch="gru", heads=4):
        super().__init__()
        self.decoder = Decoder(V, T, hidden, embedding, 0, arch, heads)

    def forward(self, x, dec=None):
        return cross_entropy(self.decoder(x, None, dec), x, ends_of(x)) / len(x)


TWINS = {"seqvae": SeqVAE, "lm": LanguageModel}


def twin_of(model, twin):
    """The twin with the model's parameters, in its dtype."""
    twin.to(getattr(torch, model.theta.dtype.name))
    load(twin, [param.data for param in model.params.values()])
    return twin


def given(x, noise):
    """What a twin is called with: numbers of tokens, and the noise that there is by its name."""
    drawn = {name: torch.tensor(array) for name, array in noise.items() if isinstance(array, np.ndarray)}
    return torch.tensor(x).long(), drawn


def gradients(twin):
    """In the order and the shapes of ours."""
    return [view(parameter.grad) for parameter, view in parts(twin)]


# ---- Time


class Work(NamedTuple):
    """All N lines are T tokens long, the end mark included, so that each place counts."""

    model: str
    N: int
    T: int
    V: int
    options: dict


WORKS = {
    "seqvae, names": Work("seqvae", 128, 8, 28, {"hidden": [128], "latent": 16}),
    "lm, names": Work("lm", 128, 8, 28, {"hidden": [128]}),
    "seqvae, molecules": Work("seqvae", 64, 45, 40, {"hidden": [256], "latent": 32}),
    "lm, molecules": Work("lm", 64, 45, 40, {"hidden": [256]}),
    "seqvae, words": Work("seqvae", 64, 12, 10_000, {"hidden": [256], "latent": 32}),
    "transformer, molecules": Work(
        "seqvae", 64, 45, 40, {"hidden": [128, 128], "latent": 32, "arch": "transformer", "heads": 4}
    ),
}


def training_step(twin, x, drawn):
    """f(i): a step of the default Adam, as `minivae.laboratory.timing.training_step`."""
    optimizer = torch.optim.Adam(twin.parameters())

    def step(i):
        optimizer.zero_grad()
        twin(x, **drawn).backward()
        nn.utils.clip_grad_norm_(twin.parameters(), CLIP)
        optimizer.step()

    return step


def seconds_of(step):
    """Seconds of the processor, since other programs may have their share of it."""
    began = time.process_time()
    step(0)
    return time.process_time() - began


def measure(label, rounds, rng):
    """A row of the table."""
    work = WORKS[label]
    keep_freed_memory()
    model = MODELS[work.model].build((work.T,), rng, vocabulary=work.V, **work.options)
    x = rng.integers(1, work.V, (work.N, work.T)).astype("float32")
    x[:, -1] = END
    noise = model.draw_noise(generator(0, "noise"), len(x))
    twin = twin_of(model, TWINS[work.model](work.V, work.T, **work.options))
    rows, drawn = given(x, noise)
    model.loss_and_grads(x, noise)
    twin(rows, **drawn).backward()
    pairs = zip(model.params.values(), gradients(twin), strict=True)
    part = max(np.abs(param.grad - g.numpy()).max() for param, g in pairs) / np.abs(model.grad).max()
    if not part < LIMIT:
        raise ValueError(f"{label}: expected the same gradients, got a difference of {part:.1e} of the largest")
    steps = {"ours": timing.training_step(model, x, clip=CLIP), "theirs": training_step(twin, rows, drawn)}
    seconds = {who: partial(seconds_of, step) for who, step in steps.items()}
    timing.in_turns(seconds, 3)  # the first steps are slower
    times = timing.in_turns(seconds, rounds)
    a, b = (timing.quartiles(times[who]).median for who in ("ours", "theirs"))
    r = timing.ratio(times["ours"], times["theirs"])
    tokens = (f"{x.size / t:,.0f}" for t in (a, b))
    return label, f"{a * 1e3:.2f}", f"{b * 1e3:.2f}", f"{r.median:.2f} ({r.low:.2f}-{r.high:.2f})", *tokens


def main():
    parser = argparse.ArgumentParser(prog="python -m bench.lines", description=__doc__)
    parser.add_argument("--works", nargs="+", choices=WORKS, default=list(WORKS), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=40, metavar="N")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = [measure(label, args.rounds, np.random.default_rng(0)) for label in args.works]
    head = "work", "ours, ms a step", "PyTorch, ms a step", "ratio (quartiles)", "tokens a second", "PyTorch's"
    print(markdown(head, *rows))


if __name__ == "__main__":
    main()
