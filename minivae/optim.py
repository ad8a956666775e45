"""Optimizers on the flat vectors.

`optimizer.step()` reads `model.grad` (and leaves it as it was), changes `model.theta`, then moves the states.
"""

import math
from contextlib import contextmanager

import numpy as np

from . import kernels
from .backend import array_module, has_kernels
from .schedules import schedule

BLOCK = 65536  # coordinates that a CPU updates at a time: few calls, and its five arrays come from a near cache


class Optimizer:
    """What all share: the step count `t`, clipping of the global norm, rates per part of the model, averaging.

    Parameters
    ----------
    model : Model
        Bound; an optimizer is made for one model and one binding.
    lr : float or function of the step
    clip : float, optional
        Largest norm that the whole gradient keeps.
    rates : dict, optional
        Factors of `lr` by name prefix, {"encoder": 0.5}.
    ema : float, optional
        Keep a moving average of the parameters, this much of it a step; see `averaged`.

    Raises
    ------
    ValueError
        If `lr` or `clip` is not positive, `rates` names a part without parameters, or `ema` is not in [0, 1).
    """

    moment_names = ()

    def __init__(self, model, lr=1e-3, clip=None, rates=None, ema=None):
        for name, value in (("lr", lr), ("clip", clip)):
            if value is not None and not callable(value) and not 0 < value < math.inf:
                raise ValueError(f"{name}: expected a finite number > 0, got {value}")
        if ema is not None and not 0 <= ema < 1:
            raise ValueError(f"ema: expected 0 <= ema < 1, got {ema}")
        self.model, self.lr, self.clip, self.ema, self.t = model, schedule(lr), clip, ema, 0
        self.theta = model.theta
        self.factor = self._per_coordinate(rates) if rates else None
        for name in self.moment_names:
            setattr(self, name, array_module(model.theta).zeros_like(model.theta))
        if ema is not None:
            self.average = model.theta.copy()

    def step(self):
        model, g = self.model, self.model.grad
        if model.theta is not self.theta:
            raise ValueError("model: bound again after this optimizer was made; make a new one")
        if self.clip is not None:  # g min(1, clip / |g|)   (Pascanu et al. 2013, algorithm 1)
            xp = array_module(g)
            g = g * xp.minimum(self.clip / (xp.sqrt((g * g).sum()) + 1e-12), 1)
        lr = self.lr(self.t)
        self.t += 1
        block = BLOCK if array_module(g) is np else max(g.size, 1)
        for start in range(0, g.size, block):
            part = slice(start, start + block)
            self.update(part, self.theta[part], g[part], lr if self.factor is None else lr * self.factor[part])
        for state in model.states.values():
            state.step()
        if self.ema is not None:  # the first steps keep less, so that the start is soon forgotten
            self.average += (1 - min(self.ema, self.t / (self.t + 9))) * (self.theta - self.average)

    @contextmanager
    def averaged(self):
        """Inside, the model has the average of its parameters (Polyak & Juditsky 1992); without `ema`, its own."""
        if self.ema is None:
            yield
            return
        own = self.theta.copy()
        self.theta[...] = self.average
        try:
            yield
        finally:
            self.theta[...] = own

    def update(self, part, theta, g, lr):
        """Change `theta`, the slice `part` of all parameters, in place; `t` counts from 1 here."""
        raise NotImplementedError

    def arrays(self):
        """{name: array} of what a resumed run needs beside the parameters."""
        names = self.moment_names if self.ema is None else (*self.moment_names, "average")
        return {name: getattr(self, name) for name in names}

    def _per_coordinate(self, rates):
        factor = array_module(self.theta).ones_like(self.theta)
        for prefix, rate in rates.items():
            names = self.model.below(prefix)
            if not names:
                raise ValueError(f"rates: no parameter is below {prefix!r}")
            for name in names:
                factor[self.model.slices[name]] = rate
        return factor


class SGD(Optimizer):
    """velocity = momentum velocity + g;  theta -= lr velocity, or with `nesterov` lr (g + momentum velocity).

    `momentum` in [0, 1). Nesterov's step is that of the velocity one step ahead (Sutskever et al. 2013, sec. 2, in the
    form of Bengio et al. 2013, eq. 7). Other parameters as for Optimizer.
    """

    moment_names = ("velocity",)

    def __init__(self, model, lr=1e-3, momentum=0.9, nesterov=False, **kwargs):
        super().__init__(model, lr, **kwargs)
        self.momentum, self.nesterov = momentum, nesterov

    def update(self, part, theta, g, lr):
        velocity = self.velocity[part]
        velocity *= self.momentum
        velocity += g
        theta -= lr * (g + self.momentum * velocity if self.nesterov else velocity)


class Adam(Optimizer):
    """theta -= lr m_hat / (sqrt(v_hat) + adam_eps), with unbiased moments of g (Kingma & Ba 2015, algorithm 1).

    Kept are sums, sum_g = b1 sum_g + g and sum_g2 = b2 sum_g2 + g^2, without the factors 1 - b1 and 1 - b2 of algorithm
    1: they go into those of the correction, m_hat = sum_g (1 - b1) / (1 - b1^t), and cost nothing per coordinate.
    `betas`: how much of each moment a step keeps; other parameters as for Optimizer.
    """

    moment_names = ("sum_g", "sum_g2")

    def __init__(self, model, lr=1e-3, betas=(0.9, 0.999), adam_eps=1e-8, **kwargs):
        super().__init__(model, lr, **kwargs)
        self.betas, self.adam_eps = betas, adam_eps

    def update(self, part, theta, g, lr):
        (b1, b2), sum_g, sum_g2 = self.betas, self.sum_g[part], self.sum_g2[part]
        to_m_hat = (1 - b1) / (1 - b1**self.t)
        to_std = math.sqrt((1 - b2) / (1 - b2**self.t))  # sqrt(v_hat) = to_std sqrt(sum_g2)
        tiny, scale = self.adam_eps / to_std, to_m_hat / to_std
        if has_kernels(theta):
            return kernels.adam(theta, g, sum_g, sum_g2, b1, b2, tiny, lr, scale)
        d = g * g
        sum_g2 *= b2
        sum_g2 += d
        sum_g *= b1
        sum_g += g
        d = array_module(theta).sqrt(sum_g2, out=d)
        d += tiny
        array_module(theta).divide(sum_g, d, out=d)
        d *= lr * scale
        theta -= d


class AdamW(Adam):
    """Adam after theta -= lr weight_decay theta, which spares parameters made with decay=False: biases, norms,
    embeddings (Loshchilov & Hutter 2019, alg. 2).

    Parameters as for Adam and Optimizer.
    """

    def __init__(self, model, lr=1e-3, weight_decay=0.01, **kwargs):
        super().__init__(model, lr, **kwargs)
        self.decay = array_module(model.theta).zeros_like(model.theta)
        for name, param in model.params.items():
            if param.decay:
                self.decay[model.slices[name]] = weight_decay

    def update(self, part, theta, g, lr):
        theta -= lr * self.decay[part] * theta
        super().update(part, theta, g, lr)


OPTIMIZERS = {"adam": Adam, "adamw": AdamW, "sgd": SGD}
