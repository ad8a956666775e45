"""Optimizers on the flat vectors.

`optimizer.step()` reads `model.grad` (and leaves it as it was), changes `model.theta`, then moves the states. A second
step without a backward between them takes the same gradient again; the states stay, for a step uses up their pulls.
"""

import math
from contextlib import contextmanager

from .backend import array_module, has_kernels
from .kernels import fused
from .options import Option, each, read_arguments, real, shown, switch, table
from .schedules import schedule

SHARE = real(below=1, closed=True)  # of something that a step keeps
# of every optimizer; a class declares its own
OPTIONS = {
    "lr": Option(real(), 1e-3, "learning rate", "X"),
    "rates": Option(table(real(closed=True)), None, "factors of lr by part: {encoder = 0.5, decoder = 1}",
                    optional=True),
    "clip": Option(real(), None, "largest norm of the gradient of each objective", "X", optional=True),
    "ema": Option(SHARE, None, "keep a moving average of the parameters and use it; 0.999, say", optional=True),
}  # fmt: skip
BLOCK = 65536  # coordinates that a CPU updates at a time: few calls, and its five arrays come from a near cache


class Optimizer:
    """What all share: the step count `t`, clipping by the norm, rates per part of the model, averaging.

    Parameters
    ----------
    model : Module
        Bound; an optimizer is made for one model and one binding.
    lr : float or function of the step
    clip : float, optional
        Largest norm that the gradient of each objective keeps; that of the parameters that this objective trains.
    rates : dict, optional
        Factors >= 0 of `lr` by name prefix, {"encoder": 0.5}. They count after the clipping, which they do not change.
    ema : float, optional
        Keep a moving average of the parameters; see `averaged`. Step t = 1, 2, ... keeps min(ema, t / (t + 9)) of it,
        so that the start is soon forgotten: 0.99 is reached at step 891, 0.999 at step 8,991.

    Raises
    ------
    ValueError
        If an argument is none that its option takes, `rates` names a part without parameters, or no objective of the
        model trains some parameter.
    """

    moment_names = ()
    options = {}  # beside those of all

    def __init__(self, model, lr=1e-3, clip=None, rates=None, ema=None):
        self.clip, rates, self.ema = read_arguments(OPTIONS, clip=clip, rates=rates, ema=ema)
        self.lr = schedule(lr if callable(lr) else OPTIONS["lr"].read("lr", lr))
        self.model = model
        self.theta = model.theta
        self.t = 0
        trained = model.by_objective()
        left = [name for name in model.params if not any(name in names for names in trained.values())]
        if left:
            raise ValueError(f"objectives: expected each parameter below one of them, got none for {', '.join(left)}")
        self.trained = {objective: self._slices(names) for objective, names in trained.items()}
        self.factor = self._per_coordinate(rates) if rates else None
        for name in self.moment_names:
            setattr(self, name, array_module(model.theta).zeros_like(model.theta))
        if self.ema is not None:
            self.average = array_module(model.theta).zeros_like(model.theta)
            self.restart()

    def step(self):
        model = self.model
        if model.theta is not self.theta:
            raise ValueError("model: bound again after this optimizer was made; make a new one")
        g, lr = model.grad, self.lr(self.t)
        self.t += 1
        block = max(g.size, 1) if has_kernels(g) else BLOCK
        for objective, slices in self.trained.items():
            if not slices or self.updates(objective) == model.updates(objective, self.t - 1):
                continue
            scale = None if self.clip is None else self._scale(g, slices)
            for whole in slices:
                for start in range(whole.start, whole.stop, block):
                    part = slice(start, min(start + block, whole.stop))
                    rate = lr if self.factor is None else lr * self.factor[part]
                    self.update(part, self.theta[part], g[part], scale, rate, objective)
        for state in model.states.values():
            state.step()
        if self.ema is not None:
            follow(self.average, self.theta, 1 - min(self.ema, self.t / (self.t + 9)))

    def restart(self):
        """Let the average begin at the parameters as they are, which something else than a step has set."""
        if self.ema is not None:
            self.average[...] = self.theta

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

    def updates(self, objective):
        """How many of the steps until now, this one included, descend an objective; see `Module.updates`."""
        return self.model.updates(objective, self.t)

    def update(self, part, theta, g, scale, lr, objective):
        """Change `theta`, the slice `part` of all parameters, in place; `t` counts from 1 here.

        `g` is its gradient, that of `objective`, to be multiplied by `scale` () where it is clipped, else None; `lr` a
        number, or a vector with a rate for each coordinate.
        """
        raise NotImplementedError

    def arrays(self):
        """{name: array} of what a resumed run needs beside the parameters."""
        names = self.moment_names if self.ema is None else (*self.moment_names, "average")
        return {name: getattr(self, name) for name in names}

    def _scale(self, g, slices):
        """min(1, clip / |g|), g the gradient of one objective (Pascanu et al. 2013, algorithm 1)."""
        squares = [(g[part] * g[part]).sum() for part in slices]
        xp = array_module(g)
        norm = xp.sqrt(sum(squares[1:], start=squares[0]))
        return xp.asarray(xp.minimum(self.clip / (norm + 1e-12), 1), g.dtype)

    def _slices(self, names):
        """The slices of theta where these parameters lie; neighbors are one slice."""
        slices = []
        for name in names:
            own = self.model.slices[name]
            start = slices.pop().start if slices and slices[-1].stop == own.start else own.start
            slices.append(slice(start, own.stop))
        return slices

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
    options = {"momentum": Option(SHARE, 0.9, "share of the velocity that a step keeps"),
               "nesterov": Option(switch, False, "take the gradient a step ahead")}  # fmt: skip

    def __init__(self, model, lr=1e-3, momentum=0.9, nesterov=False, **kwargs):
        super().__init__(model, lr, **kwargs)
        self.momentum, self.nesterov = read_arguments(self.options, momentum=momentum, nesterov=nesterov)

    def update(self, part, theta, g, scale, lr, objective):
        g = g if scale is None else scale * g
        velocity = self.velocity[part]
        velocity *= self.momentum
        velocity += g
        theta -= lr * (g + self.momentum * velocity if self.nesterov else velocity)


@fused
def adam(theta, g, sum_g, sum_g2, b1, b2, tiny, lr, unit, scale=None, decay=None):
    """g = scale g, theta -= lr decay theta, sum_g = b1 sum_g + g, sum_g2 = b2 sum_g2 + g^2, and with rate = lr unit
    theta -= rate sum_g / (sqrt(sum_g2) + tiny), all in place.

    `lr` is a number, or a vector with one for each coordinate; `scale` () and the vector `decay` may be None.
    """
    xp = array_module(theta)
    g = g if scale is None else scale * g
    if decay is not None:
        theta -= lr * decay * theta
    d = g * g
    sum_g2 *= b2
    sum_g2 += d
    sum_g *= b1
    sum_g += g
    d = xp.sqrt(sum_g2, out=d)
    d += tiny
    xp.divide(sum_g, d, out=d)
    d *= lr * unit
    theta -= d


@fused
def follow(average, theta, share):
    """average += share (theta - average), in place."""
    average += share * (theta - average)


class Adam(Optimizer):
    """theta -= lr m_hat / (sqrt(v_hat) + adam_eps), with unbiased moments of g (Kingma & Ba 2015, algorithm 1).

    Kept are sums, sum_g = b1 sum_g + g and sum_g2 = b2 sum_g2 + g^2, without the factors 1 - b1 and 1 - b2 of algorithm
    1: they go into those of the correction, m_hat = sum_g (1 - b1) / (1 - b1^t), and cost nothing per coordinate.
    `betas`: (b1, b2), each in [0, 1), how much of each moment a step keeps; or {objective: (b1, b2)}. An objective that
    is left out has those of `model.adam_betas`, else (0.9, 0.999). Other parameters as for Optimizer.
    """

    moment_names = ("sum_g", "sum_g2")
    options = {"adam_eps": Option(real(closed=True), 1e-8, "beside the root of the second moment", older=1e-8)}

    def __init__(self, model, lr=1e-3, betas=None, adam_eps=1e-8, **kwargs):
        super().__init__(model, lr, **kwargs)
        betas = {} if betas is None else betas
        own = dict(betas) if isinstance(betas, dict) else dict.fromkeys(self.trained, betas)
        for objective, pair in own.items():
            if objective not in self.trained:
                raise ValueError(f"betas: expected objectives among {', '.join(self.trained)}, got {objective!r}")
            own[objective] = tuple(each(SHARE)("betas", pair))
            if len(own[objective]) != 2:
                raise ValueError(f"betas: expected two numbers >= 0 and < 1, got {shown(pair)}")
        self.betas = dict.fromkeys(self.trained, (0.9, 0.999)) | getattr(model, "adam_betas", {}) | own
        (self.adam_eps,) = read_arguments(Adam.options, adam_eps=adam_eps)

    def update(self, part, theta, g, scale, lr, objective, decay=None):
        b1, b2 = self.betas[objective]
        sum_g = self.sum_g[part]
        sum_g2 = self.sum_g2[part]
        t = self.updates(objective)
        to_m_hat = (1 - b1) / (1 - b1**t)
        to_std = math.sqrt((1 - b2) / (1 - b2**t))  # sqrt(v_hat) = to_std sqrt(sum_g2)
        adam(theta, g, sum_g, sum_g2, b1, b2, self.adam_eps / to_std, lr, to_m_hat / to_std, scale, decay)


class AdamW(Adam):
    """Adam after theta -= lr weight_decay theta, which spares parameters made with decay=False: biases, norms,
    embeddings (Loshchilov & Hutter 2019, alg. 2).

    Here lr is the rate of the coordinate at this step. The decay follows the schedule, as in line 12 of algorithm 2,
    where lr = eta_t alpha as in PyTorch, and it follows `rates`: a part with rate 0 stays as it is. Other parameters as
    for Adam and Optimizer.
    """

    options = Adam.options | {
        "weight_decay": Option(real(below=1e15, closed=True), 0.01, "factor of theta", "X"),
    }

    def __init__(self, model, lr=1e-3, weight_decay=0.01, **kwargs):
        super().__init__(model, lr, **kwargs)
        (weight_decay,) = read_arguments(AdamW.options, weight_decay=weight_decay)
        self.decay = array_module(model.theta).zeros_like(model.theta)
        for name, param in model.params.items():
            if param.decay:
                self.decay[model.slices[name]] = weight_decay

    def update(self, part, theta, g, scale, lr, objective):
        super().update(part, theta, g, scale, lr, objective, self.decay[part])


OPTIMIZERS = {"adam": Adam, "adamw": AdamW, "sgd": SGD}
