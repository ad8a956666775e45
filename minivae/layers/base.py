"""What every layer is: `forward` gives a value and what its gradient needs, and `backward` stands directly below it.

y, cache = layer.forward(x, noise)
dx       = layer.backward(dy, cache)     # and `grad` of the layer's parameters grows by d loss / d parameter
"""

from ..params import Module


class Layer(Module):
    """Nothing about a call is stored on a layer: two calls may be alive at once and go backward in any order."""

    n_in = None  # width of the rows x, in layers that fix it

    def forward(self, x, noise=None):
        """(y, cache). `noise` is what draw_noise gave; None is evaluation."""
        raise NotImplementedError

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        """dx of dy. `accumulate=False` leaves the parameters' gradients alone, `need_dx=False` may return None."""
        raise NotImplementedError

    def draw_noise(self, rng, n):
        """All that is random in a forward of `n` examples; None where nothing is random."""
        return None

    def stopped(self, x, noise):
        """The noise, and added to it all that forward treats as a constant: a gradient check must not move it."""
        return noise

    def __call__(self, x):
        return self.forward(x)[0]
