"""Levels of latents, each a Gaussian given the level above it."""

from ..densities import (
    gaussian_log_prob,
    gaussian_log_prob_backward,
    reparameterize,
    standard_normal_log_prob,
    standard_normal_log_prob_backward,
)
from ..layers import Split
from ..numeric import side_by_side
from ..options import each, whole
from .base import Prior


class Hierarchy(Prior):
    """p(z) = p(z1 | z2) p(z2 | z3) .. N(zm; 0, I), p(z_i | z_{i+1}) = N(mu_i(z_{i+1}), exp(log_var_i(z_{i+1}))).

    z (..., L) are the levels side by side, z1 first, which is the nearest to the data; `levels` are their widths.
    networks[0] makes (mu, log_var) of z1 of z2, and so on: one for each level but the highest (Rezende et al. 2014,
    1401.4082, sec. 2).
    """

    def __init__(self, levels, networks):
        self.levels = each(whole(1))("levels", levels)
        super().__init__(sum(self.levels))
        if len(networks) != len(self.levels) - 1:
            raise ValueError(f"networks: expected {len(self.levels) - 1} for {len(self.levels)} levels, "
                             f"got {len(networks)}")  # fmt: skip
        self.networks = list(networks)
        self.split = Split(self.levels)

    def forward(self, z):
        parts = self.split(z)
        log_p, caches = [], []
        for network, below, above in zip(self.networks, parts, parts[1:], strict=False):
            (mu, log_var), c_net = network.forward(above)
            log_p.append(gaussian_log_prob(below, mu, log_var))
            caches.append((below, mu, log_var, c_net))
        log_p.append(standard_normal_log_prob(parts[-1]))
        return sum(log_p), (log_p, caches, parts[-1])

    def backward(self, g, cache, accumulate=True):
        _, caches, top = cache
        dz, dabove = [], 0.0
        # forward took z_i for the value at its own level, and for the input of the level below
        for network, (below, mu, log_var, c_net) in zip(self.networks, caches, strict=True):
            dbelow, dmu, dlog_var = gaussian_log_prob_backward(g, below, mu, log_var)
            dz.append(dbelow + dabove)
            dabove = network.backward((dmu, dlog_var), c_net, accumulate)
        dz.append(standard_normal_log_prob_backward(g, top) + dabove)
        return self.split.backward(dz, None)

    def log_levels(self, cache):
        """[log p(z1 | z2), .., log p(zm)], (...) each, of a forward call: their sum is log p(z)."""
        return cache[0]

    def draw(self, noise):
        return self.draw_below(len(self.levels), noise, noise)

    def draw_below(self, level, z, noise):
        """z (..., L) with the levels below `level`, a number from 1 up, drawn anew given those from there up.

        Noise (..., L) of 0 gives their means.
        """
        parts, eps = list(self.split(z)), self.split(noise)
        for i in reversed(range(level - 1)):
            mu, log_var = self.networks[i](parts[i + 1])
            parts[i] = reparameterize(mu, log_var, eps=eps[i])
        return side_by_side(parts)
