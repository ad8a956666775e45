"""python -m bench.variants: seconds of a training step of each model beside its twin in PyTorch, on one core.

A twin is the loss as people write it in PyTorch, eager: from our parameters p {name: tensor}, x (N, D) and our noise
eps, with `encode` (x -> the heads beside each other) and `decode` (z -> logits), which may be networks of any kind.
"""

import argparse
import math
import os
from functools import cache, partial

if __name__ == "__main__":
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is imported

import numpy as np
import torch
import torch.nn.functional as F

from minivae.backend import generator, keep_freed_memory
from minivae.laboratory import timing
from minivae.models import MODELS
from minivae.tables import markdown

LOG_2PI = math.log(2 * math.pi)
SHIFT = math.log(math.e - 1)


def dense(p, prefix):
    """Linear layers, a ReLU between two."""
    layers = [(p[name], p[name[:-1] + "b"]) for name in p if name.startswith(f"{prefix}.") and name.endswith(".W")]

    def network(x):
        for i, (W, b) in enumerate(layers):
            x = F.linear(F.relu(x) if i else x, W.T, b)
        return x

    return network


def reconstruction(x, logits):
    """log p(x | z), (K, N)."""
    return -F.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(-1)


def bound(log_px_z, log_pz, log_qz_x, beta):
    """The loss of importance weighted autoencoders, from (K, N) each."""
    log_w = log_px_z + beta * (log_pz - log_qz_x)
    return math.log(len(log_w)) - torch.logsumexp(log_w, 0).mean()


def draw(mu, log_var, eps):
    """z (K, N, L) and log q(z | x) (K, N)."""
    return mu + torch.exp(0.5 * log_var) * eps, -0.5 * (LOG_2PI + log_var + eps * eps).sum(-1)


def standard_normal(z):
    return -0.5 * (LOG_2PI + z * z).sum(-1)


def vae(p, x, eps, encode, decode, beta=1.0):
    """With the KL in closed form; eps (N, L)."""
    mu, log_var = encode(x).chunk(2, -1)
    logits = decode(mu + torch.exp(0.5 * log_var) * eps)
    kl = 0.5 * (mu * mu + log_var.exp() - 1 - log_var).sum()
    return (F.binary_cross_entropy_with_logits(logits, x, reduction="sum") + beta * kl) / len(x)


def iwae(p, x, eps, encode, decode, beta=1.0, prior=standard_normal):
    mu, log_var = encode(x).chunk(2, -1)
    z, log_qz_x = draw(mu, log_var, eps)
    return bound(reconstruction(x, decode(z)), prior(z), log_qz_x, beta)


def through_flow(p, x, eps, encode, decode, beta=1.0, *, flow):
    """flow(z, context) -> (z, log_det)."""
    L = eps.shape[-1]
    mu, log_var, h = encode(x).tensor_split((L, 2 * L), -1)
    z, log_qz = draw(mu, log_var, eps)
    z, log_det = flow(z, h)
    return bound(reconstruction(x, decode(z)), standard_normal(z), log_qz - log_det, beta)


# ---- Posteriors


def planar(p, x, eps, encode, decode, beta=1.0):
    """What does not depend on z is computed for all flows at once."""

    def flow(z, h):
        L = z.shape[-1]
        u, w, b = h.unflatten(-1, (-1, 2 * L + 1)).split((L, L, 1), -1)  # (N, T, L), b (N, T, 1)
        wu = (w * u).sum(-1, keepdim=True)
        m = F.softplus(wu + SHIFT) - 1
        v = u + (m - wu) * w / ((w * w).sum(-1, keepdim=True) + 1e-12)
        hs = []
        for v_t, w_t, b_t in zip(v.unbind(1), w.unbind(1), b.unbind(1), strict=True):
            h_t = torch.tanh((z * w_t).sum(-1, keepdim=True) + b_t)  # (K, N, 1)
            z = z + h_t * v_t
            hs.append(h_t)
        hs = torch.cat(hs, -1)  # (K, N, T)
        return z, torch.log(1 + (1 - hs * hs) * m.squeeze(-1)).sum(-1)

    return through_flow(p, x, eps, encode, decode, beta, flow=flow)


def radial(p, x, eps, encode, decode, beta=1.0):
    """Likewise."""

    def flow(z, h):
        L = z.shape[-1]
        center, a, b = h.unflatten(-1, (-1, L + 2)).split((L, 1, 1), -1)  # (N, T, L), a and b (N, T, 1)
        alpha = a.exp()
        scale = alpha * (F.softplus(b + SHIFT) - 1)
        hs = []
        for c_t, alpha_t, scale_t in zip(center.unbind(1), alpha.unbind(1), scale.unbind(1), strict=True):
            d = z - c_t
            h_t = 1 / (alpha_t + torch.linalg.vector_norm(d, dim=-1, keepdim=True))
            z = z + scale_t * h_t * d
            hs.append(h_t)
        hs, alpha, scale = torch.cat(hs, -1), alpha.squeeze(-1), scale.squeeze(-1)  # (K, N, T), (N, T)
        return z, ((L - 1) * torch.log1p(scale * hs) + torch.log1p(scale * alpha * hs * hs)).sum(-1)

    return through_flow(p, x, eps, encode, decode, beta, flow=flow)


@cache
def made_masks(L, H, width, reverse, dtype):
    """Of the two layers of a MADE: hidden unit j has degree j mod L and sees the latents below it."""
    rank = torch.arange(L).flip(0) if reverse else torch.arange(L)
    degree = torch.arange(width) % L
    first = torch.cat([rank[:, None] < degree, torch.ones(H, width, dtype=torch.bool)])
    return first.to(dtype), (degree[:, None] <= rank).repeat(1, 2).to(dtype)


def iaf(p, x, eps, encode, decode, beta=1.0):
    made = [value for name, value in p.items() if name.startswith("posterior.flow.flows.")]

    def flow(z, h):
        L = z.shape[-1]
        h, total = h.expand(*z.shape[:-1], -1), 0
        for t, (W1, b1, W2, b2) in enumerate(zip(*[iter(made)] * 4, strict=True)):
            first, last = made_masks(L, h.shape[-1], len(b1), bool(t % 2), z.dtype)
            hidden = torch.tanh(F.linear(torch.cat((z, h), -1), (W1 * first).T, b1))
            m, s = F.linear(hidden, (W2 * last).T, b2).chunk(2, -1)
            g = torch.sigmoid(s + 2)
            z = g * z + (1 - g) * m
            total = total + F.logsigmoid(s + 2).sum(-1)
        return z, total

    return through_flow(p, x, eps, encode, decode, beta, flow=flow)


# ---- Priors


def mixture_log_prob(z, mu, log_var, log_w):
    """log sum_c w_c N(z; mu_c, exp(log_var_c)): z (..., L), mu and log_var (C, L), log_w (C,) or a number."""
    d = z[..., None, :] - mu  # (..., C, L)
    log_p = -0.5 * (d * d * torch.exp(-log_var)).sum(-1) - 0.5 * (LOG_2PI + log_var).sum(-1)
    return torch.logsumexp(log_p + log_w, -1)


def mixture(p, x, eps, encode, decode, beta=1.0):
    def prior(z):
        return mixture_log_prob(z, p["prior.mu"], p["prior.log_var"], F.log_softmax(p["prior.logits"], 0))

    return iwae(p, x, eps, encode, decode, beta, prior)


def vamp(p, x, eps, encode, decode, beta=1.0):
    def prior(z):
        mu, log_var = encode(torch.sigmoid(p["prior.pseudo"])).chunk(2, -1)
        return mixture_log_prob(z, mu, log_var, -math.log(len(mu)))

    return iwae(p, x, eps, encode, decode, beta, prior)


@cache
def half(L, t, dtype):
    """1 where coupling t keeps the latent: every second one."""
    return ((torch.arange(L) + t) % 2 == 0).to(dtype)


def realnvp(p, x, eps, encode, decode, beta=1.0):
    prefixes = list(dict.fromkeys(name.rsplit(".layers", 1)[0] for name in p if name.startswith("prior.flow.flows.")))

    def prior(z):
        total = 0
        for t, prefix in enumerate(prefixes):
            mask = half(z.shape[-1], t, z.dtype)
            s, shift = dense(p, prefix)(mask * z).chunk(2, -1)
            log_scale = (1 - mask) * 2 * torch.tanh(s / 2)
            z = torch.exp(log_scale) * z + (1 - mask) * shift
            total = total + log_scale.sum(-1)
        return standard_normal(z) + total

    return iwae(p, x, eps, encode, decode, beta, prior)


# ---- Levels of latents


def levels(p, L):
    """(widths of z1, z2, .., networks of p(z1 | z2), p(z2 | z3), .., each z (..., L_{i+1}) -> (..., 2 L_i))."""
    prefixes = list(dict.fromkeys(name.rsplit(".layers", 1)[0] for name in p if name.startswith("prior.networks.")))
    biases = [[value for name, value in p.items() if name.startswith(prefix) and name.endswith(".b")][-1]
              for prefix in prefixes]  # fmt: skip
    widths = [len(b) // 2 for b in biases]
    return [*widths, L - sum(widths)], [dense(p, prefix) for prefix in prefixes]


def normal(z, mu, log_var):
    d = z - mu
    return -0.5 * (LOG_2PI + log_var + d * d * torch.exp(-log_var)).sum(-1)


def hvae(p, x, eps, encode, decode, beta=1.0):
    widths, downward = levels(p, eps.shape[-1])
    z, log_q, heads = [], 0, encode(x)
    for i, e in enumerate(eps.split(widths, -1)):
        if i:
            heads = dense(p, f"posterior.networks.{i - 1}")(z[-1])
        z_i, log_q_i = draw(*heads.chunk(2, -1), e)
        z.append(z_i)
        log_q = log_q + log_q_i
    log_p = standard_normal(z[-1])
    for network, below, above in zip(downward, z, z[1:], strict=False):
        log_p = log_p + normal(below, *network(above).chunk(2, -1))
    return bound(reconstruction(x, decode(z[0])), log_p, log_q, beta)


def ladder(p, x, eps, encode, decode, beta=1.0):
    """p(z_i | z_{i+1}) is computed once, for the posterior and for the prior."""
    widths, downward = levels(p, eps.shape[-1])
    eps, heads, d = eps.split(widths, -1), [], x
    for i in range(len(widths)):
        d = F.relu(dense(p, f"encoder.blocks.{i}")(d))
        heads.append(dense(p, f"encoder.heads.{i}")(d).chunk(2, -1))
    z, log_q = draw(*heads[-1], eps[-1])
    log_p = standard_normal(z)
    for i in reversed(range(len(downward))):
        (mu, log_var), (mu_p, log_var_p) = heads[i], downward[i](z).chunk(2, -1)
        precision, precision_p = torch.exp(-log_var), torch.exp(-log_var_p)
        both = precision + precision_p
        z, log_q_i = draw((mu * precision + mu_p * precision_p) / both, -torch.log(both), eps[i])
        log_q, log_p = log_q + log_q_i, log_p + normal(z, mu_p, log_var_p)
    return bound(reconstruction(x, decode(z)), log_p, log_q, beta)


# ---- Factors: eps (N, L), for the KL has a closed form


def encoded(x, eps, encode):
    """(z, mu, log_var, KL of each latent), (N, L) each."""
    mu, log_var = encode(x).chunk(2, -1)
    kl = 0.5 * (mu * mu + torch.exp(log_var) - 1 - log_var)
    return mu + torch.exp(0.5 * log_var) * eps, mu, log_var, kl


def capacity(p, x, eps, encode, decode, gamma=100.0, C=0.0):
    z, _, _, kl = encoded(x, eps, encode)
    return gamma * (kl.sum(-1).mean() - C).abs() - reconstruction(x, decode(z)).mean()


def tcvae(p, x, eps, encode, decode, beta=1.0, log_weights=None):
    """log_weights (N of m, N of n): log of N times the weight of q(z | x_m) in q(z_n)."""
    z, mu, log_var, _ = encoded(x, eps, encode)
    d = (z - mu[:, None]) * torch.exp(-0.5 * log_var[:, None])
    log_q = -0.5 * (LOG_2PI + log_var[:, None] + d * d)  # (N of m, N of n, L)
    log_w = torch.zeros(len(x), len(x), dtype=x.dtype) if log_weights is None else log_weights
    log_qz = torch.logsumexp(log_w + log_q.sum(-1), 0) - math.log(len(x))
    log_qz_l = (torch.logsumexp(log_w[..., None] + log_q, 0) - math.log(len(x))).sum(-1)
    kl = normal(z, mu, log_var) - standard_normal(z) + (beta - 1) * (log_qz - log_qz_l)
    return (kl - reconstruction(x, decode(z))).mean()


def factorvae(p, x, eps, encode, decode, order, gamma=10.0):
    """The sum of both losses, each without the gradients that the other player has no part in."""
    z, _, _, kl = encoded(x, eps, encode)
    held = {name: value.detach() for name, value in p.items() if name.startswith("critic")}
    loss = (kl.sum(-1) + gamma * critic(held, z)[..., 0] - reconstruction(x, decode(z))).mean()
    shuffled = z.detach().gather(0, order)
    return loss + 0.5 * (F.softplus(-critic(p, z.detach())) + F.softplus(critic(p, shuffled))).mean()


def critic(p, z):
    layers = [(p[name], p[name[:-1] + "b"]) for name in p if name.startswith("critic.") and name.endswith(".W")]
    for i, (W, b) in enumerate(layers):
        z = (F.leaky_relu(z) if i else z) @ W + b
    return z


# ---- Choices: eps (N, T K)


def gumbel(p, x, eps, encode, decode, categories=10, gradient="relaxed", temperature=1.0, beta=1.0):
    """The likeliest choices are the baseline of the score function; what it multiplies has no gradient of its own."""
    logits = encode(x).unflatten(-1, (-1, categories))  # (N, T, K)
    log_q, noisy = logits.log_softmax(-1), logits + eps.view_as(logits)
    soft, hard = (noisy / temperature).softmax(-1), F.one_hot(noisy.argmax(-1), categories).to(x.dtype)
    z = {"relaxed": soft, "straight-through": soft + (hard - soft).detach(), "score": hard}[gradient]
    log_px_z = reconstruction(x, decode(z.flatten(-2)))
    loss = beta * (log_q.exp() * (log_q + math.log(categories))).sum((-2, -1)) - log_px_z
    if gradient == "score":
        likeliest = F.one_hot(logits.argmax(-1), categories).to(x.dtype)
        gain = (log_px_z - reconstruction(x, decode(likeliest.flatten(-2)))).detach()
        log_qz_x = (log_q * hard).sum((-2, -1))
        loss = loss - gain * (log_qz_x - log_qz_x.detach())
    return loss.mean()


# ---- Codes and images that a critic judges: it is spectrally normalized


def aae(p, x, prior, encode, decode, gamma=10.0):
    """The sum of both losses, as of FactorVAE; prior (N, L)."""
    z = encode(x)
    held = {name: value.detach() for name, value in p.items()}
    loss = (gamma * F.softplus(-spectral_critic(held, z))[..., 0] - reconstruction(x, decode(z))).mean()
    loss_critic = 0.5 * (F.softplus(-spectral_critic(p, prior)) + F.softplus(spectral_critic(p, z.detach()))).mean()
    iterate(p)
    return loss + loss_critic


def vaegan(p, x, eps, encode, decode, prior, body=None, head=None, beta=1.0, gamma=1e-3, std=0.1):
    """{objective: loss}, each of which trains its own player; prior (N, L) are the draws that are decoded beside z."""
    body = body or (lambda x: F.leaky_relu(spectral_critic(p, x), 0.2))
    head = head or (lambda f: spectral_critic(p, f, "head"))
    z, _, _, kl = encoded(x, eps, encode)
    f, f_hat, f_p = body(x), body(torch.sigmoid(decode(z))), body(torch.sigmoid(decode(prior)))
    odds, odds_hat, odds_p = head(f), head(f_hat), head(f_p)
    log_f = -(0.5 * ((f - f_hat) / std) ** 2 + 0.5 * LOG_2PI + math.log(std)).sum(-1).mean()
    decoded = F.softplus(-odds_hat).mean() + F.softplus(-odds_p).mean()
    told = F.softplus(odds_hat).mean() + F.softplus(odds_p).mean()
    iterate(p)
    iterate(p, "head")
    return {"loss": beta * kl.sum(-1).mean() - log_f, "loss_decoder": decoded / 2 - gamma * log_f,
            "loss_critic": F.softplus(-odds).mean() / 2 + told / 4}  # fmt: skip


def gan(p, x, prior, decode, encode=None, critic=None, objective="non-saturating", make=torch.sigmoid):
    """{objective: loss}; prior (N, L) are the draws of z, `make` x of what is decoded."""
    critic = critic or (lambda x: spectral_critic(p, x))
    odds, odds_g = critic(x), critic(make(decode(prior)))
    iterate(p)
    if objective == "hinge":
        return {"loss": -odds_g.mean(), "loss_critic": (F.relu(1 - odds) + F.relu(1 + odds_g)).mean() / 2}
    both = torch.cat([odds, odds_g]), torch.cat([torch.ones_like(odds), torch.zeros_like(odds_g)])
    return {"loss": -F.logsigmoid(odds_g).mean(), "loss_critic": F.binary_cross_entropy_with_logits(*both)}


def spectral_critic(p, z, prefix="critic"):
    layers = [name.removesuffix("W") for name in p if name.startswith(f"{prefix}.") and name.endswith(".W")]
    for i, name in enumerate(layers):
        W, b, own = p[f"{name}W"], p[f"{name}b"], name.removesuffix("layer.")
        if f"{own}u" in p:
            W = W / (p[f"{own}u"] @ W @ p[f"{own}v"])
        z = (F.leaky_relu(z, 0.2) if i else z) @ W + b
    return z


@torch.no_grad()
def iterate(p, prefix="critic"):
    """One power iteration of every u and v."""
    for name in [name.removesuffix(".u") for name in p if name.startswith(f"{prefix}.") and name.endswith(".u")]:
        W = p[f"{name}.layer.W"].flatten(0, -2)
        p[f"{name}.v"] = F.normalize(p[f"{name}.u"] @ W, dim=0)
        p[f"{name}.u"] = F.normalize(W @ p[f"{name}.v"], dim=0)


# ---- Two ways to see a thing, both of which are known; eps (N, L)


def of_experts(q, log_p, eps, experts, beta):
    """q = [(mu, log_var), ..] of two experts, log_p(z) = (log p(x | z), log p(y | z)). Of a product ELBO(x, y), ELBO(x)
    and ELBO(y); of a mixture one z of each expert."""
    mu, log_var = (torch.stack(part) for part in zip(*q, strict=True))  # (2, N, L)
    if experts == "mixture":
        z = mu + (0.5 * log_var).exp() * eps
        log_q = torch.distributions.Normal(mu[:, None], (0.5 * log_var[:, None]).exp()).log_prob(z).sum(-1)
        log_qz = log_q.logsumexp(0) - math.log(2)  # (2, N)
        return (beta * (log_qz - standard_normal(z)) - sum(log_p(z))).mean()
    loss = 0
    for some in ((0, 1), (0,), (1,)):
        precision = (-log_var[list(some)]).exp()
        var = 1 / (1 + precision.sum(0))
        mean = var * (precision * mu[list(some)]).sum(0)
        parts = log_p(mean + var.sqrt() * eps)
        kl = 0.5 * (mean * mean + var - 1 - var.log()).sum(-1)
        loss = loss + (beta * kl - sum(parts[m] for m in some)).mean()
    return loss


def multimodal(p, x, eps, encode, decode, y, experts="product", label_weight=10.0, beta=1.0):
    """x and its class y."""
    label = F.one_hot(y).to(x.dtype)
    of_y = dense(p, "label_encoder"), dense(p, "label_decoder")

    def log_p(z):
        return reconstruction(x, decode(z)), label_weight * (label * of_y[1](z).log_softmax(-1)).sum(-1)

    return of_experts([encode(x).chunk(2, -1), of_y[0](label).chunk(2, -1)], log_p, eps, experts, beta)


def halves(p, x, eps, encode, decode, shape=(28, 28), experts="product", beta=1.0):
    """The left and the right half of an image, all networks dense."""
    images = x.unflatten(-1, shape)
    both = [part.flatten(-2) for part in images.tensor_split([shape[1] // 2], -1)]
    encoders = encode, dense(p, "right_encoder")
    decoders = dense(p, "decoder.left"), dense(p, "decoder.right")
    q = [network(half).chunk(2, -1) for network, half in zip(encoders, both, strict=True)]

    def log_p(z):
        return [reconstruction(half, network(z)) for network, half in zip(decoders, both, strict=True)]

    return of_experts(q, log_p, eps, experts, beta)


# ---- Codes


def masked_conv(x, W, b, own):
    """x (N, c, h, w), W (rows, kw, c, m): the rows above, and of its own row what is left of a place."""
    rows, kw = W.shape[:2]
    mask = torch.ones(rows, kw, 1, 1, dtype=W.dtype)
    mask[-1, kw // 2 + own :] = 0
    return F.conv2d(F.pad(x, (kw // 2, kw // 2, rows - 1, 0)), (W * mask).permute(3, 2, 0, 1), b)


def pixel_cnn(p, z, side):
    """-log p(z) (N,) of codes z (N, T) at the h x w places of `side`."""
    part = lambda name: (p[f"prior.network.layers.{name}.W"], p[f"prior.network.layers.{name}.b"])  # noqa: E731
    blocks = sum(name.endswith("body.layers.3.W") for name in p)
    h = masked_conv(F.embedding(z.reshape(-1, *side), p["prior.embedding.W"]).permute(0, 3, 1, 2), *part(0), False)
    for i in range(1, blocks + 1):
        u = masked_conv(F.relu(h), *part(f"{i}.body.layers.1"), True)
        u = masked_conv(F.relu(u), *part(f"{i}.body.layers.3"), True)
        h = h + masked_conv(F.relu(u), *part(f"{i}.body.layers.5"), True)
    logits = masked_conv(F.relu(h), *part(blocks + 2), True)
    return F.cross_entropy(logits, z.reshape(-1, *side), reduction="none").sum((1, 2))


def vqvae(p, x, encode, decode, commit=1.0, side=None):
    """With codes that learn by their loss; the sum of the losses of model and prior."""
    e, z_e = p["quantizer.W"], encode(x)
    rows = z_e.reshape(-1, e.shape[1])
    z = torch.cdist(rows.detach(), e.detach()).argmin(-1)
    z_q = F.embedding(z, e).reshape(z_e.shape)
    gap, gap_codes = ((z_e - z_q.detach()) ** 2).sum(-1), ((z_e.detach() - z_q) ** 2).sum(-1)
    logits, z = decode(z_e + (z_q - z_e).detach()), z.reshape(len(x), -1)
    length = pixel_cnn(p, z, side or (1, z.shape[1]))
    return (commit * gap + gap_codes + length - reconstruction(x, logits)).mean()


# ---- Time

TWINS = {  # name: (model, its options, twin)
    "vae": ("vae", {}, vae),
    "iwae, K = 1": ("iwae", {"samples": 1}, iwae),
    "iwae, K = 5": ("iwae", {"samples": 5}, iwae),
    "planar, 20 flows": ("flow", {"flow": "planar", "flows": 20}, planar),
    "radial, 20 flows": ("flow", {"flow": "radial", "flows": 20}, radial),
    "iaf, 4 flows": ("iaf", {"flows": 4, "flow_width": 320, "context": 100}, iaf),
    "vamp, 500 components": ("vamp", {"components": 500}, vamp),
    "mixture, 100 components": ("mixture", {"components": 100}, mixture),
    "hvae, levels 40-20": ("hvae", {"upper": (20,)}, hvae),
    "ladder, levels 40-20": ("ladder", {"upper": (20,), "beta_schedule": "constant"}, ladder),
    "realnvp, 4 couplings": ("realnvp", {"flows": 4, "flow_width": 64}, realnvp),
    "capacity": ("capacity", {}, capacity),
    "tcvae": ("tcvae", {}, tcvae),
    "factorvae": ("factorvae", {}, factorvae),
    "halves": ("halves", {}, halves),
    "halves, mixture": ("halves", {"experts": "mixture"}, partial(halves, experts="mixture")),
    "gumbel": ("gumbel", {}, gumbel),
    "gumbel, score": ("gumbel", {"gradient": "score"}, partial(gumbel, gradient="score")),
    "aae": ("aae", {}, aae),
    "vaegan": ("vaegan", {}, vaegan),
    "gan": ("gan", {}, gan),
    "gan, hinge": ("gan", {"objective": "hinge", "critic_norm": "spectral"}, partial(gan, objective="hinge")),
    "vqvae, 40 of 128 codes": ("vqvae", {"codebook": "loss", "revive": 0.0}, vqvae),
}
LIMIT = 1e-4  # of the difference of two gradients, as a part of the largest


def tensors(model):
    """{name: tensor} of copies of the parameters, which learn, and of the states."""
    learned = {name: torch.tensor(param.data, requires_grad=True) for name, param in model.params.items()}
    return learned | {name: torch.tensor(state.data) for name, state in model.states.items()}


def backward(loss, p, trained):
    """Of one loss, or of several {objective: loss}, each to the parameters {objective: names} that it trains."""
    if not isinstance(loss, dict):
        loss.backward()
        return
    for objective, names in trained.items():
        loss[objective].backward(inputs=[p[name] for name in names], retain_graph=True)


def training_step(twin, p, x, noise, trained):
    """f(i): a step of the default Adam, as `minivae.laboratory.timing.training_step`."""
    optimizer = torch.optim.Adam([a for a in p.values() if a.requires_grad])
    x = torch.tensor(x)
    drawn = {name: torch.tensor(array) for name, array in noise.items() if isinstance(array, np.ndarray)}
    encode, decode = dense(p, "encoder"), dense(p, "decoder")

    def step(i):
        optimizer.zero_grad()
        backward(twin(p, x, encode=encode, decode=decode, **drawn), p, trained)
        optimizer.step()

    return step


def measure(label, rounds, rng):
    """A row of the table."""
    kind, options, twin = TWINS[label]
    keep_freed_memory()
    model = MODELS[kind].build((28, 28, 1), rng, hidden=(300, 300), latent=40, **options)
    x = (rng.random((200, 784)) < 0.3).astype("float32")
    p = tensors(model)
    theirs = training_step(twin, p, x, model.draw_noise(generator(0, "noise"), len(x)), model.by_objective())
    ours = timing.training_step(model, x)
    ours(0)
    theirs(0)
    differences = [np.abs(param.grad - p[name].grad.numpy()).max() for name, param in model.params.items()]
    part = max(differences) / np.abs(model.grad).max()
    if not part < LIMIT:
        raise ValueError(f"{label}: expected the same gradients, got a difference of {part:.1e} of the largest")
    timing.in_turns({"ours": lambda: ours(0), "theirs": lambda: theirs(0)}, 3)  # the first steps are slower
    seconds = {"ours": partial(timing.seconds_of, ours), "theirs": partial(timing.seconds_of, theirs)}
    times = timing.in_turns(seconds, rounds)
    a, b = (timing.quartiles(times[who]).median for who in ("ours", "theirs"))
    r = timing.ratio(times["ours"], times["theirs"])
    return label, f"{a * 1e3:.2f}", f"{b * 1e3:.2f}", f"{r.median:.2f} ({r.low:.2f}-{r.high:.2f})"


def main():
    parser = argparse.ArgumentParser(prog="python -m bench.variants", description=__doc__)
    parser.add_argument("--works", nargs="+", choices=TWINS, default=list(TWINS), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=40, metavar="N")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = [measure(label, args.rounds, np.random.default_rng(0)) for label in args.works]
    print(markdown(("model", "ours, ms a step", "PyTorch, ms a step", "ratio (quartiles)"), *rows))


if __name__ == "__main__":
    main()
