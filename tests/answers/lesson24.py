"""Answers of lesson 24 that people give: wrong ones with the words that name them, and right ones that look unusual."""

import numpy as np


def sigma(a):
    return 1 / (1 + np.exp(-a))


# ---- 24.1: x, net -> z, log_det


def right_coupling(x, net):
    half = x.shape[1] // 2
    s, t = net(x[:, :half])
    z = x.copy()
    z[:, half:] = z[:, half:] * np.exp(s) + t
    return z, np.log(np.prod(np.exp(s), axis=-1))


def coupling_row_by_row(x, net):
    z, log_det = np.zeros_like(x), np.zeros(len(x))
    for n, row in enumerate(x):
        kept, moved = np.split(row, 2)
        s, t = net(kept[None])
        z[n] = np.hstack([kept, np.exp(s[0]) * moved + t[0]])
        log_det[n] = sum(s[0])
    return [z, log_det]


def with_scale_in_log_det(x, net):
    z, _ = right_coupling(x, net)
    s, _ = net(x[:, : x.shape[1] // 2])
    return z, np.exp(s).sum(axis=1)


def the_determinant(x, net):
    z, log_det = right_coupling(x, net)
    return z, np.exp(log_det)


def without_exp(x, net):
    kept, moved = np.hsplit(x, 2)
    s, t = net(kept)
    return np.hstack([kept, s * moved + t]), s.sum(axis=1)


def shift_first(x, net):
    kept, moved = np.hsplit(x, 2)
    s, t = net(kept)
    return np.hstack([kept, np.exp(s) * (moved + t)]), s.sum(axis=1)


def other_half(x, net):
    kept, moved = x[:, x.shape[1] // 2 :], x[:, : x.shape[1] // 2]
    s, t = net(kept)
    return np.hstack([np.exp(s) * moved + t, kept]), s.sum(axis=1)


def not_summed(x, net):
    z, _ = right_coupling(x, net)
    return z, net(x[:, : x.shape[1] // 2])[0]


def summed_over_all(x, net):
    z, log_det = right_coupling(x, net)
    return z, log_det.sum()


def negative(x, net):
    z, log_det = right_coupling(x, net)
    return z, -log_det


def no_exp_and_negative(x, net):
    z, log_det = without_exp(x, net)
    return z, -log_det


def all_to_net(x, net):
    s, t = net(x)
    return np.exp(s) * x + t, s.sum(axis=1)


def only_moved(x, net):
    kept, moved = np.hsplit(x, 2)
    s, t = net(kept)
    return np.exp(s) * moved + t, s.sum(axis=1)


def in_place(x, net):
    half = x.shape[1] // 2
    s, t = net(x[:, :half])
    x[:, half:] = x[:, half:] * np.exp(s) + t
    return x, s.sum(axis=1)


# ---- 24.2: z, net -> x


def right_inverse(z, net):
    kept, moved = np.hsplit(z, 2)
    s, t = net(kept)
    return np.hstack([kept, (moved - t) / np.exp(s)])


def inverse_in_a_copy(z, net):
    x, half = np.copy(z), z.shape[-1] // 2
    s, t = net(z[:, :half])
    x[:, half:] -= t
    x[:, half:] *= np.exp(-s)
    return x


def multiplied(z, net):
    kept, moved = np.hsplit(z, 2)
    s, t = net(kept)
    return np.hstack([kept, (moved - t) * np.exp(s)])


def wrong_order(z, net):
    kept, moved = np.hsplit(z, 2)
    s, t = net(kept)
    return np.hstack([kept, moved / np.exp(s) - t])


def shift_added(z, net):
    kept, moved = np.hsplit(z, 2)
    s, t = net(kept)
    return np.hstack([kept, (moved + t) / np.exp(s)])


def over_log_scale(z, net):
    kept, moved = np.hsplit(z, 2)
    s, t = net(kept)
    return np.hstack([kept, (moved - t) / s])


def forward_again(z, net):
    return right_coupling(z, net)[0]


def half_of_x(z, net):
    kept, moved = np.hsplit(z, 2)
    s, t = net(kept)
    return (moved - t) / np.exp(s)


def asked_the_moved_half(z, net):
    kept, moved = np.hsplit(z, 2)
    s, t = net(moved)
    return np.hstack([(kept - t) / np.exp(s), moved])


# ---- 24.3: dz, dlog_det, x, log_scale -> dx, dlog_scale, dshift


def right_backward(dz, dlog_det, x, log_scale):
    half = dz.shape[1] // 2
    dx = dz.copy()
    dx[:, half:] *= np.exp(log_scale)
    return dx, dx[:, half:] * x[:, half:] + dlog_det.reshape(-1, 1), dz[:, half:].copy()


def backward_in_loops(dz, dlog_det, x, log_scale):
    dx, ds, dt = np.zeros_like(x), np.zeros_like(log_scale), np.zeros_like(log_scale)
    half = x.shape[1] // 2
    for n in range(len(x)):
        for i in range(half):
            dx[n, i] = dz[n, i]
            dx[n, half + i] = dz[n, half + i] * np.exp(log_scale[n, i])
            ds[n, i] = dz[n, half + i] * np.exp(log_scale[n, i]) * x[n, half + i] + dlog_det[n]
            dt[n, i] = dz[n, half + i]
    return dx, ds, dt


def no_log_det(dz, dlog_det, x, log_scale):
    dx, _, dshift = right_backward(dz, dlog_det, x, log_scale)
    return dx, dz[:, x.shape[1] // 2 :] * np.exp(log_scale) * x[:, x.shape[1] // 2 :], dshift


def no_scale_in_dlog_scale(dz, dlog_det, x, log_scale):
    dx, _, dshift = right_backward(dz, dlog_det, x, log_scale)
    return dx, dz[:, x.shape[1] // 2 :] * x[:, x.shape[1] // 2 :] + dlog_det[:, None] / np.exp(log_scale), dshift


def no_scale_in_dx(dz, dlog_det, x, log_scale):
    _, dlog_scale, dshift = right_backward(dz, dlog_det, x, log_scale)
    return dz, dlog_scale, dshift


def kept_is_zero(dz, dlog_det, x, log_scale):
    dx, dlog_scale, dshift = right_backward(dz, dlog_det, x, log_scale)
    dx[:, : x.shape[1] // 2] = 0
    return dx, dlog_scale, dshift


def summed_shift(dz, dlog_det, x, log_scale):
    dx, dlog_scale, dshift = right_backward(dz, dlog_det, x, log_scale)
    return dx, dlog_scale, dshift.sum(axis=0)


def scaled_shift(dz, dlog_det, x, log_scale):
    dx, dlog_scale, dshift = right_backward(dz, dlog_det, x, log_scale)
    return dx, dlog_scale, dshift * np.exp(log_scale)


def exchanged_outputs(dz, dlog_det, x, log_scale):
    dx, dlog_scale, dshift = right_backward(dz, dlog_det, x, log_scale)
    return dx, dshift, dlog_scale


def dlog_det_not_in_columns(dz, dlog_det, x, log_scale):
    half = x.shape[1] // 2
    return dz, dz[:, half:] * np.exp(log_scale) * x[:, half:] + dlog_det, dz[:, half:]


def kept_in_dlog_scale(dz, dlog_det, x, log_scale):
    dx, _, dshift = right_backward(dz, dlog_det, x, log_scale)
    half = x.shape[1] // 2
    return dx, dz[:, half:] * np.exp(log_scale) * x[:, :half] + dlog_det[:, None], dshift


def no_log_det_and_no_kept(dz, dlog_det, x, log_scale):
    dx, dlog_scale, dshift = no_log_det(dz, dlog_det, x, log_scale)
    dx[:, : x.shape[1] // 2] = 0
    return dx, dlog_scale, dshift


# ---- 24.4: x, eps, t, beta -> x_t


def right_noised(x, eps, t, beta):
    abar = np.exp(np.cumsum(np.log1p(-beta)))
    a = np.sqrt(abar)[t - 1].reshape(len(x), 1)
    return a * x + (1 - a**2) ** 0.5 * eps


def noised_in_loops(x, eps, t, beta):
    x_t = []
    for row, noise, steps in zip(x, eps, t, strict=True):
        a, b2 = 1.0, 0.0
        for s in range(steps):
            a, b2 = a * np.sqrt(1 - beta[s]), (1 - beta[s]) * b2 + beta[s]
        x_t.append(a * row + np.sqrt(b2) * noise)
    return np.array(x_t)


def index_t(x, eps, t, beta):
    abar = np.append(np.cumprod(1 - beta), 0)[t][:, None]
    return np.sqrt(abar) * x + np.sqrt(1 - abar) * eps


def one_step(x, eps, t, beta):
    b = beta[t - 1][:, None]
    return np.sqrt(1 - b) * x + np.sqrt(b) * eps


def no_roots(x, eps, t, beta):
    abar = np.cumprod(1 - beta)[t - 1][:, None]
    return abar * x + (1 - abar) * eps


def root_of_x_only(x, eps, t, beta):
    abar = np.cumprod(1 - beta)[t - 1][:, None]
    return np.sqrt(abar) * x + (1 - abar) * eps


def one_less_root(x, eps, t, beta):
    a = np.cumprod(np.sqrt(1 - beta))[t - 1][:, None]
    return a * x + (1 - a) * eps


def product_of_beta(x, eps, t, beta):
    abar = np.cumprod(beta)[t - 1][:, None]
    return np.sqrt(abar) * x + np.sqrt(1 - abar) * eps


def exchanged(x, eps, t, beta):
    return right_noised(eps, x, t, beta)


def all_steps(x, eps, t, beta):
    abar = np.prod(1 - beta)
    return np.sqrt(abar) * x + np.sqrt(1 - abar) * eps


def power_t(x, eps, t, beta):
    abar = ((1 - beta[t - 1]) ** t)[:, None]
    return np.sqrt(abar) * x + np.sqrt(1 - abar) * eps


def no_new_axis(x, eps, t, beta):
    abar = np.cumprod(1 - beta)[t - 1]
    return np.sqrt(abar) * x + np.sqrt(1 - abar) * eps


def variances_added(x, eps, t, beta):
    a = np.array([np.prod(np.sqrt(1 - beta[:k])) for k in t])[:, None]
    b = np.array([np.sum(beta[:k]) for k in t])[:, None]
    return a * x + np.sqrt(b) * eps


def sum_for_product(x, eps, t, beta):
    v = np.cumsum(beta)[t - 1][:, None]
    return np.sqrt(1 - v) * x + np.sqrt(v) * eps


def last_noise(x, eps, t, beta):
    a = np.sqrt(np.cumprod(1 - beta)[t - 1][:, None])
    return a * x + np.sqrt(beta[t - 1][:, None]) * eps


def index_and_no_root(x, eps, t, beta):
    abar = np.append(np.cumprod(1 - beta), 0)[t][:, None]
    return np.sqrt(abar) * x + (1 - abar) * eps


# ---- 24.5: eps_hat, eps, weight -> loss, deps_hat


def right_noise_loss(eps_hat, eps, weight):
    d = (eps_hat - eps).T
    return np.mean(weight * np.sum(d * d, axis=0)), (2 / len(eps) * weight * d).T


def noise_loss_by_einsum(eps_hat, eps, weight):
    d = eps_hat - eps
    return np.einsum("n,nd,nd->", weight, d, d) / len(d), np.einsum("n,nd->nd", weight, d) * 2 / len(d)


def mean_of_all(eps_hat, eps, weight):
    d = eps_hat - eps
    return (weight[:, None] * d**2).mean(), 2 * weight[:, None] * d / d.size


def mean_in_the_loss_only(eps_hat, eps, weight):
    d = eps_hat - eps
    return (weight[:, None] * d**2).mean(), 2 * weight[:, None] * d / len(d)


def no_mean(eps_hat, eps, weight):
    d = eps_hat - eps
    return (weight * (d**2).sum(axis=1)).sum(), 2 * weight[:, None] * d


def no_n(eps_hat, eps, weight):
    d = eps_hat - eps
    return (weight * (d**2).sum(axis=1)).mean(), 2 * weight[:, None] * d


def no_two(eps_hat, eps, weight):
    d = eps_hat - eps
    return (weight * (d**2).sum(axis=1)).mean(), weight[:, None] * d / len(d)


def gradient_in_eps(eps_hat, eps, weight):
    loss, g = right_noise_loss(eps_hat, eps, weight)
    return loss, -g


def without_weight(eps_hat, eps, weight):
    return right_noise_loss(eps_hat, eps, np.ones(len(eps)))


def weight_in_the_loss_only(eps_hat, eps, weight):
    loss, _ = right_noise_loss(eps_hat, eps, weight)
    return loss, 2 * (eps_hat - eps) / len(eps)


def two_and_weight(eps_hat, eps, weight):
    loss, _ = right_noise_loss(eps_hat, eps, weight)
    return loss, (eps_hat - eps) / len(eps)


# ---- 24.6: odds, odds_g -> loss_critic, dodds, dodds_g


def right_critic(odds, odds_g):
    loss = (np.logaddexp(0, -odds) + np.logaddexp(0, odds_g)).mean() / 2
    return loss, (sigma(odds) - 1) / (2 * len(odds)), sigma(odds_g) / (2 * len(odds_g))


def critic_as_a_classifier(odds, odds_g):
    a, y = np.concatenate([odds, odds_g]), np.repeat([1.0, 0.0], len(odds))
    loss = np.mean(np.maximum(a, 0) - a * y + np.log1p(np.exp(-np.abs(a))))
    return loss, *np.split((sigma(a) - y) / len(a), 2)


def critic_from_probabilities(odds, odds_g):
    _, dodds, dodds_g = right_critic(odds, odds_g)
    return -0.5 * (np.log(sigma(odds)) + np.log(1 - sigma(odds_g))).mean(), dodds, dodds_g


def critic_with_a_floor(odds, odds_g):
    _, dodds, dodds_g = right_critic(odds, odds_g)
    return -0.5 * (np.log(sigma(odds) + 1e-8) + np.log(sigma(-odds_g) + 1e-8)).mean(), dodds, dodds_g


def critic_without_half(odds, odds_g):
    loss, dodds, dodds_g = right_critic(odds, odds_g)
    return 2 * loss, 2 * dodds, 2 * dodds_g


def critic_half_in_the_loss(odds, odds_g):
    loss, dodds, dodds_g = right_critic(odds, odds_g)
    return loss, 2 * dodds, 2 * dodds_g


def critic_exchanged(odds, odds_g):
    loss = (np.logaddexp(0, odds) + np.logaddexp(0, -odds_g)).mean() / 2
    return loss, sigma(odds) / (2 * len(odds)), -sigma(-odds_g) / (2 * len(odds_g))


def critic_to_be_raised(odds, odds_g):
    return tuple(-a for a in right_critic(odds, odds_g))


def critic_sums(odds, odds_g):
    return tuple(a * len(odds) for a in right_critic(odds, odds_g))


def critic_no_n(odds, odds_g):
    loss, dodds, dodds_g = right_critic(odds, odds_g)
    return loss, dodds * len(odds), dodds_g * len(odds)


def critic_slope_of_sigmoid(odds, odds_g):
    loss, dodds, dodds_g = right_critic(odds, odds_g)
    return loss, dodds * sigma(odds), dodds_g * sigma(-odds_g)


def critic_wrong_sigmoid(odds, odds_g):
    loss, _, dodds_g = right_critic(odds, odds_g)
    return loss, -0.5 * sigma(odds) / len(odds), dodds_g


def critic_gradients_exchanged(odds, odds_g):
    loss, dodds, dodds_g = right_critic(odds, odds_g)
    return loss, dodds_g, dodds


# ---- 24.7: odds_g -> loss, dodds_g


def right_generator(odds_g):
    return np.logaddexp(0, -odds_g).mean(), (sigma(odds_g) - 1) / len(odds_g)


def generator_by_cases(odds_g):
    far = np.where(odds_g > 0, np.log1p(np.exp(-np.abs(odds_g))), np.log1p(np.exp(-np.abs(odds_g))) - odds_g)
    return far.sum() / len(odds_g), -1 / (1 + np.exp(odds_g)) / len(odds_g)


def saturating(odds_g):
    return -np.logaddexp(0, odds_g).mean(), -sigma(odds_g) / len(odds_g)


def cost_of_the_critic(odds_g):
    return np.logaddexp(0, odds_g).mean(), sigma(odds_g) / len(odds_g)


def generator_with_half(odds_g):
    return tuple(a / 2 for a in right_generator(odds_g))


def generator_sums(odds_g):
    return tuple(a * len(odds_g) for a in right_generator(odds_g))


def generator_no_n(odds_g):
    loss, dodds_g = right_generator(odds_g)
    return loss, dodds_g * len(odds_g)


def generator_sign(odds_g):
    loss, dodds_g = right_generator(odds_g)
    return loss, -dodds_g


def generator_from_probabilities(odds_g):
    return -np.log(sigma(odds_g)).mean(), (sigma(odds_g) - 1) / len(odds_g)


def generator_saturating_slope(odds_g):
    return right_generator(odds_g)[0], -sigma(odds_g) / len(odds_g)


def generator_half_and_sum(odds_g):
    loss, dodds_g = right_generator(odds_g)
    return loss / 2 * len(odds_g), dodds_g / 2 * len(odds_g)


def asks_the_moved_half(z, net):
    half = z.shape[1] // 2
    log_scale, shift = net(z[:, half:])
    return np.hstack([z[:, :half], (z[:, half:] - shift) / np.exp(log_scale)])


def without_its_root(x, eps, t, beta):
    a = np.cumprod(1 - beta)[t - 1, None]
    return a * x + np.sqrt(1 - a**2) * eps


WRONG = {
    "24.1": [
        (with_scale_in_log_det, "a sum of log_scale, not of its exponential"),
        (the_determinant, "that is the determinant: its logarithm is wanted"),
        (without_exp, "log_scale is used as it is"),
        (shift_first, "the shift comes behind the scale"),
        (other_half, "the halves are exchanged"),
        (not_summed, "log_det is not summed"),
        (summed_over_all, "log_det is summed over the examples as well"),
        (negative, "that is the one of the inverse"),
        (no_exp_and_negative, "log_scale is used as it is"),
        (no_exp_and_negative, "log_det: the sign is wrong"),
        (all_to_net, "it stopped with ValueError"),
        (only_moved, "z           expected shape"),
        (in_place, "it writes into its argument x"),
    ],
    "24.2": [
        (asks_the_moved_half, "the net is asked about the moved half"),
        (multiplied, "the scale is applied once more"),
        (wrong_order, "subtract the shift, then divide"),
        (shift_added, "the shift is added: subtract it"),
        (over_log_scale, "log_scale is used as it is"),
        (forward_again, "that is coupling once more"),
        (half_of_x, "expected shape"),
        (asked_the_moved_half, "the moved half is given to net"),
    ],
    "24.3": [
        (no_log_det, "dlog_det is missing in dlog_scale"),
        (no_scale_in_dlog_scale, "that is the gradient in the scale"),
        (no_scale_in_dx, "the scale is missing in dx"),
        (kept_is_zero, "the kept half goes through as it is"),
        (summed_shift, "dshift is summed over the examples"),
        (scaled_shift, "the shift is not scaled"),
        (exchanged_outputs, "the order is dx, dlog_scale, dshift"),
        (dlog_det_not_in_columns, "it stopped with ValueError"),
        (kept_in_dlog_scale, "the kept half of x stands in dlog_scale"),
        (no_log_det_and_no_kept, "dlog_det is missing in dlog_scale"),
        (no_log_det_and_no_kept, "the kept half goes through as it is"),
    ],
    "24.4": [
        (without_its_root, "the root of the product is forgotten"),
        (index_t, "one step too far"),
        (one_step, "that is the last step alone"),
        (no_roots, "both shares are variances"),
        (root_of_x_only, "the share of the noise is a variance"),
        (one_less_root, "the two shares of a variance add up to 1, not the roots"),
        (product_of_beta, "that is the product of beta"),
        (exchanged, "x and eps are exchanged"),
        (all_steps, "the product of all T steps"),
        (power_t, "each step has a beta of its own"),
        (variances_added, "the variances of the noises are added as they are"),
        (sum_for_product, "1 less the sum of beta stands"),
        (last_noise, "that is the noise of the last step alone"),
        (no_new_axis, "it stopped with ValueError"),
        (index_and_no_root, "mend that first: a second mistake is left"),
    ],
    "24.5": [
        (mean_of_all, "averaged over the numbers: the distance is a sum"),
        (mean_in_the_loss_only, "the loss is averaged over the numbers, its gradient is not"),
        (no_mean, "summed over the examples: the mean is wanted"),
        (no_n, "so its gradient is divided by N"),
        (no_two, "the 2 of the square is missing"),
        (gradient_in_eps, "sign"),
        (without_weight, "the weight is missing"),
        (weight_in_the_loss_only, "the weight is missing in the gradient"),
        (two_and_weight, "mend that first: a second mistake is left"),
    ],
    "24.6": [
        (critic_from_probabilities, "take softplus of the odds, not the log of sigmoid"),
        (critic_with_a_floor, "cut off at 1e-08"),
        (critic_without_half, "the half is missing"),
        (critic_half_in_the_loss, "the half is missing in the gradients"),
        (critic_exchanged, "data and samples are exchanged"),
        (critic_to_be_raised, "which the critic makes large"),
        (critic_sums, "summed over the examples: the mean is wanted"),
        (critic_no_n, "so its gradients are divided by N"),
        (critic_slope_of_sigmoid, "here is that of sigmoid"),
        (critic_wrong_sigmoid, "the sigmoid of odds stands where that of -odds belongs"),
        (critic_gradients_exchanged, "the order is loss_critic, dodds, dodds_g"),
    ],
    "24.7": [
        (saturating, "that loss saturates"),
        (cost_of_the_critic, "that is the critic's cost of samples"),
        (generator_with_half, "no half stands in front of the generator's loss"),
        (generator_sums, "summed over the examples: the mean is wanted"),
        (generator_no_n, "so its gradient is divided by N"),
        (generator_sign, "sign"),
        (generator_from_probabilities, "take softplus of the odds, not the log of sigmoid"),
        (generator_saturating_slope, "the slope is that of the saturating loss"),
        (generator_half_and_sum, "mend that first: a second mistake is left"),
    ],
}
RIGHT = {
    "24.1": [right_coupling, coupling_row_by_row],
    "24.2": [right_inverse, inverse_in_a_copy],
    "24.3": [right_backward, backward_in_loops],
    "24.4": [right_noised, noised_in_loops],
    "24.5": [right_noise_loss, noise_loss_by_einsum],
    "24.6": [right_critic, critic_as_a_classifier],
    "24.7": [right_generator, generator_by_cases],
}
FIXED = {}
