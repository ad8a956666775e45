"""What models share whose log p(x) is known without samples of z."""

import numpy as np

from ..backend import array_module


class Exact:
    """Of a model with `log_px(x, y)`, (N,) nats: what tools ask of an evidence."""

    monitor = "log_px"

    def loss_law(self, metrics, t):
        return {"loss = -log_px": -metrics["log_px"]}

    def draw_eps(self, rng, K, n):
        """No noise, (K, n, 0): the evidence is known without z."""
        return np.zeros((K, n, 0), "float32")

    def log_terms(self, x, eps, y=None):
        """log p(x), 0, 0, or where y is given log p(x | y): x (N, D), eps (K, N, 0) -> (K, N) nats each."""
        log_px = array_module(x).broadcast_to(self.log_px(x, y), eps.shape[:-1])
        return log_px, 0 * log_px, 0 * log_px

    def log_weights(self, x, eps, y=None):
        """log p(x), exactly and K times over: x (N, D), eps (K, N, 0) -> (K, N) nats."""
        log_px_z, log_pz, log_qz_x = self.log_terms(x, eps, y)
        return log_px_z + log_pz - log_qz_x
