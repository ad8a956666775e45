"""Activations, elementwise: y = f(x), dx = dy * f'(x). Each keeps whichever of x and y its derivative is shorter in."""

from ..backend import array_module
from ..densities import sigmoid
from .base import Layer


class ReLU(Layer):
    """y = max(x, 0);  dy/dx = 1 where y > 0, else 0. At the kink itself the derivative is taken to be 0."""

    def forward(self, x, noise=None):
        y = array_module(x).maximum(x, 0)
        return y, y

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return dy * (cache > 0)


class Tanh(Layer):
    """y = tanh(x);  dy/dx = 1 - y^2.

    Near 0 it is the identity, which is what Glorot's initial weights assume.
    """

    def forward(self, x, noise=None):
        y = array_module(x).tanh(x)
        return y, y

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return dy * (1 - cache * cache)


class Sigmoid(Layer):
    """y = 1 / (1 + exp(-x));  dy/dx = y (1 - y).

    Not for the end of a Bernoulli decoder: the likelihood takes logits.
    """

    def forward(self, x, noise=None):
        y = sigmoid(x)
        return y, y

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return dy * cache * (1 - cache)


class SiLU(Layer):
    """y = x s, s = sigmoid(x);  dy/dx = s (1 + x (1 - s))   (Elfwing et al. 2018, eq. 4 and 5)."""

    def forward(self, x, noise=None):
        return x * sigmoid(x), x

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        s = sigmoid(cache)
        return dy * s * (1 + cache * (1 - s))


class Softplus(Layer):
    """y = log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|));  dy/dx = sigmoid(x).

    A smooth ReLU, always above 0; in the second form nothing overflows.
    """

    def forward(self, x, noise=None):
        xp = array_module(x)
        return xp.maximum(x, 0) + xp.log1p(xp.exp(-xp.abs(x))), x

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return dy * sigmoid(cache)


ACTIVATIONS = {"relu": ReLU, "tanh": Tanh, "sigmoid": Sigmoid, "silu": SiLU, "softplus": Softplus}
