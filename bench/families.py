"""Twins in PyTorch of models that are no VAE, as those of `bench.variants`."""

import math

import torch
import torch.nn.functional as F

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


def ddpm(p, x, u, eps, T, shape=None):
    """(loss, ELBO) of diffusion with the cosine of Nichol & Dhariwal: x (N, D) in [0, 1], u (N,), eps (N, D).

    `shape` of images: the network is a U-Net. What the errors of the network were before is `noising.error` of p.
    Tables of the times are rounded to float32, as a model keeps them.
    """
    rounded = lambda a: a.float().to(x.dtype)  # noqa: E731
    abar = torch.cos((torch.linspace(0, 1, T + 1, dtype=torch.float64) + 0.008) / 1.008 * math.pi / 2) ** 2
    beta = torch.clamp(1 - abar[1:] / abar[:-1], max=0.5)
    abar = torch.cat([torch.ones(1, dtype=torch.float64), torch.cumprod(1 - beta, 0)])
    i, x_0, D = (T * u).long(), 2 * x - 1, x.shape[1]
    share, spread = rounded(torch.sqrt(abar[1:]))[i][:, None], rounded(torch.sqrt(1 - abar[1:]))[i][:, None]
    angles = (
        (i + 1).to(torch.float64)[:, None]
        * 1000
        / T
        * torch.exp(-math.log(10_000) * torch.arange(32, dtype=torch.float64) / 31)
    )
    e = rounded(torch.cat([torch.sin(angles), torch.cos(angles)], 1))
    error = denoiser(p, share * x_0 + spread * eps, e, shape) - eps
    left = 1 - abar
    least, moves = rounded(left[:-1] / left[1:] * beta), rounded(beta**2 / ((1 - beta) * left[1:]))
    v = least + moves * p["noising.error"]
    r = least[1:] / v[1:]
    q = torch.distributions.Normal(abar[-1] ** 0.5 * x_0, left[-1] ** 0.5)
    last = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).sum(-1)
    constant = D / 2 * (math.log(2 * math.pi) + torch.log(v[0]) + (r - 1 - torch.log(r)).sum()) - D * math.log(2)
    elbo = -constant - last - T * (moves / (2 * v))[i] * (error**2).sum(-1)
    return (error**2).mean(), elbo.mean()


def denoiser(p, x, e, shape=None):
    """The noise in x (N, D): a U-Net of images of `shape`, else a chain of blocks."""
    W = lambda name: (p[f"network.{name}.W"], p[f"network.{name}.b"])  # noqa: E731

    def linear(h, name):
        W_, b = W(name)
        return h @ W_ + b if W_.ndim == 2 else F.conv2d(h, W_.permute(3, 2, 0, 1), b, padding=W_.shape[0] // 2)

    def normed(h, name):
        gain, b = p[f"network.{name}.gain"], p[f"network.{name}.b"]
        n = len(gain)
        groups = 1 if h.ndim == 2 else math.gcd(n, max(1, n // 8))
        return F.silu(F.group_norm(h, groups, gain, b))

    def block(h, name):
        a = linear(normed(h, f"{name}.before.layers.0"), f"{name}.before.layers.2")
        shift = linear(e, f"{name}.time")
        a = a + (shift if h.ndim == 2 else shift[:, :, None, None])
        skip = f"{name}.skip.layers.0"
        same = linear(h, skip) if f"network.{skip}.W" in p else h
        return same + linear(normed(a, f"{name}.after.layers.0"), f"{name}.after.layers.2")

    def blocks(where):
        return range(len({name.split(".")[2] for name in p if name.startswith(f"network.{where}.")}))

    e = F.silu(linear(e, "embed.layers.0"))
    h = linear(x, "first") if shape is None else linear(x.reshape(-1, *shape).permute(0, 3, 1, 2), "first.layers.1")
    kept = []
    for i in blocks("down"):
        kept.append(block(h, f"down.{i}"))
        h = F.avg_pool2d(kept[-1], 2)
    for i in blocks("middle"):
        h = block(h, f"middle.{i}")
    for i in blocks("up"):
        h = block(torch.cat([F.interpolate(h, scale_factor=2), kept.pop()], 1), f"up.{i}")
    y = linear(normed(h, "last.layers.0"), "last.layers.2")
    return y if shape is None else y.permute(0, 2, 3, 1).flatten(1)
