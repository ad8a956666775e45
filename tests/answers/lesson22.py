"""Answers of lesson 22 that people give: wrong ones with the words that name them, and right ones that look unusual."""

import numpy as np
from scipy.ndimage import laplace
from scipy.special import expit, log_expit, softmax

from minivae.teach import exercise

best_decoder, critic_loss, net_backward, both_players = (
    exercise(number).reference for number in ("22.1", "22.3", "22.5", "22.6")
)
LOG_2PI = np.log(2 * np.pi)

# ---- 22.1


def log_normal(z, mu, log_var):
    return -0.5 * (LOG_2PI + log_var + (z[:, None] - mu) ** 2 / np.exp(log_var))


def no_sum(z, mu, log_var, x):
    return np.exp(log_normal(z, mu, log_var).sum(axis=-1) + 0.5 * LOG_2PI * mu.shape[1]) @ x


def by_mean_over_images(z, mu, log_var, x):
    q = np.exp(log_normal(z, mu, log_var).sum(axis=-1) + 0.5 * LOG_2PI * mu.shape[1])
    return q @ x / len(x)


def softmax_of_z(z, mu, log_var, x):
    return softmax(log_normal(z, mu, log_var).sum(axis=-1), axis=0) @ x


def nearest(z, mu, log_var, x):
    return x[log_normal(z, mu, log_var).sum(axis=-1).argmax(axis=1)]


def closest_mean(z, mu, log_var, x):
    """Not the most probable one, the nearest."""
    return x[((z[:, None] - mu) ** 2).sum(axis=-1).argmin(axis=1)]


def without_height(z, mu, log_var, x):
    return softmax((-0.5 * (z[:, None] - mu) ** 2 / np.exp(log_var)).sum(axis=-1), axis=1) @ x


def by_distance(z, mu, log_var, x):
    return softmax(-((z[:, None] - mu) ** 2).sum(axis=-1), axis=1) @ x


def without_half(z, mu, log_var, x):
    return softmax(-(log_var + (z[:, None] - mu) ** 2 / np.exp(log_var)).sum(axis=-1), axis=1) @ x


def by_std(z, mu, log_var, x):
    return softmax(-0.5 * (log_var + (z[:, None] - mu) ** 2 / np.exp(0.5 * log_var)).sum(axis=-1), axis=1) @ x


def plain_mean(z, mu, log_var, x):
    return np.tile(x.mean(axis=0), (len(z), 1))


def decoder_two(z, mu, log_var, x):
    """No height, and the standard deviation."""
    return softmax((-0.5 * (z[:, None] - mu) ** 2 / np.exp(log_var / 2)).sum(axis=-1), axis=1) @ x


def four_latents(z, mu, log_var, x):
    total = 0
    for i in range(4):
        total = total + log_normal(z[:, [i]], mu[:, [i]], log_var[:, [i]])[..., 0]
    return softmax(total, axis=1) @ x


def decoder_in_loops(z, mu, log_var, x):
    out = np.zeros((len(z), x.shape[1]))
    for m in range(len(z)):
        q = [np.prod(np.exp(log_normal(z[m : m + 1], mu[k : k + 1], log_var[k : k + 1]))) for k in range(len(x))]
        out[m] = sum(a * b for a, b in zip(q, x, strict=True)) / sum(q)
    return out


def decoder_with_prior(z, mu, log_var, x):
    """p(z) and 1 / K in every weight cancel."""
    log_w = log_normal(z, mu, log_var).sum(axis=2) - 0.5 * (z**2).sum(axis=1, keepdims=True) - np.log(len(x))
    return (x.T @ softmax(log_w, axis=1).T).T


# ---- 22.2


def edges_of(images, mode="nearest"):
    return np.stack([laplace(image, mode=mode) for image in images])


def dark_edges(images):
    return edges_of(images, "constant").var(axis=(1, 2))


def rolled(images):
    around = sum(np.roll(images, shift, axis) for shift in (1, -1) for axis in (1, 2))
    return (around - 4 * images).var(axis=(1, 2))


def std_of_edges(images):
    return edges_of(images).std(axis=(1, 2))


def mean_absolute(images):
    return abs(edges_of(images)).mean(axis=(1, 2))


def of_all(images):
    return edges_of(images).var()


def of_bessel(images):
    return edges_of(images).var(axis=(1, 2), ddof=1)


def not_four_times(images):
    return (edges_of(images) + 3 * images).var(axis=(1, 2))


def inside_only(images):
    return edges_of(images)[:, 1:-1, 1:-1].var(axis=(1, 2))


def over_axis_zero(images):
    return edges_of(images).var(axis=0)


def sharp_two(images):
    """Dark beyond the edges, and the standard deviation."""
    return edges_of(images, "constant").std(axis=(1, 2))


def minus_laplacian(images):
    return np.array([laplace(-image, mode="nearest").ravel().var() for image in images])


def mean_square(images):
    """The Laplacian's mean is 0: what one neighbor adds, the other takes."""
    return (edges_of(images) ** 2).mean(axis=(1, 2))


def by_differences(images):
    out = np.zeros_like(images)
    for axis in (1, 2):
        step = np.diff(images, axis=axis)
        none = np.zeros_like(images.take([0], axis=axis))
        out += np.concatenate([step, none], axis=axis) - np.concatenate([none, step], axis=axis)
    return ((out - out.mean(axis=(1, 2), keepdims=True)) ** 2).mean(axis=(1, 2))


# ---- 22.3


def from_probabilities(odds, odds_g):
    _, dodds, dodds_g = critic_loss(odds, odds_g)
    return -(np.log(expit(odds)).mean() + np.log(1 - expit(odds_g)).mean()) / 2, dodds, dodds_g


def labels_exchanged(odds, odds_g):
    loss = -(log_expit(-odds).mean() + log_expit(odds_g).mean()) / 2
    return loss, expit(odds) / (2 * len(odds)), -expit(-odds_g) / (2 * len(odds_g))


def no_half(odds, odds_g):
    loss = -(log_expit(odds).mean() + log_expit(-odds_g).mean())
    return loss, -expit(-odds) / len(odds), expit(odds_g) / len(odds_g)


def slopes_of_sums(odds, odds_g):
    return critic_loss(odds, odds_g)[0], -expit(-odds) / 2, expit(odds_g) / 2


def one_heap(odds, odds_g):
    n = len(odds) + len(odds_g)
    loss = -(log_expit(odds).sum() + log_expit(-odds_g).sum()) / n
    return loss, -expit(-odds) / n, expit(odds_g) / n


def wrong_sign(odds, odds_g):
    loss, dodds, dodds_g = critic_loss(odds, odds_g)
    return loss, -dodds, dodds_g


def forgot_inner(odds, odds_g):
    loss, _, dodds_g = critic_loss(odds, odds_g)
    return loss, -expit(odds) / (2 * len(odds)), dodds_g


def slope_of_sigmoid(odds, odds_g):
    s, s_g = expit(odds), expit(odds_g)
    return critic_loss(odds, odds_g)[0], -s * (1 - s) / (2 * len(s)), s_g * (1 - s_g) / (2 * len(s_g))


def critic_two(odds, odds_g):
    """No half in the slopes and in the loss, and labels exchanged."""
    loss = -(log_expit(-odds).mean() + log_expit(odds_g).mean())
    return loss, expit(odds) / len(odds), -expit(-odds_g) / len(odds_g)


def loss_alone(odds, odds_g):
    return critic_loss(odds, odds_g)[0]


def by_size(odds, odds_g):
    loss = 0.5 * np.logaddexp(0, -odds).mean() + 0.5 * np.logaddexp(0, odds_g).mean()
    return loss, 0.5 * (expit(odds) - 1) / odds.size, 0.5 * (1 - expit(-odds_g)) / odds_g.size


def with_where(odds, odds_g):
    terms = [
        np.maximum(-odds, 0) + np.log1p(np.exp(-abs(odds))),
        np.maximum(odds_g, 0) + np.log1p(np.exp(-abs(odds_g))),
    ]
    return sum(t.mean() for t in terms) / 2, -expit(-odds) / len(odds) / 2, expit(odds_g) / len(odds_g) / 2


# ---- 22.4


def value_at(odds, p, p_g, share):
    return -(share * p * log_expit(odds) + (1 - share) * p_g * log_expit(-odds)).sum()


def for_a_half(p, p_g, share):
    odds = np.log(p / p_g)
    return odds, value_at(odds, p, p_g, share)


def upside_down(p, p_g, share):
    odds = np.log((1 - share) * p_g / (share * p))
    return odds, value_at(odds, p, p_g, share)


def the_probability(p, p_g, share):
    odds = share * p / (share * p + (1 - share) * p_g)
    return odds, value_at(odds, p, p_g, share)


def the_ratio(p, p_g, share):
    odds = share * p / ((1 - share) * p_g)
    return odds, value_at(odds, p, p_g, share)


def half_in_the_loss(p, p_g, share):
    odds = np.log(share * p / ((1 - share) * p_g))
    return odds, value_at(odds, p, p_g, 0.5)


def averaged_loss(p, p_g, share):
    odds = np.log(share * p / ((1 - share) * p_g))
    return odds, value_at(odds, p, p_g, share) / len(p)


def one_share(p, p_g, share):
    odds = np.log(share * p / p_g)
    return odds, value_at(odds, p, p_g, share)


def share_turned(p, p_g, share):
    odds = np.log(p / p_g) + np.log((1 - share) / share)
    return odds, value_at(odds, p, p_g, share)


def best_two(p, p_g, share):
    """For a half, and the sign."""
    odds = np.log(p_g / p)
    return odds, value_at(odds, p, p_g, share)


def loss_per_x(p, p_g, share):
    odds = np.log(share * p / ((1 - share) * p_g))
    return odds, share * p * np.logaddexp(0, -odds) + (1 - share) * p_g * np.logaddexp(0, odds)


def by_probability(p, p_g, share):
    d = share * p / (share * p + (1 - share) * p_g)
    return np.log(d) - np.log1p(-d), -(share * p @ np.log(d) + (1 - share) * p_g @ np.log(1 - d))


def by_entropies(p, p_g, share):
    """The entropy of the kind less what x says of it."""
    mixed = share * p + (1 - share) * p_g
    told = share * (p * np.log(p / mixed)).sum() + (1 - share) * (p_g * np.log(p_g / mixed)).sum()
    return np.log(p) - np.log(p_g) + np.log(share / (1 - share)), -share * np.log(share) - (1 - share) * np.log(
        1 - share
    ) - told


# ---- 22.5


def chain(dy, x, W1, b1, W2, slope, inner, to_x=True):
    da = dy @ W2.T * slope
    return (da @ W1.T if to_x else da), x.T @ da, da.sum(axis=0), inner.T @ dy, dy.sum(axis=0)


def as_relu(dy, x, W1, b1, W2, b2):
    a = x @ W1 + b1
    return chain(dy, x, W1, b1, W2, a > 0, np.where(a > 0, a, 0.2 * a))


def all_relu(dy, x, W1, b1, W2, b2):
    a = x @ W1 + b1
    return chain(dy, x, W1, b1, W2, a > 0, np.maximum(a, 0))


def no_slope(dy, x, W1, b1, W2, b2):
    a = x @ W1 + b1
    return chain(dy, x, W1, b1, W2, 1, np.where(a > 0, a, 0.2 * a))


def stops_at_da(dy, x, W1, b1, W2, b2):
    a = x @ W1 + b1
    return chain(dy, x, W1, b1, W2, np.where(a > 0, 1, 0.2), np.where(a > 0, a, 0.2 * a), to_x=False)


def a_for_h(dy, x, W1, b1, W2, b2):
    a = x @ W1 + b1
    return chain(dy, x, W1, b1, W2, np.where(a > 0, 1, 0.2), a)


def means_of(dy, x, *weights):
    dx, *grads = net_backward(dy, x, *weights)
    return dx, *(g / len(x) for g in grads)


def without_b1(dy, x, W1, b1, W2, b2):
    a = x @ W1
    return chain(dy, x, W1, b1, W2, np.where(a > 0, 1, 0.2), np.where(a > 0, a, 0.2 * a))


def dW1_turned(dy, x, *weights):
    dx, dW1, *rest = net_backward(dy, x, *weights)
    return dx, dW1.T, *rest


def no_dx(dy, x, *weights):
    return net_backward(dy, x, *weights)[1:]


def by_sign(dy, x, W1, b1, W2, b2):
    """leaky(a) has the sign of a; max(a, 0.2 a) is leaky(a)."""
    h = np.maximum(x @ W1 + b1, 0.2 * (x @ W1 + b1))
    dh = dy @ W2.T
    dh[h <= 0] *= 0.2
    return [dh @ W1.T, np.einsum("ni,nj->ij", x, dh), dh.sum(0), np.einsum("ni,nj->ij", h, dy), dy.sum(0)]


def by_examples(dy, x, W1, b1, W2, b2):
    rows = [net_backward(dy[n : n + 1], x[n : n + 1], W1, b1, W2, b2) for n in range(len(x))]
    return np.concatenate([row[0] for row in rows]), *(sum(row[i] for row in rows) for i in range(1, 5))


# ---- 22.6


def net(x, W1, b1, W2, b2):
    a = x @ W1 + b1
    return np.where(a > 0, a, 0.2 * a) @ W2 + b2


def step(x, z, generator, critic, own=lambda odds_g: -expit(-odds_g) / len(odds_g), cost=None, help_critic=0,
         scale=1.0, real=1, made=1):  # fmt: skip
    x_g = net(z, *generator)
    odds, odds_g = net(x, *critic), net(x_g, *critic)
    through, *helped = net_backward(own(odds_g), x_g, *critic)
    loss_critic, dodds, dodds_g = critic_loss(odds, odds_g)
    of_x = net_backward(scale * real * dodds, x, *critic)[1:]
    of_x_g = net_backward(scale * made * dodds_g, x_g, *critic)[1:]
    loss = -log_expit(odds_g).mean() if cost is None else cost(odds_g)
    grads = (a + b + help_critic * c for a, b, c in zip(of_x, of_x_g, helped, strict=True))
    return loss, loss_critic, *net_backward(through, z, *generator)[1:], *grads


def leaks(x, z, *w):
    return step(x, z, w[:4], w[4:], help_critic=1)


def one_loss_for_both(x, z, *w):
    generator, critic = w[:4], w[4:]
    x_g = net(z, *generator)
    odds, odds_g = net(x, *critic), net(x_g, *critic)
    loss_critic, dodds, dodds_g = critic_loss(odds, odds_g)
    of_x = net_backward(dodds, x, *critic)[1:]
    dx_g, *of_x_g = net_backward(dodds_g - expit(-odds_g) / len(x), x_g, *critic)
    grads = (a + b for a, b in zip(of_x, of_x_g, strict=True))
    return -log_expit(odds_g).mean(), loss_critic, *net_backward(dx_g, z, *generator)[1:], *grads


def climbs_equation_one(x, z, *w):
    return step(x, z, w[:4], w[4:], own=lambda odds_g: -expit(odds_g) / len(odds_g))


def no_n(x, z, *w):
    return step(x, z, w[:4], w[4:], own=lambda odds_g: -expit(-odds_g))


def minus_forgotten(x, z, *w):
    return step(x, z, w[:4], w[4:], own=lambda odds_g: expit(-odds_g) / len(odds_g))


def critic_climbs(x, z, *w):
    return step(x, z, w[:4], w[4:], scale=-1)


def real_only(x, z, *w):
    found = step(x, z, w[:4], w[4:], made=0)
    odds = net(x, *w[4:])
    return found[0], -log_expit(odds).mean() / 2, *found[2:]


def critic_first(x, z, *w):
    """The critic takes a step, and the generator's gradient is through the new one."""
    right = both_players(x, z, *w)
    moved = [a - 0.1 * g for a, g in zip(w[4:], right[6:], strict=True)]
    return *right[:2], *both_players(x, z, *w[:4], *moved)[2:6], *right[6:]


def exchanged_losses(x, z, *w):
    loss, loss_critic, *grads = both_players(x, z, *w)
    return loss_critic, loss, *grads


def both_of_22_6(x, z, *w):
    """The leak, and 1 / N."""
    return step(x, z, w[:4], w[4:], own=lambda odds_g: -expit(-odds_g), help_critic=1)


def critic_grads_first(x, z, *w):
    loss, loss_critic, *grads = both_players(x, z, *w)
    return loss, loss_critic, *grads[4:], *grads[:4]


def stacked(x, z, *w):
    """Data and samples through the critic in one call: the gradients of its parameters add up by themselves."""
    generator, critic, N = w[:4], w[4:], len(x)
    x_g = net(z, *generator)
    odds = net(np.concatenate([x, x_g]), *critic)
    dodds = np.concatenate([expit(odds[:N]) - 1, expit(odds[N:])]) / (2 * N)
    through = net_backward((expit(odds[N:]) - 1) / N, x_g, *critic)[0]
    loss_critic = (np.logaddexp(0, -odds[:N]).sum() + np.logaddexp(0, odds[N:]).sum()) / (2 * N)
    grads = net_backward(dodds, np.concatenate([x, x_g]), *critic)[1:]
    return np.logaddexp(0, -odds[N:]).mean(), loss_critic, *net_backward(through, z, *generator)[1:], *grads


def by_linearity(x, z, *w):
    """dx is linear in the slope, row by row: one way back for both players."""
    generator, critic, N = w[:4], w[4:], len(x)
    x_g = net(z, *generator)
    odds, odds_g = net(x, *critic), net(x_g, *critic)
    dx_g, *made = net_backward(expit(odds_g) / (2 * N), x_g, *critic)
    made = [a + b for a, b in zip(made, net_backward(-expit(-odds) / (2 * N), x, *critic)[1:], strict=True)]
    grads = net_backward(dx_g * (-2 * expit(-odds_g) / expit(odds_g)), z, *generator)[1:]
    return -log_expit(odds_g).sum() / N, -(log_expit(odds) + log_expit(-odds_g)).mean() / 2, *grads, *made


SECOND = "mend that first: a second mistake is left"
WRONG = {
    "22.1": [
        (no_sum, "the weights of one z do not add up to 1"),
        (by_mean_over_images, "divided by K, not by the sum of the weights"),
        (softmax_of_z, "divided by the sum over z"),
        (nearest, "that is the image with the largest q"),
        (closest_mean, ""),
        (without_height, "the height of a density is missing"),
        (by_distance, "only the distance to mu counts here, without the half"),
        (without_half, "the half is missing in log q"),
        (by_std, "divided by the standard deviation"),
        (plain_mean, "all images weigh the same"),
        (decoder_two, SECOND),
        (four_latents, ""),
    ],
    "22.2": [
        (dark_edges, "here it is dark there"),
        (rolled, "as np.roll does"),
        (std_of_edges, "the standard deviation, not the variance"),
        (mean_absolute, "the mean absolute value, not the variance"),
        (of_all, "got a single number"),
        (of_bessel, "the variance over h w - 1"),
        (not_four_times, "four times the pixel is subtracted, not once"),
        (inside_only, ""),
        (over_axis_zero, "got shape"),
        (sharp_two, SECOND),
    ],
    "22.3": [
        (from_probabilities, "not finite"),
        (labels_exchanged, "data and samples are exchanged"),
        (no_half, "the half is missing"),
        (slopes_of_sums, "its slopes are those of sums"),
        (one_heap, "all odds weigh the same here"),
        (wrong_sign, "sign"),
        (forgot_inner, "a minus inside is forgotten"),
        (slope_of_sigmoid, "that is the slope of sigmoid"),
        (critic_two, SECOND),
        (loss_alone, "expected it to return loss, dodds, dodds_g"),
    ],
    "22.4": [
        (for_a_half, "share is forgotten: that is right for a half"),
        (upside_down, "the sign: odds are high where data are likelier"),
        (the_probability, "that is the probability of data"),
        (the_ratio, "that is the ratio; odds are its logarithm"),
        (half_in_the_loss, "in the loss both kinds weigh a half"),
        (averaged_loss, "the loss is averaged over x"),
        (one_share, "1 - share is forgotten"),
        (share_turned, "share is upside down"),
        (best_two, SECOND),
        (loss_per_x, "expected a single number, got shape"),
    ],
    "22.5": [
        (as_relu, "the slope of leaky below 0 is 0.2, not 0"),
        (all_relu, "that is max(a, 0)"),
        (no_slope, "the slope of leaky is missing"),
        (stops_at_da, "the way through W1 is missing"),
        (a_for_h, "the second layer's input is leaky(a), not a"),
        (means_of, "averaged over the examples"),
        (without_b1, "b1 is forgotten in a"),
        (dW1_turned, "transpose"),
        (no_dx, "expected it to return dx, dW1, db1, dW2, db2"),
    ],
    "22.6": [
        (leaks, "the critic gets the generator's gradient as well"),
        (one_loss_for_both, "both get the gradient of the sum of both losses"),
        (climbs_equation_one, "the generator climbs the critic's loss"),
        (no_n, "the generator's slope is not divided by N"),
        (minus_forgotten, "the minus in the generator's slope is forgotten"),
        (critic_climbs, "the critic climbs"),
        (real_only, "the critic does not learn from the samples"),
        (critic_first, ""),
        (exchanged_losses, "that is loss_critic"),
        (both_of_22_6, "the generator's slope is not divided by N"),
        (critic_grads_first, "got shape"),
    ],
}
RIGHT = {
    "22.1": [decoder_in_loops, decoder_with_prior],
    "22.2": [minus_laplacian, mean_square, by_differences],
    "22.3": [by_size, with_where],
    "22.4": [by_probability, by_entropies],
    "22.5": [by_sign, by_examples],
    "22.6": [stacked, by_linearity],
}
FIXED = {
    "22.3": {"odds, axis 1", "odds_g, axis 1"},
    "22.6": {"W2, axis 1", "b2, axis 0"},  # a critic gives one number
}
