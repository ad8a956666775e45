"""What every likelihood is, and what is the same in all of them: blocks of outputs, and values that are missing."""

from ..backend import array_module, place, to_numpy
from ..layers.base import Layer
from ..numeric import LEAST
from ..options import whole

COLUMNS = whole(1, 10**6)


class Likelihood(Layer):
    """p(x | z), each of the D numbers by itself given z: log p(x | z) is the sum of theirs."""

    n_out = 1  # raw outputs for each number of x
    values = "reals"  # what x may be: "unit" [0, 1], "reals", "counts" 0, 1, 2, ..., or rows that are "one-hot"
    n_levels = None  # how many values each number of x may have, 0 and 1 the first and last, if p is of these alone
    D = None  # columns of x, where it has numbers of its own for each
    missing = False  # whether NaN in x stands for what was not observed: it adds nothing to log_px_z or to a gradient
    mean_backward = None  # dout of (g, out), g (..., D) the gradient of mean(out), where a model needs it

    def forward(self, x, out):
        """x (..., D), out (..., n_out * D) -> (log_px_z (...) nats, cache)."""
        raise NotImplementedError

    def backward(self, g, cache, accumulate=True):
        """dout (..., n_out * D), from the gradient g (...) of log_px_z. The data x get no gradient."""
        raise NotImplementedError

    def mean(self, out):
        """x_hat (..., D), the mean of p(x | z)."""
        raise NotImplementedError

    def draw_noise(self, rng, n):
        """What `draw` turns into a sample of x, here uniform from 0 to 1; n is the shape of x."""
        return rng.random(n, dtype="float32")

    def draw(self, out, noise):
        """A sample of p(x | z): out (..., n_out * D), noise (..., D) -> x (..., D)."""
        raise NotImplementedError

    def seen(self, x):
        """What an encoder sees of x (..., D): x on a scale of about 1.

        Where values may be missing it is (..., 2 D), two columns for each: the value and then 1, or 0 and 0 if missing.
        """
        x, observed = self._observed(self._seen(x))
        if observed is None:
            return x
        pairs = array_module(x).stack((x, observed.astype(x.dtype)), axis=-1)  # (..., D, 2)
        return pairs.reshape(*x.shape[:-1], 2 * x.shape[-1])

    def _seen(self, x):
        return x

    def _observed(self, x):
        """(x with 0 where it is missing, which were observed); (x, None) where none may be missing."""
        if self.D not in (None, x.shape[-1]):
            raise ValueError(f"x: expected {self.D} columns, as the likelihood has, got {x.shape[-1]}")
        if not self.missing:
            return x, None
        xp = array_module(x)
        observed = ~xp.isnan(x)
        return xp.where(observed, x, 0), observed

    def _columns(self, name, n):
        """n, how many numbers argument `name` stands for: 1, which serves all columns of x, or one for each."""
        n = COLUMNS(name, n)
        if n > 1 and self.D not in (None, n):
            raise ValueError(f"{name}: expected 1 or {self.D}, the columns, got {n}")
        self.D = n if n > 1 else self.D
        return n

    def _blocks(self, out):
        """out (..., n_out * D) -> (..., n_out, D)."""
        D, rest = divmod(out.shape[-1], self.n_out)
        if rest:
            raise ValueError(f"out: expected a multiple of {self.n_out} columns, got {out.shape[-1]}")
        return out.reshape(*out.shape[:-1], self.n_out, D)


def quantile(ppf, noise, like, *parameters):
    """ppf(noise, *parameters), an inverse distribution function of scipy.stats, on the device of the array `like`.

    It computes on the host, in float64. Nothing is drawn in a step.
    """
    u, *parameters = (a.astype("float64") for a in to_numpy((noise, *parameters)))
    return place(ppf(u.clip(LEAST), *parameters), like=like)
