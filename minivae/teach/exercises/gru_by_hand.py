"""The functions of a GRU that lesson 23 asks for, and once more with places where people make a mistake in them."""

import numpy as np

from ...numeric import sigmoid


def blocks(a):
    """The blocks of r, u and n beside each other in a (..., 3 H)."""
    return np.split(a, 3, axis=-1)


def gru_step(a, h, U, c):
    (a_r, a_u, a_n), (g_r, g_u, g_n) = blocks(a), blocks(h @ U)
    r, u, m = sigmoid(a_r + g_r), sigmoid(a_u + g_u), g_n + c
    n = np.tanh(a_n + r * m)
    return (1 - u) * n + u * h, r, u, m, n


def gate_gradients(dh_new, h, r, u, m, n):
    da_n = dh_new * (1 - u) * (1 - n**2)
    da_u = dh_new * (h - n) * u * (1 - u)
    return da_n * m * r * (1 - r), da_u, da_n, da_n * r


def gates_value(dh_new, a_r, a_u, a_n, m, h):
    """sum(dh_new h'), whose gradients `gate_gradients` gives."""
    u, n = sigmoid(a_u), np.tanh(a_n + sigmoid(a_r) * m)
    return (dh_new * ((1 - u) * n + u * h)).sum()


def through_time(dy, states, r, u, m, n, U):
    da, dU, dc, dh = [], np.zeros_like(U), np.zeros(U.shape[0]), np.zeros_like(states[0])
    for t in reversed(range(len(dy))):
        dh = dh + dy[t]
        da_r, da_u, da_n, dm = gate_gradients(dh, states[t], r[t], u[t], m[t], n[t])
        dg = np.concatenate([da_r, da_u, dm], axis=-1)
        da.append(np.concatenate([da_r, da_u, da_n], axis=-1))
        dU, dc = dU + states[t].T @ dg, dc + dm.sum(axis=0)
        dh = dh * u[t] + dg @ U.T
    return np.stack(da[::-1]), dU, dc, dh


def unrolled(a, h_0, U, c):
    """states (T + 1, N, H), r, u, m, n (T, N, H) of a (T, N, 3 H)."""
    states, kept = [h_0], []
    for a_t in a:
        h, *gates = gru_step(a_t, states[-1], U, c)
        states.append(h)
        kept.append(gates)
    return np.stack(states), *map(np.stack, zip(*kept, strict=True))


def time_value(dy, a, h_0, U, c):
    """sum(dy states), whose gradients `through_time` gives."""
    return (dy * unrolled(a, h_0, U, c)[0][1:]).sum()


# ---- the same with other arguments: the mistakes


def step_variant(a, h, U, c, order=(0, 1, 2), cut=blocks, gate=sigmoid, candidate=np.tanh, reset=lambda r, m: r * m,
                 bias=lambda c: c, late=0, seen=lambda r, h: h, of_a=1, of_h=lambda u: u, of_n=lambda u: 1 - u,
                 in_n=lambda g: g[2], of_g=1, c_in_gates=0, of_reset=lambda r, u: r, of_update=lambda r, u: u,
                 of_U=lambda U: U):  # fmt: skip
    U = of_U(U)
    a, g = cut(a), cut(h @ U)
    a, g = ([parts[i] for i in order] for parts in (a, g))
    r, u = (gate(a[i] + of_g * g[i] + c_in_gates * c) for i in (0, 1))
    m = in_n([*g[:2], seen(r, h) @ cut(U)[order[2]]]) + bias(c)
    n = candidate(of_a * a[2] + reset(of_reset(r, u), m) + late * c)
    kept = of_update(r, u)
    return of_n(kept) * n + of_h(kept) * h, r, u, m, n


def turned_blocks(U):
    return np.concatenate([block.T for block in blocks(U)], axis=1)


def m_with_r(step):
    h_new, r, u, m, n = step
    return h_new, r, u, r * m, n


def gates_variant(dh_new, h, r, u, m, n, to_n=lambda u: 1 - u, tanh=lambda n: 1 - n**2, away=lambda h, n: h - n,
                  gate_u=lambda u: u * (1 - u), gate_r=lambda r: r * (1 - r), to_r=lambda m, n, r: m,
                  to_m=lambda r: r, behind=1, total=lambda d: d):  # fmt: skip
    dn = dh_new * to_n(u)
    da_n, before = dn * tanh(n), dn * (tanh(n) if behind else 1)
    da_u = dh_new * away(h, n) * gate_u(u)
    found = before * to_r(m, n, r) * gate_r(r), da_u, da_n, before * to_m(r)
    return tuple(map(total, found))


def gates_exchanged(dh_new, h, r, u, m, n):
    """What r gets as dm, and the other way round."""
    _, da_u, da_n, dm = gate_gradients(dh_new, h, r, u, m, n)
    return dm * r * (1 - r), da_u, da_n, da_n * m


def dh_0_with_dy(dy, states, r, u, m, n, U, step=0):
    *found, dh_0 = through_time(dy, states, r, u, m, n, U)
    return *found, dh_0 + dy[step]


def time_variant(dy, states, r, u, m, n, U, direct=lambda u: u, through=1, used=lambda t, T: True, carried=1, summed=1,
                 at=0, seen=0, in_g=lambda da_n, dm: dm, in_c=lambda da_n, dm: dm, last=True,
                 lacks=0, again=0, upward=False, over=lambda T: 1, block=lambda da_n, dm: da_n, of_U=lambda U: U,
                 ways=(1, 1, 1)):  # fmt: skip
    T, back = len(dy), of_U(U) * np.repeat(ways, len(U))
    da, dU, dc, dh = [], np.zeros_like(U), np.zeros(U.shape[0]), np.zeros_like(states[0])
    for t in range(T) if upward else reversed(range(T)):
        dh = carried * dh + used(t, T) * dy[t]
        da_r, da_u, da_n, dm = gate_gradients(dh, states[t + seen], r[t], u[t], m[t], n[t])
        dg = np.concatenate([da_r, da_u, in_g(da_n, dm)], axis=-1)
        da.append(np.concatenate([da_r, da_u, block(da_n, dm)], axis=-1))
        dU = summed * dU + states[t + at].T @ dg / over(T)
        dc = summed * dc + in_c(da_n, dm).sum(axis=0) / over(T)
        here, dh = dh, (dh - lacks * dy[t]) * direct(u[t]) + through * dg @ back.T + again * dy[t]
    return np.stack(da if upward else da[::-1]), dU, dc, dh if last else here
