"""Exercises of lesson 24: a coupling layer, both ways and backward; the loss of diffusion; the two players of a GAN."""

from functools import partial

import numpy as np

from ...numeric import sigmoid
from ..exercise import Exercise
from . import families_by_hand as by_hand
from .critics_by_hand import critic_loss
from .families_by_hand import (
    coupling,
    coupling_backward,
    coupling_inverse,
    generator_loss,
    noise_loss,
    noised,
)


def _net(rng, half):
    """kept (N, half) -> log_scale, shift (N, half) each."""
    A, B = 0.5 * rng.standard_normal((2, half, half))
    return lambda kept: (np.tanh(kept @ A) + 0.2, kept @ B + 0.3)


def _shape(rng):
    """(N, half), other ones for each of SEEDS, and more examples than numbers."""
    return int(rng.integers(9, 20)), int(rng.integers(2, 9))


def _rows(rng):
    N, half = _shape(rng)
    return {"x": rng.standard_normal((N, 2 * half)), "net": _net(rng, half)}


def _codes(rng):
    inputs = _rows(rng)
    return {"z": inputs["x"], "net": inputs["net"]}


def _backward(rng):
    N, half = _shape(rng)
    shapes = {"dz": (N, 2 * half), "dlog_det": N, "x": (N, 2 * half), "log_scale": (N, half), "shift": (N, half)}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def _value(dz, dlog_det, x, log_scale, shift):
    z, log_det = coupling(x, lambda kept: (log_scale, shift))
    return (dz * z).sum() + (dlog_det * log_det).sum()


def _noises(rng):
    N, D, T = int(rng.integers(9, 20)), int(rng.integers(2, 9)), int(rng.integers(20, 60))
    t = rng.integers(2, T, N)
    return {"x": rng.standard_normal((N, D)), "eps": rng.standard_normal((N, D)), "t": t,
            "beta": rng.uniform(0.01, 0.1, T)}  # fmt: skip


def _guesses(rng):
    N, D = int(rng.integers(9, 20)), int(rng.integers(2, 9))
    return {"eps_hat": rng.standard_normal((N, D)), "eps": rng.standard_normal((N, D)),
            "weight": rng.uniform(0.5, 3, N)}  # fmt: skip


def _odds(rng):
    """With one of each that is far out: a probability of 0 or 1, to all digits."""
    N = int(rng.integers(9, 20))
    odds, odds_g = 2 * rng.standard_normal((2, N)) + [[1], [-0.5]]
    odds[1], odds_g[2] = -800.0, 800.0
    return {"odds": odds, "odds_g": odds_g}


def _odds_g(rng):
    odds_g = 2 * rng.standard_normal(int(rng.integers(9, 20))) - 0.5
    odds_g[2] = -800.0
    return {"odds_g": odds_g}


def _ones(a, *_):
    return np.ones_like(a)


_map, _back = partial(partial, by_hand.coupling_variant), partial(partial, by_hand.inverse_variant)
_gradient, _noise = partial(partial, by_hand.backward_variant), partial(partial, by_hand.noised_variant)
_loss, _critic = partial(partial, by_hand.loss_variant), partial(partial, by_hand.critic_variant)
_generator = partial(partial, by_hand.generator_variant)


def _cut_off(variant, sign):
    """The slips of those who keep a probability from 0."""
    return {f"cut off at {tiny:g}: softplus of the odds needs no floor":
            variant(cost=lambda a, tiny=tiny: -np.log(sigmoid(sign * a) + tiny))
            for tiny in (1e-7, 1e-8, 1e-10, 1e-12)}  # fmt: skip


EXERCISES = (
    Exercise(
        "24.1",
        "coupling",
        "z, log_det",
        _rows,
        coupling,
        points=2,
        hints=(
            "Write the Jacobian of D = 2 first: a matrix of 2 times 2 numbers, dz_i / dx_j. Which of them is 0?",
            "The determinant of a triangular matrix is the product of its diagonal. Take its logarithm.",
            "half = x.shape[1] // 2; kept, moved = x[:, :half], x[:, half:]; log_scale, shift = net(kept). "
            "np.concatenate([a, b], axis=1) puts two halves side by side.",
        ),
        slips={
            "log_scale is used as it is: the scale is its exponential": _map(scale=lambda s: s),
            "exp(-log_scale): that is the scale of the inverse": _map(scale=lambda s: np.exp(-s)),
            "the shift is missing": _map(move=lambda s, moved, shift: s * moved),
            "the shift is subtracted": _map(move=lambda s, moved, shift: s * moved - shift),
            "the shift comes behind the scale: it is not scaled": _map(
                move=lambda s, moved, shift: s * (moved + shift)),
            "the moved half is not scaled": _map(move=lambda s, moved, shift: moved + shift),
            "the halves are exchanged: the first one is kept": _map(swap=True),
            "the logarithm of the determinant is wanted: a sum of log_scale, not of its exponential": _map(
                log=lambda s, *_: np.exp(s)),
            "that is the determinant: its logarithm is wanted": _map(
                log=lambda s, *_: np.exp(s), total=lambda a: a.prod(axis=1)),
            "the logarithm of a product is the sum of the logarithms": _map(total=lambda a: a.prod(axis=1)),
            "the sign of log_det: that is the one of the inverse": _map(sign=-1),
            "log_det is not summed: one number for each example is wanted": _map(total=lambda a: a),
            "log_det is summed over the examples: one number for each of them is wanted": _map(
                total=lambda a: a.sum(axis=0)),
            "log_det is summed over the examples as well": _map(total=np.sum),
            "log_det is averaged over the numbers, not summed": _map(total=lambda a: a.mean(axis=1)),
            "a shift does not change a volume: it is not in log_det": _map(log=lambda s, shift, kept: s + shift),
            "log_det is the sum of the shifts: these do not change a volume": _map(log=lambda s, shift, kept: shift),
            "the diagonal of the kept half is 1, whose logarithm is 0": _map(log=lambda s, shift, kept: s + 1),
            "the size of log_scale counts with its sign: a scale below 1 makes the volume smaller": _map(
                log=lambda s, *_: np.abs(s)),
            "log_det is half of what it should be: scale is exp(log_scale), not its root": _map(
                log=lambda s, *_: s / 2),
        },
    ),
    Exercise(
        "24.2",
        "coupling_inverse",
        "x",
        _codes,
        coupling_inverse,
        hints=(
            "The first half of z is the first half of x. So net can be asked again, with the same answer.",
            "What was done last is undone first: subtract the shift, then divide by the scale.",
        ),
        slips={
            "the scale is applied once more: divide by it": _back(scale=np.exp),
            "the shift is added: subtract it": _back(back=lambda s, moved, shift: s * (moved + shift)),
            "what was done last is undone first: subtract the shift, then divide": _back(
                back=lambda s, moved, shift: s * moved - shift),
            "divided first, then the shift is added: that is a coupling with another scale": _back(
                back=lambda s, moved, shift: s * moved + shift),
            "the shift is not undone": _back(back=lambda s, moved, shift: s * moved),
            "the scale is not undone": _back(back=lambda s, moved, shift: moved - shift),
            "log_scale is used as it is: the scale is its exponential": _back(scale=lambda s: 1 / s),
            "the moved half is given to net, which has seen the kept one": _back(swap=True),
            "that is coupling once more, not its inverse": lambda z, net: coupling(z, net)[0],
            "the net is asked about the moved half; only the kept one is the same on both sides": _back(ask=1),
            "the kept half is not in x": _back(keep=lambda kept, x: x),
        },
    ),
    Exercise(
        "24.3",
        "coupling_backward",
        "dx, dlog_scale, dshift",
        _backward,
        coupling_backward,
        value=_value,
        points=2,
        hints=(
            "Three lines of forward: z_kept = x_kept; z_moved = exp(log_scale) x_moved + shift; log_det = sum of "
            "log_scale. In which of them does each of x, log_scale and shift stand?",
            "log_scale stands in two of them. exp(log_scale) is its own derivative; and each log_scale goes into "
            "log_det with the factor 1, so it gets dlog_det of its example, dlog_det[:, None].",
        ),
        slips={
            "dlog_det is missing in dlog_scale: log_det is a sum of log_scale": _gradient(of_det=lambda d: 0),
            "dlog_det is subtracted in dlog_scale": _gradient(of_det=lambda d: -d[:, None]),
            "z is missing in dlog_scale: that is the part of log_det": _gradient(of_z=0),
            "the scale is missing in dlog_scale: exp is its own derivative": _gradient(inner=_ones),
            "x is missing in dlog_scale: z_moved is scale times x_moved": _gradient(times=lambda x, s: 1),
            "the kept half of x stands in dlog_scale: the moved one is scaled": _gradient(
                times=lambda x, s: by_hand.halves(x)[0]),
            "log_det is summed over the numbers: each of them gets all of dlog_det, not its part": _gradient(
                of_det=lambda d: d.mean() + 0 * d[:, None]),
            "that is the gradient in the scale; log_scale is its logarithm": _gradient(
                inner=_ones, out=lambda a, s, dlog_det: a + dlog_det[:, None] * (1 / s - 1)),
            "the scale is missing in dx": _gradient(moved=lambda dmoved, s: dmoved),
            "dx is divided by the scale": _gradient(moved=lambda dmoved, s: dmoved / s),
            "the kept half goes through as it is: its dx is that of z": _gradient(kept=0),
            "the shift is not scaled: dshift is dz of the moved half": _gradient(shift=lambda dmoved, s: dmoved * s),
            "the sign of dshift: the shift is added": _gradient(shift=lambda dmoved, s: -dmoved),
            "log_scale is used as it is: the scale is its exponential": _gradient(scale=lambda s: s),
            "exp(-log_scale): that is the scale of the inverse": _gradient(scale=lambda s: np.exp(-s)),
            "dlog_scale is summed over the examples: each has a log_scale of its own": _gradient(
                out=lambda a, *_: a.sum(axis=0)),
            "dshift is summed over the examples: each has a shift of its own": _gradient(
                shift=lambda dmoved, s: dmoved.sum(axis=0)),
        },
    ),
    Exercise(
        "24.4",
        "noised",
        "x_t",
        _noises,
        noised,
        points=2,
        hints=(
            "Do two steps. In front of x stands the product of two roots; two noises are left, each with a factor.",
            "A sum of two independent Gaussians is one Gaussian, whose variance is the sum of theirs. With the "
            "abbreviation abar for the product of all 1 - beta, what is 1 - abar of two steps?",
            "np.cumprod(1 - beta) has the products of all t, the first at index 0; t - 1 picks one for each example, "
            "and [:, None] puts them in front of the D numbers.",
        ),
        slips={
            "one step too far: the product of t factors stands at index t - 1": _noise(at=0),
            "one step too few: the product of t factors stands at index t - 1": _noise(at=-2),
            "the root of the product is forgotten, in both factors": _noise(
                root=lambda abar: abar, noise=lambda abar: np.sqrt(1 - abar**2)),
            "that is the last step alone: the product of all 1 - beta up to t is wanted": _noise(
                left=lambda beta: 1 - beta),
            "that is the product of beta: of 1 - beta it is wanted": _noise(left=np.cumprod),
            "1 less the sum of beta stands where the product of 1 - beta belongs": _noise(
                left=lambda beta: 1 - np.cumsum(beta)),
            "the product of all T steps: only those up to t are done": _noise(
                left=lambda beta: np.full(len(beta), np.prod(1 - beta))),
            "1 - beta to the power t: each step has a beta of its own": _noise(
                left=lambda beta: (1 - beta) ** np.arange(1, len(beta) + 1)),
            "the share of x is a variance: its root belongs there": _noise(root=lambda a: a),
            "the share of the noise is a variance: its root belongs there": _noise(noise=lambda abar: 1 - abar),
            "both shares are variances: their roots belong there": _noise(
                root=lambda a: a * 1.0, noise=lambda abar: 1.0 - abar),
            "the two shares of a variance add up to 1, not the roots of them": _noise(
                noise=lambda abar: 1 - np.sqrt(abar)),
            "the variances of the noises are added as they are: each later step shrinks them as well": _noise(
                added=lambda beta: np.sqrt(np.cumsum(beta))),
            "the factors of the noises are added: independent noises add their variances": _noise(
                added=lambda beta: np.cumsum(np.sqrt(beta))),
            "that is the noise of the last step alone: the earlier ones are still there": _noise(added=np.sqrt),
            "x and eps are exchanged": _noise(swap=True),
            "x stands there whole: each step shrinks it as well": _noise(root=_ones),
            "eps stands there whole: its variance is what is left": _noise(noise=_ones),
            "both are shrunk by the same root": _noise(noise=np.sqrt),
            "the noise is subtracted": _noise(sign=-1),
        },
    ),
    Exercise(
        "24.5",
        "noise_loss",
        "loss, deps_hat",
        _guesses,
        noise_loss,
        value=lambda eps_hat, eps, weight: noise_loss(eps_hat, eps, weight)[0],
        hints=(
            "The squared distance is a sum over the D numbers of an example. weight has one number for each example.",
            "In the gradient the square brings down a 2; the mean over the examples leaves 1 / N. weight[:, None] "
            "multiplies the rows.",
        ),
        slips={
            "averaged over the numbers: the distance is a sum over them": _loss(
                total=lambda a: a.mean(axis=1), over=lambda N, D: N * D),
            "the loss is averaged over the numbers, its gradient is not": _loss(total=lambda a: a.mean(axis=1)),
            "summed over the examples: the mean is wanted": _loss(mean=np.sum, over=lambda N, D: 1),
            "the loss is a mean over the examples, so its gradient is divided by N": _loss(over=lambda N, D: 1),
            "the gradient is divided by N D; the loss is a sum over the D numbers": _loss(over=lambda N, D: N * D),
            "not averaged over the examples: one number is wanted": _loss(mean=lambda a: a),
            "the 2 of the square is missing in the gradient": _loss(two=1),
            "the sign of the gradient: it is in eps_hat, not in eps": _loss(sign=-1),
            "the weight is missing": _loss(weigh=_ones),
            "the weight is missing in the gradient": _loss(weigh_d=_ones),
            "the weight is squared: it stands before the square": _loss(weigh=np.square),
            "the loss is divided by the weight": _loss(weigh=np.reciprocal),
            "the weights are scaled to a mean of 1": _loss(weigh=lambda w: w / w.mean()),
            "the distance is not squared": _loss(power=1),
            "the root of the distance is taken": _loss(total=lambda a: np.sqrt(a.sum(axis=1))),
            "the gradient is summed over the examples: each has an eps_hat of its own": _loss(
                out=lambda a: a.sum(axis=0)),
        },
    ),
    Exercise(
        "24.6",
        "critic_loss",
        "loss_critic, dodds, dodds_g",
        _odds,
        critic_loss,
        value=lambda odds, odds_g: critic_loss(odds, odds_g)[0],
        points=2,
        hints=(
            "-log sigmoid(a) = softplus(-a), for any a. One of the two terms has -odds in it, the other odds_g.",
            "The derivative of softplus(a) is sigmoid(a). The inner derivative of softplus(-odds) is -1.",
            "Each term is a mean over N examples, and in front of both stands one half.",
        ),
        slips={
            "the half is missing": _critic(half=1, half_d=1),
            "the half is missing in the gradients": _critic(half_d=1),
            "the half is missing in the loss": _critic(half=1),
            "data and samples are exchanged: the odds of data are to be high": _critic(real=1, made=-1),
            "the samples are taken for data: their odds are to be low": _critic(made=-1),
            "the data are taken for samples: their odds are to be high": _critic(real=1),
            "the sign: that is the mean log-probability, which the critic makes large": _critic(sign=-1),
            "the sign of dodds_g: that is what would help the generator": _critic(sign_g=-1),
            "summed over the examples: the mean is wanted": _critic(mean=np.sum, over=lambda a: 1),
            "the loss is a mean over the examples, so its gradients are divided by N": _critic(over=lambda a: 1),
            "not finite where a probability is 0: take softplus of the odds, not the log of sigmoid": _critic(
                cost=lambda a: -np.log(sigmoid(-a))),
            "the slope of softplus(a) is sigmoid(a); here is that of sigmoid": _critic(
                slope=lambda a: sigmoid(a) * sigmoid(-a)),
            **_cut_off(_critic, -1),
            "dodds: the sigmoid of odds stands where that of -odds belongs": _critic(flip=-1),
            "dodds_g: the sigmoid of -odds_g stands where that of odds_g belongs": _critic(flip_g=-1),
        },
    ),
    Exercise(
        "24.7",
        "generator_loss",
        "loss, dodds_g",
        _odds_g,
        generator_loss,
        value=lambda odds_g: generator_loss(odds_g)[0],
        hints=(
            "It wants the critic to say that its samples are data: what is the critic's own cost of data, softplus of "
            "what?",
            "No half stands in front of it. The derivative is negative everywhere: higher odds are better.",
        ),
        slips={
            "that is the critic's cost of samples: the generator wants the opposite": _generator(
                cost=by_hand.softplus, slope=sigmoid),
            "that loss saturates: its slope is 0 just where the critic is sure": _generator(
                cost=lambda odds: -by_hand.softplus(odds), slope=lambda odds: -sigmoid(odds)),
            "the sign of dodds_g": _generator(sign=-1),
            "no half stands in front of the generator's loss": _generator(half=0.5, half_d=0.5),
            "a half stands in the gradient but not in the loss": _generator(half_d=0.5),
            "summed over the examples: the mean is wanted": _generator(mean=np.sum, over=lambda a: 1),
            "the loss is a mean over the examples, so its gradient is divided by N": _generator(over=lambda a: 1),
            "the slope is that of the saturating loss": _generator(slope=lambda odds: -sigmoid(odds)),
            "that is the slope for which the critic is half sure, everywhere": _generator(
                slope=lambda odds: -0.5 * np.ones_like(odds)),
            "not finite where a probability is 0: take softplus of the odds, not the log of sigmoid": _generator(
                cost=lambda odds: -np.log(sigmoid(odds))),
            "that is the loss of hinge, the odds themselves": _generator(
                cost=lambda odds: -odds, slope=lambda odds: -np.ones_like(odds)),
            **_cut_off(_generator, 1),
        },
    ),
)  # fmt: skip
