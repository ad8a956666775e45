"""Hierarchies of latents by PyTorch, as people write them, with Bernoulli pixels. It does not import minivae.

The order of the parameters is that of ours: the networks of p(z1 | z2), .., of q(z2 | z1), .., encoder, decoder.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Normal

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}


def mlp(widths, activation, last=True):
    """Linear layers with activations between them, and behind the last one if it is not `last` of a network."""
    layers = []
    for n_in, n_out in zip(widths, widths[1:], strict=False):
        layers += [nn.Linear(n_in, n_out), ACTIVATIONS[activation]()]
    return nn.Sequential(*(layers[:-1] if last else layers))


def gaussian(out):
    """The Normal of (mu, log_var) side by side."""
    mu, log_var = out.chunk(2, dim=-1)
    return Normal(mu, torch.exp(0.5 * log_var), validate_args=False)


class HVAE(nn.Module):
    """q(z1 | x) q(z2 | z1) ..; `levels` are the widths of z1, z2, .., `between` the hidden ones between two levels."""

    def __init__(self, D, hidden, levels, between, activation="relu"):
        super().__init__()
        pairs = list(zip(levels, levels[1:], strict=False))
        self.levels = levels
        self.prior = nn.ModuleList(mlp([b, *between[::-1], 2 * a], activation) for a, b in pairs)
        self.inference(D, hidden, pairs, between, activation)
        self.decoder = mlp([levels[0], *hidden[::-1], D], activation)

    def inference(self, D, hidden, pairs, between, activation):
        self.upward = nn.ModuleList(mlp([a, *between, 2 * b], activation) for a, b in pairs)
        self.encoder = mlp([D, *hidden, 2 * self.levels[0]], activation)

    def latents(self, x, eps):
        """z1 (K, N, L1), and the KL of each level, (K, N) of the samples."""
        eps = eps.split(self.levels, dim=-1)
        z, kl = [], []
        for i, e in enumerate(eps):
            q = gaussian(self.upward[i - 1](z[-1]) if i else self.encoder(x))
            z.append(q.loc + q.scale * e)
            kl.append(q.log_prob(z[-1]).sum(-1))
        for i, z_i in enumerate(z):
            p = gaussian(self.prior[i](z[i + 1])) if i + 1 < len(z) else Normal(0.0, 1.0, validate_args=False)
            kl[i] = kl[i] - p.log_prob(z_i).sum(-1)
        return z[0], kl

    def forward(self, x, eps):
        """The loss: minus the bound of K samples, eps (K, N, L)."""
        z, kl = self.latents(x, eps)
        logits = self.decoder(z)
        log_px_z = -F.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(-1)
        return -(torch.logsumexp(log_px_z - sum(kl), dim=0) - math.log(len(eps))).mean()


class Ladder(HVAE):
    """Heads at every depth of the encoder; each but the highest is weighed by its precision against the prior's."""

    def inference(self, D, hidden, pairs, between, activation):
        self.blocks = nn.ModuleList([mlp([D, *hidden], activation, last=False)])
        width = hidden[-1]
        heads = [nn.Linear(width, 2 * self.levels[0])]
        for _, b in pairs:
            self.blocks.append(mlp([width, *between], activation, last=False))
            width = between[-1]
            heads.append(nn.Linear(width, 2 * b))
        self.heads = nn.ModuleList(heads)

    def latents(self, x, eps):
        eps = eps.split(self.levels, dim=-1)
        heads = []
        for block, head in zip(self.blocks, self.heads, strict=True):
            x = block(x)
            heads.append(gaussian(head(x)))
        kl, z = [], None
        for i in reversed(range(len(heads))):
            q = heads[i]
            if z is None:
                p = Normal(0.0, 1.0, validate_args=False)
            else:
                p = gaussian(self.prior[i](z))
                a, b = q.scale**-2, p.scale**-2
                q = Normal((q.loc * a + p.loc * b) / (a + b), (a + b) ** -0.5, validate_args=False)
            z = q.loc + q.scale * eps[i]
            kl.append((q.log_prob(z) - p.log_prob(z)).sum(-1))
        return z, kl


TWINS = {"hvae": HVAE, "ladder": Ladder}


def twin(name, weights, D, hidden, levels, between, activation="relu"):
    """The model of that name with our weights, the list of our arrays in their order: loss = twin(...)(x, eps)."""
    net = TWINS[name](D, hidden, levels, between, activation)
    for param, array in zip(net.parameters(), weights, strict=True):
        param.data = torch.from_numpy(array.T.copy())
    return net
