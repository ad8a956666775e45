"""Answers of lesson 16 that people give: wrong ones with the words that name them, and right ones that look unusual."""

import numpy as np

from minivae.teach import exercise

planar, invertible, planar_backward = (exercise(f"16.{i}").reference for i in (1, 2, 3))

# ---- 16.1: z, v, w, b -> z_new, log_det


def tanh_for_slope(z, v, w, b):
    t = np.tanh(np.sum(w * z, axis=1) + b)
    return z + v * t[:, None], np.log(np.abs(1 + t * np.sum(w * v, axis=1)))


def slope_forgotten(z, v, w, b):
    t = np.tanh(np.sum(w * z, axis=1) + b)
    return z + v * t[:, None], np.log(np.abs(1 + np.sum(w * v, axis=1)))


def no_absolute_value(z, v, w, b):
    t = np.tanh(np.einsum("ni,ni->n", w, z) + b)
    return z + v * t[:, None], np.log(1 + (1 - t**2) * np.einsum("ni,ni->n", w, v))


def square_outside(z, v, w, b):
    """And no absolute value."""
    t = np.tanh(np.sum(w * z, axis=1) + b)
    return z + t[:, None] * v, np.log(1 + (1 - t) ** 2 * np.sum(w * v, axis=1))


def no_log(z, v, w, b):
    t = np.tanh(np.sum(w * z, axis=1) + b)
    return z + v * t[:, None], np.abs(1 + (1 - t**2) * np.sum(w * v, axis=1))


def diagonal_only(z, v, w, b):
    t = np.tanh(np.sum(w * z, axis=1) + b)
    diagonal = 1 + (1 - t**2)[:, None] * w * v
    return z + v * t[:, None], np.log(np.abs(diagonal)).sum(axis=1)


def without_one(z, v, w, b):
    t = np.tanh(np.sum(w * z, axis=1) + b)
    return z + v * t[:, None], np.log(np.abs((1 - t**2) * np.sum(w * v, axis=1)))


def w_with_itself(z, v, w, b):
    t = np.tanh(np.sum(w * z, axis=1) + b)
    return z + v * t[:, None], np.log(np.abs(1 + (1 - t**2) * np.sum(w * w, axis=1)))


def without_b(z, v, w, b):
    return planar(z, v, w, 0 * b)


def along_w(z, v, w, b):
    t = np.tanh(np.sum(w * z, axis=1) + b)
    return z + w * t[:, None], planar(z, v, w, b)[1]


def density_sign(z, v, w, b):
    z_new, log_det = planar(z, v, w, b)
    return z_new, -log_det


def one_log_det(z, v, w, b):
    z_new, log_det = planar(z, v, w, b)
    return z_new, log_det.sum()


def planar_swapped(z, v, w, b):
    return planar(z, v, w, b)[::-1]


def without_one_without_b(z, v, w, b):
    t = np.tanh(np.sum(w * z, axis=1))
    return z + v * t[:, None], np.log(np.abs((1 - t**2) * np.sum(w * v, axis=1)))


def by_slogdet(z, v, w, b):
    z_new, log_det = [], []
    for z_n, v_n, w_n, b_n in zip(z, v, w, b, strict=True):
        t = np.tanh(w_n @ z_n + b_n)
        z_new.append(z_n + v_n * t)
        log_det.append(np.linalg.slogdet(np.eye(len(z_n)) + (1 - t * t) * np.outer(v_n, w_n))[1])
    return np.array(z_new), np.array(log_det)


def by_cosh(z, v, w, b):
    a = (w * z).sum(1, keepdims=True) + b[:, None]
    return z + np.tanh(a) * v, 0.5 * np.log((1 + (w * v).sum(1) / np.cosh(a[:, 0]) ** 2) ** 2)


# ---- 16.2: u, w -> v


def above_zero(u, w):
    wu = (u * w).sum(axis=1)
    return u + ((0 - wu) / (w * w).sum(axis=1))[:, None] * w


def as_in_the_paper(u, w):
    """m = softplus - 1, whose m(0) is not 0."""
    wu = (u * w).sum(axis=1)
    return u + ((-1 + np.log(1 + np.exp(wu)) - wu) / (w * w).sum(axis=1))[:, None] * w


def by_the_length(u, w):
    wu = (u * w).sum(axis=1)
    m = np.log(1 + np.exp(wu + np.log(np.e - 1))) - 1
    return u + ((m - wu) / np.linalg.norm(w, axis=1))[:, None] * w


def by_the_sum(u, w):
    wu = (u * w).sum(axis=1)
    m = np.log(1 + np.exp(wu + np.log(np.e - 1))) - 1
    return u + ((m - wu) / np.abs(w).sum(axis=1))[:, None] * w


def not_normalized(u, w):
    wu = (u * w).sum(axis=1)
    m = np.log(1 + np.exp(wu + np.log(np.e - 1))) - 1
    return u + (m - wu)[:, None] * w


def not_subtracted(u, w):
    wu = (u * w).sum(axis=1)
    m = np.log(1 + np.exp(wu + np.log(np.e - 1))) - 1
    return u + (m / (w * w).sum(axis=1))[:, None] * w


def u_left_out(u, w):
    return invertible(u, w) - u


def clipped(u, w):
    wu = (u * w).sum(axis=1)
    return u + ((np.clip(wu, -1, None) - wu) / (w * w).sum(axis=1))[:, None] * w


def unchanged(u, w):
    return u


def bound_forgotten(u, w):
    wu = (u * w).sum(axis=1)
    m = np.log1p((np.e - 1) * np.exp(wu))
    return u + ((m - wu) / (w * w).sum(axis=1))[:, None] * w


def mean_of_squares(u, w):
    wu = (u * w).sum(axis=1)
    m = np.log1p((np.e - 1) * np.exp(wu)) - 1
    return u + ((m - wu) / (w**2).mean(axis=1))[:, None] * w


def only_the_number(u, w):
    return (invertible(u, w) * w).sum(axis=1)


def in_two_parts(u, w):
    """What is across w stays, and what is along it is made anew."""
    unit = w / np.linalg.norm(w, axis=1, keepdims=True)
    across = u - (u * unit).sum(axis=1, keepdims=True) * unit
    m = np.log(1 + (np.e - 1) * np.exp((u * w).sum(axis=1))) - 1
    return across + unit * (m / np.linalg.norm(w, axis=1))[:, None]


def v_in_a_loop(u, w):
    v = np.empty_like(u)
    for n in range(len(u)):
        k = u[n] @ w[n]
        v[n] = u[n] + (np.logaddexp(0, k + np.log(np.e - 1)) - 1 - k) * w[n] / (w[n] @ w[n])
    return v


# ---- 16.3: dz_out, dlog_det, z, v, w, b -> dz, dv, dw, db


def gradient(dz_out, dlog_det, z, v, w, b, **changed):
    """As most people write it; `changed` parts are other ones."""
    h = np.tanh(np.sum(w * z, axis=1) + b)
    s = 1 - h**2
    k = np.sum(w * v, axis=1)
    part = {"ddet": dlog_det / (1 + s * k), "bent": -2 * h * s, "direct": dz_out} | {
        name: change(h, s, k) for name, change in changed.items()
    }
    da = np.sum(dz_out * v, axis=1) * part.get("way", s) + part["bent"] * k * part["ddet"]
    dk = (s * part["ddet"])[:, None]
    return (
        part["direct"] + da[:, None] * w,
        h[:, None] * dz_out + part.get("dk_v", dk) * w,
        da[:, None] * z + part.get("dk_w", dk) * v,
        da,
    )


def through_a_only(dz_out, *rest):
    return gradient(dz_out, *rest, direct=lambda h, s, k: 0)


def constant_slope(*given):
    return gradient(*given, bent=lambda h, s, k: 0)


def bent_the_other_way(*given):
    return gradient(*given, bent=lambda h, s, k: 2 * h * s)


def only_minus_two_h(*given):
    return gradient(*given, bent=lambda h, s, k: -2 * h)


def no_division(dz_out, dlog_det, *rest):
    return gradient(dz_out, dlog_det, *rest, ddet=lambda h, s, k: dlog_det)


def no_slope_on_the_way(*given):
    return gradient(*given, way=lambda h, s, k: 1)


def v_outside_only(*given):
    return gradient(*given, dk_v=lambda h, s, k: 0)


def w_inside_only(*given):
    return gradient(*given, dk_w=lambda h, s, k: 0)


def no_log_det(dz_out, dlog_det, *rest):
    return gradient(dz_out, 0 * dlog_det, *rest)


def of_a_layer(*given):
    """One v, w and b for all rows."""
    dz, *others = gradient(*given)
    return (dz, *(a.sum(axis=0) for a in others))


def three_of_four(*given):
    return gradient(*given)[:3]


def dv_and_dw_exchanged(*given):
    dz, dv, dw, db = gradient(*given)
    return dz, dw, dv, db


def constant_slope_and_v_outside(*given):
    return gradient(*given, bent=lambda h, s, k: 0, dk_v=lambda h, s, k: 0)


def by_the_size_of_det(dz_out, dlog_det, *rest):
    return gradient(dz_out, dlog_det, *rest, ddet=lambda h, s, k: dlog_det / np.abs(1 + s * k))


def by_no_less_than_a_tiny_det(dz_out, dlog_det, *rest):
    return gradient(dz_out, dlog_det, *rest, ddet=lambda h, s, k: dlog_det / np.maximum(1 + s * k, 1e-9))


def through_the_log(dz_out, dlog_det, *rest):
    return gradient(dz_out, dlog_det, *rest, ddet=lambda h, s, k: dlog_det * np.exp(-np.log(1 + s * k)))


def by_parts(dz_out, dlog_det, z, v, w, b):
    """All with a last axis of one, and the determinant's gradient by itself."""
    h = np.tanh((w * z).sum(-1, keepdims=True) + b[:, None])
    slope, det = 1 - h * h, 1 + (1 - h * h) * (w * v).sum(-1, keepdims=True)
    g = dlog_det[:, None] / det
    da = slope * ((dz_out * v).sum(-1, keepdims=True) - 2 * h * (det - 1) / slope * g)
    return [dz_out + da * w, h * dz_out + g * slope * w, da * z + g * slope * v, da[:, 0]]


# ---- 16.4: log_q0, log_det, U, slope -> F, dz, dlog_det


def det_added(log_q0, log_det, U, slope):
    n = len(U)
    return np.mean(log_q0 + log_det + U), slope / n, np.ones(n) / n


def only_its_gradient_wrong(log_q0, log_det, U, slope):
    n = len(U)
    return np.mean(log_q0 - log_det + U), slope / n, np.ones(n) / n


def energy_subtracted(log_q0, log_det, U, slope):
    n = len(U)
    return np.mean(log_q0 - log_det - U), -slope / n, -np.ones(n) / n


def a_force(log_q0, log_det, U, slope):
    n = len(U)
    return np.mean(log_q0 - log_det + U), -slope / n, -np.ones(n) / n


def of_sums(log_q0, log_det, U, slope):
    return np.mean(log_q0 - log_det + U), slope, -np.ones(len(U))


def all_sums(log_q0, log_det, U, slope):
    return np.sum(log_q0 - log_det + U), slope, -np.ones(len(U))


def no_prior(log_q0, log_det, U, slope):
    n = len(U)
    return np.mean(-log_det + U), slope / n, -np.ones(n) / n


def mean_of_slope(log_q0, log_det, U, slope):
    return np.mean(log_q0 - log_det + U), slope / slope.size, -np.ones(len(U)) / slope.size


def a_number(log_q0, log_det, U, slope):
    return np.mean(log_q0 - log_det + U), slope / len(U), -1 / len(U)


def right_energy(log_q0, log_det, U, slope):
    log_q = log_q0 - log_det
    return sum(log_q + U) / len(U), slope * (1 / U.size), np.full_like(U, -1 / U.size)


# ---- 16.5: rank, hidden -> mask_in, mask_out


def sees_one_more(rank, hidden):
    return (rank[:, None] <= hidden).astype(int), (hidden[:, None] <= rank).astype(int)


def sees_one_less(rank, hidden):
    return (rank[:, None] < hidden).astype(int), (hidden[:, None] < rank).astype(int)


def like_the_paper(rank, hidden):
    """Germain et al. count from 1, and let units see ranks up to theirs: >= in, > out."""
    return (hidden >= rank[:, None]) * 1.0, (rank > hidden[:, None]) * 1.0


def as_they_stand(rank, hidden):
    i = np.arange(len(rank))
    return (i[:, None] < hidden) * 1.0, (hidden[:, None] <= i) * 1.0


def as_an_order(rank, hidden):
    mask_in, mask_out = np.zeros((len(rank), len(hidden))), np.zeros((len(hidden), len(rank)))
    for j, n in enumerate(hidden):
        mask_in[rank[:n], j] = 1
        mask_out[j, rank[n:]] = 1
    return mask_in, mask_out


def transposed(rank, hidden):
    return (rank < hidden[:, None]) * 1.0, (hidden <= rank[:, None]) * 1.0


def masks_swapped(rank, hidden):
    return (hidden[:, None] <= rank) * 1.0, (rank[:, None] < hidden) * 1.0


def forbidden_ones(rank, hidden):
    return (rank[:, None] >= hidden) * 1.0, (hidden[:, None] > rank) * 1.0


def out_turned(rank, hidden):
    return (rank[:, None] < hidden) * 1.0, (hidden[:, None] >= rank) * 1.0


def in_booleans(rank, hidden):
    return np.less.outer(rank, hidden), np.less_equal.outer(hidden, rank)


def masks_in_loops(rank, hidden):
    mask_in, mask_out = np.zeros((len(rank), len(hidden))), np.zeros((len(hidden), len(rank)))
    order = np.argsort(rank)
    for j, n in enumerate(hidden):
        mask_in[order[:n], j] = 1
        mask_out[j, order[n:]] = 1
    return mask_in, mask_out


# ---- 16.6: z, m, s -> z_new, log_det


def gate(s):
    return 1 / (1 + np.exp(-s - 2))


def without_two(z, m, s):
    g = 1 / (1 + np.exp(-s))
    return g * z + (1 - g) * m, np.log(g).sum(axis=1)


def exchanged(z, m, s):
    g = gate(s)
    return (1 - g) * z + g * m, np.log(g).sum(axis=1)


def exchanged_throughout(z, m, s):
    g = 1 - gate(s)
    return g * z + (1 - g) * m, np.log(g).sum(axis=1)


def plain_shift(z, m, s):
    g = gate(s)
    return g * z + m, np.log(g).sum(axis=1)


def sum_of_g(z, m, s):
    g = gate(s)
    return g * z + (1 - g) * m, g.sum(axis=1)


def product_of_g(z, m, s):
    g = gate(s)
    return g * z + (1 - g) * m, np.prod(g, axis=1)


def per_latent(z, m, s):
    g = gate(s)
    return g * z + (1 - g) * m, np.log(g)


def minus_log(z, m, s):
    g = gate(s)
    return g * z + (1 - g) * m, -np.log(g).sum(axis=1)


def volume_kept(z, m, s):
    g = gate(s)
    return g * z + (1 - g) * m, np.zeros(len(z))


def for_all_rows(z, m, s):
    g = gate(s)
    return g * z + (1 - g) * m, np.log(g).sum()


def by_softplus(z, m, s):
    g = gate(s)
    return m + g * (z - m), -np.logaddexp(0, -s - 2).sum(1)


WRONG = {
    "16.1": [
        (tanh_for_slope, "tanh where its slope should be"),
        (slope_forgotten, "the slope of tanh is missing in the Jacobian"),
        (no_absolute_value, "the absolute value is missing"),
        (square_outside, "that is (1 - tanh)^2"),
        (no_log, "that is the determinant; its logarithm is wanted"),
        (diagonal_only, "the product of the Jacobian's diagonal"),
        (without_one, "the 1 is missing"),
        (w_with_itself, "that is w w where w v should be"),
        (without_b, "b is forgotten"),
        (along_w, "z is moved along w"),
        (density_sign, "the sign of log_det"),
        (one_log_det, "log_det is summed over the rows"),
        (planar_swapped, "that is log_det; the order is z_new, log_det"),
        (without_one_without_b, "mend that first: a second mistake is left"),
    ],
    "16.2": [
        (above_zero, "w v may be below 0"),
        (as_in_the_paper, "r is 0: m(0) is not 0 then"),
        (by_the_length, "divided by the length of w"),
        (by_the_sum, "divided by the sum of |w|"),
        (not_normalized, "not divided by w w"),
        (not_subtracted, "w u is not subtracted"),
        (u_left_out, "u is missing"),
        (clipped, "cut off at k_0"),
        (unchanged, "that is u"),
        (bound_forgotten, "k_0 is not added to softplus"),
        (mean_of_squares, "divided by the mean of w^2"),
        (only_the_number, ""),
    ],
    "16.3": [
        (through_a_only, "z goes into z' directly as well"),
        (constant_slope, "the slope s depends on a as well"),
        (bent_the_other_way, "the sign of ds/da"),
        (only_minus_two_h, "ds/da is -2 h s: s is missing"),
        (no_division, "log_det is a logarithm"),
        (no_slope_on_the_way, "lacks the slope s"),
        (v_outside_only, "v is in the determinant as well"),
        (w_inside_only, "w is in the determinant as well"),
        (no_log_det, "dlog_det is not used"),
        (of_a_layer, "summed over the rows"),
        (three_of_four, "got 3 values"),
        (dv_and_dw_exchanged, "the order is dz, dv, dw, db"),
        (constant_slope_and_v_outside, "dlog_det is not used: v and w are in the determinant as well"),
        (constant_slope_and_v_outside, "the slope s depends on a as well"),
        (by_the_size_of_det, "the slope of log |det| is 1 / det"),
        (by_no_less_than_a_tiny_det, "det is cut off"),
        (through_the_log, "of a det below 0 there is no logarithm"),
    ],
    "16.4": [
        (det_added, "the sign of log_det"),
        (only_its_gradient_wrong, "dlog_det: the sign"),
        (energy_subtracted, "U has the wrong sign"),
        (a_force, "dz: the sign"),
        (of_sums, "gradients of the sum"),
        (all_sums, "sum for mean, in F and its gradients"),
        (no_prior, "log q_0 is missing"),
        (mean_of_slope, "divided by N L"),
        (a_number, "dlog_det is a single number"),
    ],
    "16.5": [
        (sees_one_more, "one too many"),
        (sees_one_less, "hidden[j] = rank[i] is allowed as well"),
        (like_the_paper, "hidden[j] as well: one too many"),
        (like_the_paper, "hidden[j] = rank[i] is allowed as well"),
        (as_they_stand, "rank is not used"),
        (as_an_order, "rank is taken for the order"),
        (transposed, "the masks are transposed"),
        (masks_swapped, "the order is mask_in, mask_out"),
        (forbidden_ones, "1 where it should be 0"),
        (out_turned, "mask_out: the comparison is turned around"),
    ],
    "16.6": [
        (without_two, "the 2 is missing"),
        (exchanged, "g and 1 - g are exchanged in z'"),
        (exchanged_throughout, ""),
        (plain_shift, "m is not multiplied with 1 - g"),
        (sum_of_g, "g is added up without a logarithm"),
        (product_of_g, "that is the determinant; its logarithm is wanted"),
        (per_latent, "not summed over the latents"),
        (minus_log, "the sign of log_det"),
        (volume_kept, "log_det is 0"),
        (for_all_rows, ""),
    ],
}
RIGHT = {
    "16.1": [by_slogdet, by_cosh],
    "16.2": [in_two_parts, v_in_a_loop],
    "16.3": [gradient, by_parts],
    "16.4": [right_energy],
    "16.5": [in_booleans, masks_in_loops],
    "16.6": [by_softplus],
}
FIXED = {}
