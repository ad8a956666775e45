"""The functions that lesson 16 asks for, each with places where people make a mistake in them."""

import numpy as np

from ...numeric import dot, sigmoid
from .draws import as_it_is

# ---- 16.1: a planar flow, every row with its own v, w and b


def planar_variant(
    z, v, w, b, slope=lambda h: 1 - h * h, one=1, product=dot, size=np.abs, log=np.log, bias=1, along="v", inside="w",
    keep=1, push=as_it_is, det=None, total=as_it_is,
):  # fmt: skip
    of = {"v": v, "w": w}
    h = np.tanh(dot(of[inside], z) + bias * b)
    D = one + slope(h) * product(v, w) if det is None else det(slope(h), v, w)
    return keep * z + push(h)[:, None] * of[along], total(log(size(D)))


# ---- 16.2: v of u


def invertible_variant(
    u, w, lowest=-1.0, start=None, minus=1, over=lambda w: dot(w, w), along="w", keep=1, wanted=None, sign=1,
):  # fmt: skip
    wu = dot(w, u)
    with np.errstate(divide="ignore"):  # where the lowest is 0
        start = np.log(np.exp(-lowest) - 1) if start is None else start
    target = np.logaddexp(0, wu + start) + lowest if wanted is None else wanted(wu)
    c = sign * (target - minus * wu) / over(w)
    return keep * u + c[:, None] * {"w": w, "u": u}[along]


# ---- 16.3: the gradient of the planar flow


def planar_backward_variant(
    dz_out, dlog_det, z, v, w, b, straight=1, pushed=1, bent=lambda h, s: -2 * h * s, factor=as_it_is,
    slope=lambda h: 1 - h * h, inverse=1, push=as_it_is, det_v=1, det_w=1, in_a=1, along="w", bias=1, given=1, steep=1,
    rows=as_it_is, size=as_it_is,
):  # fmt: skip
    h = np.tanh(dot(w, z) + bias * b)
    s, k = slope(h), dot(w, v)
    ddet = given * dlog_det / size(1 + s * k) ** inverse
    da = pushed * (s if steep else 1) * dot(dz_out, v) + bent(h, s) * factor(k) * ddet
    dk = (s * ddet)[:, None]
    dz = straight * dz_out + da[:, None] * {"w": w, "v": v}[along]
    dv, dw = push(h)[:, None] * dz_out + det_v * dk * w, in_a * da[:, None] * z + det_w * dk * v
    return dz, rows(dv), rows(dw), rows(da)


# ---- 16.4: what a flow is fitted by


def free_energy_variant(
    log_q0, log_det, U, slope, det=-1, energy=1, base=1, total=np.mean, count=lambda slope: len(slope), dz_count=None,
    det_count=None, ddet=None, force=1, wide=True,
):  # fmt: skip
    F = total(base * log_q0 + det * log_det + energy * U)
    of_z, of_det = (count if own is None else own for own in (dz_count, det_count))
    dlog_det = (det if ddet is None else ddet) / of_det(slope)
    return F, force * energy * slope / of_z(slope), np.full(len(U), dlog_det) if wide else np.array(dlog_det)


# ---- 16.5: who sees whom in an autoregressive network


def masks_variant(rank, hidden, enters=np.less, leaves=np.less_equal, of=as_it_is, given=lambda *both: both):
    rank = of(rank)
    return given(enters(rank[:, None], hidden).astype(float), leaves(hidden[:, None], rank).astype(float))


# ---- 16.6: a step of the inverse autoregressive flow


def autoregressive_step_variant(
    z, m, s, gate=lambda s: sigmoid(s + 2), keep=as_it_is, rest=lambda g: 1 - g, log=np.log, of=as_it_is,
    total=lambda a: a.sum(axis=-1), sign=1,
):  # fmt: skip
    g = gate(s)
    return keep(g) * z + rest(g) * m, sign * total(log(of(g)))


# ---- the right ones


def planar(z, v, w, b):
    return planar_variant(z, v, w, b)


def invertible(u, w):
    return invertible_variant(u, w)


def planar_backward(dz_out, dlog_det, z, v, w, b):
    return planar_backward_variant(dz_out, dlog_det, z, v, w, b)


def free_energy(log_q0, log_det, U, slope):
    return free_energy_variant(log_q0, log_det, U, slope)


def masks(rank, hidden):
    return masks_variant(rank, hidden)


def autoregressive_step(z, m, s):
    return autoregressive_step_variant(z, m, s)
