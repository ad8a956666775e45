"""Optimizers on the flat vectors, and schedules as functions of the global step.

`optimizer.step()` reads `model.grad` (and leaves it as it was), changes `model.theta`, then moves the states.
"""

import math

import numpy as np

from .backend import array_module

BLOCK = 16384  # coordinates that a CPU updates at a time, so that the temporaries of an update stay in its cache


def schedule(value):
    """`value` as a function of the step. It gives Python floats: a NumPy scalar would turn float32 into float64."""
    return (lambda t: float(value(t))) if callable(value) else lambda t: value


def cosine(value, steps):
    """From `value` down to 0 along half a cosine over `steps` steps (Loshchilov & Hutter 2017, eq. 5)."""
    return lambda t: 0.5 * value * (1 + math.cos(math.pi * min(t / steps, 1)))


def step_decay(value, every, factor=0.1):
    """`value`, multiplied by `factor` after each `every` steps."""
    return lambda t: value * factor ** (t // every)


SCHEDULES = {
    "constant": lambda value, steps: schedule(value),
    "cosine": cosine,
    "step": lambda value, steps: step_decay(value, math.ceil(steps / 3)),
}


class Optimizer:
    """What all share: the step count `t`, clipping of the global norm, rate factors per part of the model.

    Parameters
    ----------
    model : Model
        Bound; an optimizer is made for one model and one binding.
    lr : float or function of the step
    clip : float, optional
        Largest norm that the whole gradient keeps.
    rates : dict, optional
        Factors of `lr` by name prefix, {"encoder": 0.5}.

    Raises
    ------
    ValueError
        If `lr` or `clip` is not positive, or `rates` names a part without parameters.
    """

    moment_names = ()

    def __init__(self, model, lr=1e-3, clip=None, rates=None):
        for name, value in (("lr", lr), ("clip", clip)):
            if value is not None and not callable(value) and not 0 < value < math.inf:
                raise ValueError(f"{name}: expected a finite number > 0, got {value}")
        self.model, self.lr, self.clip, self.t = model, schedule(lr), clip, 0
        self.theta = model.theta
        self.factor = self._per_coordinate(rates) if rates else None
        for name in self.moment_names:
            setattr(self, name, array_module(model.theta).zeros_like(model.theta))

    def step(self):
        model, g = self.model, self.model.grad
        if model.theta is not self.theta:
            raise ValueError("model: bound again after this optimizer was made; make a new one")
        if self.clip is not None:  # g min(1, clip / |g|)   (Pascanu et al. 2013, algorithm 1)
            xp = array_module(g)
            g = g * xp.minimum(self.clip / (xp.sqrt((g * g).sum()) + 1e-12), 1)
        lr = self.lr(self.t)
        self.t += 1
        block = BLOCK if array_module(g) is np else g.size
        for start in range(0, g.size, block):
            part = slice(start, start + block)
            self.update(part, self.theta[part], g[part], lr if self.factor is None else lr * self.factor[part])
        for state in model.states.values():
            state.step()

    def update(self, part, theta, g, lr):
        """Change `theta`, the slice `part` of all parameters, in place; `t` counts from 1 here."""
        raise NotImplementedError

    def arrays(self):
        """{name: array} of what a resumed run needs beside the parameters."""
        return {name: getattr(self, name) for name in self.moment_names}

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
    """velocity = momentum velocity + g;  theta -= lr velocity.

    `momentum` in [0, 1); other parameters as for Optimizer.
    """

    moment_names = ("velocity",)

    def __init__(self, model, lr=1e-3, momentum=0.9, **kwargs):
        super().__init__(model, lr, **kwargs)
        self.momentum = momentum

    def update(self, part, theta, g, lr):
        velocity = self.velocity[part]
        velocity *= self.momentum
        velocity += g
        theta -= lr * velocity


class Adam(Optimizer):
    """theta -= lr m_hat / (sqrt(v_hat) + adam_eps), with unbiased moments of g (Kingma & Ba 2015, algorithm 1).

    `betas`: how much of each moment a step keeps; other parameters as for Optimizer.
    """

    moment_names = ("m", "v")

    def __init__(self, model, lr=1e-3, betas=(0.9, 0.999), adam_eps=1e-8, **kwargs):
        super().__init__(model, lr, **kwargs)
        self.betas, self.adam_eps = betas, adam_eps

    def update(self, part, theta, g, lr):
        (b1, b2), m, v = self.betas, self.m[part], self.v[part]
        m *= b1
        m += (1 - b1) * g
        v *= b2
        v += (1 - b2) * (g * g)
        m_hat = m / (1 - b1**self.t)
        v_hat = v / (1 - b2**self.t)
        theta -= lr * m_hat / (array_module(theta).sqrt(v_hat) + self.adam_eps)


class AdamW(Adam):
    """Adam after theta -= lr weight_decay theta, which spares biases and norms (Loshchilov & Hutter 2019, alg. 2).

    Parameters as for Adam and Optimizer.
    """

    def __init__(self, model, lr=1e-3, weight_decay=0.01, **kwargs):
        super().__init__(model, lr, **kwargs)
        self.decay = array_module(model.theta).zeros_like(model.theta)
        for name, param in model.params.items():
            if param.data.ndim > 1:  # a matrix or a kernel
                self.decay[model.slices[name]] = weight_decay

    def update(self, part, theta, g, lr):
        theta -= lr * self.decay[part] * theta
        super().update(part, theta, g, lr)


OPTIMIZERS = {"adam": Adam, "adamw": AdamW, "sgd": SGD}
