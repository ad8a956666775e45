"""The likelihood of bits."""

from ..densities import bernoulli_log_prob, bernoulli_log_prob_backward
from ..numeric import keep, sigmoid
from .base import Likelihood


class Bernoulli(Likelihood):
    """Bits: x (..., D) of 0 and 1, or grey in between; out (..., D) are logits, x_hat = sigmoid(out) is P(x = 1).

    d log_px_z / d out = x - x_hat: no gradient where the decoder is right, and never more than 1 where it is wrong.
    That x is in [0, 1] is checked where data are read, not in every step.
    """

    values = "unit"
    n_levels = 2

    def forward(self, x, out):
        x, observed = self._observed(x)
        if observed is None:
            return bernoulli_log_prob(out, x=x), (x, out, None)
        log_p = bernoulli_log_prob(out[..., None], x=x[..., None])  # (..., D), each number a sum of its own
        return keep(log_p, observed).sum(axis=-1), (x, out, observed)

    def backward(self, g, cache, accumulate=True):
        x, out, observed = cache
        if observed is None:
            return bernoulli_log_prob_backward(g, out, x=x)
        # forward kept the sums of what was observed, so now g comes to those alone
        return bernoulli_log_prob_backward(keep(g[..., None], observed), out[..., None], x=x[..., None])[..., 0]

    def mean(self, out):
        return sigmoid(out)

    def mean_backward(self, g, out):
        x_hat = sigmoid(out)
        return g * x_hat * (1 - x_hat)

    def draw(self, out, noise):
        """1 where the noise is below x_hat, which it is with probability x_hat."""
        return (noise < sigmoid(out)).astype(out.dtype)
