"""The third oracle: the complex step, exact to rounding where the function is smooth.

    df/dx = Im f(x + i h) / h + O(h^2),    h = 1e-20

There is no difference, so nothing cancels, and h can be so small that h^2 is nothing (Squire & Trapp 1998). f must be
the analytic continuation of the real function: absolute values, comparisons and maxima go by the real part, so that a
stable softplus, max(x, 0) + log1p(exp(-|x|)), works. At a kink it gives the slope of one side.
"""

import math
from contextlib import ExitStack, contextmanager

import numpy as np

from ..backend import special, tree_map
from ..params import Module, replaced
from .checks import Check, Checks
from .compare import compared, hindrance, norm, worse
from .directional import direction
from .kinks import TINY, reach

H = 1e-20
LIMIT = 1e-12
COMPARISONS = (np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal)


class ByRealPart(np.ndarray):
    """Complex numbers whose absolute value, sign and branches are those of their real part."""

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        inputs = [_plain(a) for a in inputs]
        if out is not None:
            kwargs["out"] = tuple(_plain(a) for a in out)
        if method != "__call__":
            return _wrapped(getattr(ufunc, method)(*inputs, **kwargs))
        if ufunc is np.absolute:
            ufunc = np.multiply
            inputs = [inputs[0], np.where(inputs[0].real < 0, -1.0, 1.0)]
        elif ufunc is np.sign:
            inputs = [inputs[0].real]
        elif ufunc in COMPARISONS:
            inputs = [np.real(a) for a in inputs]
        elif ufunc in (np.maximum, np.minimum):
            first = (np.greater_equal if ufunc is np.maximum else np.less_equal)(*map(np.real, inputs))
            ufunc = np.add
            inputs = [np.where(first, *inputs), 0]
        elif ufunc.__name__ == "betaln":  # SciPy's takes real numbers only
            log_gamma = special(inputs[0]).loggamma
            a, b = inputs
            return _wrapped(log_gamma(a) + log_gamma(b) - log_gamma(a + b))
        return _wrapped(ufunc(*inputs, **kwargs))

    def __array_function__(self, function, types, args, kwargs):
        return tree_map(_wrapped, super().__array_function__(function, types, args, kwargs))


def check_complex_step(problem, rng, directions=4):
    """{name: Check} of every array of a Problem along random directions; the limit is 1e-12."""
    checks = Checks()
    for name, at in problem.values.items():
        if why := hindrance(problem, name):
            checks[name] = Check(math.inf, directions, limit=LIMIT, why=why)
            continue
        worst = 0.0, ""
        size = problem.size or abs(float(problem.f(problem.values)))
        unit = reach(at)
        g = unit * problem.grads[name]
        floor = norm(g)
        for i in range(directions):
            v = direction(at.shape, rng)
            slope = derivative(problem, name, unit * v)
            hand = float((g * v).sum())
            scale = max(abs(slope), abs(hand), floor, 1e-3 * size, TINY)  # 1e-3 |f| where all terms cancel
            worst = worse(worst, compared(hand, slope, scale, f"along direction {i}"))
        checks[name] = Check(worst[0], directions, limit=LIMIT, why=worst[1])
    return checks


def derivative(problem, name, v):
    """d f(array + s v) / ds at s = 0, v in the shape of the array."""
    values = {key: a.astype("complex128").view(ByRealPart) for key, a in problem.values.items()}
    values[name] += 1j * H * v
    with _wrapping(problem.part):
        try:
            return float(np.imag(problem.f(values))) / H
        except TypeError as error:  # of a NumPy function without a complex form, such as logaddexp
            raise ValueError(f"oracle: the complex step cannot go through this code ({error})") from None


@contextmanager
def _wrapping(part):
    """Inside, whatever goes in and out of a forward is ByRealPart: some of NumPy's functions forget a subclass."""

    def around(forward):
        return lambda *args: tree_map(_wrapped, forward(*tree_map(_wrapped, args)))

    with ExitStack() as stack:
        for module in part.named(Module).values() if isinstance(part, Module) else ():
            if hasattr(module, "forward"):
                stack.enter_context(replaced(module, forward=around(module.forward)))
        yield


def _plain(a):
    return a.view(np.ndarray) if isinstance(a, ByRealPart) else a


def _wrapped(a):
    return a.view(ByRealPart) if isinstance(a, np.ndarray) and a.dtype.kind == "c" else a
