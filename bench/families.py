"""Twins in PyTorch of models that are no VAE, as those of `bench.variants`."""

import math

import torch

from .variants import dense, standard_normal


def nvp(p, x, shape, alpha=None, network=None, bins=None):
    """The loss of RealNVP: x (N, D), rows or images of `shape`; `alpha` of a logit that comes first, if there is one.

    `network(prefix)`: a function of rows that are 0 where they are moved, to (s, t) of all; None: dense ones, which see
    only what is kept.
    """
    z, log_det = x, 0
    if bins is not None:
        share = 0.999 * torch.softmax(10 * p["flow.flows.0.logits"], -1) + 0.001 / bins  # (D, K)
        over = x[..., None] * bins - torch.arange(bins)  # (N, D, K)
        z = (share * over.clamp(0, 1)).sum(-1)
        log_det = torch.log(bins * (share * ((over >= 0) & (over < 1))).sum(-1)).sum(-1)
    if alpha is not None:
        q = alpha + (1 - 2 * alpha) * z
        z, log_det = torch.logit(q), log_det + (math.log(1 - 2 * alpha) - torch.log(q * (1 - q))).sum(-1)
    board = sum(torch.meshgrid(*map(torch.arange, shape[:2]), indexing="ij")) if len(shape) == 3 else None
    count = 0
    for prefix in dict.fromkeys(".".join(name.split(".")[:3]) for name in p if not name.endswith("logits")):
        if f"{prefix}.log_scale" in p:  # ActNorm
            log_scale, shift = 10 * p[f"{prefix}.log_scale"], 10 * p[f"{prefix}.shift"]
            z, log_det = torch.exp(log_scale) * (z + shift), log_det + log_scale.sum()
            continue
        squares = torch.arange(shape[0]) if board is None else board[..., None].expand(*shape).flatten()
        kept = squares % 2 == count % 2
        count += 1
        if network is None:
            s, t = dense(p, f"{prefix}.network")(z[..., kept]).chunk(2, -1)
        else:
            s, t = (part[..., ~kept] for part in network(f"{prefix}.network")(torch.where(kept, z, 0)))
        log_scale = 2 * torch.tanh(s / 2)
        y = z.clone()
        y[..., ~kept] = torch.exp(log_scale) * z[..., ~kept] + t
        z, log_det = y, log_det + log_scale.sum(-1)
    return -(standard_normal(z) + log_det).mean()
