"""Answers of lesson 17 that people give: wrong ones with the words that name them, and right ones that look unusual."""

import numpy as np

from minivae.teach import exercise

log_mixture, log_mixture_backward, best_gaussian, pseudo_backward = (
    exercise(number).reference for number in ("17.1", "17.4", "17.3", "17.5")
)


def log_density(z, mu, log_var):
    d = z[None] - mu[:, None]
    return np.sum(-0.5 * np.log(2 * np.pi) - 0.5 * log_var[:, None] - 0.5 * d**2 * np.exp(-log_var[:, None]), axis=2)


# ---- 17.1: z, mu, log_var, log_w -> log_pz


def naive(z, mu, log_var, log_w):
    return np.log((np.exp(log_w)[:, None] * np.exp(log_density(z, mu, log_var))).sum(axis=0))


def one_top_for_all(z, mu, log_var, log_w):
    a = log_w[:, None] + log_density(z, mu, log_var)
    return a.max() + np.log(np.exp(a - a.max()).sum(axis=0))


def top_not_added(z, mu, log_var, log_w):
    a = log_w[:, None] + log_density(z, mu, log_var)
    return np.log(np.exp(a - a.max(axis=0)).sum(axis=0))


def log_mean_exp(z, mu, log_var, log_w):
    a = log_w[:, None] + log_density(z, mu, log_var)
    return a.max(axis=0) + np.log(np.exp(a - a.max(axis=0)).mean(axis=0))


def without_weights(z, mu, log_var, log_w):
    a = log_density(z, mu, log_var)
    return a.max(axis=0) + np.log(np.exp(a - a.max(axis=0)).sum(axis=0))


def equal_weights(z, mu, log_var, log_w):
    return without_weights(z, mu, log_var, log_w) - np.log(len(mu))


def weights_times_logs(z, mu, log_var, log_w):
    return (np.exp(log_w)[:, None] * log_density(z, mu, log_var)).sum(axis=0)


def plain_weights_added(z, mu, log_var, log_w):
    a = np.exp(log_w)[:, None] + log_density(z, mu, log_var)
    return a.max(axis=0) + np.log(np.exp(a - a.max(axis=0)).sum(axis=0))


def log_weights_times_logs(z, mu, log_var, log_w):
    a = log_w[:, None] * log_density(z, mu, log_var)
    return a.max(axis=0) + np.log(np.exp(a - a.max(axis=0)).sum(axis=0))


def only_the_largest(z, mu, log_var, log_w):
    return (log_w[:, None] + log_density(z, mu, log_var)).max(axis=0)


def sum_of_logs(z, mu, log_var, log_w):
    return (log_w[:, None] + log_density(z, mu, log_var)).sum(axis=0)


def other_axis(z, mu, log_var, log_w):
    a = log_w[:, None] + log_density(z, mu, log_var)
    top = a.max(axis=1)
    return top + np.log(np.exp(a - top[:, None]).sum(axis=1))


def one_number(z, mu, log_var, log_w):
    return np.logaddexp.reduce((log_w[:, None] + log_density(z, mu, log_var)).ravel())


def not_broadcast(z, mu, log_var, log_w):
    return np.log(np.exp(log_w + log_density(z, mu, log_var)).sum(axis=0))


def density_of_std(z, mu, log_var, log_w):
    d = z[None] - mu[:, None]
    log_p = -0.5 * (np.log(2 * np.pi) + log_var[:, None] + d**2 / np.exp(0.5 * log_var)[:, None]).sum(axis=2)
    return np.logaddexp.reduce(log_w[:, None] + log_p, axis=0)


def weightless_and_one_top(z, mu, log_var, log_w):
    a = log_density(z, mu, log_var)
    return np.log(np.exp(a - a.max(axis=0)).sum(axis=0))


def by_logaddexp(z, mu, log_var, log_w):
    return np.logaddexp.reduce(log_w[:, None] + log_density(z, mu, log_var), axis=0)


def in_loops(z, mu, log_var, log_w):
    out = []
    for row in z:
        a = []
        for c in range(len(mu)):
            terms = np.log(2 * np.pi) + log_var[c] + (row - mu[c]) ** 2 / np.exp(log_var[c])
            a.append(log_w[c] - 0.5 * sum(terms))
        out.append(max(a) + np.log(sum(np.exp(np.array(a) - max(a)))))
    return np.array(out)


def of_a(say, v=np.exp, log=1.0, w=1.0):
    """log p(z), from a (C, N)."""

    def answer(z, mu, log_var, log_w):
        d2 = (z - mu[:, None]) ** 2
        log_p = -0.5 * (np.log(2 * np.pi) + log * log_var[:, None] + d2 / v(log_var)[:, None]).sum(axis=2)
        return say(w * log_w[:, None] + log_p)

    return answer


def lse(a, top=np.max, tiny=0.0):
    m = top(a, axis=0)
    return m + np.log(np.exp(a - m).sum(0) + tiny)


# ---- 17.2: z, mu, log_var, log_pz -> information, marginal_kl


def logs(z, mu, log_var):
    """log q(z_n | x_n) and log q(z_n)."""
    own = np.sum(-0.5 * np.log(2 * np.pi) - 0.5 * log_var - 0.5 * (z - mu) ** 2 * np.exp(-log_var), axis=1)
    return own, np.logaddexp.reduce(log_density(z, mu, log_var), axis=0) - np.log(len(mu))


def no_one_over_n(z, mu, log_var, log_pz):
    own, log_qz = logs(z, mu, log_var)
    log_qz = log_qz + np.log(len(z))
    return (own - log_qz).mean(), (log_qz - log_pz).mean()


def log_n_less_the_information(z, mu, log_var, log_pz):
    own, log_qz = logs(z, mu, log_var)
    return np.log(len(z)) - (own - log_qz).mean(), (log_qz - log_pz).mean()


def entropy_of_the_shares(z, mu, log_var, log_pz):
    own, log_qz = logs(z, mu, log_var)
    return np.mean(log_qz + np.log(len(z)) - own), np.mean(log_qz - log_pz)


def information_less_log_n(z, mu, log_var, log_pz):
    own, log_qz = logs(z, mu, log_var)
    return np.mean(own - log_qz) - np.log(len(z)), np.mean(log_qz - log_pz)


def log_n_added(z, mu, log_var, log_pz):
    own, log_qz = logs(z, mu, log_var)
    return np.mean(own - log_qz) + np.log(len(z)), np.mean(log_qz - log_pz)


def with_plain_weights(z, mu, log_var, log_pz):
    own, _ = logs(z, mu, log_var)
    log_qz = log_mixture(z, mu, log_var, np.full(len(z), 1 / len(z)))
    return (own - log_qz).mean(), (log_qz - log_pz).mean()


def with_plus_log_n(z, mu, log_var, log_pz):
    own, _ = logs(z, mu, log_var)
    log_qz = log_mixture(z, mu, log_var, np.full(len(z), np.log(len(z))))
    return (own - log_qz).mean(), (log_qz - log_pz).mean()


def mean_of_log_q(z, mu, log_var, log_pz):
    own, log_qz = logs(z, mu, log_var)[0], log_density(z, mu, log_var).mean(axis=0)
    return np.mean(own - log_qz), np.mean(log_qz - log_pz)


def without_log(z, mu, log_var, log_pz):
    own, log_qz = logs(z, mu, log_var)
    return np.mean(own - np.exp(log_qz)), np.mean(np.exp(log_qz) - log_pz)


def pairs_over_n(z, mu, log_var, log_pz):
    log_q, (_, log_qz) = log_density(z, mu, log_var), logs(z, mu, log_var)
    return np.sum(log_q - log_qz) / len(z), np.mean(log_qz - log_pz)


def weighted(z, mu, log_var, log_pz):
    own, log_qz = logs(z, mu, log_var)
    return np.mean(np.exp(own) * (own - log_qz)), np.mean(np.exp(log_qz) * (log_qz - log_pz))


def all_pairs(z, mu, log_var, log_pz):
    log_q, (_, log_qz) = log_density(z, mu, log_var), logs(z, mu, log_var)
    return np.mean(log_q - log_qz), np.mean(log_qz - log_pz)


def whole_kl(z, mu, log_var, log_pz):
    own, log_qz = logs(z, mu, log_var)
    return np.mean(own - log_qz), np.mean(own - log_pz)


def information_to_the_prior(z, mu, log_var, log_pz):
    own, log_qz = logs(z, mu, log_var)
    return np.mean(own - log_pz), np.mean(log_qz - log_pz)


def marginal_sign(z, mu, log_var, log_pz):
    own, log_qz = logs(z, mu, log_var)
    return np.mean(own - log_qz), np.mean(log_pz - log_qz)


def both_exchanged(*args):
    return exercise("17.2").reference(*args)[::-1]


def per_example(z, mu, log_var, log_pz):
    own, log_qz = logs(z, mu, log_var)
    return own - log_qz, log_qz - log_pz


def sums(z, mu, log_var, log_pz):
    return tuple(a.sum() for a in per_example(z, mu, log_var, log_pz))


def without_itself(z, mu, log_var, log_pz):
    own, log_q = logs(z, mu, log_var)[0], log_density(z, mu, log_var)
    np.fill_diagonal(log_q, -np.inf)
    log_qz = np.logaddexp.reduce(log_q, axis=0) - np.log(len(z) - 1)
    return np.mean(own - log_qz), np.mean(log_qz - log_pz)


def standard_prior(z, mu, log_var, log_pz):
    return per_example_mean(z, mu, log_var, -0.5 * (z**2 + np.log(2 * np.pi)).sum(axis=1))


def per_example_mean(z, mu, log_var, log_pz):
    return tuple(a.mean() for a in per_example(z, mu, log_var, log_pz))


def sums_without_n(z, mu, log_var, log_pz):
    return tuple(len(z) * a for a in no_one_over_n(z, mu, log_var, log_pz))


def entropies(z, mu, log_var, log_pz):
    own, log_qz = logs(z, mu, log_var)
    return own.mean(), (log_qz - log_pz).mean()


def by_difference(z, mu, log_var, log_pz):
    own, log_qz = logs(z, mu, log_var)
    marginal = log_qz.mean() - log_pz.mean()
    return [(own - log_pz).mean() - marginal, marginal]


def halves(first, second=lambda own, log_qz, log_pz: np.mean(log_qz - log_pz)):
    """Both parts, of log q(z_n | x_n), log q(z_n) and log p(z_n)."""

    def answer(z, mu, log_var, log_pz):
        own, log_qz = logs(z, mu, log_var)
        return first(own, log_qz, log_pz), second(own, log_qz, log_pz)

    return answer


def information_of(own, log_qz, log_pz):
    return np.mean(own - log_qz)


def over_n_less_one(z, mu, log_var, log_pz):
    return tuple(a.sum() / (len(a) - 1) for a in per_example(z, mu, log_var, log_pz))


def in_bits(z, mu, log_var, log_pz):
    return tuple(a.mean() / np.log(2) for a in per_example(z, mu, log_var, log_pz))


def entropy_by_formula(z, mu, log_var, log_pz):
    _, log_qz = logs(z, mu, log_var)
    entropy = 0.5 * (1 + np.log(2 * np.pi) + log_var).sum(axis=1)
    return -entropy.mean() - log_qz.mean(), (log_qz - log_pz).mean()


def latents_averaged(z, mu, log_var, log_pz):
    log_q = log_density(z, mu, log_var) / z.shape[1]
    log_qz = np.logaddexp.reduce(log_q, axis=0) - np.log(len(z))
    return np.mean(np.diag(log_q) - log_qz), np.mean(log_qz - log_pz)


def without_the_max(z, mu, log_var, log_pz):
    own, log_qz = logs(z, mu, log_var)[0], np.log(np.exp(log_density(z, mu, log_var)).mean(0))
    return np.mean(own - log_qz), np.mean(log_qz - log_pz)


# ---- 17.3: mu, log_var -> mu_p, log_var_p


def gaussian(wide):
    return lambda mu, log_var: (np.mean(mu, 0), wide(mu, log_var))


def posterior_formula(mu, log_var):
    precision = np.exp(-log_var)
    return (mu * precision).sum(0) / precision.sum(0), -np.log(precision.mean(0))


def second_moment(mu, log_var):
    return mu.mean(axis=0), np.log((np.exp(log_var) + mu**2).mean(axis=0) - mu.mean(axis=0) ** 2)


def spread_in_a_loop(mu, log_var):
    m = sum(mu) / len(mu)
    return np.stack([m, np.log(sum(np.exp(v) + (u - m) ** 2 for u, v in zip(mu, log_var, strict=True)) / len(mu))])


# ---- 17.4: g, z, mu, log_var, log_w -> dz, dmu, dlog_var


def backward(g, z, mu, log_var, log_w, share=None, over=np.exp, half=0.5, one=1.0, total="nl"):
    a = log_w[:, None] + log_density(z, mu, log_var)
    r = np.exp(a - np.logaddexp.reduce(a, axis=0)) if share is None else share(a, log_w)
    r = g * r
    d = z[None] - mu[:, None]
    v = over(log_var)[:, None]
    dmu = np.einsum("cn,cnl->cl", r, d / v)
    dz = -np.einsum("cn,cnl->nl", r, d / v)
    return dz, dmu, half * np.einsum("cn,cnl->cl", r, d**2 / v - one)


def with_share(share):
    return lambda *args: backward(*args, share=share)


def without_g(g, *args):
    return backward(np.ones_like(g), *args)


def dz_plus(*args):
    dz, dmu, dlog_var = backward(*args)
    return -dz, dmu, dlog_var


def all_signs(*args):
    return tuple(-a for a in backward(*args))


def no_half(*args):
    return backward(*args, half=1)


def no_one(*args):
    return backward(*args, one=0)


def std_for_v(*args):
    return backward(*args, over=lambda a: np.exp(a / 2))


def no_variance(*args):
    return backward(*args, over=np.ones_like)


def in_v(g, z, mu, log_var, log_w):
    dz, dmu, dlog_var = backward(g, z, mu, log_var, log_w)
    return dz, dmu, dlog_var / np.exp(log_var)


def square_subtracted(g, z, mu, log_var, log_w):
    r = g * np.exp(log_w[:, None] + log_density(z, mu, log_var) - log_mixture(z, mu, log_var, log_w))
    dz, dmu, _ = backward(g, z, mu, log_var, log_w)
    square = (z - mu[:, None]) ** 2 / np.exp(log_var)[:, None]
    return dz, dmu, 0.5 * (r[..., None] * (-1 - square)).sum(axis=1)


def one_added(*args):
    return backward(*args, one=-1)


def dlog_var_turned(*args):
    dz, dmu, dlog_var = backward(*args)
    return dz, dmu, -dlog_var


def mean_over_z(g, z, *rest):
    dz, dmu, dlog_var = backward(g, z, *rest)
    return dz, dmu / len(z), dlog_var / len(z)


def no_half_and_no_g(g, *args):
    return backward(np.ones_like(g), *args, half=1)


def unsummed_dz(g, z, mu, log_var, log_w):
    _, dmu, dlog_var = backward(g, z, mu, log_var, log_w)
    a = log_w[:, None] + log_density(z, mu, log_var)
    r = g * np.exp(a - np.logaddexp.reduce(a, axis=0))
    return -r[..., None] * (z - mu[:, None]) / np.exp(log_var)[:, None], dmu, dlog_var


def order_of_the_arguments(*args):
    dz, dmu, dlog_var = backward(*args)
    return dz, dlog_var, dmu


def by_softmax_in_loops(g, z, mu, log_var, log_w):
    dz, dmu, dlog_var = np.zeros_like(z), np.zeros_like(mu), np.zeros_like(log_var)
    a = (log_w[:, None] + log_density(z, mu, log_var)).T
    r = np.exp(a - a.max(axis=1, keepdims=True))
    r /= r.sum(axis=1, keepdims=True)
    for n in range(len(z)):
        for c in range(len(mu)):
            t = (mu[c] - z[n]) * np.exp(-log_var[c])
            dz[n] += g[n] * r[n, c] * t
            dmu[c] -= g[n] * r[n, c] * t
            dlog_var[c] += g[n] * r[n, c] * (t**2 * np.exp(log_var[c]) - 1) / 2
    return dz, dmu, dlog_var


def of_share(part, outer=lambda v: 1 / v):
    """dlog_var is 0.5 times the sum over n of `part`, made of share r, g, d^2 / v; dz and dmu have `outer` of v."""

    def answer(g, z, mu, log_var, log_w):
        r = np.exp(log_w[:, None] + log_density(z, mu, log_var) - log_mixture(z, mu, log_var, log_w))[..., None]
        v, d, g = np.exp(log_var)[:, None], z - mu[:, None], g[:, None]
        each = g * r * d * outer(v)
        return -each.sum(0), each.sum(1), 0.5 * part(r, g, d**2 / v).sum(1)

    return answer


def plain_w(g, z, mu, log_var, log_w):
    a = np.exp(log_w)[:, None] + log_density(z, mu, log_var)
    r = np.exp(a - np.logaddexp.reduce(a, axis=0))
    return backward(g, z, mu, log_var, log_w, share=lambda *_: r)


# ---- 17.5: dmu, dlog_var, a, W1, b1, W2 -> da, dW1, dW2


def chain(dmu, dlog_var, a, W1, b1, W2, pixel=lambda u, a: u * (1 - u), unit=lambda h, t: 1 - h**2, bias=1.0,
          seen=lambda u, a: u, out=lambda h, t: h, order=(0, 1), turn=1.0, squash=np.tanh, pick=-1.0):  # fmt: skip
    u = 1 / (1 + np.exp(pick * a))
    t = u @ W1 + bias * b1
    h = squash(t)
    up = np.hstack([(dmu, turn * dlog_var)[i] for i in order])
    dt = np.matmul(up, W2.T) * unit(h, t)
    return np.matmul(dt, W1.T) * pixel(u, a), np.matmul(seen(u, a).T, dt), np.matmul(out(h, t).T, up)


def chained(**changed):
    return lambda *args: chain(*args, **changed)


def only_means(dmu, dlog_var, *args):
    return chain(dmu, 0 * dlog_var, *args)


def chain_mean(*args):
    return tuple(d / len(args[0]) for d in chain(*args))


def wrong_transpose(dmu, dlog_var, a, W1, b1, W2):
    return chain(dmu, dlog_var, a, W1, b1, W2.T)


def without_sigmoid_and_tanh(*args):
    return chain(*args, pixel=lambda u, a: 1, unit=lambda h, t: 1)


def chain_swapped(*args):
    da, dW1, dW2 = chain(*args)
    return dW1, da, dW2


def dense_in_place(dmu, dlog_var, a, W1, b1, W2):
    out = chain(dmu, dlog_var, a, W1, b1, W2)
    a += 0.1
    return out


def two_halves(dmu, dlog_var, a, W1, b1, W2):
    L = dmu.shape[1]
    u = 0.5 * (1 + np.tanh(a / 2))
    h = np.tanh(u @ W1 + b1)
    dt = (dmu @ W2[:, :L].T + dlog_var @ W2[:, L:].T) / np.cosh(u @ W1 + b1) ** 2
    return (dt @ W1.T) * (u - u**2), (dt.T @ u).T, np.concatenate([h.T @ dmu, h.T @ dlog_var], axis=1)


# ---- 17.6: kl, mu, log_var, mu_p, log_var_p, eps -> equal, score


def normal(z, mu, log_var):
    return -0.5 * (np.log(2 * np.pi) + log_var + (z - mu) ** 2 / np.exp(log_var))


def laws(kl, mu, log_var, mu_p, log_var_p, eps, equal=None, std=lambda a: np.exp(0.5 * a), sign=1.0, p=None,
         error=lambda t: t.std(axis=0) / np.sqrt(len(t))):  # fmt: skip
    none = kl(mu_p[None, :], log_var_p[None, :], mu_p, log_var_p)[0] if equal is None else equal(kl, mu, log_var)
    z = mu + std(log_var) * eps
    p = (mu_p, log_var_p) if p is None else p(mu_p, log_var_p)
    t = np.sum(normal(z, mu, log_var) - normal(z, *p), axis=2)
    return none, sign * (kl(mu, log_var, mu_p, log_var_p) - np.mean(t, axis=0)) / error(t)


def tried(**changed):
    return lambda *args: laws(*args, **changed)


def drawn(of_z=lambda mu, log_var, mu_p, log_var_p, eps: mu + np.exp(log_var / 2) * eps, q=normal, p=normal,
          mean=np.mean, charge=lambda kl, *args: kl(*args), say=lambda a: a[0]):  # fmt: skip
    def answer(kl, mu, log_var, mu_p, log_var_p, eps):
        z = of_z(mu, log_var, mu_p, log_var_p, eps)
        t = (q(z, mu, log_var) - p(z, mu_p, log_var_p)).sum(-1)
        score = (charge(kl, mu, log_var, mu_p, log_var_p) - mean(t, axis=0)) / (t.std(0) / np.sqrt(len(t)))
        return say(kl(mu_p[None], log_var_p[None], mu_p, log_var_p)), score

    return answer


def no_two_pi(z, mu, log_var):
    return normal(z, mu, log_var) + 0.5 * np.log(2 * np.pi)


def absolute_equal(*args):
    none, score = laws(*args)
    return abs(none), score


def is_it_zero(*args):
    none, score = laws(*args)
    return none == 0, score


def is_it_far(*args):
    none, score = laws(*args)
    return none, np.abs(score) > 4


def equal_from_posteriors(kl, mu, log_var, mu_p, log_var_p, eps):
    _, score = laws(kl, mu, log_var, mu_p, log_var_p, eps)
    return kl(mu, log_var, mu_p, log_var_p).mean(), score


def equal_from_standard(kl, mu, log_var, mu_p, log_var_p, eps):
    _, score = laws(kl, mu, log_var, mu_p, log_var_p, eps)
    return kl(np.zeros((1, len(mu_p))), np.zeros((1, len(mu_p))), mu_p, log_var_p)[0], score


def equal_as_array(kl, mu, log_var, mu_p, log_var_p, eps):
    _, score = laws(kl, mu, log_var, mu_p, log_var_p, eps)
    return kl(mu_p[None], log_var_p[None], mu_p, log_var_p), score


def formula_for_kl(kl, mu, log_var, mu_p, log_var_p, eps):
    def right(m, a, m_p, a_p):
        return 0.5 * (a_p - a + (np.exp(a) + (m - m_p) ** 2) / np.exp(a_p) - 1).sum(axis=-1)

    return laws(kl, mu, log_var, mu_p, log_var_p, eps)[0], laws(right, mu, log_var, mu_p, log_var_p, eps)[1]


def twice_the_logs(kl, mu, log_var, mu_p, log_var_p, eps):
    z = mu + np.exp(log_var / 2) * eps
    t = (2 * normal(z, mu, log_var) - 2 * normal(z, mu_p, log_var_p)).sum(axis=2)
    error = t.std(axis=0) / np.sqrt(len(t))
    return laws(kl, mu, log_var, mu_p, log_var_p, eps)[0], (kl(mu, log_var, mu_p, log_var_p) - t.mean(axis=0)) / error


def mean_over_latents(kl, mu, log_var, mu_p, log_var_p, eps):
    z = mu + np.exp(log_var / 2) * eps
    t = (normal(z, mu, log_var) - normal(z, mu_p, log_var_p)).mean(axis=2)
    error = t.std(axis=0) / np.sqrt(len(t))
    return laws(kl, mu, log_var, mu_p, log_var_p, eps)[0], (kl(mu, log_var, mu_p, log_var_p) - t.mean(axis=0)) / error


def squares_only(kl, mu, log_var, mu_p, log_var_p, eps):
    z = mu + np.exp(log_var / 2) * eps
    t = 0.5 * ((z - mu_p) ** 2 / np.exp(log_var_p) - (z - mu) ** 2 / np.exp(log_var)).sum(axis=2)
    error = t.std(axis=0) / np.sqrt(len(t))
    return laws(kl, mu, log_var, mu_p, log_var_p, eps)[0], (kl(mu, log_var, mu_p, log_var_p) - t.mean(axis=0)) / error


def brackets_forgotten(kl, mu, log_var, mu_p, log_var_p, eps):
    z = mu + np.exp(log_var / 2) * eps
    t = (normal(z, mu, log_var) - normal(z, mu_p, log_var_p)).sum(axis=2)
    score = kl(mu, log_var, mu_p, log_var_p) - t.mean(axis=0) / (t.std(axis=0) / len(t) ** 0.5)
    return laws(kl, mu, log_var, mu_p, log_var_p, eps)[0], score


def one_score(*args):
    none, score = laws(*args)
    return none, score.mean()


def absolute_score(*args):
    none, score = laws(*args)
    return none, np.abs(score)


def sign_and_error(*args):
    return laws(*args, sign=-1, error=lambda t: t.std(axis=0))


def laws_in_a_loop(kl, mu, log_var, mu_p, log_var_p, eps):
    rows = []
    for e in eps:
        z = mu + np.sqrt(np.exp(log_var)) * e
        rows.append((0.5 * (log_var_p - log_var + (z - mu_p) ** 2 / np.exp(log_var_p) - e**2)).sum(axis=1))
    rows = np.array(rows)
    error = np.sqrt(rows.var(axis=0) / len(rows))
    same = np.broadcast_to(mu_p, mu.shape), np.broadcast_to(log_var_p, mu.shape)
    return kl(*same, mu_p, log_var_p)[0], (kl(mu, log_var, mu_p, log_var_p) - rows.mean(axis=0)) / error


def shares_by_naive_exp(g, z, mu, log_var, log_w):
    v, d = np.exp(log_var)[:, None], z - mu[:, None]
    density = np.exp(log_w)[:, None] * np.exp(-0.5 * (np.log(2 * np.pi * v) + d**2 / v)).prod(axis=-1)
    r = (g * density / density.sum(axis=0))[..., None]
    return -(r * d / v).sum(axis=0), (r * d / v).sum(axis=1), 0.5 * (r * (d**2 / v - 1)).sum(axis=1)


def laws_without_the_axis(kl, mu, log_var, mu_p, log_var_p, eps):
    return kl(mu_p, log_var_p, mu_p, log_var_p)[0], np.zeros(len(mu))


WRONG = {
    "17.1": [
        (naive, "exp underflows where z is far"),
        (one_top_for_all, "exp underflows where z is far"),
        (top_not_added, "add it again behind the log"),
        (log_mean_exp, "divided by C: a sum is wanted"),
        (without_weights, "log_w is missing"),
        (equal_weights, "the weights are not equal here"),
        (weights_times_logs, "that is the mean of the logarithms"),
        (plain_weights_added, "w is added, where its logarithm should be"),
        (log_weights_times_logs, "so its logarithm is added to the log density"),
        (only_the_largest, "that is the largest term alone"),
        (sum_of_logs, "that is the sum of the logarithms"),
        (other_axis, "summed over the z"),
        (one_number, "summed over the z as well"),
        (not_broadcast, "it stopped with ValueError"),
        (density_of_std, "standard deviation for variance"),
        (weightless_and_one_top, "mend that first: a second mistake is left"),
        (of_a(lambda a: lse(a, tiny=1e-4)), ""),
        (of_a(lambda a: lse(a) + 0.002), "off by 0.002 everywhere"),
        (of_a(lambda a: a.max(0) + np.exp(a - a.max(0)).sum(0)), "the log is missing"),
        (of_a(lse, v=lambda a: np.exp(2 * a), log=2.0), "for that of the standard deviation"),
        (of_a(lse, v=lambda a: np.exp(-a)), "divided by exp(-log_var)"),
        (of_a(lse, w=2.0), "log_w is added twice"),
        (of_a(lambda a: np.log(np.maximum(np.exp(a).sum(0), 1e-300))), "1e-300 in the log hides"),
        (of_a(lambda a: np.log(np.exp(a).sum(0) + 1e-12)), "1e-12 in the log hides"),
        (of_a(lambda a: np.log(np.exp(np.clip(a, -700, None)).sum(0))), "here it is up to 63.5"),
        (of_a(lambda a: np.nan_to_num(np.log(np.exp(a).sum(0)))), "nan_to_num hides"),
        (of_a(lambda a: lse(a, np.min)), "the smallest a or their mean is subtracted"),
        (of_a(lambda a: lse(a, np.mean)), "the smallest a or their mean is subtracted"),
    ],
    "17.2": [
        (no_one_over_n, "the weight 1 / N is missing in q(z)"),
        (with_plain_weights, "1 / N stands where its logarithm should be"),
        (with_plus_log_n, "its logarithm is -log N, not +log N"),
        (mean_of_log_q, "here it is the mean of their logarithms"),
        (without_log, "q(z) stands where its logarithm should be"),
        (pairs_over_n, "all pairs are summed and divided by N"),
        (weighted, "the draws come from it already"),
        (all_pairs, "averaged over all pairs"),
        (whole_kl, "that is the mean KL, both parts together"),
        (information_to_the_prior, "information: p is subtracted in both"),
        (marginal_sign, "marginal_kl: the sign"),
        (both_exchanged, "the order is information, marginal_kl"),
        (per_example, "not averaged over the draws"),
        (sums, "summed over the draws; the mean is wanted"),
        (without_itself, "z_n's own posterior is left out of q(z)"),
        (standard_prior, "p is taken for N(0, I); log_pz is given"),
        (sums_without_n, "mend that first: a second mistake is left"),
        (entropies, "that is minus the entropy of q(z | x)"),
        (log_n_less_the_information, "log N less the information"),
        (entropy_of_the_shares, "log N less the information"),
        (information_less_log_n, "the weight 1 / N is missing"),
        (log_n_added, "log N is added"),
        (without_the_max, "exp underflows where there are many latents"),
        (halves(lambda own, log_qz, log_pz: -log_qz.mean()), "that is the entropy of q(z)"),
        (halves(information_of, lambda own, log_qz, log_pz: -log_pz.mean()), "that is the mean of -log p(z)"),
        (halves(lambda own, log_qz, log_pz: np.log(len(own))), "that is log N, the most it can be"),
        (halves(lambda own, log_qz, log_pz: (own - log_qz).sum()), "the information is not divided by N"),
        (entropy_by_formula, "is from its formula"),
        (over_n_less_one, "the mean is over N, not N - 1"),
        (in_bits, "that is in bits"),
        (latents_averaged, "averaged over the latents"),
    ],
    "17.3": [
        (gaussian(lambda mu, log_var: np.log(np.exp(log_var).mean(0))), "the spread of the means is forgotten"),
        (gaussian(lambda mu, log_var: np.log(mu.var(0))), "the posteriors' own variances are forgotten"),
        (gaussian(lambda mu, log_var: log_var.mean(0)), "only without spread"),
        (gaussian(lambda mu, log_var: np.exp(log_var).mean(0) + mu.var(0)), "its logarithm is wanted"),
        (
            gaussian(lambda mu, log_var: np.log(np.sqrt(np.exp(log_var).mean(0) + mu.var(0)))),
            "that is the logarithm of the standard deviation",
        ),
        (gaussian(lambda mu, log_var: np.log((np.exp(log_var) + mu**2).mean(0))), "mu_p is not subtracted"),
        (gaussian(lambda mu, log_var: np.log(np.exp(log_var).mean(0) + mu.var(0, ddof=1))), "divided by N - 1"),
        (gaussian(lambda mu, log_var: np.log(np.exp(log_var / 2).mean(0) + mu.var(0))), "exp(log_var) is v"),
        (gaussian(lambda mu, log_var: np.log(np.exp(log_var.mean(0)) + mu.var(0))), "log_var is averaged"),
        (gaussian(lambda mu, log_var: np.log(np.exp(log_var).mean(0) + mu.std(0))), "the standard deviation of mu"),
        (gaussian(lambda mu, log_var: np.log((np.exp(log_var) + mu.var(0)).sum(0))), "v_p is summed over the examples"),
        (gaussian(lambda mu, log_var: np.log(log_var.mean(0) + mu.var(0))), "where its exponential should be"),
        (lambda mu, log_var: (mu.mean(1), np.log(np.exp(log_var).mean(1) + mu.var(1))), "averaged over the latents"),
        (lambda mu, log_var: (0 * mu[0], np.log(np.exp(log_var).mean(0) + mu.var(0))), "mu_p is not 0"),
        (gaussian(lambda mu, log_var: np.log((np.exp(log_var) * (mu - mu.mean(0)) ** 2).mean(0))), "they add up"),
        (gaussian(lambda mu, log_var: np.log(np.exp(log_var).mean(0)) + np.log(mu.var(0))), "add the two parts first"),
        (gaussian(lambda mu, log_var: np.log((np.exp(log_var).mean(0) + mu.var(0)) / 2)), "both parts are halved"),
        (gaussian(lambda mu, log_var: np.log(np.exp(-log_var).mean(0) + mu.var(0))), "not exp(-log_var)"),
        (
            gaussian(lambda mu, log_var: np.log((np.exp(log_var) + (mu - mu.mean()) ** 2).mean(0))),
            "around one mean of all latents",
        ),
        (
            gaussian(lambda mu, log_var: np.log((np.exp(log_var) + abs(mu - mu.mean(0))).mean(0))),
            "the mean of the absolute deviations",
        ),
        (lambda mu, log_var: (mu.mean(), np.log(np.exp(log_var).mean() + mu.var())), "one number for all latents"),
        (lambda mu, log_var: (mu.sum(0), best_gaussian(mu, log_var)[1]), "mu_p is summed over the examples"),
        (posterior_formula, "mu_p: mu_p is the plain mean of mu"),
        (lambda mu, log_var: best_gaussian(mu, log_var)[0], "expected it to return mu_p, log_var_p"),
    ],
    "17.4": [
        (shares_by_naive_exp, "both underflow where z is far"),
        (with_share(lambda a, log_w: np.exp(a)), "exp(a) is not divided by p(z)"),
        (with_share(lambda a, log_w: np.exp(log_w)[:, None] + 0 * a), "the weights w stand for the shares"),
        (with_share(lambda a, log_w: np.full(a.shape, 1 / len(a))), "every component gets the same share"),
        (with_share(lambda a, log_w: np.ones_like(a)), "every component gets the whole gradient"),
        (with_share(lambda a, log_w: np.exp(a) / np.exp(a).sum(axis=1, keepdims=True)), "add up to 1 over the z"),
        (with_share(lambda a, log_w: np.exp(a - log_w[:, None]) / np.exp(a).sum(axis=0)), "w is missing"),
        (
            with_share(lambda a, log_w: np.exp(a - log_w[:, None]) / np.exp(a - log_w[:, None]).sum(axis=0)),
            "log_w is missing in the shares",
        ),
        (with_share(lambda a, log_w: np.eye(len(a))[a.argmax(axis=0)].T), "only the likeliest component"),
        (without_g, "g is forgotten"),
        (dz_plus, "dz: the sign"),
        (all_signs, "the sign"),
        (no_half, "the half is missing in dlog_var"),
        (no_one, "the -1 is missing in dlog_var"),
        (std_for_v, "divided by the standard deviation"),
        (no_variance, "not divided by the variance"),
        (in_v, "with respect to v, not log_var"),
        (mean_over_z, "averaged over the z"),
        (no_half_and_no_g, "mend that first: a second mistake is left"),
        (unsummed_dz, "not summed over the components: dz is (N, L)"),
        (order_of_the_arguments, "the order is dz, dmu, dlog_var"),
        (square_subtracted, "the sign of d^2 / v in dlog_var"),
        (one_added, "the -1 of dlog_var has the wrong sign"),
        (dlog_var_turned, "the sign of dlog_var"),
        (with_share(lambda a, log_w: np.exp(a) / (np.exp(a).sum(0) + 1e-12)), "makes all shares 0 there"),
        (with_share(lambda a, log_w: np.nan_to_num(np.exp(a) / np.exp(a).sum(0))), "makes all shares 0 there"),
        (with_share(lambda a, log_w: np.exp(a - a.max(0))), "exp(a - a_max) is not divided by its sum"),
        (with_share(lambda a, log_w: a - np.logaddexp.reduce(a, axis=0)), "the logarithms of the shares"),
        (plain_w, "w stands in the shares where its logarithm should be"),
        (of_share(lambda r, g, square: g * r * (square - 2)), "the half is in d^2 / v, but not in the -1"),
        (of_share(lambda r, g, square: 2 * g * r * (square - 0.5)), "the half is in the -1 of dlog_var, but not in"),
        (of_share(lambda r, g, square: 0 * square - g * r), "d^2 / v is missing in dlog_var"),
        (of_share(lambda r, g, square: g * (r * square - 1)), "is not multiplied with the share"),
        (of_share(lambda r, g, square: r * (g * square - 1)), "is not multiplied with g"),
        (of_share(lambda r, g, square: g * r * square - 1), "neither with g nor with the share"),
        (of_share(lambda r, g, square: (g * r * square).sum(1, keepdims=True) - 1), "is outside the sum over the z"),
        (of_share(lambda r, g, square: g * r * (square - 1), outer=lambda v: v), "multiplied with the variance"),
    ],
    "17.5": [
        (chained(pixel=lambda u, a: 1), "that is du"),
        (chained(pixel=lambda u, a: a * (1 - a)), "u (1 - u), not a (1 - a)"),
        (chained(pixel=lambda u, a: 1 - u**2), "1 - u^2 is the derivative of tanh"),
        (chained(unit=lambda h, t: 1), "the derivative of tanh is forgotten"),
        (chained(unit=lambda h, t: h * (1 - h)), "h (1 - h) is the derivative of a sigmoid"),
        (chained(unit=lambda h, t: 1 - t**2), "1 - t^2: the derivative of tanh is 1 - h^2"),
        (chained(unit=lambda h, t: t > 0), "that is the derivative of ReLU"),
        (chained(bias=0), "b1 is forgotten"),
        (chained(seen=lambda u, a: a), "dW1: dW1 has a"),
        (chained(out=lambda h, t: t), "dW2: dW2 has t"),
        (chained(order=(1, 0)), "dmu and dlog_var are exchanged"),
        (only_means, "dlog_var is forgotten"),
        (chain_mean, "averaged over the pseudo-inputs"),
        (wrong_transpose, "it stopped with ValueError"),
        (without_sigmoid_and_tanh, "mend that first: a second mistake is left"),
        (chain_swapped, "the order is da, dW1, dW2"),
        (dense_in_place, "it writes into its argument a"),
        (chained(pixel=lambda u, a: u**2), "u^2: the derivative of the sigmoid"),
        (chained(pick=1.0), "u = sigmoid(a), not sigmoid(-a)"),
        (chained(bias=-1.0), "b1 is subtracted in the forward"),
        (chained(turn=-1.0), "dlog_var has the wrong sign"),
        (chained(squash=lambda t: 1 / (1 + np.exp(-t))), "h is a sigmoid in the forward"),
        (
            chained(squash=lambda t: 1 / (1 + np.exp(-t)), unit=lambda h, t: h - h**2),
            "here they are sigmoids, forward and backward",
        ),
        (chained(seen=lambda u, a: u * (1 - u)), "dW1 has u (1 - u)"),
        (chained(out=lambda h, t: 1 - h**2), "dW2 has 1 - h^2"),
        (chained(out=lambda h, t: h * (1 - h**2)), "1 - h^2 is in dW2 as well"),
    ],
    "17.6": [
        (laws_without_the_axis, "invalid index to scalar"),
        (equal_from_posteriors, "for the first law q is the prior itself"),
        (equal_from_standard, "equal: q is N(0, I) there"),
        (equal_as_array, "take the number, [0]"),
        (tried(equal=lambda *_: 0.0), "0 is what right code gives"),
        (tried(sign=-1), "score: the sign"),
        (tried(error=lambda t: 1), "not divided by the standard error"),
        (tried(error=lambda t: t.std(axis=0)), "the mean of K spreads less"),
        (tried(error=lambda t: t.std(axis=0) / len(t)), "std / sqrt(K), not std / K"),
        (tried(error=lambda t: np.std(t) / np.sqrt(len(t))), "one spread for all examples"),
        (tried(error=lambda t: t.var(axis=0) / np.sqrt(len(t))), "the variance stands where"),
        (tried(p=lambda mu_p, log_var_p: (0 * mu_p, 0 * mu_p)), "log p is that of N(0, I)"),
        (tried(p=lambda mu_p, log_var_p: (mu_p, 0 * mu_p)), "log p has mu_p, but not log_var_p"),
        (tried(std=np.exp), "variance for standard deviation"),
        (formula_for_kl, "that compares with the right formula"),
        (twice_the_logs, "the half is missing in both log densities"),
        (mean_over_latents, "averaged over the latents, not summed"),
        (squares_only, "log_var and log_var_p are missing"),
        (brackets_forgotten, "only the mean of the draws is divided"),
        (one_score, "averaged over the examples"),
        (absolute_score, "without its sign"),
        (absolute_equal, "equal is without its sign"),
        (is_it_zero, "equal       expected numbers, got a bool"),
        (is_it_far, "score       expected numbers, got an array of bool"),
        (tried(error=lambda t: t.std(axis=0) / np.sqrt(len(t) - 1)), "K - 1 stands for K"),
        (tried(error=lambda t: t.std(axis=0) * np.sqrt(len(t))), "std / sqrt(K), not std sqrt(K)"),
        (
            drawn(lambda mu, log_var, mu_p, log_var_p, eps: mu_p + np.exp(log_var_p / 2) * eps),
            "z is drawn from the prior",
        ),
        (drawn(lambda mu, log_var, mu_p, log_var_p, eps: np.exp(log_var / 2) * eps), "mu is missing in z"),
        (tried(std=lambda a: np.exp(a / 4)), "the half is in log_var twice"),
        (tried(std=lambda a: a / 2), "exp is missing: std is"),
        (drawn(mean=np.sum), "summed over the draws"),
        (drawn(charge=lambda *_: 0), "what kl charges is missing"),
        (drawn(charge=lambda kl, m, a, *p: kl(a, m, *p)), "with mu and log_var exchanged"),
        (drawn(charge=lambda kl, m, a, m_p, a_p: kl(m, a, a_p, m_p)), "with mu_p and log_var_p exchanged"),
        (drawn(q=lambda z, m, a: -0.5 * (np.log(2 * np.pi) + a)), "the square is missing in log q"),
        (drawn(q=no_two_pi), "log(2 pi) is missing in log q"),
        (drawn(p=no_two_pi), "log(2 pi) is missing in log p"),
        (sign_and_error, "mend that first: a second mistake is left"),
    ],
}
RIGHT = {
    "17.1": [by_logaddexp, in_loops],
    "17.2": [per_example_mean, by_difference],
    "17.3": [second_moment, spread_in_a_loop],
    "17.4": [backward, by_softmax_in_loops],
    "17.5": [chain, two_halves],
    "17.6": [laws, drawn(), laws_in_a_loop],
}
FIXED = {}
