"""Exercises of lesson 16: a planar flow with its gradients, and the masks and the step of an autoregressive one."""

from functools import partial

import numpy as np

from ...numeric import sigmoid
from ..exercise import Exercise
from . import flows_by_hand as by_hand
from .draws import as_it_is, one_of


def _shape(rng):
    """(N, L), other ones for each of SEEDS."""
    return rng.integers(4, 10), rng.integers(3, 7)


def _rows(rng):
    """Some determinants are below 0."""
    N, L = _shape(rng)
    shapes = {"z": (N, L), "v": (N, L), "w": (N, L), "b": N}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def _vectors(rng):
    shape = _shape(rng)
    return {name: rng.standard_normal(shape) for name in ("u", "w")}


def _backward(rng):
    """v of a flow that can be inverted; the last time two rows have another one, whose determinant is below 0."""
    folds, rows = one_of(rng, 0, 0, 2), _rows(rng)
    z, w, b = rows["z"], rows["w"], rows["b"]
    rows["v"] = by_hand.invertible(rows["v"], w)
    s = 1 - np.tanh((z * w).sum(axis=-1) + b) ** 2
    for n in np.argsort(s)[len(s) - folds :]:
        rows["v"][n] += (rng.uniform(-2.5, -1.5) / s[n] - w[n] @ rows["v"][n]) / (w[n] @ w[n]) * w[n]
    N, L = z.shape
    return {"dz_out": rng.standard_normal((N, L)), "dlog_det": rng.standard_normal(N)} | rows


def _energies(rng):
    N, L = _shape(rng)
    shapes = {"log_q0": N, "log_det": N, "U": N, "slope": (N, L)}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def _ranks(rng):
    """rank is no order that is its own inverse, and hidden has every number below L."""
    width, L = _shape(rng)
    L = int(L) + 1
    rank = np.arange(L)
    while np.array_equal(rank[rank], np.arange(L)):
        rank = rng.permutation(L)
    return {"rank": rank, "hidden": rng.permutation(np.arange(L + width) % L)}


def _step(rng):
    shape = _shape(rng)
    return {name: rng.standard_normal(shape) for name in ("z", "m", "s")}


def _planar_value(dz_out, dlog_det, z, v, w, b):
    z_new, log_det = by_hand.planar(z, v, w, b)
    return (dz_out * z_new).sum() + (dlog_det * log_det).sum()


def _energy_value(log_q0, log_det, U):
    return by_hand.free_energy(log_q0, log_det, U, np.zeros((len(U), 1)))[0]


def _nothing(a):
    return 0 * a


def _ones(a):
    return 0 * a + 1


_planar, _v = partial(partial, by_hand.planar_variant), partial(partial, by_hand.invertible_variant)
_gradient = partial(partial, by_hand.planar_backward_variant)
_energy, _masks = partial(partial, by_hand.free_energy_variant), partial(partial, by_hand.masks_variant)
_gated = partial(partial, by_hand.autoregressive_step_variant)

EXERCISES = (
    Exercise(
        "16.1",
        "planar",
        "z_new, log_det",
        _rows,
        by_hand.planar,
        points=2,
        hints=(
            "Write J with dh/da, h = tanh(a). The derivative of tanh is 1 - tanh^2.",
            "Which vectors does J leave as they are? How many directions are that? And what does J do with v?",
            "Every row has its own v, w and b: products are sums over the last axis, and h[:, None] * v is a row each.",
        ),
        slips={
            "tanh where its slope should be: the Jacobian has 1 - tanh^2": _planar(slope=as_it_is),
            "tanh is not squared in its slope, 1 - tanh^2": _planar(slope=lambda h: 1 - h),
            "that is (1 - tanh)^2; the slope is 1 - tanh^2": _planar(slope=lambda h: (1 - h) ** 2),
            "the slope of tanh has a minus: 1 - tanh^2": _planar(slope=lambda h: 1 + h * h),
            "that is tanh^2; the slope is 1 - tanh^2": _planar(slope=lambda h: h * h),
            "the slope of tanh is missing in the Jacobian": _planar(slope=_ones),
            "the slope of tanh is squared": _planar(slope=lambda h: (1 - h * h) ** 2),
            "the 1 is missing: z goes into z' directly as well": _planar(one=0),
            "minus for plus: v tanh is added": _planar(slope=lambda h: h * h - 1),
            "that is w w where w v should be": _planar(product=lambda v, w: (w * w).sum(-1)),
            "that is v v where w v should be": _planar(product=lambda v, w: (v * v).sum(-1)),
            "the product of w and v is averaged over the latents, not summed": _planar(
                product=lambda v, w: (w * v).mean(-1)),
            "the product of the Jacobian's diagonal: it has other entries as well": _planar(
                det=lambda s, v, w: np.prod(1 + s[:, None] * w * v, axis=-1)),
            "the Jacobian's trace: the determinant is no sum": _planar(
                det=lambda s, v, w: v.shape[-1] + s * (w * v).sum(-1)),
            "the absolute value is missing: a determinant may be below 0": _planar(size=as_it_is),
            "that is the determinant; its logarithm is wanted": _planar(log=as_it_is),
            "the sign of log_det: that is log det of the inverse": _planar(log=lambda a: -np.log(a)),
            "b is forgotten": _planar(bias=0),
            "b is subtracted": _planar(bias=-1),
            "z is moved along w; it is v": _planar(along="w"),
            "v is inside tanh; there it is w": _planar(inside="v"),
            "z is missing in z', which is z moved": _planar(keep=0),
            "tanh is subtracted in z'": _planar(push=np.negative),
            "in z' is the slope of tanh; there it is tanh itself": _planar(push=lambda h: 1 - h * h),
            "log_det is summed over the rows: each has its own": _planar(total=np.sum),
        },
    ),
    Exercise(
        "16.2",
        "invertible",
        "v",
        _vectors,
        by_hand.invertible,
        points=2,
        hints=(
            "Multiply z' with w: how does w z' depend on w z? When does it rise everywhere, for every slope between 0 "
            "and 1?",
            "k_0 and r are two numbers that you can now compute. v = u + c w: which c gives w v = m(w u)?",
            "softplus is np.logaddexp(0, a). c is a number for each row: c[:, None] * w.",
        ),
        slips={
            "k_0: w v may be below 0, as long as no slope becomes negative": _v(lowest=0.0),
            "k_0 is too low: at slope 1 such a flow folds": _v(lowest=-2.0),
            "k_0 is higher than it need be: the slope of tanh is never above 1": _v(lowest=-0.5),
            "r is 0: m(0) is not 0 then": _v(start=0.0),
            "r is 1: m(0) is not 0 then": _v(start=1.0),
            "the sign of r": _v(start=-np.log(np.e - 1)),
            "r = log(e - 1), not log(e) - 1 or log(1/e - 1)": _v(start=np.log(1 - 1 / np.e)),
            "w u is not subtracted: w v is then m + w u": _v(minus=0),
            "w u is added: u has it already": _v(minus=-1),
            "the sign of c": _v(sign=-1),
            "c is half of it": _v(sign=0.5),
            "not divided by w w": _v(over=lambda w: 1.0),
            "divided by the length of w; it is its square": _v(over=lambda w: np.sqrt((w * w).sum(-1))),
            "divided by the mean of w^2; it is the sum": _v(over=lambda w: (w * w).mean(-1)),
            "divided by the sum of |w|; it is the sum of w^2": _v(over=lambda w: np.abs(w).sum(-1)),
            "divided by the sum of w": _v(over=lambda w: w.sum(-1)),
            "u is changed along itself; it is to be along w": _v(along="u"),
            "u is missing: only its part along w is to change": _v(keep=0),
            "exp for softplus": _v(wanted=lambda wu: np.exp(wu + np.log(np.e - 1)) - 1),
            "cut off at k_0, where softplus should be": _v(wanted=lambda wu: np.maximum(wu, -1)),
            "k_0 is not added to softplus": _v(wanted=lambda wu: np.logaddexp(0, wu + np.log(np.e - 1))),
            "k_0 is subtracted from softplus": _v(wanted=lambda wu: np.logaddexp(0, wu + np.log(np.e - 1)) + 1),
            "that is u: w v is not above k_0": _v(wanted=as_it_is),
        },
    ),
    Exercise(
        "16.3",
        "planar_backward",
        "dz, dv, dw, db",
        _backward,
        by_hand.planar_backward,
        value=_planar_value,
        points=2,
        hints=(
            "Write the forward in steps first: a, h, s, k, det. Then go through them from the last to the first.",
            "ddet = dlog_det / det. It goes to s, times k, and to k, times s. Into da come two ways: by h and by s.",
            "dz and dw come from a = w z + b by da; dv from z' by h. And v and w are in k as well.",
        ),
        slips={
            "z goes into z' directly as well: dz_out itself is missing in dz": _gradient(straight=0),
            "the way from a over h to z' is missing": _gradient(pushed=0),
            "the way from a over h to z' has the wrong sign": _gradient(pushed=-1),
            "the way from a over h to z' lacks the slope s": _gradient(steep=0),
            "the slope s depends on a as well: that way to da is missing": _gradient(bent=lambda h, s: 0 * s),
            "the sign of ds/da: it is -2 h s": _gradient(bent=lambda h, s: 2 * h * s),
            "ds/da is -2 h s: the 2 is missing": _gradient(bent=lambda h, s: -h * s),
            "ds/da is -2 h s: s is missing": _gradient(bent=lambda h, s: -2 * h),
            "ds/da is -2 h s: h is missing": _gradient(bent=lambda h, s: -2 * s),
            "ds = k ddet: k is missing": _gradient(factor=_ones),
            "the slope of tanh is 1 - h^2: h is not squared": _gradient(slope=lambda h: 1 - h),
            "that is (1 - h)^2; the slope of tanh is 1 - h^2": _gradient(slope=lambda h: (1 - h) ** 2),
            "the slope of tanh has a minus: 1 - h^2": _gradient(slope=lambda h: 1 + h * h),
            "log_det is a logarithm: ddet = dlog_det / det": _gradient(inverse=0),
            "dlog_det is divided by the square of det": _gradient(inverse=2),
            "dlog_det is multiplied with det; it is divided": _gradient(inverse=-1),
            "divided by |det|: the slope of log |det| is 1 / det, below 0 where det is": _gradient(size=np.abs),
            "of a det below 0 there is no logarithm; of log |det| the slope is 1 / det": _gradient(
                size=lambda det: np.where(det > 0, det, np.nan)),
            "dlog_det has the wrong sign": _gradient(given=-1),
            "dlog_det is not used: v and w are in the determinant as well": _gradient(given=0),
            "v is in the determinant as well: that part of dv is missing": _gradient(det_v=0),
            "w is in the determinant as well: that part of dw is missing": _gradient(det_w=0),
            "the determinant's part of dv has the wrong sign": _gradient(det_v=-1),
            "the determinant's part of dw has the wrong sign": _gradient(det_w=-1),
            "w is in a as well: that part of dw is missing": _gradient(in_a=0),
            "dz_out reaches v times h: h is missing": _gradient(push=_ones),
            "dz_out reaches v times h, not times its slope": _gradient(push=lambda h: 1 - h * h),
            "that part of dv has no dz_out": _gradient(push=_nothing),
            "a = w z + b: da reaches z times w, not v": _gradient(along="v"),
            "b is forgotten in tanh": _gradient(bias=0),
            "summed over the rows: each has its own v, w and b": _gradient(rows=lambda a: a.sum(axis=0)),
            "averaged over the rows": _gradient(rows=lambda a: a / len(a)),
        } | {f"det is cut off at {least:g}: a determinant may be below 0": _gradient(size=partial(np.maximum, least))
             for least in (1e-12, 1e-10, 1e-9, 1e-8, 1e-6)},
    ),
    Exercise(
        "16.4",
        "free_energy",
        "F, dz, dlog_det",
        _energies,
        by_hand.free_energy,
        value=_energy_value,
        hints=(
            "log q(z) is log q_0(z_0) - log_det. F is the mean of log q(z) + U(z).",
            "F is a mean of N terms, so each term counts 1 / N. slope is the gradient of U in z, row by row.",
        ),
        slips={
            "the sign of log_det: where f stretches, the density becomes lower": _energy(det=1),
            "log_det is missing in F": _energy(det=0),
            "U has the wrong sign: it is -log p, up to a constant": _energy(energy=-1),
            "U is missing": _energy(energy=0),
            "log q_0 is missing in F": _energy(base=0),
            "log q_0 has the wrong sign": _energy(base=-1),
            "F is the sum; the mean is wanted": _energy(total=np.sum),
            "F is not averaged": _energy(total=as_it_is),
            "gradients of the sum: F is a mean of N": _energy(count=lambda slope: 1),
            "sum for mean, in F and its gradients": _energy(total=np.sum, count=lambda slope: 1),
            "dz is not divided by N": _energy(dz_count=lambda slope: 1),
            "dlog_det is not divided by N": _energy(det_count=lambda slope: 1),
            "divided by N L: F is a mean over the rows": _energy(count=lambda slope: slope.size),
            "divided by L: F is a mean over the rows": _energy(count=lambda slope: slope.shape[-1]),
            "dz: the sign; F rises where U rises": _energy(force=-1),
            "dlog_det: the sign; log_det is subtracted in F": _energy(ddet=1),
            "dlog_det is 0: F depends on log_det": _energy(ddet=0),
            "dlog_det is a single number; one for each row is wanted": _energy(wide=False),
        },
    ),
    Exercise(
        "16.5",
        "masks",
        "mask_in, mask_out",
        _ranks,
        by_hand.masks,
        hints=(
            "Unit j sees the hidden[j] first latents. Their ranks are 0, 1, .. hidden[j] - 1.",
            "Output i may know latents of the ranks 0 .. rank[i] - 1. Which units know no others?",
            "rank[:, None] < hidden compares every latent with every unit: (L, H).",
        ),
        slips={
            "mask_in: a unit sees the rank hidden[j] as well: one too many": _masks(enters=np.less_equal),
            "mask_in: the comparison is turned around": _masks(enters=np.greater),
            "mask_in: the comparison is turned around, and lets equal ranks in": _masks(enters=np.greater_equal),
            "mask_in: a unit sees the last of its latents only": _masks(enters=lambda r, h: r == h - 1),
            "mask_out: hidden[j] = rank[i] is allowed as well: that unit knows the ranks below": _masks(leaves=np.less),
            "mask_out: the comparison is turned around": _masks(leaves=np.greater),
            "mask_out: the comparison is turned around: there the output sees itself and what comes later": _masks(
                leaves=np.greater_equal),
            "mask_out: only units of the output's own rank": _masks(leaves=np.equal),
            "mask_out: one too many: such a unit knows the latent i itself": _masks(leaves=lambda h, r: h <= r + 1),
            "rank is taken for the order: rank[i] says which place latent i has": _masks(of=np.argsort),
            "rank is not used: the latents are taken as they stand": _masks(of=lambda rank: np.arange(len(rank))),
            "the order is reversed: the rank 0 comes first": _masks(of=lambda rank: len(rank) - 1 - rank),
            "the masks are transposed: mask_in is (L, H), mask_out (H, L)": _masks(given=lambda a, b: (a.T, b.T)),
            "1 where it should be 0": _masks(given=lambda a, b: (1 - a, 1 - b)),
        },
        tolerance=0,
    ),
    Exercise(
        "16.6",
        "autoregressive_step",
        "z_new, log_det",
        _step,
        by_hand.autoregressive_step,
        hints=(
            "In the order of the latents everything above the diagonal of the Jacobian is 0. What is on it?",
            "m_i and g_i do not depend on z_i, so dz'_i / dz_i is what z_i is multiplied with.",
        ),
        slips={
            "g = sigmoid(s + 2): the 2 is missing": _gated(gate=sigmoid),
            "g = sigmoid(s + 2): the sign of the 2": _gated(gate=lambda s: sigmoid(s - 2)),
            "the 2 is added to the sigmoid, not inside it": _gated(gate=lambda s: sigmoid(s) + 2),
            "exp for sigmoid": _gated(gate=lambda s: np.exp(s + 2)),
            "s is used as it is, without a sigmoid": _gated(gate=lambda s: np.abs(s + 2)),
            "g and 1 - g are exchanged in z'": _gated(keep=lambda g: 1 - g, rest=as_it_is),
            "m is not multiplied with 1 - g": _gated(rest=_ones),
            "z is not multiplied with g": _gated(keep=_ones),
            "m is multiplied with g; it is 1 - g": _gated(rest=as_it_is),
            "m is subtracted": _gated(rest=lambda g: g - 1),
            "m is missing in z'": _gated(rest=_nothing),
            "log_det has 1 - g; on the diagonal is g": _gated(of=lambda g: 1 - g),
            "g is added up without a logarithm": _gated(log=as_it_is),
            "that is the determinant; its logarithm is wanted": _gated(
                log=as_it_is, total=lambda a: a.prod(axis=-1)),
            "log of the sum; the sum of the logarithms is wanted": _gated(
                log=as_it_is, total=lambda a: np.log(a.sum(axis=-1))),
            "averaged over the latents, not summed": _gated(total=lambda a: a.mean(axis=-1)),
            "not summed over the latents: one number per row is wanted": _gated(total=as_it_is),
            "summed over the rows: one number per row is wanted": _gated(total=lambda a: a.sum(axis=0)),
            "the sign of log_det: that is log det of the inverse": _gated(sign=-1),
            "log_det is 0: a triangular Jacobian has a determinant, too": _gated(of=_ones),
        },
    ),
)  # fmt: skip
