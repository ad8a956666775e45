"""Activations: y = f(x) for each number by itself, so dx = dy * f'(x).   x (...) -> y (...), of any shape.

The cache is x or y, whichever gives the shorter formula of the derivative.
"""

import math

from ..backend import array_module
from ..kernels import fused
from ..numeric import log_one_plus, sigmoid
from ..options import real
from .base import Layer


@fused
class ReLU(Layer):
    """y = max(x, 0);  dy/dx = 1 where y > 0, else 0. At x = 0, where there is no derivative, it is taken to be 0."""

    def forward(self, x, noise=None):
        rows = x if x.ndim < 3 else x.reshape(*x.shape[:-2], x.shape[-2] * x.shape[-1])
        zeros = array_module(x).zeros(rows.shape[-1], x.dtype)  # with the number 0 it takes twice as long
        y = array_module(x).maximum(rows, zeros).reshape(x.shape)
        return y, y

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        # forward let through what was above 0, so now dy goes through at the same places
        return dy * (cache > 0)


@fused
class LeakyReLU(Layer):
    """y = max(x, slope x);  dy/dx = 1 where y > 0, else slope   (Maas et al. 2013).

    A unit whose x is always below 0 still has a gradient, so it cannot die.
    """

    def __init__(self, slope=0.01):
        self.slope = real(below=1, closed=True)("slope", slope)

    def forward(self, x, noise=None):
        below = self.slope * x if self.slope else 0.0  # 0 times infinity would be NaN
        return array_module(x).maximum(x, below), x

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        # forward multiplied what was not above 0 by the slope, so now dy is multiplied at the same places
        return array_module(dy).where(cache > 0, dy, self.slope * dy)


@fused
class ELU(Layer):
    """y = x where x > 0, else exp(x) - 1;  dy/dx = 1, else exp(x) = y + 1   (Clevert et al. 2016, eq. 2, alpha = 1).

    Smooth at 0, and bounded below by -1, which keeps the mean of the activations near 0.
    """

    def forward(self, x, noise=None):
        xp = array_module(x)
        y = xp.where(x > 0, x, xp.expm1(xp.minimum(x, 0)))
        return y, y

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        # forward was y = exp(x) - 1 below 0, so now dx = dy (y + 1) there; above, min(y, 0) + 1 is 1
        return dy * (array_module(dy).minimum(cache, 0) + 1)


@fused
class Tanh(Layer):
    """y = tanh(x);  dy/dx = 1 - y^2.

    Near 0 it is nearly the identity, as Glorot's initial weights assume.
    """

    def forward(self, x, noise=None):
        y = array_module(x).tanh(x)
        return y, y

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        dx = cache * cache  # the cache is y
        dx = array_module(dy).subtract(1, dx, out=dx)
        dx *= dy
        return dx


@fused
class Sigmoid(Layer):
    """y = 1 / (1 + exp(-x));  dy/dx = y (1 - y).

    Not for the end of a Bernoulli decoder: the likelihood takes logits.
    """

    def forward(self, x, noise=None):
        y = sigmoid(x)
        return y, y

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return dy * cache * (1 - cache)


@fused
class SiLU(Layer):
    """y = x s, s = sigmoid(x);  dy/dx = s (1 + x (1 - s))   (Elfwing et al. 2018, eq. 4 and 5)."""

    def forward(self, x, noise=None):
        return x * sigmoid(x), x

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        # forward multiplied x by s(x), so now, by the product rule, dx = dy (s + x s'), s' = s (1 - s)
        s = sigmoid(cache)
        return dy * s * (1 + cache * (1 - s))


@fused
class GELU(Layer):
    """y = x (1 + tanh u) / 2, u = a (x + b x^3), a = sqrt(2 / pi), b = 0.044715   (Hendrycks & Gimpel 2016, sec. 2).

    Within 5e-4 of x Phi(x), Phi the normal distribution function. Computed like SiLU, as y = x s, s = sigmoid(v),
    v = 2 u = x (c + d x^2): so it is right far below 0 as well, where 1 + tanh u would round to 0.
    dy/dx = s (1 + x (1 - s) v'), v' = c + 3 d x^2.
    """

    c = 2 * math.sqrt(2 / math.pi)
    d = c * 0.044715

    def forward(self, x, noise=None):
        return x * self._share(x), x

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        x = cache
        s = self._share(x)
        dv = self.c + 3 * self.d * x * x
        return dy * s * (1 + x * (1 - s) * dv)

    def _share(self, x):
        """s, the share of x that becomes y."""
        return sigmoid(x * (self.c + self.d * x * x))


@fused
class Softplus(Layer):
    """y = log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|));  dy/dx = sigmoid(x).

    A smooth ReLU, always above 0. In the second form nothing overflows.
    """

    def forward(self, x, noise=None):
        xp = array_module(x)
        return xp.maximum(x, 0) + log_one_plus(xp.exp(-xp.abs(x))), x

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return dy * sigmoid(cache)


ACTIVATIONS = {
    "relu": ReLU,
    "leaky-relu": LeakyReLU,
    "elu": ELU,
    "tanh": Tanh,
    "sigmoid": Sigmoid,
    "silu": SiLU,
    "gelu": GELU,
    "softplus": Softplus,
}
