"""Priors of codes: T choices among K, written as T one-hot rows of K numbers side by side."""

import math

from ..backend import array_module
from ..numeric import one_hot
from ..options import sizes
from .base import Prior


class UniformCodes(Prior):
    """p(z) = K^-T for each of the K^T codes, z (..., T K)."""

    discrete = True

    def __init__(self, T, K):
        self.T, self.K = sizes(T=T, K=K)
        super().__init__(self.T * self.K)

    def forward(self, z):
        return array_module(z).full(z.shape[:-1], -self.T * math.log(self.K), z.dtype), z

    def backward(self, g, cache, accumulate=True):
        return 0 * cache

    def draw_noise(self, rng, n):
        """Uniform from 0 to 1, (n, T K)."""
        return rng.random((n, self.L), dtype="float32")

    def draw(self, noise):
        """The largest of K uniform numbers may be any of them."""
        codes = noise.reshape(-1, self.T, self.K).argmax(axis=-1)
        return one_hot(codes, self.K, noise).reshape(noise.shape)
